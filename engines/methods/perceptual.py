"""A perceptual term for a generator's loss: features of a network that learned on photographs."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines import pretrained

DEPTH = 18  # VGG-19 up to the ReLU behind its convolution 3_4
_MEAN, _SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, for values in [0, 1]


class VggFeatures(nn.Module):
    """Images [B, C, H, W] in [-1, 1] -> features [B, 256, H/4, W/4] of VGG-19 (Simonyan & Zisserman 2015)."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        for name, values in (("mean", _MEAN), ("sd", _SD)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        colour = (images + 1) / 2
        if colour.shape[1] == 1:
            colour = colour.expand(-1, 3, -1, -1)
        return self.layers((colour - self.get_buffer("mean")) / self.get_buffer("sd"))


def vgg19(folder: Path | None) -> VggFeatures:
    """The features with the published weights. Raises LabError where these are missing or do not fit."""
    from torchvision.models import vgg19 as network  # here, since it takes a second to import

    state, found = pretrained.read_state("vgg19", folder)
    with torch.device("meta"):  # its 550 MB need not be drawn at random first
        whole = network()
    whole.to_empty(device="cpu")
    pretrained.fill(whole, state, found)
    return VggFeatures(whole.features[:DEPTH])


def perceptual_distance(features: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared difference between the mean features of reals and of fakes.

    Johnson et al. 2016 compare a picture with its target. Here no fake has one, so the means over the batch are
    compared, as in feature matching (Salimans et al. 2016, eq. in section 3.1).
    """
    with torch.no_grad():
        target = features(real).float().mean(dim=0)
    return F.mse_loss(features(fake).float().mean(dim=0), target)

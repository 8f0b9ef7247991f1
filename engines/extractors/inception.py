"""The FID's Inception network: torch-fidelity's own, run faster."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import nn

from engines.extractors.base import Extractor, ExtractorSpec
from engines.extractors.networks import as_extractor
from engines.pretrained import read_state, unfit


class _Pooled(nn.Module):
    """torch-fidelity's network, giving the pooled features only."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.network(pixels)[0]
        return features


def _eight_bit(stored: torch.Tensor, top: int) -> torch.Tensor:
    """Stored pixels [B, C, H, W] in [0, top] as the network takes them: [B, 3, H, W] uint8; 16 bit are rounded."""
    return (stored * (255 / top)).round().to(torch.uint8).expand(-1, 3, -1, -1)


def load(folder: Path | None) -> Extractor:
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

    state, found = read_state("fid_inception", folder)
    # Its constructor reads a file without care for what is in it: so it gets our own copy of the checked tensors.
    copy = io.BytesIO()
    torch.save(state, copy)
    copy.seek(0)
    try:
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=copy)
    except RuntimeError as error:
        raise unfit(found.path, "Its tensors are not those of this network.") from error
    for block in network.modules():
        if isinstance(block, BasicConv2d):  # batch normalisation folded into the convolution: the same maths once
            block.conv = nn.utils.fuse_conv_bn_eval(block.conv.eval(), block.bn.eval())
            block.bn = nn.Identity()
    head = network.fc.weight.detach().T.contiguous().numpy()  # "logits_unbiased" are features @ head
    return as_extractor("inception", found, _Pooled(network), _eight_bit, 2048, head)


EXTRACTOR = ExtractorSpec(
    name="inception",
    title="FID Inception",
    summary="The network behind the published FID, KID and inception score, trained on photographs (ImageNet).",
    source="Heusel et al., NeurIPS 2017; network and TensorFlow-like resizing of torch-fidelity (Apache 2.0)",
    dim=2048,
    load=load,
    weights=("fid_inception",),
)

"""The perceptual term: VGG-19 up to conv 3_4, the distance of mean features, and what is said where weights are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import vgg19 as torchvision_vgg19

from engines import pretrained, weights
from engines.errors import LabError
from engines.methods import perceptual
from engines.methods.base import NetSpec, Step
from engines.methods.wgan_gp import METHOD, VGG, build, phases


def test_distance_is_between_the_means_of_the_batches() -> None:
    real, fake = torch.zeros(4, 3, 8, 8), torch.ones(4, 3, 8, 8)
    fake[0] = -3  # the mean over the batch is 0, as of the reals
    assert perceptual.perceptual_distance(nn.Identity(), real, fake).item() == 0
    assert perceptual.perceptual_distance(nn.Identity(), real, fake + 2).item() == pytest.approx(4)


def test_features_are_those_of_conv_3_4(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with torch.device("meta"):
        state: dict[str, Any] = {
            name: torch.zeros(tensor.shape, device="cpu") for name, tensor in torchvision_vgg19().state_dict().items()
        }
    for name in [name for name in state if name.startswith("features")]:
        state[name] = torch.randn(state[name].shape, generator=torch.Generator().manual_seed(len(name))) * 0.05
    found = weights.Found(tmp_path / "vgg19-dcbb9e9d.pth", "dcbb9e9d", True)
    monkeypatch.setattr(pretrained, "read_state", lambda name, folder: (state, found))
    features = perceptual.vgg19(None).eval()
    assert sum(isinstance(layer, nn.Conv2d) for layer in features.layers) == 8  # two, two and four
    grey = torch.rand(2, 1, 32, 32) * 2 - 1
    out = features(grey)
    assert out.shape == (2, 256, 8, 8) and out.std() > 0
    assert torch.allclose(out, features(grey.expand(-1, 3, -1, -1)))


def test_a_training_with_it_needs_the_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(weights.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    networks = build(METHOD.choose("perceptual", {"size": 64}), NetSpec(3, weights=tmp_path))
    with pytest.raises(LabError, match="VGG-19") as refusal:
        networks.pretrained[VGG]()
    assert "vgg19-dcbb9e9d.pth" in refusal.value.why
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "vgg19-own.pth")
    with pytest.raises(LabError, match="cannot be used"):
        networks.pretrained[VGG]()
    assert not build(METHOD.choose("as_published", {"size": 64}), NetSpec(3)).pretrained


def test_the_generator_learns_from_it() -> None:
    options = METHOD.choose("tiny", {"perceptual_weight": 2.0})
    networks = build(options, NetSpec(1))
    told: dict[str, float] = {}
    real = torch.rand(4, 1, 64, 64) * 2 - 1
    nets = {**networks.nets, VGG: nn.AvgPool2d(8)}
    step = Step(
        nets, real, 0, lambda name, value: told.update({name: float(value.detach())}), torch.zeros(4, dtype=torch.int64)
    )
    torch.manual_seed(0)
    loss = phases(options)[1].loss(step)
    assert told["perceptual_distance"] > 0
    assert loss.item() == pytest.approx(told["g_loss"] + 2 * told["perceptual_distance"], rel=1e-5)

"""Networks as extractors: the same numbers as their originals, safe with any file, and named by what made them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_fidelity
from PIL import Image
from torch import nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchvision import models

from engines import registry
from engines.errors import LabError
from engines.extractors import efficientnet_b5, inception, inception_v3, mobilenet_v2, resnet18, resnet50, squeezenet
from engines.extractors.base import Extractor, loaded
from engines.metrics.features import described_by
from engines.metrics.frechet import frechet_distance

Array = np.ndarray[Any, np.dtype[Any]]
COUNT = 4


def quiet(fraction: float) -> None:
    pass


def pictures(seed: int, dtype: Any = np.uint8) -> Array:
    """Blocks of random grey, [COUNT, 40, 32, 1]: not square, so that swapped sides show."""
    top = np.iinfo(dtype).max
    small = np.random.default_rng(seed).integers(0, top, (COUNT, 10, 8, 1), dtype, endpoint=True)
    return small.repeat(4, 1).repeat(4, 2)


@pytest.fixture(scope="module")
def random_inception(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of random weights that neither vanish nor explode, with batch statistics that folding must respect."""
    path = tmp_path_factory.mktemp("weights") / "fid_inception-random.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "load", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = FeatureExtractorInceptionV3("random", ["2048"], feature_extractor_weights_path="none")
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.7, 1.3)
            module.weight.uniform_(0.8, 1.2)
            module.bias.uniform_(-0.1, 0.1)
    torch.save(network.state_dict(), path)
    yield path


@pytest.fixture(scope="module")
def ours(random_inception: Path) -> Extractor:
    return loaded(inception.EXTRACTOR, random_inception.parent)


def test_inception_gives_torch_fidelity_s_features_and_logits(random_inception: Path, ours: Extractor) -> None:
    theirs = FeatureExtractorInceptionV3(
        "stock", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(random_inception)
    )
    images = pictures(1)
    with torch.inference_mode():
        features, logits = theirs(torch.from_numpy(images).permute(0, 3, 1, 2).expand(-1, 3, -1, -1))
    found = ours.describe(images)
    assert found.shape == (COUNT, 2048) and found.dtype == np.float32
    assert np.abs(found - features.numpy()).max() < 1e-3 * features.abs().mean()
    assert ours.head is not None and ours.head.shape == (2048, 1008)
    assert np.abs(found @ ours.head - logits.numpy()).max() < 1e-3 * logits.abs().mean()
    deep = ours.describe(images.astype(np.uint16) * 257)  # 16 bit: the same grey values, not clipped to white
    assert np.array_equal(deep, found)


@pytest.mark.slow  # the reference takes the eigenvalues of a 2048 × 2048 matrix
@pytest.mark.long
def test_fid_from_files_is_torch_fidelity_s(random_inception: Path, ours: Extractor, tmp_path: Path) -> None:
    sets = pictures(2), np.sqrt(pictures(3) / 255.0)
    synthetic, real = sets[0], np.round(sets[1] * 255).astype(np.uint8)
    for name, images in (("synthetic", synthetic), ("real", real)):
        (tmp_path / name).mkdir()
        for n, image in enumerate(images):
            Image.fromarray(image[..., 0]).convert("RGB").save(tmp_path / name / f"{n}.png")
    theirs = torch_fidelity.calculate_metrics(
        input1=str(tmp_path / "synthetic"), input2=str(tmp_path / "real"), fid=True, cuda=False, save_cpu_ram=True,
        verbose=False, cache=False, batch_size=COUNT, feature_extractor_weights_path=str(random_inception),
    )["frechet_inception_distance"]  # fmt: skip
    read = [
        np.stack([np.asarray(Image.open(tmp_path / name / f"{n}.png"))[..., :1] for n in range(COUNT)])
        for name in ("real", "synthetic")
    ]
    features = [described_by(ours, images, None, quiet) for images in read]
    assert frechet_distance(features[0], features[1]) == pytest.approx(theirs, rel=1e-3)
    assert frechet_distance(features[0], features[0]) < 1e-3 * theirs


@pytest.mark.parametrize(
    ("module", "name"),
    [(mobilenet_v2, "mobilenet_v2"), (squeezenet, "squeezenet1_0"), (resnet50, "resnet50"), (resnet18, "resnet18")],
)
def test_torchvision_networks_give_their_pooled_features(module: Any, name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    whole = models.get_model(name, weights=None).eval()
    torch.save(whole.state_dict(), tmp_path / f"{name}-own.pth")
    seen: list[torch.Tensor] = []
    last = whole.features if hasattr(whole, "features") else whole.layer4
    last.register_forward_hook(lambda _, __, output: seen.append(output))
    images = pictures(4, np.uint16)[:2].repeat(3, axis=3)
    unit = torch.from_numpy(images.astype(np.float32) / 65535).permute(0, 3, 1, 2)
    unit = nn.functional.interpolate(unit, size=(224, 224), mode="bicubic", antialias=True).clamp(0, 1)
    mean, sd = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        whole((unit - mean[:, None, None]) / sd[:, None, None])
    expected = seen[0].mean((2, 3)).numpy()
    ready = loaded(module.EXTRACTOR, tmp_path)
    assert ready.describe(images) == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert ready.dim == module.EXTRACTOR.dim == expected.shape[1]
    assert f"{name}-own.pth" in ready.label and any(f"{name}-own.pth" in text for text in ready.warnings)
    assert ready.about["published"] is False and ready.about["sha256"][:8] in ready.id
    grey = ready.describe(images[..., :1])
    assert np.array_equal(grey, ready.describe(images[..., :1].repeat(3, axis=3)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "side"), [(inception_v3, 299), pytest.param(efficientnet_b5, 456, marks=pytest.mark.long)]
)
def test_networks_of_other_sides_give_what_enters_their_last_layer(module: Any, side: int, tmp_path: Path) -> None:
    name = module.EXTRACTOR.name
    torch.manual_seed(1)
    own = {"init_weights": False, "transform_input": True} if name == "inception_v3" else {}
    whole = models.get_model(name, weights=None, **own).eval()
    torch.save(whole.state_dict(), tmp_path / f"{name}-own.pth")
    seen: list[torch.Tensor] = []
    last = whole.fc if name == "inception_v3" else whole.classifier[-1]
    last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images = pictures(5)[:2].repeat(3, axis=3)
    unit = torch.from_numpy(images.astype(np.float32) / 255).permute(0, 3, 1, 2)
    unit = nn.functional.interpolate(unit, size=(side, side), mode="bicubic", antialias=True).clamp(0, 1)
    mean, sd = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        whole((unit - mean[:, None, None]) / sd[:, None, None])
    ready = loaded(module.EXTRACTOR, tmp_path)
    found = ready.describe(images)
    assert found.shape == (2, ready.dim) and found == pytest.approx(seen[0].numpy(), rel=1e-3, abs=1e-5)
    assert ready.maps is not None
    assert ready.maps(images).mean(axis=(2, 3)) == pytest.approx(found, rel=1e-3, abs=1e-5)


def test_a_file_that_is_no_such_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "squeezenet1_0-own.pth"
    for content, words in (({"weight": torch.zeros(2)}, "not those of this network"), ([1, 2], "plain table")):
        torch.save(content, path)
        with pytest.raises(LabError, match="cannot be used") as caught:
            loaded(squeezenet.EXTRACTOR, tmp_path)
        assert words in caught.value.why


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    torch.save(Hostile(str(touched)), tmp_path / "squeezenet1_0-own.pth")
    with pytest.raises(LabError, match="cannot be used"):
        loaded(squeezenet.EXTRACTOR, tmp_path)
    assert not touched.exists()


class Hostile:
    """What a pickle may hold: a call that its reader makes."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)


def test_every_extractor_is_described() -> None:
    specs = registry.load("extractors")
    assert {"texture", "inception", "mobilenet_v2", "squeezenet", "resnet50"} <= set(specs)
    for name, spec in specs.items():
        assert spec.name == name and spec.title and spec.summary and spec.source and spec.dim > 0

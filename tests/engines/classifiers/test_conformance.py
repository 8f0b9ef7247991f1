"""Every classifier: learns what can be learned, gives probabilities, repeats itself, refuses what makes no sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

from engines import device, registry, weights
from engines.classifiers.base import Array, ClassifierSpec, Fitting, Labelled
from engines.errors import LabError

SPECS: dict[str, ClassifierSpec] = registry.load("classifiers")
CLASSES = ("ring", "spot", "plain")

# Options that make each classifier small enough for a test; the heavy ones are left to CI.
TINY: dict[str, dict[str, Any]] = {
    "random_forest": {"trees": 30},
    "cnn_small": {"width": 8, "epochs": 25, "dropout": 0.1, "learning_rate": 3e-3, "batch": 16},
    "mobilenet_v2_frozen": {"epochs": 60, "learning_rate": 1e-2},
    "squeezenet_frozen": {"epochs": 200, "learning_rate": 1e-1},
    "resnet18_frozen": {"epochs": 60, "learning_rate": 1e-2},
    "inception_v3_frozen": {"epochs": 60, "learning_rate": 3e-3},
    "efficientnet_b5_frozen": {"epochs": 10},
    "resnet18": {"side": 32, "epochs": 12, "learning_rate": 1e-3, "batch": 16},
    "densenet169": {"side": 32, "epochs": 12, "learning_rate": 1e-3, "batch": 16},
    "swin_tiny": {"side": 32, "epochs": 2, "batch": 16},
    "vgg16": {"side": 32, "epochs": 2, "batch": 16},
    "inception_resnet_v2": {"side": 75, "epochs": 2, "batch": 16},
}
# Learn the toys only in many minutes, or not at all with random frozen weights: their answers need not be right here.
SLOW_TO_LEARN = {"swin_tiny", "vgg16", "inception_resnet_v2", "efficientnet_b5_frozen"}
NETWORKS = {  # torchvision's, by the weights' names
    "mobilenet_v2": 224, "squeezenet1_0": 224, "resnet18": 224, "resnet50": 224, "inception_v3": 299,
    "efficientnet_b5": 456, "densenet169": 224, "vgg16": 224, "swin_t": 224,
}  # fmt: skip
LIGHT = (
    "logistic_regression", "svm_linear", "svm_rbf", "random_forest", "cnn_small", "squeezenet_frozen",
)  # fmt: skip


def toys(count: int, seed: int, classes: int = 3, channels: int = 1, dtype: Any = np.uint8) -> Labelled:
    """Images [count, 24, 24, channels] of a ring, a spot or neither, in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    y, x = np.mgrid[:24, :24] - 11.5
    radius = np.hypot(x, y)
    shapes = np.stack([(np.abs(radius - 8) < 2), radius < 5, radius < 0]).astype(float)
    unit = 0.3 + 0.5 * shapes[labels] + 0.1 * rng.standard_normal((count, 24, 24))
    top = np.iinfo(dtype).max
    images = (unit.clip(0, 1) * top).astype(dtype)[..., None].repeat(channels, axis=-1)
    return Labelled(images, labels.astype(np.int64), [f"patient {n // 2}" for n in range(count)])


def lively(network: nn.Module, side: int) -> nn.Module:
    """Batch statistics as of noise in grey: with those it was made with, signals fade from layer to layer."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.inference_mode():
        network.train()(torch.randn(8, 1, side, side).expand(-1, 3, -1, -1))
    return network


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run beside others: threads that wait for one another would take many times as long."""
    monkeypatch.setattr(device, "cores", lambda: 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which weights are looked for."""
    place = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(weights.FOLDER_VARIABLE, str(place))
        yield place


def draw(name: str, folder: Path) -> None:
    """Random weights for a classifier, under the names by which conversions are found."""
    for wanted in SPECS[name].weights:
        path = folder / f"{wanted}-test.pth"
        if not path.exists():
            torch.manual_seed(0)
            whole = models.get_model(
                wanted, weights=None, **({"init_weights": True} if wanted == "inception_v3" else {})
            )
            torch.save(lively(whole, NETWORKS[wanted]).state_dict(), path)


def fitted(name: str, fitting: Fitting, **changes: Any) -> Any:
    spec = SPECS[name]
    return spec.fit(spec.options(**(TINY.get(name, {}) | changes)), fitting)


# The frozen one learns for half a minute: the default suite asks it about two classes in colour only.
QUICK = [name for name in LIGHT if name != "squeezenet_frozen"]
SLOW = [pytest.param(name, marks=(pytest.mark.slow, pytest.mark.long)) for name in sorted(set(SPECS) - set(QUICK))]


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_learns_and_repeats_itself(name: str, folder: Path, tmp_path: Path) -> None:
    draw(name, folder)
    heard: list[float] = []
    learned, asked = (15, 9) if name in SLOW_TO_LEARN else (60, 30)
    fitting = Fitting(toys(learned, 1), CLASSES, seed=5, cache=tmp_path / "cache", progress=heard.append)
    test = toys(asked, 2)
    ours = fitted(name, fitting)
    found = ours.probabilities(test.images)
    assert found.shape == (asked, 3) and found.dtype == np.float64
    assert (found >= 0).all() and np.allclose(found.sum(axis=1), 1)
    assert name in SLOW_TO_LEARN or (found.argmax(axis=1) == test.labels).mean() >= 0.8
    assert heard and heard == sorted(heard) and 0 <= heard[0] and heard[-1] <= 1

    # The same seed gives the same answers; looking never changes them.
    features = ours.features(test.images)
    assert features.shape[0] == asked and features.ndim == 2 and features.dtype == np.float32
    assert features.std() > 0
    heat = ours.saliency(test.images[:4], 1)
    if heat is not None:
        assert heat.shape == (4, 24, 24) and heat.dtype == np.float32 and heat.min() >= 0 and heat.max() <= 1
    state = torch.random.get_rng_state()
    again = fitted(name, fitting)
    assert torch.equal(state, torch.random.get_rng_state())
    assert np.array_equal(again.probabilities(test.images), found)
    assert np.array_equal(ours.probabilities(test.images), found)


@pytest.mark.parametrize("name", ["logistic_regression", "svm_rbf", "random_forest", "cnn_small", "squeezenet_frozen"])
def test_two_classes_in_colour_and_16_bit(name: str, folder: Path) -> None:
    draw(name, folder)
    train, test = (toys(40, seed, 2, 3, np.uint16) for seed in (3, 4))
    ours = fitted(name, Fitting(train, CLASSES[:2]), balanced=True)
    found = ours.probabilities(test.images)
    assert found.shape == (40, 2) and (found.argmax(axis=1) == test.labels).mean() >= 0.8
    if name != "squeezenet_frozen":  # an extractor takes either
        with pytest.raises(LabError, match="do not fit"):
            ours.probabilities(test.images[..., :1])


@pytest.mark.parametrize("name", sorted(SPECS))
def test_refuses_what_cannot_be_learned(name: str, folder: Path) -> None:
    train = toys(12, 1, 2)
    wrong = {
        "no images": Fitting(replace(train, images=train.images[:0], labels=train.labels[:0]), CLASSES[:2]),
        "only one class": Fitting(replace(train, labels=train.labels * 0), CLASSES[:1]),
        "class “plain”": Fitting(train, CLASSES),
        "not in the list": Fitting(replace(train, labels=train.labels + 2), CLASSES[:2]),
        "do not belong together": Fitting(replace(train, labels=train.labels[:5]), CLASSES[:2]),
    }
    for words, fitting in wrong.items():
        with pytest.raises(LabError, match=words):
            fitted(name, fitting)


@pytest.mark.parametrize("name", LIGHT)
def test_stops_when_told(name: str, folder: Path) -> None:
    class Stop(Exception):
        pass

    def stop(fraction: float) -> None:
        raise Stop

    draw(name, folder)
    with pytest.raises(Stop):
        fitted(name, Fitting(toys(12, 1), CLASSES, progress=stop))


@pytest.mark.parametrize("name", sorted(SPECS))
def test_is_described(name: str) -> None:
    spec = SPECS[name]
    assert spec.name == name and spec.title and spec.summary and spec.source
    assert set(spec.weights) <= set(weights.KNOWN)
    for preset in spec.presets.values():
        assert preset.title and preset.summary
        assert spec.options(**preset.changes)
    for field in spec.options.model_fields.values():
        assert field.title and field.description


def test_missing_weights_and_unknown_extractors_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv(weights.FOLDER_VARIABLE, raising=False)
    fitting = Fitting(toys(12, 1), CLASSES, weights=tmp_path)
    with pytest.raises(LabError, match="not on this computer"):
        fitted("mobilenet_v2_frozen", fitting)
    with pytest.raises(LabError, match="no extractor “radiomics”"):
        fitted("svm_linear", fitting, on="radiomics")


def accuracy(found: Array, labels: Array) -> float:
    return float((found.argmax(axis=1) == labels).mean())


def test_validation_chooses_the_epoch_and_every_epoch_is_told() -> None:
    train, validation = toys(30, 1), toys(30, 7)
    # Some wrong answers: whoever grows too sure is punished, so the best epoch is an early one.
    validation = replace(validation, labels=np.where(np.arange(30) < 9, validation.labels[::-1], validation.labels))
    told: list[tuple[int, float]] = []
    fitting = Fitting(train, CLASSES, validation, epoch=lambda n, loss: told.append((n, loss)))
    ours = fitted("cnn_small", fitting, patience=3, epochs=40, learning_rate=2e-2)
    assert [n for n, _ in told] == list(range(1, len(told) + 1)) and len(told) < 40
    found = ours.probabilities(validation.images)
    loss = -np.log(found[np.arange(30), validation.labels]).mean()
    assert told[-4][1] == min(loss for _, loss in told)
    assert loss == pytest.approx(min(loss for _, loss in told), rel=1e-4)


def test_class_weights_lift_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(200) % 10 == 0).astype(np.int64)
    images = (120 + 12 * labels[:, None, None, None] + 20 * rng.standard_normal((200, 4, 4, 1))).astype(np.uint8)
    train = Labelled(images, labels)
    for name in ("logistic_regression", "svm_linear", "random_forest", "cnn_small"):
        changes: dict[str, Any] = {"random_forest": {"leaf": 5}, "cnn_small": {"epochs": 6}}.get(name, {})
        plain, even = (fitted(name, Fitting(train, CLASSES[:2]), balanced=flag, **changes) for flag in (False, True))
        rare = [(which.probabilities(images).argmax(axis=1) == 1).mean() for which in (plain, even)]
        assert rare[1] > rare[0], name

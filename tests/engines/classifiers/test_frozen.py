"""A head on kept features is the last layer of the whole network, and Grad-CAM is the whole network's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engines.classifiers import frozen
from engines.classifiers.base import Array, Fitting, Labelled
from engines.classifiers.checks import class_weights
from engines.extractors.base import Extractor

EPOCHS, BATCH = 30, 16


def backbone() -> nn.Sequential:
    """A small network with all that might tell training from use: batch normalisation and dropout."""
    torch.manual_seed(3)
    layers = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5),
        nn.Conv2d(8, 24, 3, stride=2, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
    )  # fmt: skip
    with torch.inference_mode():
        layers(torch.rand(64, 1, 16, 16))  # some batch statistics
    return layers.eval().requires_grad_(False)


def tensor(images: Array) -> torch.Tensor:
    return torch.from_numpy(images.astype(np.float32) / 255).permute(0, 3, 1, 2)


def extractor(layers: nn.Sequential) -> Extractor:
    def maps(images: Array) -> Array:
        with torch.inference_mode():
            return np.asarray(layers(tensor(images)).numpy())

    return Extractor("toy", "toy", 24, lambda images: maps(images).mean(axis=(2, 3)), maps=maps)


def toys(count: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = rng.integers(0, 120, (count, 16, 16, 1)) + 60 * (labels == np.arange(3)[:, None]).T[:, None, None, :1]
    images[labels == 1, :8] += 40
    return Labelled(images.astype(np.uint8), labels.astype(np.int64))


def through_the_network(layers: nn.Sequential, train: Labelled, test: Array, seed: int, balanced: bool) -> nn.Module:
    """The plain way: whole images through the frozen network at every step, of which only the last layer learns."""
    torch.manual_seed(seed)
    last = nn.Linear(24, 3)
    whole = nn.Sequential(layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)
    optimizer = torch.optim.Adam(last.parameters(), 5e-2)
    weights = torch.tensor(class_weights(train.labels, 3), dtype=torch.float32) if balanced else None
    shuffler = torch.Generator().manual_seed(seed)
    images, labels = tensor(train.images), torch.from_numpy(train.labels)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(labels), generator=shuffler).tensor_split(-(-len(labels) // BATCH)):
            optimizer.zero_grad()
            nn.functional.cross_entropy(whole(images[batch]), labels[batch], weights).backward()
            optimizer.step()
    return whole


@pytest.mark.parametrize("balanced", [False, True])
def test_the_same_predictions_as_training_the_last_layer(balanced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    layers, train, test = backbone(), toys(70, 1), toys(30, 2)
    whole = through_the_network(layers, train, test.images, 4, balanced)
    with torch.inference_mode():
        expected = torch.softmax(whole(tensor(test.images)), dim=1).numpy()
    monkeypatch.setattr(frozen, "extractor_named", lambda name, folder: extractor(layers))
    options = frozen.FrozenOptions(epochs=EPOCHS, batch=BATCH, learning_rate=5e-2, balanced=balanced)
    ours = frozen.fit_head("toy", options, Fitting(train, ("a", "b", "c"), seed=4))
    found = ours.probabilities(test.images)
    assert np.abs(found - expected).max() < 1e-4
    assert expected.std(axis=0).max() > 0.05  # they differ between images, so that equality means something

    # Grad-CAM, equations 1 and 2, on the whole network.
    heat = ours.saliency(test.images[:5], 1)
    maps = layers(tensor(test.images[:5])).requires_grad_()
    logit = whole[3](whole[2](whole[1](maps)))[:, 1]
    (slope,) = torch.autograd.grad(logit.sum(), maps)
    plain = torch.relu((slope.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True)).detach()
    plain = nn.functional.interpolate(plain, (16, 16), mode="bilinear")[:, 0].numpy()
    top = plain.max(axis=(1, 2), keepdims=True)
    assert heat is not None and np.allclose(
        heat, np.divide(plain, top, where=top > 0, out=np.zeros_like(plain)), atol=1e-3
    )


def test_features_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers, asked = backbone(), []
    ready = extractor(layers)

    def counting(images: Array) -> Array:
        asked.append(len(images))
        return ready.describe(images)

    monkeypatch.setattr(frozen, "extractor_named", lambda name, folder: Extractor("toy", "toy", 24, counting))
    fitting = Fitting(toys(40, 1), ("a", "b", "c"), cache=tmp_path)
    options = frozen.HiddenOptions(epochs=2)
    for _ in range(2):
        ours = frozen.fit_head("toy", options, fitting)
    assert sum(asked) == 40
    assert ours.features(fitting.train.images).shape == (40, 128)
    assert ours.saliency(fitting.train.images, 0) is None  # this extractor has no maps

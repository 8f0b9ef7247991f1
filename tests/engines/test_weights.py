"""Weights: found by name and hash, in order, and what is missing is said."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from torchvision import models

from engines import weights
from engines.errors import LabError


@pytest.fixture(autouse=True)
def no_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def put(folder: Path, content: bytes, name: str = "squeezenet1_0-b66bff10.pth") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def known_as(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    known = weights.KNOWN["squeezenet1_0"]
    short = hashlib.sha256(content).hexdigest()[:8]
    changed = weights.Weights(**{**known.__dict__, "sha256": short})
    monkeypatch.setitem(weights.KNOWN, "squeezenet1_0", changed)


@pytest.mark.parametrize(
    "name",
    ["mobilenet_v2", "squeezenet1_0", "squeezenet1_1", "resnet18", "resnet50", "vgg16", "vgg19", "alexnet",
     "inception_v3", "efficientnet_b5", "densenet169", "swin_t"],
)  # fmt: skip
def test_names_sizes_and_hashes_are_torchvision_s(name: str) -> None:
    published = models.get_model_weights(name)["IMAGENET1K_V1"]
    known = weights.KNOWN[name]
    assert known.url == published.url and known.url.endswith(known.file)
    assert f"-{known.sha256}.pth" in known.file
    assert known.size_bytes == round(published.meta["_file_size"] * 2**20)


def test_folders_are_looked_through_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known_as(b"published", monkeypatch)
    for place in ("torch/hub/checkpoints", "own", "named"):
        sha256 = put(tmp_path / place, b"published")
        if place == "named":
            monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path / "named"))
        found = weights.find("squeezenet1_0", tmp_path / "own")
        assert found == weights.Found(tmp_path / place / "squeezenet1_0-b66bff10.pth", sha256, published=True)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    sha256 = put(tmp_path, b"something else")
    with pytest.raises(LabError, match="damaged or was changed") as caught:
        weights.find("squeezenet1_0", tmp_path)
    assert sha256[:8] in caught.value.why and "b66bff10" in caught.value.why


def test_a_replaced_file_is_hashed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known_as(b"published", monkeypatch)
    put(tmp_path, b"published")
    weights.find("squeezenet1_0", tmp_path)
    put(tmp_path, b"published, then changed")
    with pytest.raises(LabError, match="damaged"):
        weights.find("squeezenet1_0", tmp_path)


def test_a_conversion_stands_in_and_says_so(tmp_path: Path) -> None:
    sha256 = put(tmp_path, b"converted", "squeezenet1_0-by-hand.pth")
    found = weights.find("squeezenet1_0", tmp_path)
    assert (found.path.name, found.sha256, found.published) == ("squeezenet1_0-by-hand.pth", sha256, False)
    with pytest.raises(LabError):
        weights.find("squeezenet1_1", tmp_path)  # a name that only resembles it


def test_what_is_missing_is_said_with_file_size_hash_and_place(tmp_path: Path) -> None:
    with pytest.raises(LabError) as caught:
        weights.find("fid_inception", tmp_path)
    words = str(caught.value)
    for part in ("weights-inception-2015-12-05-6726825d.pth", "95.6 MB", "6726825d", "https://", "PHANTOM_LAB_WEIGHTS"):
        assert part in words
    assert "Texture features" in words
    put(tmp_path, b"x", "resnet50-own.pth")
    absent = weights.missing(["fid_inception", "resnet50", "vgg16"], tmp_path)
    assert [weights.name for weights in absent] == ["fid_inception", "vgg16"]


def test_lpips_heads_lie_in_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"heads"
    known = weights.KNOWN["lpips_squeeze"]
    sha256 = put(tmp_path / "lpips" / "v0.1", content, "squeeze.pth")
    monkeypatch.setitem(weights.KNOWN, known.name, weights.Weights(**{**known.__dict__, "sha256": sha256}))
    assert weights.find("lpips_squeeze", tmp_path).published

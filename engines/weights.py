"""The one place that finds weights: by name and hash, on this computer, never by a download of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engines import files
from engines.errors import LabError

FOLDER_VARIABLE = "PHANTOM_LAB_WEIGHTS"
IN_HOUSE = "in_house"
_TORCHVISION = "https://download.pytorch.org/models/"
_LPIPS = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/"


@dataclass(frozen=True)
class Weights:
    """A file of weights; `sha256` is the whole hash or the part of it that its publisher gives.

    `made_here`: not published, but made by this workspace, so any hash is right and the size is not known before.
    """

    name: str
    title: str
    file: str
    size_bytes: int  # to the precision its publisher gives
    sha256: str
    url: str
    licence: str
    source: str
    made_here: bool = False


@dataclass(frozen=True)
class Found:
    """Weights on this computer; not `published` where a conversion stands in for them, or where they were made here."""

    path: Path
    sha256: str
    published: bool


def _torchvision(name: str, title: str, file: str, size_mib: float, source: str) -> Weights:
    short = file.removesuffix(".pth").rsplit("-", 1)[1]
    return Weights(
        name, title, file, round(size_mib * 2**20), short, _TORCHVISION + file,
        "BSD 3-Clause (torchvision); trained on ImageNet, whose own terms speak of research use", source,
    )  # fmt: skip


def _lpips(backbone: str, size_bytes: int, sha256: str) -> Weights:
    return Weights(
        f"lpips_{backbone}", f"LPIPS linear heads for {backbone}", f"lpips/v0.1/{backbone}.pth", size_bytes, sha256,
        f"{_LPIPS}{backbone}.pth", "BSD 2-Clause", "Zhang et al., CVPR 2018, version 0.1",
    )  # fmt: skip


# File names, sizes and hashes are torchvision's own (its IMAGENET1K_V1 weights); a test compares them.
_ALL = (
    Weights(
        "fid_inception",
        "FID Inception",
        "weights-inception-2015-12-05-6726825d.pth",
        95_628_359,
        "6726825d",
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        "Apache 2.0",
        "Inception-v3 of 2015-12-05 (Szegedy et al., CVPR 2016), converted from TensorFlow; the network of the FID",
    ),
    _torchvision("mobilenet_v2", "MobileNetV2", "mobilenet_v2-b0353104.pth", 13.555, "Sandler et al., CVPR 2018"),
    _torchvision(
        "squeezenet1_0", "SqueezeNet 1.0", "squeezenet1_0-b66bff10.pth", 4.778, "Iandola et al., arXiv 1602.07360"
    ),
    _torchvision(
        "squeezenet1_1", "SqueezeNet 1.1", "squeezenet1_1-b8a52dc0.pth", 4.729, "Iandola et al., arXiv 1602.07360"
    ),
    _torchvision("resnet18", "ResNet-18", "resnet18-f37072fd.pth", 44.661, "He et al., CVPR 2016"),
    _torchvision("resnet50", "ResNet-50", "resnet50-0676ba61.pth", 97.781, "He et al., CVPR 2016"),
    _torchvision("vgg16", "VGG-16", "vgg16-397923af.pth", 527.796, "Simonyan and Zisserman, ICLR 2015"),
    _torchvision("vgg19", "VGG-19", "vgg19-dcbb9e9d.pth", 548.051, "Simonyan and Zisserman, ICLR 2015"),
    _torchvision("alexnet", "AlexNet", "alexnet-owt-7be5be79.pth", 233.087, "Krizhevsky, arXiv 1404.5997"),
    _torchvision(
        "inception_v3", "Inception-v3", "inception_v3_google-0cc3c7bd.pth", 103.903, "Szegedy et al., CVPR 2016"
    ),
    _torchvision(
        "efficientnet_b5",
        "EfficientNet-B5",
        "efficientnet_b5_lukemelas-1a07897c.pth",
        116.864,
        "Tan and Le, ICML 2019",
    ),
    _torchvision("densenet169", "DenseNet-169", "densenet169-b2777c0a.pth", 54.708, "Huang et al., CVPR 2017"),
    _torchvision("swin_t", "Swin, tiny", "swin_t-704ceda3.pth", 108.19, "Liu et al., ICCV 2021"),
    _lpips("alex", 6009, "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
    _lpips("squeeze", 10811, "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"),
    _lpips("vgg", 7289, "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
    Weights(
        IN_HOUSE,
        "the in-house classifier",
        f"{IN_HOUSE}.safetensors",
        0,
        "",
        "",
        "",
        "Trained in this workspace by the job own_features",
        made_here=True,
    ),
)
KNOWN: dict[str, Weights] = {weights.name: weights for weights in _ALL}


def find(name: str, folder: Path | None) -> Found:
    """The weights called `name`, looked for in the folder PHANTOM_LAB_WEIGHTS, then in `folder` (the workspace's), then
    where torch keeps its downloads.

    In each, the published file comes first; else a conversion whose name begins with the model's (`mobilenet_v2-….pth`)
    is taken, and results say so. What was made here lies in the workspace's folder only. Raises LabError if there is
    none, or if a file with the published name has another hash.
    """
    weights = KNOWN[name]
    for place in _places(weights, folder):
        path = place / weights.file
        if path.is_file():
            sha256 = _sha256(path)
            if not sha256.startswith(weights.sha256):
                raise LabError(
                    f"The weights file {weights.file} is damaged or was changed.",
                    f"Its SHA-256 begins with {sha256[:8]}; the published file's with {weights.sha256[:8]}.",
                    f"Replace it by the file from {weights.url}.",
                )
            return Found(path, sha256, published=not weights.made_here)
        # Sorted, so that the same folder always gives the same file.
        for path in sorted(place.glob(f"{name}-*.pth")):
            return Found(path, _sha256(path), published=False)
    raise missing_error(weights)


def missing(names: Iterable[str], folder: Path | None) -> list[Weights]:
    """Those of the named weights that are not on this computer."""
    return [KNOWN[name] for name in names if not any(_candidates(KNOWN[name], folder))]


def missing_error(weights: Weights) -> LabError:
    """Says which file is missing, how large it is, where it comes from and where it belongs."""
    if weights.made_here:
        return LabError(
            "There is no in-house classifier in this workspace yet.",
            f"It is the file {weights.file} in the folder weights, trained here on labelled real images.",
            "Press “Train own features” on the Explore tab, under All settings, or run `phantom-lab own-features SET`.",
        )
    return LabError(
        f"The weights of {weights.title} are not on this computer.",
        f"They are the file {weights.file}, about {weights.size_bytes / 1e6:,.1f} MB, whose SHA-256 begins with "
        f"{weights.sha256[:8]}. Phantom Lab downloads nothing of its own accord.",
        f"Download {weights.url} and put the file into the workspace's folder weights, or into a folder that "
        f"{FOLDER_VARIABLE} names. Texture features, and every metric on them, work without.",
    )


def _candidates(weights: Weights, folder: Path | None) -> Iterator[Path]:
    for place in _places(weights, folder):
        if (place / weights.file).is_file():
            yield place / weights.file
        yield from place.glob(f"{weights.name}-*.pth")


def _places(weights: Weights, folder: Path | None) -> Iterator[Path]:
    """Folders to look in, nearest wish first; the last is torch's own, found as torch.hub does without importing it."""
    if weights.made_here:
        yield from [folder] if folder is not None else []
        return
    if named := os.environ.get(FOLDER_VARIABLE):
        yield Path(named)
    if folder is not None:
        yield folder
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    yield Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub" / "checkpoints"


def _sha256(path: Path) -> str:
    state = path.stat()
    return _hashed(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)  # by size and date too: a file put in its place is hashed anew
def _hashed(path: Path, size_bytes: int, changed_ns: int) -> str:
    return files.sha256_file(path)

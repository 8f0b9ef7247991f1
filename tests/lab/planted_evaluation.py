"""A workspace with an evaluation whose every number is known, written by hand: no metric is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines import files
from engines.records import EvaluationRecord, ImageSetRecord, JobRecord, RunRecord
from engines.workspace import Workspace

ID = "drawn-20260101"
RUN_ID = "gan-20260101"
COUNT = 6
SPECS: dict[str, Any] = {
    "memorisation": {"title": "Copies of training images", "unit": "", "better": "lower", "source": "Own"},
    "psnr": {"title": "PSNR to the nearest real", "unit": "dB", "better": "near_baseline"},
    "ms_ssim": {"title": "Diversity (MS-SSIM)", "unit": "", "better": "near_baseline", "light": True},
    "kid": {"title": "KID", "unit": "", "better": "lower", "light": True},
    "isc": {"title": "Inception score", "unit": "", "better": "higher", "legacy": True},
}  # fmt: skip


def pixels(count: int, dtype: Any = np.uint8, height: int = 12, width: int = 10) -> Any:
    """Images [N, H, W, 1], each with a ramp and its own brightness."""
    ramp = np.arange(height * width).reshape(1, height, width, 1) % 97
    values = ramp + 10 * np.arange(count).reshape(-1, 1, 1, 1)
    return (values * (257 if dtype == np.uint16 else 1)).astype(dtype)


def plant_set(workspace: Workspace, id: str, origin: Any, images: Any) -> None:
    record = ImageSetRecord(
        id=id, name=id, origin=origin, items=len(images), width=images.shape[2], height=images.shape[1], channels=1,
        dtype=images.dtype.name, content_sha256=f"hash of {id}",
    )  # fmt: skip
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        files.write_npy(folder / "images.npy", images)
        workspace.save("image_sets", record, folder)


def row(name: str, value: float, images_seen: int | None = None, **more: Any) -> dict[str, Any]:
    numbers = {"value": value, "low": value - 0.1, "high": value + 0.1, "baseline": 0.5, "baseline_low": 0.4}
    about = {"images_seen": images_seen, "name": name, "n_real": 8, "n_synthetic": COUNT, "extractor": "pixels"}
    return {**about, **numbers, "baseline_high": 0.6, "warnings": [], "details": {}, "scale": None, **more}


def details(shift: tuple[float, float] = (0.0, 0.0), flipped: bool = False) -> dict[str, Any]:
    """Two pairs, the likelier one not flagged: the gallery begins with what is flagged."""
    pairs = [[3, 1, 0.99, [0.0, 0.0], False, 1.0, False], [2, 5, 0.9, list(shift), flipped, 1.0, True]]
    said = {"threshold": 0.8, "nominal_rate": 0.01, "calibrated_on": "held-out real images", "calibrated_images": 70}
    return {**said, "pairs": pairs, "unseen_ncc": [0.1, 0.2, float("nan")], "by_features": {"authentic_share": 0.5}}


def plant(workspace: Workspace, **changes: Any) -> EvaluationRecord:
    """A synthetic set measured against a real one of 16 bit, with what is known of each of its six images."""
    plant_set(workspace, "mias", "real", pixels(8, np.uint16))
    plant_set(workspace, "drawn", "synthetic", pixels(COUNT))
    rows = [row("memorisation", 0.2, details=details()), row("psnr", 0.3, details={"unseen": [1.0, 2.0]})]
    parents = {"image_sets/mias": "hash of mias", "image_sets/drawn": "hash of drawn"}
    about = {"real": "mias", "synthetic": "drawn", "metrics": rows, "parents": parents, "resizer": "area"}
    record = EvaluationRecord(id=ID, name="drawn", **{**about, **changes})
    workspace.save("evaluations", record)
    columns = ["index", "memorisation_ncc", "memorisation_nearest", "memorisation_flagged", "psnr_psnr", "psnr_nearest"]
    table = [dict(zip(columns, (n, n / 10, n % 8, n > 4, 20.123456 + n, 7 - n), strict=True)) for n in range(COUNT)]
    files.write_csv(workspace.folder("evaluations", ID) / "images.csv", table, columns)
    place = {"set": "synthetic", "index": 0, "label": "", "distance": 1, "apart": False, "pca_x": 0, "pca_y": 1}
    files.write_csv(workspace.folder("evaluations", ID) / "map.csv", [place], list(place))
    files.write_csv(workspace.folder("evaluations", ID) / "metrics.csv", [{"name": "psnr"}], ["name"])
    return record


def plant_run(workspace: Workspace) -> RunRecord:
    """A run with two checkpoints."""
    run = RunRecord(id=RUN_ID, name="gan", method="custom_gan", image_set="mias")
    workspace.save("runs", run)
    for seen in (64, 128):
        (workspace.folder("runs", RUN_ID) / "checkpoints" / f"{seen:08d}").mkdir(parents=True)
    return run


def plant_job(workspace: Workspace, id: str, **about: Any) -> JobRecord:
    given = {"kind": "evaluate", "state": "running", "parameters": {"synthetic": "drawn"}}
    job = JobRecord(id=id, **{**given, **about})
    workspace.folder("jobs", id).mkdir(parents=True, exist_ok=True)
    files.write_json(workspace.folder("jobs", id) / "job.json", job.model_dump(mode="json"))
    return job

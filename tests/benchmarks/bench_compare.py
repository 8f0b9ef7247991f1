"""How long study 5's table takes: `python tests/benchmarks/bench_compare.py [--weights FOLDER] [--seeds 2]`.

3,300 drawn colour images of 64 px (3,000 benign, 300 malignant) and 2,600 synthetic malignant ones, six classifiers,
real only and five phases of 520, tested on 93 + 93: 36 trainings a seed. Printed: seconds of the first seed, nothing
cached, of the next ones, and of the trainings of each classifier. The images are noise with a spot: only times count.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from engines import files
from engines.jobs.context import JobContext
from engines.records import ImageSetRecord
from engines.tasks.compare import TASK, CompareParameters
from engines.workspace import Workspace

CLASSIFIERS = (
    "logistic_regression:james_2024", "svm_rbf:james_2024", "random_forest:james_2024", "cnn_small:james_2024",
    "mobilenet_v2_frozen", "squeezenet_frozen",
)  # fmt: skip
# The two whose weights are smaller stand for study 5's frozen networks, and learn as long as those do there.
AS_JAMES = {"hidden": 128, "epochs": 10}


def drawn(count: int, malignant: bool, seed: int) -> Any:
    """Colour noise [N, 64, 64, 3], with a spot if malignant."""
    generator = np.random.default_rng(seed)
    coarse = generator.normal(128, 30, (count, 8, 8, 3)).repeat(8, 1).repeat(8, 2)
    y, x = np.mgrid[-32:32, -32:32] + 0.5
    spot = np.exp(-(x**2 + y**2) / 200)[..., None] * (40 if malignant else 0)
    return np.clip(coarse + generator.normal(0, 12, coarse.shape) + spot, 0, 255).astype(np.uint8)


def planted(workspace: Workspace, id: str, counts: dict[tuple[str, str], int], origin: Any) -> None:
    """A set with so many images of each class and part."""
    images = [drawn(n, label == "malignant", hash_of(id, label, part)) for (label, part), n in counts.items()]
    rows = [{"label": label, "split": part} for (label, part), n in counts.items() for _ in range(n)]
    record = ImageSetRecord(
        id=id, name=id, origin=origin, items=len(rows), width=64, height=64, channels=3, dtype="uint8"
    )
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        files.write_npy(folder / "images.npy", np.concatenate(images))
        named = [{"item": f"{n:06d}", "patient": f"{id}{n}", **row} for n, row in enumerate(rows)]
        files.write_csv(folder / "items.csv", named, ("item", "label", "patient", "split"))
        workspace.save("image_sets", record, folder)


def hash_of(*texts: str) -> int:
    return sum(ord(letter) for text in texts for letter in text)


def main() -> None:
    """Time the comparison with one seed, then with each further one."""
    way = argparse.ArgumentParser()
    way.add_argument("--weights", type=Path)
    way.add_argument("--seeds", type=int, default=2)
    way.add_argument("--keep", type=Path, help="a folder for the workspace: a later run finds what is cached there")
    given = way.parse_args()
    if given.weights:
        os.environ["PHANTOM_LAB_WEIGHTS"] = str(given.weights.resolve())
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(given.keep or Path(folder) / "workspace")
        train, test = "train", "test"
        counts = {("benign", train): 3000, ("malignant", train): 300, ("benign", test): 93, ("malignant", test): 93}
        if not workspace.ids("image_sets"):
            planted(workspace, "isic", counts, "real")
            planted(workspace, "made", {("malignant", ""): 2600}, "synthetic")
        parameters = {
            "real": "isic", "synthetic": ["made"], "classifiers": list(CLASSIFIERS), "protocols": ["phases"],
            "synthetic_classes": ["malignant"], "leave_out": False,
            "options": {name: AS_JAMES for name in CLASSIFIERS if name.endswith("_frozen")},
        }  # fmt: skip
        for seeds in range(1, given.seeds + 1):
            context = JobContext.detached(workspace, Path(folder) / f"job-{seeds}")
            begun = time.monotonic()
            result = TASK.run(CompareParameters(**parameters, seeds=seeds), context)
            spent: dict[str, float] = defaultdict(float)
            for row in result["rows"]:
                if not row["reused"]:
                    spent[row["classifier"]] += row["fit_s"]
            about = {"seeds": seeds, "seconds": round(time.monotonic() - begun, 1), "not_done": len(result["not_done"])}
            print(json.dumps({**about, "fit_s": {name: round(s, 1) for name, s in spent.items()}}), flush=True)


if __name__ == "__main__":
    main()

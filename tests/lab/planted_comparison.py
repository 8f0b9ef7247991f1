"""A workspace with a comparison of classifiers whose every number is known, written by hand: nothing is trained."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from engines import files
from engines.records import ComparisonRecord, ImageSetRecord, JobRecord
from engines.workspace import Workspace

ID = "masses-20260101"
REAL, SYNTHETIC = "masses", "dreamed"
CLASSES = ("benign", "malignant")
CLASSIFIERS = ("logistic_regression@texture", "cnn_small")
ARMS = ("real", "phase-1", "phase-2")
SEEDS = 2
TEST = 24
SIDE = 32
COPIES = 2  # of each real image, in the augmented arm
LEAK = {
    "kind": "patient", "item": "image 1", "part": "test", "other_item": "image 0",
    "other_part": "training images of the generator “dreamer”",
}  # fmt: skip
ABOUT: dict[str, dict[str, Any]] = {  # as the engine describes the task: measures and protocols in words
    "measures": {
        "auroc": {"title": "AUROC", "summary": "Chance that a positive scores above a negative.", "of_positive": True},
        "accuracy": {"title": "Accuracy", "summary": "Share of images given their right class."},
        "balanced_accuracy": {"title": "Balanced accuracy", "summary": "Mean recall of the classes."},
        "brier": {"title": "Brier score", "summary": "Mean squared error.", "better": "lower", "upper": 2.0},
    },
    "protocols": {
        "real": "Real (TRTR)", "phases": "Real + synthetic in phases", "augmented": "Real + classic augmentation",
        "real_to_synthetic": "Real, tested on synthetic (TRTS)",
    },
}  # fmt: skip
for _name, _measure in ABOUT["measures"].items():
    _measure |= {"name": _name, **{"better": "higher", "of_positive": False, "upper": 1.0} | _measure}


def mass(n: int, side: int = SIDE) -> Any:
    """An image [H, W, 1]: a disc for even numbers (benign), a spiked one for odd ones (malignant).

    No two of them are alike: place, size, spikes and noise come from the number.
    """
    y, x = np.mgrid[:side, :side] / side - 0.5
    draw = np.random.default_rng(n)
    across, down = draw.uniform(-0.17, 0.17, 2)
    size, turn = draw.uniform(0.14, 0.3), draw.uniform(0, 6)
    far, angle = np.hypot(x - across, y - down), np.arctan2(y - down, x - across)
    edge = size * (1 + (n % 2) * 0.3 * np.sin((5 + n % 4) * angle + turn))
    made = draw.uniform(20, 70) + draw.uniform(90, 150) * (far < edge) + draw.normal(0, 12, far.shape)
    return np.clip(made, 0, 255).astype(np.uint8)[..., None]


def masses(count: int, side: int = SIDE, first: int = 0) -> Any:
    """Images [N, H, W, 1], benign and malignant ones in turn."""
    return np.stack([mass(first + n, side) for n in range(count)])


def plant_set(workspace: Workspace, id: str, origin: Any, images: Any, rows: list[dict[str, Any]]) -> None:
    counts = {name: sum(row["label"] == name for row in rows) for name in CLASSES}
    record = ImageSetRecord(
        id=id, name=id.capitalize(), origin=origin, items=len(images), width=images.shape[2], height=images.shape[1],
        channels=1, dtype=images.dtype.name, content_sha256=f"hash of {id}", classes=counts,
    )  # fmt: skip
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        files.write_npy(folder / "images.npy", images)
        files.write_csv(folder / "items.csv", rows, ["index", "item", "label", "patient", "split"])
        workspace.save("image_sets", record, folder)


def plant_sets(workspace: Workspace, test: int = TEST, side: int = SIDE) -> tuple[list[int], list[int]]:
    """Both sets; the places of the training and of the test images: each third image is learned from."""
    total = test * 3 // 2
    rows: list[dict[str, Any]] = []
    pool = [n for n in range(total) if n % 3 == 0]
    tested = [n for n in range(total) if n % 3]
    order = {place: k for part in (pool, tested) for k, place in enumerate(part)}
    for n in range(total):
        part = "test" if n % 3 else "train"
        patient = f"{part[:2].upper()}{order[n] // 2:03d}"  # two images each
        label = CLASSES[order[n] % 2]
        rows.append({"index": n, "item": f"image {n}", "label": label, "patient": patient, "split": part})
    numbers = [2 * row["index"] + CLASSES.index(row["label"]) for row in rows]
    plant_set(workspace, REAL, "real", np.stack([mass(n, side) for n in numbers]), rows)
    drawn = [{"index": n, "item": f"drawn {n}", "label": CLASSES[n % 2], "patient": "", "split": ""} for n in range(8)]
    plant_set(workspace, SYNTHETIC, "synthetic", masses(8, side, first=100_000), drawn)
    return pool, tested


def scores(classifier: int, arm: int, seed: int, count: int) -> Any:
    """Probabilities [N, 2]: 0.9 for what is right, and 0.7 for what is wrong, which is every (3 + arm)-th image.

    The second classifier errs one place later, and the second seed of either errs on every second of these only.
    """
    numbers = np.arange(count)
    wrong = (numbers + classifier) % (3 + arm) == 0
    if seed:
        wrong &= numbers % 2 == 0
    label = numbers % 2
    said = np.where(wrong, 1 - label, label)
    malignant = np.where(said == 1, np.where(wrong, 0.7, 0.9), np.where(wrong, 0.3, 0.1))
    return np.stack([1 - malignant, malignant], axis=1).astype(np.float32)


def arms_of(pool: int, test: int, more: bool) -> list[dict[str, Any]]:
    given: dict[str, Any] = {"source": "", "tested": "real", "n_real": pool, "n_synthetic": 0, "copies": 0}
    given |= {"n_test": test, "protocol": "phases"}
    made = [
        {**given, "name": "real", "title": "Real (TRTR)", "protocol": "real"},
        {**given, "name": "phase-1", "title": "Phase 1: real + 4 synthetic", "source": SYNTHETIC, "n_synthetic": 4},
        {**given, "name": "phase-2", "title": "Phase 2: real + 8 synthetic", "source": SYNTHETIC, "n_synthetic": 8},
    ]
    if more:
        title = f"Real + {COPIES} augmented copies of each"
        made.append({**given, "name": "augmented", "title": title, "protocol": "augmented", "copies": COPIES})
        about = {"source": SYNTHETIC, "tested": "synthetic", "n_test": 8, "protocol": "real_to_synthetic"}
        made.append({**given, "name": "real_to_synthetic", "title": "Real, tested on synthetic (TRTS)", **about})
    return made


def cell(arm: dict[str, Any], classifier: int, number: int, seed: int, pool: list[int], side: int) -> dict[str, Any]:
    """The arrays of one cell; the seed leaves out the patient of its number, as the engine's do."""
    real = np.array([n for n in range(len(pool)) if n // 2 != seed], np.int32)
    synthetic = np.arange(arm["n_synthetic"], dtype=np.int32)
    count, others = arm["n_test"], len(synthetic) or arm["copies"] * len(real)
    nearest = np.zeros((count, 0), np.int32)
    if seed == 0:
        step = np.arange(count)[:, None] + np.arange(5)[None]
        beside = len(real) + step % others if others else step % len(real)
        nearest = np.where(np.arange(5) % 2 == 0, step % len(real), beside).astype(np.int32)
    mapped, maps = np.zeros(0, np.int32), np.zeros((0, 1, 1), np.uint8)
    if seed == 0 and classifier == 1:  # only the network has maps, of some images
        mapped = np.arange(0, count, 2, dtype=np.int32)[:16]
        y, x = np.mgrid[:side, :side] / side
        heat = np.exp(-((x - 0.3) ** 2 + (y - 0.6) ** 2) / 0.03)
        maps = np.repeat(np.round(255 * heat)[None], len(mapped), axis=0).astype(np.uint8)
    return {
        "probabilities": scores(classifier, number, seed, count), "nearest": nearest, "mapped": mapped, "maps": maps,
        "real": real, "synthetic": synthetic, "pool": np.array(pool, np.int32),
    }  # fmt: skip


def measures(classifier: int, number: int) -> dict[str, float]:
    """What each cell is said to have reached: made up, and not what its probabilities would give."""
    auroc = 0.70 + 0.05 * classifier + 0.04 * number
    return {"accuracy": auroc - 0.1, "balanced_accuracy": auroc - 0.08, "auroc": auroc, "brier": 0.3 - auroc / 5}


def confusion(classifier: int, number: int, count: int, seeds: int = SEEDS) -> list[list[float]]:
    tables = np.zeros((2, 2))
    for seed in range(seeds):
        said = scores(classifier, number, seed, count).argmax(1)
        np.add.at(tables, (np.arange(count) % 2, said), 1 / seeds)
    return [[round(float(value), 2) for value in row] for row in tables]


VERDICTS = {(0, 1): "no difference seen", (0, 2): "helps", (1, 1): "hurts", (1, 2): "cannot be told"}


def line(arm: dict[str, Any], classifier: int, number: int, seeds: int) -> dict[str, Any]:
    about = "other training patients" if seeds > 1 else "this one training only"
    said = {
        name: {"value": value, "low": value - 0.06, "high": value + 0.06, "sd_seeds": 0.02, "about": about}
        for name, value in measures(classifier, number).items()
    }
    reached = {"precision": 0.7, "recall": 0.8, "specificity": 0.6, "f1": 0.75, "auroc": 0.8, "auprc": 0.7}
    count = arm["n_test"]
    made = {
        "classifier": CLASSIFIERS[classifier], "arm": arm["name"], "protocol": arm["protocol"], "tested": arm["tested"],
        "seeds": seeds, "n_test": count, "n_patients": count // 2, "measures": said,
        "confusion": confusion(classifier, number, count, seeds),
        "classes": [{"images": count // 2, **reached} for _ in CLASSES],
    }  # fmt: skip
    if number and arm["tested"] == "real":
        sign = {"hurts": -1, "cannot be told": 0}.get(VERDICTS.get((classifier, number), ""), 1)
        gap = {
            "value": 0.04 * sign, "low": 0.04 * sign - 0.03, "high": 0.04 * sign + 0.03, "p": 0.01, "p_holm": 0.04,
            "compared": 4,
            "se_test": 0.01, "se_train": 0.008, "df": 4.2, "least_detectable": 0.05, "seeds": seeds, "about": about,
            "verdict": VERDICTS.get((classifier, number), "no difference seen"),
        }  # fmt: skip
        made["differences"] = {name: dict(gap) for name in said}
        delong = {"auc_a": 0.74, "auc_b": 0.7, "difference": 0.04, "se": 0.02, "z": 2.0, "p": 0.0455}
        made["published_tests"] = {"mcnemar": {"b": 4, "c": 2, "p": 0.6875}, "delong": delong}
    return made


def mean_line(arm: dict[str, Any], seeds: int) -> dict[str, Any]:
    """What both classifiers together are said to have gained from an arm."""
    gap = {
        "value": 0.021, "low": -0.004, "high": 0.046, "p": 0.08, "p_holm": 0.16, "compared": 2, "se_test": 0.008,
        "se_train": 0.006, "df": 4.6, "least_detectable": 0.04, "seeds": seeds, "about": "other training patients",
        "verdict": "no difference seen" if seeds > 1 else "cannot be told",
    }  # fmt: skip
    return {
        "arm": arm["name"], "classifiers": list(CLASSIFIERS), "seeds": seeds,
        "differences": {name: dict(gap) for name in measures(0, 0)},
    }  # fmt: skip


def curves(classifier: int, arm: dict[str, Any], number: int) -> dict[str, Any]:
    x = np.linspace(0, 1, 21)
    power = 0.6 - 0.1 * classifier - 0.08 * number
    y = x**power
    rounded = [[round(float(value), 4) for value in values] for values in (x, y, y * 0.95, np.minimum(y * 1.05, 1))]
    precision = [round(float(1 - 0.5 * value ** (3 + number)), 4) for value in x]
    return {
        "classifier": CLASSIFIERS[classifier], "arm": arm["name"],
        "roc": dict(zip(("x", "y", "low", "high"), rounded, strict=True)),
        "precision_recall": {"x": rounded[0], "y": precision, "low": [], "high": []},
        "calibration": {"said": [0.1, 0.3, 0.7, 0.9], "happened": [0.05, 0.4, 0.6, 0.95], "images": [8, 4, 4, 8]},
    }  # fmt: skip


def history() -> list[dict[str, Any]]:
    """Trials as engines/classifiers/tuning.py keeps them: the value is a log loss, so the fifth is the best."""
    values = [0.61, 0.58, None, 0.66, 0.49, 0.5]
    return [
        {
            "number": n, "options": {"learning_rate": round(0.001 * 2**n, 4), "dropout": round(0.1 * n, 1)},
            "state": "done" if value else "pruned", "value": value, "epochs": [0.7, value or 0.69], "seconds": 2.5,
        }
        for n, value in enumerate(values)
    ]  # fmt: skip


def guards() -> list[dict[str, Any]]:
    item = f"{LEAK['item']} is in the {LEAK['other_part']} too ({LEAK['kind']}: {LEAK['other_item']})"
    apart = f"1 test images are not apart from what was learned: 1 by patient; for instance {item}. They were left out."
    unknown = "“Dreamed” was made elsewhere: nobody here knows which images its generator learned from."
    size = {"auroc": 0.18, "accuracy": 0.2, "text": "24 test images show a difference of AUROC 0.18 in four of five."}
    return [
        {"name": "apart", "title": "Test images apart from all training", "state": "closed", "text": apart},
        {"name": "generator", "title": "Training images of the generator", "state": "unknown", "text": unknown},
        {"name": "frame", "title": "Classes not told apart by the frame", "state": "closed", "text": "AUROC 0.51.",
         "value": 0.51, "low": 0.4, "high": 0.62},
        {"name": "size", "title": "Enough test images", "state": "open", **size},
    ]  # fmt: skip


def plant(
    workspace: Workspace, test: int = TEST, side: int = SIDE, more: bool = False, seeds: int = SEEDS, **changes: Any
) -> ComparisonRecord:
    """A comparison with `test` real test images; `more` adds an augmented arm and one tested on synthetic images."""
    pool, tested = plant_sets(workspace, test, side)
    arms = arms_of(len(pool), test, more)
    options = [{"on": "texture", "c": 1.0}, {"epochs": 10, "learning_rate": 0.016, "dropout": 0.4}]
    titles = ("Logistic regression on Texture", "Small CNN")
    rows, cells = [], []
    for seed in range(seeds):
        for number, arm in enumerate(arms):
            for classifier, key in enumerate(CLASSIFIERS):
                cells.append(cell(arm, classifier, number, seed, pool, side))
                counts = {"n_real": len(cells[-1]["real"]), "n_synthetic": arm["n_synthetic"], "n_test": arm["n_test"]}
                reached = {name: value + 0.01 * seed for name, value in measures(classifier, number).items()}
                about = {"classifier": key, "arm": arm["name"], "protocol": arm["protocol"], "seed": seed}
                rows.append({**about, "metrics": reached, **counts, "fit_s": 0.5 + classifier, "reused": seed == 1})
    given: dict[str, Any] = {
        "real": REAL, "synthetic": [SYNTHETIC], "classes": list(CLASSES), "positive": CLASSES[1], "seeds": seeds,
        "classifiers": [
            {"key": key, "title": title, "name": key.split("@")[0], "options": chosen}
            for key, title, chosen in zip(CLASSIFIERS, titles, options, strict=True)
        ],
        "arms": arms, "rows": rows, "cells": len(rows),
        "summary": [line(arm, k, n, seeds) for n, arm in enumerate(arms) for k in range(len(CLASSIFIERS))],
        "overall": [mean_line(arm, seeds) for arm in arms[1:] if arm["tested"] == "real"],
        "guards": guards(), "leaks": [LEAK],
        "tuned": [{"classifier": CLASSIFIERS[1], "best": history()[4]["options"], "value": 0.49, "history": history()}],
        "parents": {f"image_sets/{id}": f"hash of {id}" for id in (REAL, SYNTHETIC)},
        "parameters": {
            "real": REAL, "synthetic": [SYNTHETIC], "classifiers": list(CLASSIFIERS),
            "protocols": list(dict.fromkeys(arm["protocol"] for arm in arms)), "seeds": seeds, "tune_trials": 6,
        },
    }  # fmt: skip
    record = ComparisonRecord(id=ID, name=REAL.capitalize(), **{**given, **changes})
    with files.new_folder(workspace.folder("comparisons", ID)) as folder:
        workspace.save("comparisons", record, folder)
        drawn = [curves(k, arm, n) for n, arm in enumerate(arms) for k in range(len(CLASSIFIERS))]
        files.write_json(folder / "curves.json", drawn)
        header = ("index", "set", "place", "label", "patient")
        asked = [(n, REAL, place, CLASSES[n % 2], f"TE{n // 2:03d}") for n, place in enumerate(tested)]
        files.write_csv(folder / "test.csv", [dict(zip(header, row, strict=True)) for row in asked], header)
        for number, arm in enumerate(arms):
            if arm["tested"] == "synthetic":
                asked = [(n, SYNTHETIC, (n + 2) % 8, CLASSES[n % 2], "") for n in range(arm["n_test"])]
                made = [dict(zip(header, row, strict=True)) for row in asked]
                files.write_csv(folder / f"test-{number}.csv", made, header)
        (folder / "cells").mkdir()
        for n, arrays in enumerate(cells):
            packed = io.BytesIO()
            np.savez_compressed(packed, **arrays)
            files.write_bytes(folder / "cells" / f"{n:04d}.npz", packed.getvalue())
    return record


def plant_job(workspace: Workspace, id: str, **about: Any) -> JobRecord:
    """A job that compares; its events are the test's to write."""
    job = JobRecord(id=id, **{"kind": "compare", "state": "running", "parameters": {"real": REAL}, **about})
    workspace.folder("jobs", id).mkdir(parents=True, exist_ok=True)
    files.write_json(workspace.folder("jobs", id) / "job.json", job.model_dump(mode="json"))
    return job

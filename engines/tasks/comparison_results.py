"""The table of a comparison as it fills: cell by cell, seed after seed; then the record and its files."""

from __future__ import annotations

import io
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engines import files
from engines.classifiers.measures import measured
from engines.classifiers.protocols import Arm
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.jobs.events import finite
from engines.records import ComparisonRecord
from engines.tasks.comparison_cells import Answer, Chosen, Trainer
from engines.tasks.comparison_data import Material
from engines.tasks.comparison_parameters import CompareParameters
from engines.tasks.comparison_summary import drawn, primary, summed_up
from engines.workspace import Workspace

Array = np.ndarray[Any, np.dtype[Any]]

CURVES_FILE, TEST_FILE = "curves.json", "test.csv"


class Results:
    """Fills the table cell by cell, seed after seed, and writes the record."""

    def __init__(
        self,
        workspace: Workspace,
        context: JobContext,
        parameters: CompareParameters,
        material: Material,
        arms: Sequence[Arm],
        chosen: Sequence[Chosen],
    ) -> None:
        self.workspace, self.context, self.parameters = workspace, context, parameters
        self.material, self.arms, self.chosen = material, arms, chosen
        self.varies = parameters.leave_out and parameters.seeds > 1
        self.trainer = Trainer(
            material, workspace.path / "cache", workspace.weights, parameters.seeds, self.varies, parameters.seed
        )
        self.left_s: float | None = None
        self.answers: dict[tuple[str, str], list[Answer]] = defaultdict(list)
        self.cells: list[Answer] = []
        self.refused: dict[tuple[str, str], LabError] = {}
        positive = material.positive
        self.record = ComparisonRecord(
            id=workspace.new_id("comparisons", parameters.real),
            name=workspace.image_set(parameters.real).record.name,
            real=parameters.real, synthetic=parameters.synthetic, test=parameters.test,
            classes=list(material.classes), positive="" if positive is None else material.classes[positive],
            seeds=parameters.seeds, train_varies=self.varies,
            classifiers=[_about_classifier(one) for one in chosen],
            arms=[self._about(arm) for arm in arms],
            cells=len(chosen) * len(arms) * parameters.seeds,
            warnings=material.warnings, parameters=parameters.model_dump(mode="json"),
        )  # fmt: skip

    def _about(self, arm: Arm) -> dict[str, Any]:
        return {
            "name": arm.name, "title": arm.title, "protocol": arm.protocol, "source": arm.source, "tested": arm.tested,
            "n_real": len(arm.real), "n_synthetic": len(arm.synthetic), "copies": arm.copies,
            "n_test": len(self.trainer.test_of(arm).labels),
        }  # fmt: skip

    def fill(self) -> None:
        """Train all cells, those of one seed after those of the other."""
        self.context.emit(
            "matrix", **self.record.model_dump(include={"classifiers", "arms", "seeds", "classes", "positive"})
        )
        done, begun = 0, time.monotonic()
        for seed in range(self.parameters.seeds):
            for arm in self.arms:
                for chosen in self.chosen:
                    what = f"{chosen.title}, {arm.title}, seed {seed + 1} of {self.parameters.seeds}"
                    self._cell(chosen, arm, seed, done, what)
                    done += 1
                    self.left_s = (time.monotonic() - begun) / done * (self.record.cells - done)
                    self.context.progress(0.05 + 0.9 * done / self.record.cells, what, self.left_s)

    def _cell(self, chosen: Chosen, arm: Arm, seed: int, done: int, what: str) -> None:
        if (chosen.key, arm.name) in self.refused:
            return

        def progress(part: float) -> None:
            self.context.check()
            self.context.progress(0.05 + 0.9 * (done + part) / self.record.cells, what, self.left_s)

        self.context.pause_point()
        try:
            answer = self.trainer.answer(chosen, arm, seed, progress)
        except LabError as error:
            self.refused[chosen.key, arm.name] = error
            entry = {"classifier": chosen.key, "arm": arm.name, **error.as_dict()}
            self.record.not_done.append(entry)
            text = f"{chosen.title}, {arm.title}: not trained. {error}"
            self.context.emit("warning", text=text, advice=error.advice, refused=entry)
            return
        test = self.trainer.test_of(arm)
        positive = self.material.positive
        row = {
            "classifier": chosen.key, "arm": arm.name, "protocol": arm.protocol, "seed": seed,
            "metrics": finite(measured(test.labels, answer.probabilities, positive)),
            "n_real": len(answer.real), "n_synthetic": len(answer.synthetic), "n_test": len(test.labels),
            "fit_s": round(answer.fit_s, 2), "reused": answer.reused,
        }  # fmt: skip
        self.answers[chosen.key, arm.name].append(answer)
        self.cells.append(answer)
        self.record.rows.append(row)
        self.context.emit("cell", **row)

    def first_refusal(self) -> LabError:
        return next(iter(self.refused.values()))

    def save(self) -> dict[str, Any]:
        """Sum up, write everything, and say what was found."""
        self.context.progress(0.96, "Intervals and tests")
        stacked = {key: np.stack([answer.probabilities for answer in found]) for key, found in self.answers.items()}
        tests = {arm.name: self.trainer.test_of(arm) for arm in self.arms}
        positive = self.material.positive
        self.record.summary, self.record.overall = summed_up(
            stacked, self.arms, tests, positive, self.parameters.seeds, self.varies, self.parameters.seed
        )
        for id in {self.material.pool.set_id, self.material.test.set_id, *self.parameters.synthetic}:
            self.record.parents[f"image_sets/{id}"] = self.workspace.image_set(id).record.content_sha256
        with files.new_folder(self.workspace.folder("comparisons", self.record.id)) as folder:
            self.workspace.save("comparisons", self.record, folder)
            files.write_json(folder / CURVES_FILE, finite(drawn(stacked, tests, positive)))
            self._write_tests(folder)
            (folder / "cells").mkdir()
            for n, answer in enumerate(self.cells):
                files.write_bytes(folder / "cells" / f"{n:04d}.npz", _packed(answer, self.material.pool.places))
        for stopped in self._stopped_earlier():
            files.remove_folder(self.workspace.folder("comparisons", stopped))
        shown = ("id", "rows", "summary", "overall", "guards", "not_done", "warnings")
        return {**{name: finite(getattr(self.record, name)) for name in shown}, "primary": primary(positive)}

    def _stopped_earlier(self) -> list[str]:
        """Comparisons of the same, stopped before they were whole, all of whose trainings this one has."""
        here = _trainings(self.record)
        return [
            one.id
            for one in self.workspace.records("comparisons")
            if one.id != self.record.id and one.parameters == self.record.parameters
            and not one.is_whole and _trainings(one) <= here
        ]  # fmt: skip

    def _write_tests(self, folder: Path) -> None:
        """Which image of which set each place of a cell's answers speaks of; one table for each kind of test."""
        test = self.material.test
        patients = test.data.patients
        _write_test(folder / TEST_FILE, test.set_id, test.places, test.data.labels, patients, self.material.classes)
        for number, arm in enumerate(self.arms):
            if arm.tested == "synthetic":
                asked = self.trainer.test_of(arm)
                name = f"test-{number}.csv"
                rows = np.asarray(arm.test_rows)
                _write_test(folder / name, arm.source, rows, asked.labels, asked.patients, self.material.classes)


def _trainings(record: ComparisonRecord) -> set[tuple[str, str, int]]:
    return {(row["classifier"], row["arm"], row["seed"]) for row in record.rows}


def _about_classifier(chosen: Chosen) -> dict[str, Any]:
    options = chosen.options.model_dump(mode="json")
    return {"key": chosen.key, "title": chosen.title, "name": chosen.spec.name, "options": options}


def _write_test(
    path: Path, set_id: str, places: Array, labels: Array, patients: Sequence[str], classes: Sequence[str]
) -> None:
    rows = [
        {"index": n, "set": set_id, "place": int(place), "label": classes[int(label)], "patient": patient}
        for n, (place, label, patient) in enumerate(zip(places, labels, patients, strict=True))
    ]
    files.write_csv(path, rows, ("index", "set", "place", "label", "patient"))


def _packed(answer: Answer, pool: Array) -> bytes:
    """What is kept of a cell, as Answer says it; `pool` has the places in the real set of all images learned from."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        probabilities=answer.probabilities.astype(np.float32),
        nearest=answer.nearest,
        mapped=answer.mapped,
        maps=answer.maps,
        pool=pool.astype(np.int32),
        real=answer.real.astype(np.int32),
        synthetic=answer.synthetic.astype(np.int32),
    )
    return buffer.getvalue()

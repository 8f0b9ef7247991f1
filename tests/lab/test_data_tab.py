"""The Data tab's own rules: what is sent to the engine, which folder is meant, what the tables show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engines import files, registry
from engines.curation.parameters import CurateParameters
from engines.errors import LabError
from engines.records import CatalogueRecord, ImageSetRecord
from engines.workspace import Workspace
from lab import catalogue_tables, curation_form
from lab.tabs import data

CHOSEN = {"catalogue": "films", "mode": "threshold", "threshold": 0.8, "best": 7, "kept": 7}


def form() -> curation_form.Form:
    return curation_form.form_of(registry.describe())


def values(**changes: Any) -> list[Any]:
    """The form's values as the page sends them: defaults, with changes; all steps off."""
    own = [changes.get(setting.name, setting.default) for setting in form().settings]
    return [*own, *(False for _ in form().steps), *(setting.default for setting in form().step_settings)]


def sent(chosen: dict[str, Any], raw: list[Any]) -> CurateParameters:
    return CurateParameters(**curation_form.parameters(form(), chosen, raw))


def test_a_threshold_is_sent_as_shape_confidence() -> None:
    found = sent(CHOSEN, values(mask_background=False, size=64, channels="grey", split="70/20/10", name="Films"))
    assert (found.shape_confidence, found.keep_best) == (0.8, None)
    assert (found.crop, found.mask_background, found.flip) == (True, False, True)
    assert (found.size, found.channels, found.split, found.name) == (64, "grey", "70/20/10", "Films")


def test_the_best_n_are_sent_without_a_threshold() -> None:
    given = curation_form.parameters(form(), {**CHOSEN, "mode": "best"}, values())
    assert given["keep_best"] == 7 and "shape_confidence" not in given
    assert CurateParameters(**given).keep_best == 7


def test_a_wrong_value_is_said_under_its_control() -> None:
    answers = curation_form.checker(form())("{}", *values(size=7))
    wrong = [number for number, answer in enumerate(answers) if not answer["is_valid"]]
    assert wrong == [1 + [setting.name for setting in form().settings].index("size")]


def test_without_a_catalogue_nothing_is_sent() -> None:
    with pytest.raises(LabError, match="No catalogue"):
        curation_form.parameters(form(), {**CHOSEN, "catalogue": ""}, values())


@pytest.mark.parametrize("typed", ['"{}"', " {} ", "'{}'", "{}"])
def test_a_pasted_path_is_understood(tmp_path: Path, typed: str) -> None:
    assert data.named_folder(typed.format(tmp_path)) == tmp_path
    assert data.check_folder(typed.format(tmp_path), "", "auto", "real")[0]["is_valid"] is True


@pytest.mark.parametrize(
    ("typed", "word"), [("", "paste"), ("films", "whole path"), ("/no/such/place", "no such folder")]
)
def test_a_wrong_folder_is_said_under_its_field(typed: str, word: str) -> None:
    answer: dict[str, Any] = data.check_folder(typed, "", "auto", "real")[0]
    assert answer["is_valid"] is False and word in answer["message"]


def test_tables_come_a_page_at_a_time(workspace: Workspace) -> None:
    folder = workspace.folder("catalogues", "films")
    folder.mkdir()
    rows = [{"item": f"{n:06d}", "label": "benign", "width": 10, "height": 20, "bits": 16} for n in range(250)]
    files.write_csv(folder / "items.csv", rows, tuple(rows[0]))
    workspace.save("catalogues", CatalogueRecord(id="films", name="Films", layout="folder", items=250))
    about, table, pages = catalogue_tables.items_page(workspace, "catalogues", "films", 3)
    assert pages == 3 and len(table) == 50 and table[0][0] == "000200"
    assert table[0][-2:] == ["10 × 20", "16"] and "201 to 250 of 250" in about
    assert catalogue_tables.items_page(workspace, "catalogues", "films", 99)[1] == table, (
        "beyond the end is the last page"
    )


def test_the_items_of_an_image_set_have_its_size(workspace: Workspace) -> None:
    record = ImageSetRecord(
        id="made", name="Made", origin="real", items=1, width=64, height=64, channels=1, dtype="uint16"
    )
    workspace.save("image_sets", record)
    files.write_csv(workspace.folder("image_sets", "made") / "items.csv", [{"item": "000001"}], ("item", "split"))
    _, table, _ = catalogue_tables.items_page(workspace, "image_sets", "made", None)
    assert table == [["000001", "", "", "", "", "", "64 × 64", "16"]]


def test_refused_files_are_counted_in_the_title_and_shown_to_a_limit(workspace: Workspace) -> None:
    folder = workspace.folder("catalogues", "films")
    folder.mkdir()
    assert catalogue_tables.refused_files(workspace, "catalogues", "films")[0] == "Refused"
    rows = [{"file": f"{n}.png", "reason": "=cut", "advice": ""} for n in range(catalogue_tables.REFUSED_SHOWN + 1)]
    files.write_csv(folder / "rejected.csv", rows, ("file", "reason", "advice"))
    title, words, table = catalogue_tables.refused_files(workspace, "catalogues", "films")
    assert title.endswith("501") and "rejected.csv" in words
    assert len(table) == catalogue_tables.REFUSED_SHOWN and table[0] == ["0.png", "=cut", ""]


@pytest.mark.parametrize("value", ["null", "{}", '{"kind": "runs", "id": "x"}', '{"kind": "catalogues", "id": ""}'])
def test_nothing_chosen_shows_nothing(value: str) -> None:
    assert catalogue_tables.chosen_one(value) is None

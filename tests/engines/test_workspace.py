"""The workspace folder: making, finding, naming, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import files
from engines.errors import LabError
from engines.records import CatalogueRecord, ImageSetRecord, class_of_interest
from engines.workspace import Workspace, slug


def test_opens_what_it_made(tmp_path: Path) -> None:
    made = Workspace.open(tmp_path / "Breast 2026")
    again = Workspace.open(tmp_path / "Breast 2026", create=False)
    assert again.about.name == made.about.name == "Breast 2026"


def test_refuses_foreign_missing_and_newer_folders(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(LabError, match="already holds other files"):
        Workspace.open(tmp_path)
    with pytest.raises(LabError, match="no workspace here"):
        Workspace.open(tmp_path / "gone", create=False)
    made = Workspace.open(tmp_path / "w")
    files.write_json(made.path / "workspace.json", made.about.model_dump() | {"format_version": 99})
    with pytest.raises(LabError, match="newer Phantom Lab"):
        Workspace.open(made.path)


def test_ids_are_readable_free_and_cannot_climb(workspace: Workspace) -> None:
    first = workspace.new_id("runs", "Ärzte & Söhne: ROI/128")
    workspace.folder("runs", first).mkdir()
    second = workspace.new_id("runs", "Ärzte & Söhne: ROI/128")
    assert first.startswith("arzte-sohne-roi-128-") and second == f"{first}-2"
    for bad in ("../x", "a/b", "", ".hidden", "A", "x" * 200):
        with pytest.raises(LabError):
            workspace.folder("runs", bad)
    assert slug("日本") == "unnamed"


def test_a_damaged_record_never_hides_the_others(workspace: Workspace) -> None:
    for name in ("one", "two"):
        workspace.save("catalogues", CatalogueRecord(id=name, name=name, layout="folder", items=1))
    (workspace.folder("catalogues", "one") / "record.json").write_text("{")
    assert [record.id for record in workspace.records("catalogues")] == ["two"]
    with pytest.raises(LabError, match="damaged"):
        workspace.record("catalogues", "one")
    with pytest.raises(LabError, match="There is no"):
        workspace.record("image_sets", "three")


def test_pseudonyms_are_stable_here_and_different_elsewhere(workspace: Workspace, tmp_path: Path) -> None:
    name = workspace.pseudonym("Doe^Jane")
    assert Workspace.open(workspace.path).pseudonym("Doe^Jane") == name != workspace.pseudonym("Doe^Janet")
    assert Workspace.open(tmp_path / "other").pseudonym("Doe^Jane") != name
    assert "doe" not in name.lower()


def test_an_image_set_is_a_memory_map_and_a_table(workspace: Workspace) -> None:
    record = ImageSetRecord(id="s", name="s", origin="real", items=2, width=4, height=4, channels=1, dtype="uint16")
    with files.new_folder(workspace.folder("image_sets", "s")) as folder:
        files.create_npy(folder / "images.npy", (2, 4, 4, 1), np.uint16)[:] = 40000
        files.write_csv(folder / "items.csv", [{"item": "000001", "label": "a"}], ["item", "label"])
        workspace.save("image_sets", record, folder)
    found = workspace.image_set("s")
    assert found.images.shape == (2, 4, 4, 1) and int(found.images[1].max()) == 40000
    assert found.items == [{"item": "000001", "label": "a"}]
    with pytest.raises(ValueError, match="read-only"):
        found.images[0] = 0


@pytest.mark.parametrize(
    ("classes", "chosen"),
    [
        (("benign", "malignant"), "malignant"),
        (("lesion", "no_lesion"), "lesion"),
        (("0", "1"), "1"),
        (("Tumour", "normal"), "Tumour"),
        (("IDC", "non-IDC"), "IDC"),
        (("mass", "nodule"), "nodule"),
        (("benign", "normal"), "normal"),
        (("a", "b", "c"), ""),
    ],
)
def test_the_class_of_interest_is_the_one_that_is_looked_for(classes: tuple[str, ...], chosen: str) -> None:
    assert class_of_interest(classes) == chosen

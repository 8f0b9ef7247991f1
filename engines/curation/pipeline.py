"""From a catalogue to an image set: choose by score and by hand, read the originals again, cut, turn, scale."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from engines import decisions, files
from engines.curation.analysis import analyse_catalogue, is_current, read_analysis
from engines.curation.chain import described, plan
from engines.curation.choosing import choose, left_out_in_words, nothing_kept
from engines.curation.clustered import clusters_of
from engines.curation.leakage import LEAK_COLUMNS, Division, divide
from engines.curation.parameters import CurateParameters
from engines.curation.writing import Order, fill, intensity_in_words
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.records import CatalogueRecord, ImageSetRecord
from engines.resize import RESIZER
from engines.versions import changes, next_version
from engines.workspace import Workspace

__all__ = ["analyse_catalogue", "make_image_set"]

CANDIDATE_COLUMNS = (
    "item", "label", "patient", "side", "view", "shape_confidence", "closed", "edge", "solid", "ellipse", "smooth",
    "area", "found_side", "flipped", "crop_x", "crop_y", "crop_w", "crop_h", "kept", "reason", "verdict", "flags",
)  # fmt: skip
ITEM_COLUMNS = ("item", "label", "patient", "side", "view", "split", "shape_confidence", "flipped")


def make_image_set(
    ws: Workspace, catalogue_id: str, parameters: CurateParameters, context: JobContext
) -> ImageSetRecord:
    """Make an image set from a catalogue; its folder appears whole. Originals are only read.

    Raises LabError when nothing is kept or nothing can be read, JobStopped when the job is stopped.
    """
    catalogue = ws.catalogue(catalogue_id)
    _check_names(ws, catalogue, parameters)
    analysed = is_current(ws, catalogue_id)
    if not analysed:
        analyse_catalogue(ws, catalogue_id, context, share=(0.0, 0.5))
    rows = read_analysis(ws, catalogue_id)
    about = {item["item"]: item for item in ws.catalogue_items(catalogue_id)}
    journal = journal_of(ws, parameters)
    candidates = choose(rows, parameters, decisions.current(journal.parent), about, _clusters(ws, parameters))
    kept = [row for row in candidates if row["kept"]]
    if not kept:
        raise nothing_kept(parameters, candidates)
    channels = _channels(parameters, kept)
    deep = any(int(about[row["item"]].get("bits") or 8) > 8 for row in kept)
    sources = ws.sources(catalogue_id)
    chain = plan(parameters, channels, deep)
    orders = [Order(sources[row["item"]], chain, row) for row in kept]
    id = ws.new_id("image_sets", parameters.name or catalogue.name)
    dtype: Literal["uint8", "uint16"] = "uint16" if deep else "uint8"
    with files.new_folder(ws.folder("image_sets", id)) as folder:
        (folder / "thumbnails").mkdir()
        kept, depths = fill(
            folder, kept, orders, (parameters.size, parameters.size, channels), dtype, context, 0.0 if analysed else 0.5
        )
        if not kept:
            raise LabError("None of the chosen images could be read.", "", "Are the originals still where they were?")
        division = _divide(folder, kept, about, parameters, context)
        items = _items(kept, division.parts, parameters)
        _write_tables(folder, items, candidates, division.leaks, journal)
        record = ImageSetRecord(
            id=id,
            name=parameters.name or catalogue.name,
            parents={f"catalogues/{catalogue_id}": catalogue.content_sha256},
            parameters=parameters.model_dump(mode="json"),
            origin=catalogue.origin,
            phantoms=catalogue.layout == "phantoms",
            items=len(kept),
            width=parameters.size,
            height=parameters.size,
            channels=channels,
            dtype=dtype,
            classes=dict(sorted(Counter(row["label"] for row in kept).items())),
            patients=len({row["patient"] for row in kept if row["patient"]}),
            kept=len(kept),
            rejected=len(candidates) - len(kept),
            resizer=RESIZER,
            steps=described(chain),
            intensity=intensity_in_words(depths, deep, parameters),
            content_sha256=files.sha256_file(folder / "images.npy"),
            split_counts=division.counts,
            warnings=[*left_out_in_words(candidates), *division.warnings],
            **_version(ws, parameters, items),
        )
        ws.save("image_sets", record, folder)
    return record


def _check_names(ws: Workspace, catalogue: CatalogueRecord, parameters: CurateParameters) -> None:
    """Raise LabError for classes and sets that are not there: before the work, not after it."""
    known = set(catalogue.classes) or {row["label"] for row in ws.catalogue_items(catalogue.id)}
    if unknown := set(parameters.classes) - known:
        raise LabError(
            f"The catalogue has no class “{min(unknown)}”.",
            f"Its classes: {', '.join(sorted(known))}.",
            "Check the name.",
        )
    for older in filter(None, (parameters.replaces, parameters.decisions_of)):
        ws.record("image_sets", older)


def journal_of(ws: Workspace, parameters: CurateParameters) -> Path:
    """The journal of decisions that counts: the catalogue's, or the one stored with an older set."""
    older = parameters.decisions_of
    home = ws.folder("image_sets", older) if older else ws.folder("catalogues", parameters.catalogue)
    return home / decisions.DECISIONS_FILE


def _clusters(ws: Workspace, parameters: CurateParameters) -> dict[str, int] | None:
    """The cluster of each item, if clusters are chosen from."""
    if not parameters.clusters:
        return None
    if not parameters.clustering:
        raise LabError("Clusters were chosen of no clustering.", "", "Say which clustering the clusters belong to.")
    return clusters_of(ws, parameters.clustering, parameters.catalogue, parameters.clusters)


def _divide(
    folder: Path,
    kept: list[dict[str, Any]],
    about: dict[str, dict[str, str]],
    parameters: CurateParameters,
    context: JobContext,
) -> Division:
    """The part of each written picture, checked for leaks; what is known of the sources comes from the catalogue."""
    context.progress(1.0, "Looking for the same patient or picture in two parts")
    rows = [{**about[row["item"]], **row, "split": about[row["item"]].get("split", "")} for row in kept]
    return divide(
        rows,
        files.open_npy(folder / "images.npy"),
        parameters.split,
        folds=parameters.folds,
        seed=parameters.seed,
        leak_reason=parameters.leak_reason,
        check=context.check,
    )


def _write_tables(
    folder: Path,
    items: list[dict[str, Any]],
    candidates: list[dict[str, Any]],
    leaks: list[dict[str, str]],
    journal: Path,
) -> None:
    """All that a set holds besides pictures and record: items, candidates, accepted leaks, decisions of that time."""
    files.write_csv(folder / "items.csv", items, ITEM_COLUMNS)
    files.write_csv(folder / "curation.csv", candidates, CANDIDATE_COLUMNS)
    if leaks:
        files.write_csv(folder / "leaks.csv", leaks, LEAK_COLUMNS)
    if journal.exists():
        files.write_bytes(folder / decisions.DECISIONS_FILE, journal.read_bytes())


def _version(ws: Workspace, parameters: CurateParameters, items: list[dict[str, Any]]) -> dict[str, Any]:
    """What the record says of the version that this set replaces, if it does."""
    if not parameters.replaces:
        return {}
    older = ws.image_set(parameters.replaces)
    changed = changes(older.record, older.items, parameters.model_dump(mode="json"), items)
    return {"version": next_version(ws, older.record.id), "replaces": older.record.id, "changes": changed}


def _items(kept: list[dict[str, Any]], parts: list[str], parameters: CurateParameters) -> list[dict[str, Any]]:
    """The rows of items.csv, in the order of images.npy."""
    flipped = parameters.flip
    return [
        {**row, "split": part, "flipped": int(flipped and row["flipped"] == "1")}
        for row, part in zip(kept, parts, strict=True)
    ]


def _channels(parameters: CurateParameters, kept: list[dict[str, Any]]) -> int:
    if parameters.channels == "auto":
        return 3 if any(row.get("colour") == "1" for row in kept) else 1
    return 3 if parameters.channels == "rgb" else 1

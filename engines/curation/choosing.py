"""Which candidates become pictures of a set, and a sentence for each that does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from engines.curation.analysis import UNREADABLE
from engines.curation.parameters import CurateParameters
from engines.errors import LabError

Row = dict[str, str]
PRESENTATION = "FOR PRESENTATION"
QUARANTINED = "text is burned into it, which may name a person: look at it and accept it by hand to keep it"
_VALUES_NAMED = 12


def choose(
    rows: list[Row],
    parameters: CurateParameters,
    verdicts: Mapping[str, tuple[str, str]],
    about: Mapping[str, Row] | None = None,
    clusters: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:
    """Decide on every candidate: rows with `kept`, `reason` and `verdict` filled, in the same order.

    `about` has the catalogue's own columns of each item, `clusters` the cluster of each item of the clustering chosen.
    Filters hold whatever was decided by hand. After them a verdict by hand overrides the score; otherwise the threshold
    decides, or the rank with `keep_best` and `keep_share`. Raises LabError for a filter that fits nothing.
    """
    about = about or {}
    _check_filters(rows, parameters, about)
    filtered = _filter(parameters, about, clusters)
    why_not = {row["item"]: filtered(row) for row in rows}
    passed = [row for row in rows if not why_not[row["item"]]]
    intent = _intent(passed, parameters, about)
    best = _best(passed, parameters, verdicts, about, intent)
    decided = []
    for row in rows:
        verdict, why = verdicts.get(row["item"], ("", ""))
        found, facts = row["reason"], about.get(row["item"], {})
        kept, reason = True, found
        if left_out := why_not[row["item"]]:
            kept, reason = False, left_out
        elif other := _other_intent(facts, intent):
            kept, reason = False, f"{other}: this set holds {intent} only"
        elif verdict:
            kept = verdict == "accept"
            reason = f"{verdict}ed by hand" + (f": {why}" if why else "")
        elif _burned_in(facts):
            kept, reason = False, QUARANTINED
        elif best is not None:
            kept = row["item"] in best
            reason = found if kept else _because(_rank_in_words(parameters), found)
        elif float(row["shape_confidence"]) < parameters.shape_confidence:
            kept, reason = False, _because(f"below {parameters.shape_confidence:g}", found)
        decided.append({**row, "kept": int(kept), "reason": reason, "verdict": verdict})
    return decided


def left_out_in_words(candidates: list[dict[str, Any]]) -> list[str]:
    """Warnings about whole kinds of images that were left out by rules that a researcher may not have thought of."""
    count = Counter(row["reason"] for row in candidates if not row["kept"])
    said = [
        f"{number} images are {reason.split(':')[0]} and were left out: the two kinds are never mixed in one set."
        for reason, number in sorted(count.items())
        if "this set holds" in reason
    ]
    if burned := count[QUARANTINED]:
        said.append(f"{burned} images say that text is burned into them and were left out until accepted by hand.")
    return said


def nothing_kept(parameters: CurateParameters, candidates: list[dict[str, Any]]) -> LabError:
    """Why no image passed, and what to do."""
    scored = [row for row in candidates if row["reason"].startswith(("below", "not among"))]
    if not scored:
        reason, number = Counter(row["reason"] for row in candidates).most_common(1)[0] if candidates else ("", 0)
        return LabError(
            "No image passed.", f"{number} of {len(candidates)}: {reason}.", "Choose fewer filters, or other values."
        )
    best = max(float(row["shape_confidence"]) for row in scored)
    return LabError(
        "No image passed.",
        f"The highest shape confidence is {best:.2f}, the threshold {parameters.shape_confidence:.2f}.",
        "Lower the threshold, or set it to 0 and switch crop and turning off for patches or pictures that are no "
        "mammograms.",
    )


def _filter(
    parameters: CurateParameters, about: Mapping[str, Row], clusters: Mapping[str, int] | None
) -> Callable[[Row], str]:
    """A function that says why an image does not pass the filters; empty text for one that does."""
    classes, wanted = set(parameters.classes), set(parameters.clusters)
    where = {column: set(values) for column, values in parameters.where.items()}

    def why_not(row: Row) -> str:
        if row["reason"].startswith(UNREADABLE):
            return row["reason"]
        if classes and row["label"] not in classes:
            return "class not chosen"
        facts = about.get(row["item"], {})
        for column, allowed in where.items():
            value = _value(column, row, facts)
            if value not in allowed and not allowed.intersection(value.split("; ")):
                return f"{column} “{value}” not chosen" if value else f"{column} not known"
        if clusters is not None and wanted and (cluster := clusters.get(row["item"])) not in wanted:
            return "in no cluster of this clustering" if cluster is None else f"cluster {cluster} not chosen"
        return ""

    return why_not


def _value(column: str, row: Row, facts: Row) -> str:
    return facts.get(column) or row.get(column) or ""


def _check_filters(rows: list[Row], parameters: CurateParameters, about: Mapping[str, Row]) -> None:
    """Raise LabError for a filter on a column or a value that the catalogue does not have."""
    for column, wanted in parameters.where.items():
        known: set[str] = set()
        for row in rows:
            value = _value(column, row, about.get(row["item"], {}))
            known.update({value, *value.split("; ")} if value else ())
        if not known:
            raise LabError(f"The catalogue knows no “{column}”.", "", "Check the filter's column.")
        if unknown := set(wanted) - known:
            named = ", ".join(sorted(known)[:_VALUES_NAMED]) + (", …" if len(known) > _VALUES_NAMED else "")
            raise LabError(f"No image has {column} “{min(unknown)}”.", f"There are: {named}.", "Check the filter.")


def _intent(passed: list[Row], parameters: CurateParameters, about: Mapping[str, Row]) -> str:
    """The one kind of intent of the set, empty if no image says any; auto takes the commoner one."""
    if parameters.intent != "auto":
        return parameters.intent
    count = Counter(about.get(row["item"], {}).get("intent", "").strip().upper() for row in passed)
    del count[""]
    # As many of both: processed ones are what radiologists see.
    return max(count, key=lambda name: (count[name], name == PRESENTATION), default="")


def _other_intent(facts: Row, intent: str) -> str:
    """The image's own intent where it differs from the set's; images that do not say are taken."""
    own = facts.get("intent", "").strip().upper()
    return own if own and intent and own != intent else ""


def _burned_in(facts: Row) -> bool:
    return facts.get("burned_in", "").strip().upper() == "YES"


def _best(
    passed: list[Row],
    parameters: CurateParameters,
    verdicts: Mapping[str, tuple[str, str]],
    about: Mapping[str, Row],
    intent: str,
) -> set[str] | None:
    """The items that rank high enough; None if the threshold decides."""
    if parameters.keep_best is None and parameters.keep_share is None:
        return None
    able = []
    for row in passed:
        facts, verdict = about.get(row["item"], {}), verdicts.get(row["item"], ("",))[0]
        if verdict == "reject" or _other_intent(facts, intent) or (_burned_in(facts) and verdict != "accept"):
            continue
        able.append((verdict != "accept", -float(row["shape_confidence"]), row["item"]))
    limits = [len(able)]
    if parameters.keep_best is not None:
        limits.append(parameters.keep_best)
    if parameters.keep_share is not None:
        limits.append(max(1, round(parameters.keep_share * len(able))))
    # Accepted by hand come first, so that they count among the best; sorting is stable for equal scores.
    able.sort(key=lambda one: one[:2])
    return {item for by_score, minus, item in able[: min(limits)] if not by_score or -minus >= parameters.keep_above}


def _rank_in_words(parameters: CurateParameters) -> str:
    limits = []
    if parameters.keep_best is not None:
        limits.append(f"{parameters.keep_best}")
    if parameters.keep_share is not None:
        limits.append(f"{100 * parameters.keep_share:g} %")
    above = f" above {parameters.keep_above:g}" if parameters.keep_above else ""
    return f"not among the best {' or '.join(limits)}{above}"


def _because(rule: str, found: str) -> str:
    return f"{rule}: {found}" if found else rule

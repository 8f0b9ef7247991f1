"""The Classify tab's form: classifiers, training sets and test images to choose; words come from the engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from engines.errors import LabError
from engines.records import ImageSetRecord, class_of_interest
from engines.workspace import Workspace
from lab import apart, classifier_options, classifying, forms
from lab.components.base import packed
from lab.explore_form import reason

BESIDE = ("seeds", "leave_out", "tune_trials", "tune_minutes", "seed", "leak_reason")  # in the form's order
KEPT = ("real", "test", "positive", *BESIDE[:-1], "classes")  # what the browser keeps: no text that somebody wrote
NUMBERS = {  # what a protocol leaves open, with the words around the number
    "mixed": (("ratio", "synthetic per real image"),),
    "replace": (("share", "of the real images"),),
    "phases": (("phase_step", "images a phase"), ("phases", "phases")),
    "augmented": (("augment_copies", "copies of each image"),),
}
PROTOCOL_HELP = {
    "real": "What all others are compared with; always there.",
    "mixed": "All real training images, and synthetic ones beside them.",
    "replace": "A share of the real training images makes way for as many synthetic ones: can they stand in?",
    "phases": "More and more synthetic images beside the real ones: where does it stop to help?",
    "augmented": "Turned, shifted and mirrored versions of the real images: what costs nothing must be beaten first.",
    "synthetic_to_real": "Learns from synthetic images alone: what do they carry over?",
    "real_to_synthetic": "Asked about synthetic images: do they look like their class? Says nothing of patients.",
    "synthetic": "Synthetic to synthetic: high even where the images are poor; papers quote it.",
}
WITHOUT_SYNTHETIC = frozenset({"real", "augmented"})
COSTS = {
    "light": ("Light", "Seconds, once features are kept."),
    "medium": ("Medium", "A small network from scratch: minutes on a processor."),
    "heavy": ("Heavy", "Deep networks: want a GPU."),
}


def real_sets(workspace: Workspace) -> list[ImageSetRecord]:
    """Real sets with two classes or more: those with a training and a test part first, then the largest."""
    sets = [one for one in workspace.records("image_sets") if one.origin == "real" and len(named(one)) > 1]
    return sorted(reversed(sets), key=lambda one: (not apart.own_test(one), -one.items))


def named(record: ImageSetRecord) -> list[str]:
    """The classes that have images and a name, in the engine's order."""
    return sorted(name for name, count in record.classes.items() if name and count)


def set_choice(record: ImageSetRecord) -> tuple[str, str]:
    return f"{record.name} · {record.items:,} · {', '.join(named(record))}"[:90], record.id


def own_part(record: ImageSetRecord | None) -> str:
    """Which images are tested on if no other set is chosen."""
    part = apart.own_test(record) if record else None
    if not record or not part:
        return "a fifth of their patients"
    return f"their {part} part · {sum(record.split_counts[part].values()):,}"


def test_at_first(workspace: Workspace, real: ImageSetRecord, sets: Sequence[ImageSetRecord]) -> str:
    """The test images that stand chosen at first, beside the synthetic set that stands ticked at first."""
    first = [one["name"] for one in synthetic_sets(workspace, real) if not one["missing"]][:1]
    return apart.at_first(workspace, real, sets, first)


def chosen_sets(picked: str | None) -> list[str]:
    """The synthetic sets that are ticked."""
    value = json.loads(picked or "null") or {}
    return [str(name) for name in (value.get("chosen") or {}).get("sets") or []]


def no_positive(names: Sequence[str]) -> str:
    """What stands for no choice of a class of interest."""
    return f"{class_of_interest(names)} (automatic)" if len(names) == 2 else "none: mean over the classes"


def checker(describe: Callable[[], Mapping[str, Any]], names: Sequence[str], before: int = 0, after: int = 0) -> Any:
    """A validator for the settings of these names: a message at each that cannot be used; what stands around passes."""

    def check(*raw: Any) -> list[dict[str, Any]]:
        known = words_of(describe())
        own = raw[before : len(raw) - after]
        troubles = [
            forms.problem(known[name], one) if name in known else "" for name, one in zip(names, own, strict=True)
        ]
        found = [gr.validate(not trouble, trouble)
                 for name, trouble in zip(names, troubles, strict=True)]  # fmt: skip
        passed = gr.validate(True, "")
        answer = [passed] * before + found + [passed] * after
        return answer if len(answer) > 1 else answer[0]  # Gradio passes over a list of one

    return check


def words_of(description: Mapping[str, Any]) -> dict[str, forms.Setting]:
    """The task's settings by name, for bounds and tooltips; {} while the engine has said nothing."""
    return {setting.name: setting for setting in forms.settings(_task(description).get("parameters", {}))}


def _task(description: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = description.get("tasks", {}).get(classifying.KIND, {})
    return found


def offered(
    description: Mapping[str, Any], workspace: Workspace, real: ImageSetRecord | None, picked: str | None
) -> str:
    """Synthetic sets, classifiers and training sets as the form shows them, with what is picked so far."""
    known = words_of(description)
    specs = description.get("classifiers", {})
    before = json.loads(picked or "null") or {}
    defaults = _task(description).get("parameters", {}).get("properties", {})
    start = {name: defaults.get(name, {}).get("default") or [] for name in ("classifiers", "protocols")}
    features = _features(description, workspace)
    settings: list[dict[str, Any]] = []  # of all classifiers, each once: most of them share most of theirs
    numbers = {name: _number(one) for rows in NUMBERS.values() for name, _ in rows if (one := known.get(name))}
    return packed(
        {
            "sets": synthetic_sets(workspace, real),
            "groups": [
                {"title": title, "help": text, "classifiers": [
                    _classifier(name, spec, features, settings, workspace)
                    for name, spec in specs.items() if spec.get("cost") == cost]}
                for cost, (title, text) in COSTS.items()
            ] if known else [],
            "features": features,
            "settings": settings,
            "protocols": _protocols(description),
            "numbers": numbers,
            "seeds": _number(known["seeds"]) if "seeds" in known else None,
            "studies": _studies(description, real),
            "classes": named(real) if real else [],
            "start": start,
            "chosen": before.get("chosen"),
        }
    )  # fmt: skip


def _number(one: forms.Setting) -> dict[str, Any]:
    """A number and what it may be, as the page checks it."""
    bounds = {name: getattr(one, name) for name in ("title", "kind", "low", "high", "low_open", "high_open", "default")}
    return {**bounds, "bounds": forms.bounds(one), "help": forms.tooltip(one)}


def synthetic_sets(workspace: Workspace, real: ImageSetRecord | None) -> list[dict[str, str]]:
    """Synthetic sets, newest first; those that cannot be learned from beside this real set with the reason."""
    found = []
    for record in reversed(workspace.records("image_sets")):
        if record.origin != "synthetic":
            continue
        shared = [name for name in named(record) if real and name in named(real)]
        why = ""
        if real and not shared:
            why = f"None of its images carries a class of “{real.name}”: a classifier cannot learn from them."
        elif real and (record.channels, record.dtype) != (real.channels, real.dtype):
            why = f"It does not go together with “{real.name}”: other channels or another bit depth."
        counts = ", ".join(f"{record.classes[name]:,} {name}" for name in shared) or f"{record.items:,} images"
        found.append({"name": record.id, "title": record.name, "text": counts, "missing": why})
    return sorted(found, key=lambda one: bool(one["missing"]))


def _classifier(
    name: str, spec: Mapping[str, Any], features: list[dict[str, Any]], settings: list[Any], workspace: Workspace
) -> dict[str, Any]:
    lacking = reason(spec.get("weights", ()), workspace)
    presets = [
        {
            "name": preset, "title": given["title"], "help": given["summary"],
            # A preset that begins from random weights needs no file.
            "missing": "" if given.get("changes", {}).get("start") == "random" else lacking,
            "on": "on" in given.get("changes", {}), "changes": given.get("changes", {}),
        }
        for preset, given in spec.get("presets", {}).items()
    ]  # fmt: skip
    titles = {one["name"]: one["title"] for one in features}
    own = classifier_options.shown(classifier_options.form_of(spec, _at_hand(features), lacking), titles)
    settings += [one for one in own if one not in settings]
    return {
        "options": [settings.index(one) for one in own],
        "name": name, "title": spec["title"], "help": [spec["summary"], f"Source: {spec['source']}."],
        "features": "on" in spec.get("options", {}).get("properties", {}), "presets": presets, "missing": lacking,
    }  # fmt: skip


def _features(description: Mapping[str, Any], workspace: Workspace) -> list[dict[str, Any]]:
    """What the classic classifiers can learn from."""
    found = [
        {"name": name, "title": spec["title"], "help": [spec["summary"]], "missing": reason(spec["weights"], workspace)}
        for name, spec in description.get("extractors", {}).items()
        if not spec.get("learned_here")  # it may have learned the labels of test images
    ]
    found.sort(key=lambda one: (bool(one["missing"]), one["name"] != "texture"))
    pixels = {"name": "pixels", "title": "Pixels", "help": ["The image itself, made small."], "missing": ""}
    return [pixels, *found]


def _at_hand(features: Sequence[Mapping[str, Any]]) -> list[str]:
    return [one["name"] for one in features if not one["missing"]]


def _protocols(description: Mapping[str, Any]) -> list[dict[str, Any]]:
    titles = _task(description).get("about", {}).get("protocols", {})
    order = [
        *(name for name in PROTOCOL_HELP if name in titles),
        *(name for name in titles if name not in PROTOCOL_HELP),
    ]
    return [
        {
            "name": name, "title": titles[name], "help": [PROTOCOL_HELP.get(name, "")],
            "synthetic": name not in WITHOUT_SYNTHETIC, "numbers": [list(one) for one in NUMBERS.get(name, ())],
        }
        for name in order
    ]  # fmt: skip


def _studies(description: Mapping[str, Any], real: ImageSetRecord | None) -> list[dict[str, Any]]:
    """What each study had: classifiers, training sets, their numbers, and the class that alone got synthetic images."""
    specs = description.get("classifiers", {})
    found = []
    for name, study in _task(description).get("about", {}).get("studies", {}).items():
        wishes = [one for one in study["classifiers"] if name in specs.get(one.split(":")[0], {}).get("presets", {})]
        if wishes:
            only = bool(study["one_class"])
            kept = {key: study[key] for key in ("title", "protocols", "numbers", "tune_trials")}
            to = class_of_interest(named(real)) if real and only else ""
            found.append({"name": name, "classifiers": wishes, **kept, "one_class": only, "to": to})
    return found


def parameters(
    description: Mapping[str, Any], workspace: Workspace, real: Any, test: Any, positive: Any, picked: str, *more: Any
) -> dict[str, Any]:
    """The task's parameters from the form's values. Raises LabError for what cannot be used."""
    if not real:
        advice = "Make an image set with two or more classes on the Data tab, best divided by patient."
        raise LabError("There are no labelled real images to learn from.", "", advice)
    value = json.loads(picked or "{}") or {}
    chosen = value.get("chosen") or {}
    if not chosen.get("classifiers"):
        raise _nothing(description, chosen.get("ticked") or [])
    known = words_of(description)
    open_numbers = [name for rows in NUMBERS.values() for name, _ in rows]
    numbers = {name: chosen["numbers"][name] for name in open_numbers if name in chosen.get("numbers", {})}
    given = dict(zip(BESIDE, more, strict=False)) | numbers
    form = [known[name] for name in given if name in known]
    checked = forms.read(form, [given[setting.name] for setting in form]) if form else given
    only = list((more[len(BESIDE)] if len(more) > len(BESIDE) else []) or [])
    wishes = [str(name) for name in chosen["classifiers"]]
    return {
        "real": real, "test": test or "", "positive": positive or "",
        "synthetic": [str(name) for name in chosen.get("sets", [])],
        "classifiers": wishes, "options": _options(description, workspace, wishes, chosen.get("options") or {}),
        "protocols": ["real", *(str(name) for name in chosen.get("protocols", []) if name != "real")],
        "synthetic_classes": _getting([str(name) for name in chosen.get("to") or []], only),
        "classes": only,
        **checked,
    }  # fmt: skip


def _nothing(description: Mapping[str, Any], ticked: Sequence[Sequence[str]]) -> LabError:
    """Why no classifier can be trained: none is ticked, or those that are lack something."""
    if not ticked:
        return LabError("No classifier is ticked.", "", "Tick at least one.")
    specs = description.get("classifiers", {})
    names = ", ".join(str(specs.get(one[0], {}).get("title", one[0])) for one in ticked)
    why = f"{names}: files are not on this computer, or nothing is ticked for them to look at."
    advice = "Tick another classifier, or add the files: “needs a file” beside a classifier says which and where."
    return LabError("No classifier can be trained.", why, advice)


def _options(
    description: Mapping[str, Any], workspace: Workspace, wishes: Sequence[str], given: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    specs = description.get("classifiers", {})
    features = _at_hand(_features(description, workspace)) if given else []
    forms_of = {
        name: classifier_options.form_of(spec, features, reason(spec.get("weights", ()), workspace))
        for name, spec in specs.items()
        if name in given
    }
    return classifier_options.to_send(specs, wishes, given, forms_of)


def _getting(names: list[str], only: list[str]) -> list[str]:
    """The classes that get synthetic images, of those that are compared at all."""
    found = [name for name in names if not only or name in only]
    if names and not found:
        advice = "Choose other classes for them, or compare all classes."
        raise LabError("No class that is compared gets synthetic images.", f"They go to {', '.join(names)}.", advice)
    return found


def kept(text: str) -> dict[str, Any]:
    """What a browser kept of the form, by name; anything that is not as it was written is passed over."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    kinds: dict[str, Any] = {"real": str, "test": str, "positive": str, "leave_out": bool, "classes": list}
    values = found.items() if isinstance(found, dict) else ()
    return {
        name: value
        for name, value in values
        if name in KEPT
        and isinstance(value, kinds.get(name, int | float))
        and (isinstance(value, bool) == (name == "leave_out"))
    }

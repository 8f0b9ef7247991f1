"""The job that draws a latent space: the images of `generate`, the newest wish of a drag, and an end of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engines import files
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.methods import cgan, custom_gan, cycle_gan, style_gan2_ada
from engines.methods.base import MethodSpec, NetSpec
from engines.records import RunRecord
from engines.tasks import latents
from engines.tasks.latent_pictures import FOLDER, KEPT_PICTURES, shrunk
from engines.training import checkpoints
from engines.training.generation import Sampler, item_seed
from engines.training.latents import seed_at
from engines.training.state import TrainState
from engines.workspace import Workspace

SIZE = 64


def id_of(method: MethodSpec) -> str:
    return method.name.replace("_", "-")


def plant(workspace: Workspace, method: MethodSpec, classes: tuple[str, ...] = ("malignant",)) -> Sampler:
    """A run named after its method, with a checkpoint of untrained networks."""
    torch.manual_seed(1)
    folder = workspace.folder("runs", id_of(method))
    workspace.save("runs", RunRecord(id=id_of(method), name="A run", method=method.name, image_set="reals"))
    options = method.choose("tiny" if "tiny" in method.presets else None, {})
    state = TrainState.new(method.build(options, NetSpec(1, len(classes))), torch.device("cpu"))
    state.images_seen = 1000
    about = {
        "method": method.name, "options": options.model_dump(), "channels": 1, "dtype": "uint8",
        "classes": list(classes),
    }  # fmt: skip
    return Sampler(checkpoints.save(folder, state, state.tensors(), about))


def window(method: MethodSpec, number: int = 0, **changes: Any) -> dict[str, Any]:
    wanted = {"kind": "window", "seed": 0, "x": 0, "y": 0, "step": 1, "columns": 3, "rows": 2}
    asked = {"client": "me", "view": "map", "number": number, "run": id_of(method), "checkpoint": 1000}
    return {**asked, "wanted": wanted, **changes}


def strip(method: MethodSpec, first: Any, second: Any, **changes: Any) -> dict[str, Any]:
    return window(
        method, view="strip", wanted={"kind": "strip", "first": first, "second": second, "count": 3}, **changes
    )


@pytest.fixture
def context(workspace: Workspace) -> JobContext:
    return JobContext.detached(workspace, workspace.folder("jobs", "latents"))


def ask(context: JobContext, *requests: dict[str, Any]) -> dict[str, Any]:
    """Let the job answer these, and end."""
    for request in requests:
        files.append_jsonl(context.folder / latents.REQUESTS, request)
    return latents.run(latents.LatentsParameters(idle_s=0), context)


def answer(context: JobContext, view: str = "map") -> dict[str, Any]:
    found: dict[str, Any] = files.read_json(context.folder / FOLDER / f"me-{view}.json")
    return found


def tiles(context: JobContext, said: dict[str, Any]) -> list[np.ndarray[Any, Any]]:
    with Image.open(context.folder / FOLDER / said["picture"]) as picture:
        sheet = np.asarray(picture.convert("L"), np.int16)
    side = said["tile"]
    places = [divmod(n, said["columns"]) for n in range(len(said["cells"]))]
    return [sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] for row, column in places]


def close(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Equal but for what the picture format loses."""
    return bool(np.abs(one.astype(int) - other.astype(int)).mean() < 4)


def test_the_map_shows_what_generate_draws_for_its_seeds(workspace: Workspace, context: JobContext) -> None:
    sampler = plant(workspace, custom_gan.METHOD)
    assert ask(context, window(custom_gan.METHOD)) == {"answered": 1}
    said = answer(context)
    assert said["error"] is None and (said["columns"], said["tile"], len(said["cells"])) == (3, SIZE, 6)
    seeds = [cell["place"] for cell in said["cells"]]
    assert seeds[0] == seed_at(0, 0, 0) and seeds[4] == seed_at(0, 1, 1)
    drawn = np.concatenate(list(sampler.images(seeds, [0] * 6)))[..., 0]
    assert all(close(tile, image) for tile, image in zip(tiles(context, said), drawn, strict=True))
    assert said["about"]["images_seen"] == 1000 and said["about"]["truncation"] is None
    assert said["about"]["checkpoint_sha256"] == checkpoints.found(workspace.folder("runs", "custom-gan"))[0].sha256


def test_the_ends_of_a_strip_are_the_images_of_its_seeds(workspace: Workspace, context: JobContext) -> None:
    sampler = plant(workspace, custom_gan.METHOD)
    first, second = item_seed(0, 0), item_seed(0, 1)
    ask(context, strip(custom_gan.METHOD, first, second))
    said = answer(context, "strip")
    assert [said["cells"][0]["place"], said["cells"][2]["place"]] == [first, second]
    assert said["cells"][1]["place"] == {"first": first, "second": second, "at": 0.5}
    drawn = np.concatenate(list(sampler.images([first, second], [0, 0])))[..., 0]
    ends = tiles(context, said)[0], tiles(context, said)[2]
    assert close(ends[0], drawn[0]) and close(ends[1], drawn[1]) and not close(ends[0], ends[1])
    # A place between seeds can be an end too, as the page hands it back
    ask(context, strip(custom_gan.METHOD, said["cells"][1]["place"], second, number=1))
    assert close(tiles(context, answer(context, "strip"))[0], tiles(context, said)[1])


def test_of_a_drag_only_the_newest_wish_is_drawn(workspace: Workspace, context: JobContext) -> None:
    plant(workspace, custom_gan.METHOD)
    wishes = [window(custom_gan.METHOD, number) for number in range(20)]
    other = window(custom_gan.METHOD, 3, client="another")
    done = ask(context, *wishes[:10], other, {"view": "map"}, strip(custom_gan.METHOD, 1, 2), *wishes[10:])
    assert done == {"answered": 3} and answer(context)["number"] == 19
    for number in range(20, 20 + 2 * KEPT_PICTURES):
        ask(context, window(custom_gan.METHOD, number))
    kept = sorted(path.name for path in (context.folder / FOLDER).glob("me-map-*.webp"))
    assert len(kept) == KEPT_PICTURES and kept[-1] == answer(context)["picture"]


def test_truncation_draws_towards_the_mean_where_there_is_one(workspace: Workspace, context: JobContext) -> None:
    plant(workspace, style_gan2_ada.METHOD)

    def spread(number: int, **more: Any) -> float:
        ask(context, window(style_gan2_ada.METHOD, number, **more))
        assert answer(context)["about"]["truncation"] == 1.0
        return float(np.std(np.stack(tiles(context, answer(context))), axis=0).mean())

    own, none, whole = spread(0), spread(1, truncation=0.0), spread(2, truncation=1.0)
    assert 4 * none < own and whole == own


def test_a_class_is_drawn_where_the_run_knows_classes(workspace: Workspace, context: JobContext) -> None:
    sampler = plant(workspace, cgan.METHOD, ("benign", "malignant"))
    ask(context, window(cgan.METHOD, label="malignant"))
    said = answer(context)
    assert said["about"]["classes"] == ["benign", "malignant"]
    drawn = next(sampler.images([said["cells"][0]["place"]], [1]))[0, ..., 0]
    assert close(tiles(context, said)[0], drawn)


def test_what_cannot_be_drawn_is_said_and_the_next_wish_is_heard(workspace: Workspace, context: JobContext) -> None:
    plant(workspace, cycle_gan.METHOD, ("benign", "malignant"))
    plant(workspace, custom_gan.METHOD)
    ask(context, window(cycle_gan.METHOD))
    assert "no latent space" in answer(context)["error"]["what"] and not answer(context)["picture"]
    ask(context, window(custom_gan.METHOD, 1, checkpoint=7))
    assert "checkpoint" in answer(context)["error"]["what"]
    ask(context, window(custom_gan.METHOD, 2))
    assert answer(context)["error"] is None


def test_stop_ends_it(workspace: Workspace, context: JobContext) -> None:
    control.request(context.folder, "stop")
    with pytest.raises(JobStopped):
        latents.run(latents.LatentsParameters(), context)


def test_pictures_are_no_larger_than_the_page_has_room_for() -> None:
    images = np.arange(2 * 8 * 8, dtype=np.uint16).reshape(2, 8, 8, 1)
    small = shrunk(images, 3)
    assert small.shape == (2, 4, 4, 1) and small.dtype == np.uint16
    assert small[0, 0, 0, 0] == round(float(images[0, :2, :2].mean()))
    assert shrunk(images, 100) is images

"""What a step is: its options, its place in the order, what it does, and which images are hard for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engines.options import Options

if TYPE_CHECKING:  # a description of the steps must not wait for scipy
    from engines.curation.canonical import Crop
    from engines.curation.proxy import Proxy
    from engines.curation.segment import Segment

Stored = npt.NDArray[Any]  # uint8 or uint16 as read, float32 on the way
Row = Mapping[str, str]


class NoOptions(Options):
    """A step that is on or off."""


@dataclass
class Work:
    """One picture on its way; steps change it in place.

    `pixels` (H,W,C) keep the units of the source, 0 to `white`, until the last step; they are uint8 or uint16 until the
    picture is resized, float32 after it. `facts` is the image's row of the analysis. `crop` is the box that was cut, if
    one was, `veil` 1 on the breast and 0 beside it, `mask` 1 on what stays and 0 on what is to be blanked by the
    resizer, after which it is None and `blanked` says whether there was one; veil and mask may be smaller than `pixels`
    and cover the same field. `chest` is left, right or empty. `flags` go into the table of the set. By step, `doubt`
    says from 0 to 1 how hard the picture was and `said` in words what came of it; `done` names the steps that ran.
    """

    pixels: Stored
    bits: int
    facts: Row = field(default_factory=dict)
    crop: Crop | None = None
    veil: npt.NDArray[np.float32] | None = None
    mask: npt.NDArray[np.float32] | None = None
    fill: float = 0.0
    blanked: bool = False
    chest: str = ""
    flags: list[str] = field(default_factory=list)
    doubt: dict[str, float] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = self.pixels
        if self.pixels.ndim == 2:
            self.pixels = self.pixels[..., None]

    @property
    def white(self) -> float:
        return float(2**self.bits - 1)

    @cached_property
    def proxy(self) -> Proxy:
        """The small stand-in of the original, on which outlines are found."""
        from engines.curation.proxy import make_proxy

        return make_proxy(self.source)

    @cached_property
    def found(self) -> Segment | None:
        """The breast in the original; None where nothing stands out."""
        from engines.curation.segment import segment

        return segment(self.proxy.values)


Apply = Callable[[Work, Any], None]


def doubtful_first(row: Row) -> float:
    """The lower the shape confidence, the harder."""
    return 1.0 - float(row.get("shape_confidence") or 0.0)


@dataclass(frozen=True)
class StepSpec:
    """One step; a step file ends with `STEP = StepSpec(...)`.

    `order` is its place among all steps. `hardness(row)` ranks images by their row of the analysis, the hardest
    highest; where that is `measured`, by what `apply` leaves in `Work.doubt`, more are tried. `greys` steps
    change brightness, so that before and after are shown on the full scale instead of stretched. `built_in` steps are
    switched by a parameter of their own.
    """

    name: str
    title: str
    summary: str
    options: type[Options]
    order: int
    apply: Apply
    hardness: Callable[[Row], float] = doubtful_first
    measured: bool = False
    greys: bool = False
    built_in: bool = False

"""Two thousand damaged pictures, bombs and archives: each ends in a picture or in words, quickly, in little memory.

    python tests/faults/fuzz_files.py [--mutants 2000] [--seed 1] [--add] [--others]

Prints every distinct sentence with its count, the slowest file and how much this process grew. With --add, the same
files are also added to a new workspace as a folder, which analyses what can be read. With --others, mutants are of
JPEG, PGM, NPY and HDF5 files instead of DICOM, PNG and TIFF. Exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.errors import LabError
from engines.readers.base import Header, Limits, Picture
from engines.readers.sandbox import Sandbox

try:
    from tests.faults import bombs, hostile_files
except ImportError:  # run by hand, where another package may be called tests
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import bombs  # type: ignore[no-redef]
    import hostile_files  # type: ignore[no-redef]

MOST_S, MOST_GROWTH_BYTES = 20.0, 200 * 10**6
WORKERS = 2


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    path: Path
    header: Header | LabError | BaseException
    picture: Picture | LabError | BaseException
    seconds: float  # for reading it

    @property
    def faults(self) -> Iterator[str]:
        for result in (self.header, self.picture):
            if isinstance(result, LabError):
                if not (result.what and result.advice):
                    yield f"{self.path.name}: a refusal without advice: {result}"
                if "crash" in str(result):
                    yield f"{self.path.name}: {result}"
            elif not isinstance(result, Header | Picture):
                yield f"{self.path.name}: {type(result).__name__} instead of words"
        if isinstance(self.picture, Picture):
            if not isinstance(self.header, Header):
                yield f"{self.path.name}: read, but its header was refused"
            elif (self.header.height, self.header.width) != self.picture.pixels.shape[:2]:
                yield f"{self.path.name}: not of the size that its header says"
            if int(self.picture.pixels.max()) >= 2**self.picture.bits:
                yield f"{self.path.name}: brighter than white"
        if self.seconds > MOST_S + 5:  # ending a child takes a moment
            yield f"{self.path.name}: took {self.seconds:.1f} s"


def look_at(paths: list[Path], limits: Limits) -> list[Outcome]:
    """Probe and read every file in a sandbox."""

    def one(path: Path) -> Outcome:
        results: list[Header | Picture | BaseException] = []
        began = time.monotonic()
        for look in (sandbox.probe, sandbox.read):
            try:
                results.append(look(path))
            except BaseException as error:  # what is not a LabError is reported as a fault
                results.append(error)
        picture = results[1]
        if isinstance(picture, Picture):  # keep no pixels: the files together would fill the memory
            probe = picture.pixels[:1, :1] if picture.pixels.size > 2**16 else picture.pixels
            shape = picture.pixels.shape
            picture = Picture(np.broadcast_to(probe.max(), shape), picture.bits)
        return Outcome(path, results[0], picture, time.monotonic() - began)  # type: ignore[arg-type]

    with Sandbox(limits, workers=WORKERS) as sandbox, ThreadPoolExecutor(WORKERS) as threads:
        return list(threads.map(one, paths))


def sentences(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(
        f"{outcome.picture.what} {outcome.picture.why}" if isinstance(outcome.picture, LabError) else "(read)"
        for outcome in outcomes
    )


def peak_bytes() -> int:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def add(folder: Path, workspace: Path) -> dict[str, int]:
    """Add the folder as a researcher would; every file must end in the catalogue or in the list of refusals."""
    from engines.jobs.context import JobContext
    from engines.tasks.add import AddParameters, run
    from engines.workspace import Workspace

    ws = Workspace.open(workspace)
    job = ws.folder("jobs", "add")
    job.mkdir()
    result = run(AddParameters(path=str(folder)), JobContext.detached(ws, job))
    return {"items": result["items"], "rejected": result["rejected_count"]}


def make(folder: Path, count: int, seed: int, others: bool) -> None:
    """Make the files, in a process of their own: bombs take memory to make, too."""
    folder.mkdir()
    makers = hostile_files.OTHERS if others else hostile_files.CLEAN
    for _ in hostile_files.mutants(folder, count, np.random.default_rng(seed), makers):
        pass
    bombs.bombs(folder / "bombs")
    bombs.archives(folder / "archives")


def main(count: int, seed: int, with_add: bool, others: bool) -> int:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "files"
        order = [sys.executable, __file__, "--make", str(folder), "--mutants", str(count), "--seed", str(seed)]
        subprocess.run([*order, *(["--others"] if others else [])], check=True)
        paths = sorted(path for name in ("mutants", "bombs", "archives") for path in (folder / name).glob("*.*"))
        began, before = time.monotonic(), peak_bytes()
        outcomes = look_at(paths, Limits(timeout_s=MOST_S))
        seconds, growth = time.monotonic() - began, peak_bytes() - before
        faults = [fault for outcome in outcomes for fault in outcome.faults]
        for sentence, times in sentences(outcomes).most_common():
            print(f"{times:6}  {sentence}")
        slowest = max(outcomes, key=lambda outcome: outcome.seconds)
        print(f"{len(paths)} files in {seconds:.0f} s; slowest {slowest.path.name} with {slowest.seconds:.2f} s")
        print(f"growth of this process: {growth / 1e6:.0f} MB")
        if with_add:
            import engines.curation.analysis  # noqa: F401 its libraries are no growth by files

            before = peak_bytes()
            counts = add(folder, Path(temporary) / "workspace")
            grown = peak_bytes() - before
            print(f"added: {counts}; growth of this process while adding: {grown / 1e6:.0f} MB")
            growth = max(growth, grown)
        print(*faults or ["no fault"], sep="\n")
    return 1 if faults or growth > MOST_GROWTH_BYTES else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--add", action="store_true")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.make:
        sys.exit(make(chosen.make, chosen.mutants, chosen.seed, chosen.others))
    sys.exit(main(chosen.mutants, chosen.seed, chosen.add, chosen.others))

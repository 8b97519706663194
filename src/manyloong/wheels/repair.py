"""From a raw wheel to one that carries its platform tag: libraries grafted, tag and RECORD rewritten.

auditwheel's library does it, told which libc and architecture the wheel is for and where its libraries
are; without these it would look at the host. It runs as a process of its own (``payload/graft.py``).
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.store.normalise import UMASK
from manyloong.targets import Target

_LIBC = {"glibc": "GLIBC", "musl": "MUSL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """One wheel to repair, and where its libraries may be found."""

    wheel: Path
    output: Path
    target: Target
    library_paths: tuple[Path, ...]
    ports: Path | None  # the prefix of the ports that it was linked with
    runtime: Path | None  # what says which the compilers' own libraries are, where wheels carry them
    epoch: int

    def request(self) -> dict[str, str]:
        """The request as ``payload/graft.py`` reads it."""
        return {
            "wheel": str(self.wheel),
            "output": str(self.output),
            "tag": self.target.tag,
            "libc": _LIBC[self.target.libc],
            "architecture": self.target.architecture.name,
            "ldpaths": ":".join(str(path) for path in self._searched()),
            "ports": str(self.ports or ""),
            "runtime": str(self.runtime or ""),
        }

    def _searched(self) -> tuple[Path, ...]:
        """Where libraries are looked for; the ports' before the system's."""
        return (*((self.ports / "lib",) if self.ports else ()), *self.library_paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """The wheel with its tag, and the libraries that were grafted into it."""

    path: Path
    grafted: tuple[str, ...]
    carried: tuple[str, ...] = ()  # name and version of each, where it is a port's or the compilers'


def plan_repair(
    wheel: Path,
    output: Path,
    *,
    target: Target,
    library_paths: Sequence[Path],
    epoch: int,
    ports: Path | None = None,
    runtime: Path | None = None,
) -> RepairPlan:
    """What a repair will do; nothing is read or written yet."""
    return RepairPlan(
        wheel=wheel,
        output=output,
        target=target,
        library_paths=tuple(library_paths),
        ports=ports,
        runtime=runtime,
        epoch=epoch,
    )


def run_repair(plan: RepairPlan, *, environment: Mapping[str, str]) -> Repaired:
    """The repaired wheel in ``plan.output``; raises BuildError with the reason when there is no way to it.

    ``environment`` must have a PATH on which patchelf is found.
    """
    plan.output.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "manyloong.wheels.payload.graft"],
        input=json.dumps(plan.request()),
        capture_output=True,
        text=True,
        env={**environment, "SOURCE_DATE_EPOCH": str(plan.epoch)},
        umask=UMASK,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise BuildError(f"{plan.wheel.name} could not be repaired: {last[0]}", hint="run again with --keep")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise BuildError(
            f"{plan.wheel.name} cannot become {plan.target.tag}: {answer['error']}" + _symbols(answer),
            hint="link against libraries made for the floor, or ask for a later --platform",
        )
    return Repaired(
        path=Path(answer["wheel"]), grafted=tuple(answer["grafted"]), carried=tuple(answer["carried"])
    )


def _symbols(answer: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    found = answer.get("symbols", {})
    return "".join(f"\n  {library}: {', '.join(versions)}" for library, versions in sorted(found.items()))

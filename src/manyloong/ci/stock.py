"""Stock cibuildwheel with our images: what is added to it at run time, and what has to be there first."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

from manyloong.ci.reader import python_folder
from manyloong.errors import HostError, NotFoundError
from manyloong.targets import Target
from manyloong.wheels.image_parts import image_pythons

_SELECTING = ("--archs", "--only")
_ENGINES = ("docker", "podman")
UTILITY_PYTHON = "/usr/bin/python3"  # in the images, for cibuildwheel's own small jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What runs containers, and the images it should have: tag -> reference."""

    name: str
    images: Mapping[str, str]


def engine_of(environ: Mapping[str, str], targets: Sequence[Target]) -> Engine:
    """The engine that the caller's variables name, and the images that cibuildwheel would take.

    HostError where the engine is not installed.
    """
    words = shlex.split(environ.get("CIBW_CONTAINER_ENGINE", "docker").replace(";", " "))
    name = (words or ["docker"])[0]
    if name in _ENGINES and which(name, path=environ.get("PATH")) is None:
        other = next((found for found in _ENGINES if which(found, path=environ.get("PATH"))), None)
        raise HostError(
            f"cibuildwheel runs its builds in containers, and {name} is not installed",
            hint=f"CIBW_CONTAINER_ENGINE={other}"
            if other
            else "install podman or docker; manyloong build needs neither",
        )
    return Engine(name=name, images={target.tag: target.tag for target in targets})


def check_image(engine: Engine, tag: str, target: Target) -> None:
    """Whether the engine has an image of the right platform; NotFoundError, HostError with what to do."""
    reference = engine.images[tag]
    template = "{{.Os}}/{{.Architecture}}"
    done = subprocess.run(
        [engine.name, "image", "inspect", reference, "--format", template],
        capture_output=True,
        text=True,
        check=False,
    )
    policy = tag.removesuffix(f"_{target.architecture.name}")
    load = f"manyloong root export {policy} --tar {tag}.tar && {engine.name} load --input {tag}.tar"
    if done.returncode != 0:
        skip = f"CIBW_SKIP='*-{target.family}_*'"
        raise NotFoundError(
            f"{engine.name} has no image {reference!r}", hint=f"{load}; or without it: {skip}"
        )
    platform = done.stdout.strip()
    if platform != target.architecture.oci:
        raise HostError(
            f"image {reference!r} is for {platform}, not for {target.architecture.oci}", hint=load
        )


def stock_arguments(arguments: Sequence[str], environ: Mapping[str, str], target: Target) -> list[str]:
    """The caller's, and this architecture where they name none."""
    named = any(word.split("=", 1)[0] in _SELECTING for word in arguments)
    if named or "CIBW_ARCHS" in environ or "CIBW_ARCHS_LINUX" in environ:
        return list(arguments)
    return ["--archs", target.architecture.name, *arguments]


def stock_addition(targets: Sequence[Target]) -> dict[str, Any]:
    """The architecture of the targets, with the images and interpreters that it has here."""
    first = targets[0].architecture
    images: dict[str, dict[str, str]] = {}
    pythons: dict[str, list[list[str]]] = {}
    for target in targets:
        images.setdefault(target.family, {})[target.tag.removesuffix(f"_{first.name}")] = target.tag
        rows = image_pythons(target)
        pythons[target.family] = [[row.tag, row.version, python_folder(row.tag)] for row in rows]
    return {"name": first.name, "oci": first.oci, "images": images, "pythons": pythons}


def needed_targets(identifiers: Sequence[str], targets: Sequence[Target]) -> tuple[Target, ...]:
    """The first target of each family that is among build identifiers: whose images cibuildwheel takes."""
    firsts = {target.family: target for target in reversed(targets)}
    ends = {f"-{family}_{target.architecture.name}": target for family, target in firsts.items()}
    return tuple(target for end, target in ends.items() if any(name.endswith(end) for name in identifiers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The installed cibuildwheel with an architecture added, as a process of its own."""

    targets: Sequence[Target]
    environ: Mapping[str, str]

    def identifiers(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """The build identifiers that arguments come to; none where cibuildwheel refuses them."""
        done = self._process([*arguments, "--print-build-identifiers"], capture=True)
        return tuple(done.stdout.split()) if done.returncode == 0 else ()

    def run(self, arguments: Sequence[str]) -> int:
        """Run it; its exit status."""
        return self._process(arguments).returncode

    def _process(
        self, arguments: Sequence[str], *, capture: bool = False
    ) -> subprocess.CompletedProcess[str]:
        addition = stock_addition(self.targets) | {"utility_python": UTILITY_PYTHON}
        own = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (own, self.environ.get("PYTHONPATH"))))
        program = [sys.executable, "-P", "-m", "manyloong.ci.payload.run_cibuildwheel", json.dumps(addition)]
        platform = self.environ.get("CIBW_PLATFORM", "linux")
        return subprocess.run(
            [*program, *arguments],
            env={**self.environ, "PYTHONPATH": path, "CIBW_PLATFORM": platform},
            capture_output=capture,
            text=True,
            check=False,
        )

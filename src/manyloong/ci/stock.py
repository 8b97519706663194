"""Stock cibuildwheel with our images: what is added to it at run time, and what has to be there first."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from shutil import which
from typing import Any

from manyloong.ci.reader import python_folder
from manyloong.errors import HostError, InputError, NotFoundError
from manyloong.targets import Target
from manyloong.wheels.image_parts import image_pythons

_SELECTING = ("--archs", "--only")
_ENGINES = ("docker", "podman")
_NO_IMAGE = ("no such image", "no such object", "not known")  # how engines say it
UTILITY_PYTHON = "/usr/bin/python3"  # in the images, for cibuildwheel's own small jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBuild:
    """A build as cibuildwheel means to run it."""

    identifier: str
    engine: str
    image: str


def check_engine_name(environ: Mapping[str, str]) -> None:
    """Whether the caller's variable names an engine that cibuildwheel knows; InputError."""
    text = environ.get("CIBW_CONTAINER_ENGINE", "").partition(";")[0]
    name = text.strip().removeprefix("name:").strip()
    if name and name not in _ENGINES:
        near = get_close_matches(name, _ENGINES, 1)
        raise InputError(
            f"CIBW_CONTAINER_ENGINE: there is no engine {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_ENGINES)}",
        )


def check_engine(name: str, environ: Mapping[str, str]) -> None:
    """Whether an engine is installed; HostError with what to do."""
    if which(name, path=environ.get("PATH")) is not None:
        return
    other = next((found for found in _ENGINES if which(found, path=environ.get("PATH"))), None)
    raise HostError(
        f"cibuildwheel runs its builds in containers, and {name} is not installed",
        hint=f"CIBW_CONTAINER_ENGINE={other}"
        if other
        else "install podman or docker; manyloong build needs neither",
    )


def check_image(engine: str, target: Target) -> None:
    """Whether the engine has a target's image, for its platform; NotFoundError, HostError with what to do."""
    tag = target.tag
    template = "{{.Os}}/{{.Architecture}}"
    done = subprocess.run(
        [engine, "image", "inspect", tag, "--format", template],
        capture_output=True,
        text=True,
        check=False,
    )
    policy = tag.removesuffix(f"_{target.architecture.name}")
    load = f"manyloong root export {policy} --tar {tag}.tar && {engine} load --input {tag}.tar"
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode != 0 and last and not any(words in last.lower() for words in _NO_IMAGE):
        raise HostError(f"{engine} does not answer: {last}", hint=f"see what it says: {engine} info")
    if done.returncode != 0:
        skip = f"CIBW_SKIP='*-{target.family}_*'"
        raise NotFoundError(f"{engine} has no image {tag!r}", hint=f"{load}; or without it: {skip}")
    platform = done.stdout.strip()
    if platform != target.architecture.oci:
        raise HostError(f"image {tag!r} is for {platform}, not for {target.architecture.oci}", hint=load)


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


def needed_images(
    builds: Sequence[PlannedBuild], targets: Sequence[Target]
) -> tuple[tuple[str, Target], ...]:
    """Each image of ours that builds run in, with the engine that has to have it."""
    ours = {target.tag: target for target in targets}
    pairs = dict.fromkeys((build.engine, build.image) for build in builds if build.image in ours)
    return tuple((engine, ours[image]) for engine, image in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The installed cibuildwheel with an architecture added, as a process of its own."""

    targets: Sequence[Target]
    environ: Mapping[str, str]

    def plan(self, arguments: Sequence[str]) -> tuple[PlannedBuild, ...]:
        """What arguments come to; nothing where cibuildwheel refuses them: it says why when it is run."""
        done = self._process(arguments, plan=True)
        try:
            rows = json.loads(done.stdout.strip().splitlines()[-1])
            return tuple(PlannedBuild(**row) for row in rows)
        except (IndexError, TypeError, ValueError):
            return ()

    def run(self, arguments: Sequence[str]) -> int:
        """Run it; its exit status."""
        return self._process(arguments).returncode

    def _process(self, arguments: Sequence[str], *, plan: bool = False) -> subprocess.CompletedProcess[str]:
        addition = stock_addition(self.targets) | {"utility_python": UTILITY_PYTHON, "plan": plan}
        own = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (own, self.environ.get("PYTHONPATH"))))
        program = [sys.executable, "-P", "-m", "manyloong.ci.payload.run_cibuildwheel", json.dumps(addition)]
        platform = self.environ.get("CIBW_PLATFORM", "linux")
        return subprocess.run(
            [*program, *arguments],
            env={**self.environ, "PYTHONPATH": path, "CIBW_PLATFORM": platform},
            capture_output=plan,
            text=True,
            check=False,
        )

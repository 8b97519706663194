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
from manyloong.targets import Target, known_pythons

_SELECTING = ("--archs", "--only")
_ENGINES = ("docker", "podman")


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
        raise NotFoundError(f"{engine.name} has no image {reference!r}", hint=load)
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
    for target in targets:
        images.setdefault(target.family, {})[target.tag.removesuffix(f"_{first.name}")] = target.tag
    pythons = [python for python in known_pythons() if not python.from_source]
    return {
        "name": first.name,
        "oci": first.oci,
        "images": images,
        "pythons": [[python.tag, python.version, python_folder(python.tag)] for python in pythons],
    }


def run_stock(
    arguments: Sequence[str], *, targets: Sequence[Target], python: str, environ: Mapping[str, str]
) -> int:
    """Run it; its exit status. ``python``: an interpreter in the images, for its own small jobs."""
    addition = stock_addition(targets) | {"utility_python": python}
    own = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (own, environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "manyloong.ci.payload.run_cibuildwheel",
            json.dumps(addition),
            *arguments,
        ],
        env={**environ, "PYTHONPATH": path, "CIBW_PLATFORM": environ.get("CIBW_PLATFORM", "linux")},
        check=False,
    )
    return done.returncode

"""Stock cibuildwheel in a container: our image as it is, and the same one with an emulated compiler.

The second has one more layer: the distribution's GCC for the target with CMake, make and the like, laid over
the first, and the toolchain taken off PATH. So only what compiles differs. Both keep the wheel as the backend
made it, since no image repairs what that GCC links for a floor that old.
"""

import json
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.commands import PROGRAM
from benchmarks.goals import FULL_IMAGE, IMAGE, build_key
from benchmarks.lanes import EQUAL_WORK

from manyloong.cli.doors import Outside
from manyloong.events import ignore
from manyloong.roots import ensure_emulator
from manyloong.roots.images.assemble import target_image
from manyloong.roots.images.layer import tree_members
from manyloong.roots.images.oci import Image, Layer, export_layout
from manyloong.roots.layout import TARGET_PATH
from manyloong.sandbox.binfmt import register_line, system_entry
from manyloong.targets import Target
from manyloong.wheels.image_parts import ensure_parts
from manyloong.wheels.kit import root_of
from manyloong.wheels.source import Source, unpack_source

CXX_PACKAGES = ("kiwisolver==1.5.1",)
_SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
volumes = ["/etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro"]
[engine]
runtime = "runc"
"""

Take = Callable[[Source, Path], Iterator[tuple[str, float]]]  # sources, empty folder


def emulated_compilers(image: Image, root: Path) -> Image:
    """The image with a root's programs over its own, and its own compilers out of the way."""
    environment = {
        name: text.removeprefix(f"{TARGET_PATH}/bin:") if name == "PATH" else text
        for name, text in image.environment
    }
    layer = Layer(title="compilers of the target itself", members=dict(tree_members(root)))
    return replace(image, layers=(*image.layers, layer), environment=tuple(environment.items()))


@contextmanager
def open_containers(target: Target, outside: Outside) -> Iterator[Take]:
    """Podman with both images loaded; gives what builds one sdist in each. RuntimeError where it fails."""
    folder = Path(tempfile.gettempdir()) / f"bench-podman-{secrets.token_hex(6)}"  # part of images' names
    folder.mkdir(mode=0o700)
    with ExitStack() as stack:
        stack.callback(_removed, folder)
        stack.enter_context(_registered(target, outside))
        environ = _engine(folder)
        image = target_image(ensure_parts(target, outside.host, doors=outside.doors))
        compilers = root_of(f"bench-emulated-{target.architecture.debian}", outside.doors)
        for name, one in ((IMAGE, image), (FULL_IMAGE, emulated_compilers(image, compilers.path))):
            layout = export_layout(one, folder / "layout")
            digest = _podman("pull", "--quiet", f"oci:{layout.directory}", environ=environ).split()[-1]
            _podman("tag", digest, _reference(name), environ=environ)
            shutil.rmtree(layout.directory)

        def take(source: Source, place: Path) -> Iterator[tuple[str, float]]:
            for name in (IMAGE, FULL_IMAGE):
                project = place / f"{source.name}-{name.replace(' ', '-')}"
                unpack_source(source, project)
                began = time.perf_counter()
                _build(project, _reference(name), target, environ)
                yield build_key(source.label, name), time.perf_counter() - began

        yield take


def _removed(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", f"{folder}/store/overlay"], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _registered(target: Target, outside: Outside) -> Iterator[None]:
    """The kernel runs the target's programs in containers, for as long as this is measured."""
    qemu = target.architecture.qemu
    if system_entry(outside.facts, qemu):
        yield
        return
    binary = ensure_emulator(
        outside.host,
        target.architecture,
        store=outside.doors.store,
        fetcher=outside.doors.fetcher,
        mirrors=outside.doors.mirrors,
        listener=ignore,
    )
    with tempfile.TemporaryDirectory(prefix="bench-binfmt-") as name:
        subprocess.run(["mount", "-t", "binfmt_misc", "none", name], check=True)
        entry = Path(name) / qemu.binary
        ours = not entry.exists()
        try:
            if ours:
                entry.with_name("register").write_text(register_line(qemu, str(binary)), "utf-8")
            yield
        finally:
            if ours and entry.exists():
                entry.write_text("-1", "utf-8")
            subprocess.run(["umount", name], check=False)


def _reference(name: str) -> str:
    return "localhost/bench-" + name.replace(" ", "-")


def _engine(folder: Path) -> dict[str, str]:
    storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(storage, "utf-8")
    (folder / "containers.conf").write_text(_SETTINGS, "utf-8")
    return dict(os.environ) | {
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
    }


def _podman(*arguments: str, environ: dict[str, str]) -> str:
    done = subprocess.run(["podman", *arguments], env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done.stdout


def _build(project: Path, image: str, target: Target, environ: dict[str, str]) -> None:
    """One wheel by stock cibuildwheel, neither repaired nor tested."""
    family = target.family
    variables = {
        "CIBW_CONTAINER_ENGINE": "podman; disable_host_mount: true",
        "CIBW_BUILD": f"cp313-{family}*",
        f"CIBW_{family.upper()}_{target.architecture.name.upper()}_IMAGE": image,
        "CIBW_REPAIR_WHEEL_COMMAND_LINUX": "cp {wheel} {dest_dir}",
        "CIBW_TEST_SKIP": "*",
        "CIBW_ENVIRONMENT": " ".join(f"{name}={shlex.quote(text)}" for name, text in EQUAL_WORK.items()),
    }
    with tempfile.TemporaryDirectory() as output:
        command = [str(PROGRAM), "cibuildwheel", "--output-dir", output]
        done = subprocess.run(
            command, cwd=project, env=dict(environ) | variables, capture_output=True, text=True, check=False
        )
        wheels = [path.name for path in Path(output).glob("*.whl")]
    if done.returncode != 0 or len(wheels) != 1:
        said = {"command": command, "wheels": wheels}
        raise RuntimeError(f"{json.dumps(said)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")

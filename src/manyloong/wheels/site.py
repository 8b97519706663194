"""A virtual environment of the target root, filled from the host: nothing of it runs while it is made."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from manyloong.errors import BuildError
from manyloong.roots import Root
from manyloong.sandbox import Bind, Command, Runner
from manyloong.targets import Python
from manyloong.wheels.resolve import Platform, Uv

VENV = "/opt/manyloong/env"
_COMPILE = ("-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash")


def install_site(
    wheels: Mapping[str, Path],
    python: Python,
    place: Path,
    *,
    label: str,
    uv: Uv,
    platform: Platform,
    programs: Mapping[str, Path] = MappingProxyType({}),
    programs_platform: Platform | None = None,
) -> None:
    """A virtual environment at ``place`` with the wheels, for use at VENV.

    ``wheels`` gives paths by file name; ``label`` is what they are together, for the error. ``programs`` are
    wheels of another platform, whose programs run in the root all the same. Raises BuildError with uv's words
    when one cannot be installed.
    """
    site = place / "lib" / python.name / "site-packages"
    site.mkdir(parents=True)
    (place / "bin").mkdir()
    for name in ("python", "python3", python.name):
        (place / "bin" / name).symlink_to(python.executable)
    (place / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python.version}\n", "utf-8"
    )
    for group, where in ((wheels, platform), (programs, programs_platform)):
        if group and where is not None:
            _install(group, site, python, label=label, uv=uv, platform=where)
    _move_scripts(site / "bin", place / "bin", host_python=uv.python)


def _install(
    wheels: Mapping[str, Path], site: Path, python: Python, *, label: str, uv: Uv, platform: Platform
) -> None:
    named = site.parents[2].with_name("wheels-to-install")
    named.mkdir()
    for name, path in wheels.items():
        shutil.copyfile(path, named / _admitted(name, python, platform))
    arguments = ["install", "--quiet", "--offline", "--no-index", "--no-deps", "--target", str(site)]
    arguments += ["--python-version", python.version, "--python-platform", platform.uv_name]
    arguments += ["--link-mode", "copy", *(str(path) for path in sorted(named.iterdir()))]
    done = uv.run(arguments)
    if done.returncode != 0:
        raise BuildError(
            f"{label} cannot be installed:\n{done.stderr.strip()}",
            hint="look at the wheel that is named there: manyloong audit WHEEL",
        )
    shutil.rmtree(named)


def _admitted(name: str, python: Python, platform: Platform) -> str:
    """A wheel's file name so that uv takes it, which knows a version but no ABI here, nor every libc.

    A free-threaded wheel is then also one of the other ABI, and one for a platform that uv has no name for is
    one for its machine, by the name alone; the tags inside stay.
    """
    if python.free_threaded:
        name = name.replace(f"-{python.tag}-", f"-{python.interpreter}.{python.tag}-")
    if not platform.named:
        for tag in platform.tags:
            name = name.replace(tag, f"linux_{platform.machine}")
    return name


def _move_scripts(made: Path, wanted: Path, *, host_python: Path) -> None:
    """Console scripts to where a virtual environment has them, started by its own interpreter."""
    if not made.is_dir():
        return
    for script in sorted(made.iterdir()):
        content = script.read_bytes()
        first, separator, rest = content.partition(b"\n")
        if first.startswith(b"#!") and str(host_python.parent).encode() in first:
            content = f"#!{VENV}/bin/python".encode() + separator + rest
        copy = wanted / script.name
        if not copy.exists():
            copy.write_bytes(content)
            copy.chmod(0o755)
    shutil.rmtree(made)


def compile_site(
    place: Path, python: Python, *, root: Root, log: Path, runner: Runner, binds: tuple[Bind, ...] = ()
) -> None:
    """Byte code for everything installed, by the native Python of the same version: ten times faster.

    Files that do not compile are left to fail, or not, when they are imported.
    """
    runner.run(
        Command(
            argv=(python.native_executable, "-I", *_COMPILE, f"{VENV}/lib"),
            root=root.path,
            log=log,
            environment=(("HOME", "/home/builder"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")),
            binds=(Bind(source=place, target=VENV, writable=True), *binds),
        )
    )

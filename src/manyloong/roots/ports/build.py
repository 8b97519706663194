"""Builds one port in the sandbox: unpack, patch, run its script, finish its tree."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.roots.layout import PORTS_PATH
from manyloong.roots.ports.finish import finish_port
from manyloong.roots.ports.libraries import faults, read_libraries
from manyloong.roots.ports.meson import meson_source
from manyloong.roots.ports.model import Port
from manyloong.roots.ports.script import BUILD, SOURCE, build_script, check_script, variables
from manyloong.roots.sources import PinnedSource, unpack_source
from manyloong.roots.toolchain import Toolchain
from manyloong.sandbox import Bind, Command, Done, Emulator, Runner
from manyloong.store.normalise import normalise_tree
from manyloong.targets import Host, Target

EPOCH = 0  # of the files of a port's tree
SYSROOT = "/opt/manyloong/sysroot"  # the root whose loader programs under test use


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What ports of one target are built with: values, and the one door that a build needs."""

    target: Target
    host: Host
    toolchain: Toolchain
    native_root: Path
    runner: Runner
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bed:
    """Where a port's own tests run: an emulator, and the root of the target whose C library they use."""

    emulator: Emulator | None  # None where the host runs the target's programs itself
    root: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What a port's own tests said."""

    passed: bool
    tests: int | None  # None where the output does not count them
    seconds: float
    log: Path
    reason: str = ""


def needed_sources(port: Port) -> tuple[PinnedSource, ...]:
    """Every archive that a build unpacks."""
    meson = (meson_source(),) if port.system == "meson" else ()
    return (port.source, *port.extra, *meson)


def build_port(
    port: Port,
    tree: Path,
    *,
    workshop: Workshop,
    sources: Mapping[str, Path],
    prefix: Path | None,
    scratch: Path,
    bed: Bed | None = None,
) -> CheckReport | None:
    """Fill an empty ``tree``; ``prefix`` holds the dependencies. With a ``bed``, its tests run before that.

    Raises IntegrityError for a bad archive, BuildError with the end of the log for everything else.
    """
    place = scratch / "place"
    epoch = _unpack(port, place, sources)
    _patch(port, place, workshop, scratch)
    command = _command(place, workshop, prefix=prefix, epoch=epoch, log=scratch / "build.log")
    _run(port, build_script(port), command, place, workshop.runner)
    report = None
    if bed is not None and port.check is not None:
        report = _check(port, command, place, workshop.runner, bed)
    finish_port(port, installed=place / "dest", source=place / "src", tree=tree)
    _judge(port, tree, workshop, prefix)
    normalise_tree(tree, epoch=EPOCH)
    return report


def _unpack(port: Port, place: Path, sources: Mapping[str, Path]) -> int:
    """The sources where the sandbox expects them; the time of their newest file."""
    for source in needed_sources(port):
        folder = place / ("src" if source is port.source else source.name)
        folder.mkdir(parents=True)
        unpack_source(
            source, sources[source.sha256], folder, members=port.members if source is port.source else ()
        )
    files = (Path(folder, name) for folder, _, names in os.walk(place / "src") for name in names)
    return int(max((path.lstat().st_mtime for path in files if not path.is_symlink()), default=0))


def _patch(port: Port, place: Path, workshop: Workshop, scratch: Path) -> None:
    for patch in port.patches:
        (place / "change.patch").write_text(patch.text, "utf-8")
        log = scratch / "patch.log"
        done = workshop.runner.run(
            Command(
                argv=("patch", "-p1", "--batch", "--fuzz=0", "--forward", "-i", f"{BUILD}/change.patch"),
                root=workshop.native_root,
                log=log,
                environment=(("PATH", "/usr/bin:/bin"),),
                binds=(Bind(source=place, target=BUILD, writable=True),),
                cwd=SOURCE,
            )
        )
        if not done.succeeded:
            raise BuildError(
                f"{port.label}: the patch {patch.name} does not apply:\n{done.last_lines(10)}",
                hint="make it again for this version, or take it out of the port's file",
            )


def _command(place: Path, workshop: Workshop, *, prefix: Path | None, epoch: int, log: Path) -> Command:
    environment = variables(target=workshop.target, host=workshop.host, epoch=epoch, jobs=workshop.jobs)
    binds = [*workshop.toolchain.binds(), Bind(source=place, target=BUILD, writable=True)]
    if prefix is not None:
        binds.append(Bind(source=prefix, target=PORTS_PATH))
    return Command(
        argv=("/bin/sh", f"{BUILD}/build.sh"),
        root=workshop.native_root,
        log=log,
        environment=tuple(sorted(environment.items())),
        binds=tuple(binds),
        cwd=SOURCE,
    )


def _run(port: Port, script: str, command: Command, place: Path, runner: Runner) -> Done:
    (place / "build.sh").write_text(script, "utf-8")
    done = runner.run(command)
    if not done.succeeded:
        raise BuildError(
            f"{port.label} could not be built ({done.outcome}, exit code {done.returncode}):\n"
            f"{done.last_lines(30)}"
        )
    return done


def _check(port: Port, command: Command, place: Path, runner: Runner, bed: Bed) -> CheckReport:
    """The port's own tests, by the emulator; a run that fails is a report, not an exception."""
    (place / "check.sh").write_text(check_script(port), "utf-8")
    log = command.log.with_name("check.log")
    command = replace(
        command,
        argv=("/bin/sh", f"{BUILD}/check.sh"),
        log=log,
        emulator=bed.emulator,
        binds=(*command.binds, Bind(source=bed.root, target=SYSROOT)),
        environment=(
            *command.environment,
            # Loaders of the build machine pass over libraries that are not theirs.
            ("QEMU_LD_PREFIX", SYSROOT),
            ("LD_LIBRARY_PATH", f"{PORTS_PATH}/lib"),
        ),
    )
    done = runner.run(command)
    return judge_check(port, done)


def judge_check(port: Port, done: Done) -> CheckReport:
    """What the output of a port's tests says."""
    text = done.log.read_text("utf-8", "replace")
    expect = re.compile(port.check.expect if port.check else "", re.MULTILINE)
    found = list(expect.finditer(text))
    count = sum(int(match[1]) for match in found if match[1]) if expect.groups else len(found)
    reason = ""
    if not done.succeeded:
        reason = f"{done.outcome}, exit code {done.returncode}"
    elif not found:
        reason = f"its output has nothing like {expect.pattern!r}"
    return CheckReport(
        passed=not reason,
        tests=count or None,
        seconds=done.seconds,
        log=done.log,
        reason=reason,
    )


def _judge(port: Port, tree: Path, workshop: Workshop, prefix: Path | None) -> None:
    known = read_libraries(prefix / "lib") if prefix is not None else ()
    system = read_libraries(workshop.toolchain.target / "sysroot/usr/lib")
    wrong = faults(read_libraries(tree), port=port, target=workshop.target, known=known, system=system)
    if wrong:
        raise BuildError(f"{port.label} is not as it has to be:\n" + "\n".join(f"  {line}" for line in wrong))

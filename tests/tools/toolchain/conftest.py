"""The toolchain of the first target, in the sandbox of this host, from the user's own cache."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from manyloong.cli.doors import open_outside
from manyloong.errors import ManyloongError
from manyloong.events import ignore
from manyloong.sandbox import Bind, Command, Done, Runner
from manyloong.targets import target
from manyloong.wheels.kit import Kit, ensure_kit

TAG = "manylinux_2_36_loongarch64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A directory that is /build in the sandbox, with the toolchain around it."""

    kit: Kit
    runner: Runner
    place: Path
    binds: tuple[Bind, ...] = field(default=())

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def run(self, *argv: str, native: bool = False, cwd: str = "/build") -> Done:
        """Run with the target's (or the build machine's) compilers first in PATH."""
        tree = "native" if native else "target"
        log = self.place.parent / f"{self.place.name}.log"
        log.unlink(missing_ok=True)
        environment = (("PATH", f"/opt/manyloong/{tree}/bin:/usr/bin:/bin"), ("HOME", "/home/builder"))
        places = (Bind(source=self.place, target="/build", writable=True), *self.binds)
        command = Command(
            argv=argv,
            root=self.kit.native_root.path,
            log=log,
            environment=environment,
            binds=(*self.kit.toolchain.binds(), *places),
            cwd=cwd,
        )
        return self.runner.run(command)

    def check(self, *argv: str, native: bool = False, cwd: str = "/build") -> str:
        """What a command that succeeds says."""
        done = self.run(*argv, native=native, cwd=cwd)
        text = done.log.read_text("utf-8")
        assert done.succeeded, text
        return text

    def emulate(self, program: str) -> str:
        """What a program built here says on the target: in its own root, under the baseline CPU."""
        emulator = self.kit.emulator(self.kit.target.architecture.qemu.cpu_baseline)
        log = self.place.parent / f"{self.place.name}.emulated.log"
        log.unlink(missing_ok=True)
        command = Command(
            argv=(f"/build/{program}",),
            root=self.kit.target_root.path,
            log=log,
            binds=(Bind(source=self.place, target="/build"),),
            emulator=emulator,
        )
        done = self.runner.run(command)
        text = log.read_text("utf-8")
        assert done.succeeded, text
        return text


@pytest.fixture(scope="session")
def outside_kit() -> tuple[Kit, Runner]:
    try:
        outside = open_outside(ignore, offline=False, locked=False)
        return ensure_kit(target(TAG), outside.host, doors=outside.doors), outside.doors.runner
    except ManyloongError as error:
        if os.environ.get("REQUIRE_TOOLS"):
            raise
        pytest.skip(f"no toolchain here: {error}")


@pytest.fixture
def workshop(outside_kit: tuple[Kit, Runner], tmp_path: Path) -> Workshop:
    kit, runner = outside_kit
    place = tmp_path / "build"
    place.mkdir()
    return Workshop(kit=kit, runner=runner, place=place)

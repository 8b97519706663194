"""Paths inside, found on the host; the explicit emulator's words."""

from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.sandbox import Bind, Command, Emulator
from manyloong.sandbox.inside import emulated_argv, host_path
from manyloong.targets import all_targets

QEMU = all_targets()[0].architecture.qemu
FOREIGN = bytes.fromhex(QEMU.magic) + b"rest"


@pytest.fixture
def command(tmp_path: Path) -> Command:
    root, other = tmp_path / "root", tmp_path / "other"
    (root / "usr/bin").mkdir(parents=True)
    other.mkdir()
    (root / "bin").symlink_to("usr/bin")
    (root / "usr/bin/sh").write_bytes(FOREIGN)
    (root / "usr/bin/python").symlink_to("/usr/bin/python3")
    (root / "usr/bin/python3").symlink_to("../../usr/bin/sh")
    (root / "usr/bin/loop").symlink_to("loop")
    (root / "usr/bin/script").write_text("#!/bin/sh -e x\necho\n", "utf-8")
    (root / "usr/bin/native").write_bytes(b"\x7fELF" + bytes(40))
    (other / "tool").write_bytes(FOREIGN)
    emulator = Emulator(binary=Path("/q"), qemu=QEMU, cpu="")
    bind = Bind(source=other, target="/mnt/")
    return Command(
        argv=("x",),
        root=root,
        log=tmp_path / "log",
        binds=(bind,),
        emulator=emulator,
        environment=(("PATH", "/none:/usr/bin"),),
    )


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/bin/sh", "root/usr/bin/sh"),
        ("/bin/python", "root/usr/bin/sh"),
        ("/mnt/tool", "other/tool"),
        ("/usr/../mnt/./tool", "other/tool"),
        ("../../mnt/tool", "other/tool"),
        ("/", "root"),
    ],
)
def test_host_path(command: Command, tmp_path: Path, path: str, found: str) -> None:
    assert host_path(command, path) == tmp_path / found


@pytest.mark.parametrize("path", ["/none", "/bin/loop", "/mnt/none"])
def test_no_host_path(command: Command, path: str) -> None:
    assert host_path(command, path) is None


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("python", "-V"), ("Q", "-0", "python", "/usr/bin/python", "-V")),
        (("/mnt/tool",), ("Q", "-0", "/mnt/tool", "/mnt/tool")),
        (("script", "a"), ("Q", "/bin/sh", "-e x", "/usr/bin/script", "a")),
        (("native", "a"), ("native", "a")),
        (("none",), ("none",)),
    ],
)
def test_emulated_argv(command: Command, argv: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert emulated_argv(replace(command, argv=argv), "Q") == words

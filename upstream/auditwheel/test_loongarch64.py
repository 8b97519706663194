from __future__ import annotations

import io
import struct
import sys
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from auditwheel.architecture import Architecture
from auditwheel.lddtree import _get_platform
from auditwheel.libc import Libc
from auditwheel.main import main
from auditwheel.policy import WheelPolicies, all_policy_names

if TYPE_CHECKING:
    from pathlib import Path


def elf_header(flags: int) -> ELFFile:
    """A loongarch64 ELF header alone."""
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 3, 258, 1, 0, 0, 0, flags, 64, 56, 0, 64, 0, 0)
    return ELFFile(io.BytesIO(ident + header))


def test_lp64d() -> None:
    platform = _get_platform(elf_header(0x43))
    assert platform.baseline_architecture == Architecture.loongarch64


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (0x03, "object file ABI version"),
        (0x41, "double-float"),
        (0x42, "double-float"),
    ],
    ids=["old-world", "soft-float", "single-float"],
)
def test_other_abis(flags: int, message: str) -> None:
    platform = _get_platform(elf_header(flags))
    with pytest.raises(ValueError, match=message):
        _ = platform.baseline_architecture


def test_every_policy_has_its_name() -> None:
    names = all_policy_names()
    assert {"manylinux_2_36_loongarch64", "musllinux_1_2_loongarch64"} <= names
    for arch in (Architecture.x86_64, Architecture.loongarch64):
        policies = WheelPolicies(libc=Libc.GLIBC, arch=arch)
        assert {p.name for p in policies if p != policies.linux} <= names
    assert not any(name.startswith("linux") for name in names)


@pytest.mark.parametrize("plat", ["manylinux_2_36_loongarch64", "musllinux_1_2_loongarch64"])
def test_plat_of_another_architecture(
    plat: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "demo-1-py3-none-linux_loongarch64.whl"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "argv", ["auditwheel", "repair", "--plat", plat, str(wheel)])
    monkeypatch.setattr(Architecture, "detect", lambda: Architecture.x86_64)
    monkeypatch.setattr(Libc, "detect", lambda: Libc.GLIBC)
    with pytest.raises(SystemExit):
        main()
    assert "No such file" in capsys.readouterr().err  # the wheel, not the platform, is refused

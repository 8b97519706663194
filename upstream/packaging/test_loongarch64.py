from __future__ import annotations

import pathlib
import struct
import sys
import tempfile
from collections.abc import Iterator

import pytest

from packaging import _manylinux, _musllinux
from packaging._manylinux import _GLibCVersion
from packaging._musllinux import _MuslVersion

LP64D_V1 = 0x43


@pytest.fixture
def interpreter(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """An ELF header alone, as the running interpreter."""
    flags = getattr(request, "param", LP64D_V1)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHH", 3, 258, 1, 0, 64, 0, flags, 64, 56, 0)
    monkeypatch.setattr(_manylinux, "_get_glibc_version", lambda: _GLibCVersion(2, 38))
    monkeypatch.setattr(_musllinux, "_get_musl_version", lambda _executable: _MuslVersion(1, 2))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "python")
        path.write_bytes(ident + header)
        monkeypatch.setattr(sys, "executable", str(path))
        yield


@pytest.mark.usefixtures("interpreter")
def test_tags_start_at_the_first_libc_of_the_architecture() -> None:
    assert list(_manylinux.platform_tags(["loongarch64"])) == [
        "manylinux_2_38_loongarch64",
        "manylinux_2_37_loongarch64",
        "manylinux_2_36_loongarch64",
    ]
    assert list(_musllinux.platform_tags(["loongarch64"])) == ["musllinux_1_2_loongarch64"]


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("interpreter", [0x03, 0x41, 0x42, 0x01], indirect=True, ids=hex)
def test_other_abis_have_no_tags() -> None:
    assert list(_manylinux.platform_tags(["loongarch64"])) == []
    assert list(_musllinux.platform_tags(["loongarch64"])) == []


@pytest.mark.usefixtures("interpreter")
def test_other_architectures_start_where_they_did() -> None:
    tags = list(_manylinux.platform_tags(["riscv64"]))
    assert tags[-1] == "manylinux2014_riscv64"
    assert list(_musllinux.platform_tags(["riscv64"]))[-1] == "musllinux_1_0_riscv64"

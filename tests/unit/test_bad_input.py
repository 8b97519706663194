"""Hostile and broken files: a verdict or an error with a hint, never another exception."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manyloong.audit import Facts, judge, read_facts
from manyloong.audit.elf import read_elf
from manyloong.corpus import Elf, Entry, Undefined, Wheel, make_elf, make_wheel, wheel_entries, write_zip
from manyloong.errors import InputError, NotFoundError
from manyloong.targets import judged_target

TARGET = judged_target("manylinux_2_36_loongarch64")
NAME = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
EXTENSION = "example/_x.cpython-313-loongarch64-linux-gnu.so"
GOOD_ELF = make_elf(
    Elf(needed=("libc.so.6",), soname="x", runpath="$ORIGIN", abi_tag=(5, 19, 0), comment="c")
)
SEEDS = sorted((Path(__file__).parents[1] / "fuzz" / "seeds").iterdir())


def rules_of_wheel(folder: Path, data: bytes, name: str = NAME) -> set[str]:
    path = folder / name
    path.write_bytes(data)
    return {one.rule for one in judge(read_facts(path), TARGET).findings}


def wheel_with(data: bytes, path: str = EXTENSION) -> bytes:
    return make_wheel(Wheel(files=((path, data),)))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "ML002"),
        (b"\x7fELF", "ML002"),
        (b"not an ELF file", "ML002"),
        (GOOD_ELF[:64], "ML002"),
        (GOOD_ELF[: len(GOOD_ELF) // 2], "ML002"),
        (make_elf(Elf(file_type=1)), "ML002"),
        (make_elf(Elf(file_type=4)), "ML002"),
        (make_elf(Elf(elf_class=32)), "ML001"),
        (make_elf(Elf(little_endian=False)), "ML001"),
        (b"\x7fELF\x03\x01" + bytes(100), "ML002"),
        (b"!<arch>\nnonsense" + bytes(100), "ML002"),
    ],
)
def test_broken_elf_in_a_wheel(tmp_path: Path, data: bytes, rule: str) -> None:
    assert rules_of_wheel(tmp_path, wheel_with(data)) == {rule}


@pytest.mark.parametrize("field", range(16, 64, 2))
def test_lying_header_fields(field: int) -> None:
    for value in (0xFFFF, 0x7FFF, 0x0001):
        lie = bytearray(GOOD_ELF)
        struct.pack_into("<H", lie, field, value)
        judge(Facts(path="x", elves=(read_elf(bytes(lie), path="x"),)), TARGET).to_json()


@pytest.mark.parametrize("field", range(0x1B0, len(GOOD_ELF) - 8, 8))
def test_lying_tables(field: int) -> None:
    for value in (0xFFFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFF0, 1):
        lie = bytearray(GOOD_ELF)
        struct.pack_into("<Q", lie, field, value)
        judge(Facts(path="x", elves=(read_elf(bytes(lie), path="x"),)), TARGET).to_json()


def test_names_that_overlap_are_bounded() -> None:
    """A million symbols that all point at one long name would take hours and gigabytes."""
    many = tuple(Undefined(name="x" * 60000) for _ in range(1))
    elf = bytearray(make_elf(Elf(undefined=many, exported=())))
    symbol = struct.pack("<IBBHQQ", 1, 16, 0, 0, 0, 0)
    table = len(elf)
    elf += bytes(24) + symbol * 50000
    facts = read_elf(bytes(elf), path="x")
    position = elf.find(struct.pack("<Q", 6) + struct.pack("<Q", _dynamic_value(bytes(elf), 6)))
    struct.pack_into("<Q", elf, position + 8, table)
    struct.pack_into("<Q", elf, 64 + 32, len(elf))  # the segment covers the file
    struct.pack_into("<Q", elf, 64 + 40, len(elf))
    assert not facts.problem
    for index in range(len(elf) // 8):
        if struct.unpack_from("<Q", elf, index * 8)[0] == 1 << 32 | 3:  # the relocation's symbol index
            struct.pack_into("<Q", elf, index * 8, 50000 << 32 | 3)
    assert "overlap" in read_elf(bytes(elf), path="x").problem


def _dynamic_value(elf: bytes, tag: int) -> int:
    for number in range(struct.unpack_from("<H", elf, 56)[0]):
        kind, _, offset, _, _, size, _, _ = struct.unpack_from("<IIQQQQQQ", elf, 64 + 56 * number)
        if kind == 2:
            entries = dict(struct.iter_unpack("<QQ", elf[offset : offset + size]))
            return int(entries[tag])
    raise AssertionError


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(GOOD_ELF)))
def test_any_bytes_in_an_elf_file(noise: bytes, place: int) -> None:
    data = GOOD_ELF[:place] + noise + GOOD_ELF[place + len(noise) :]
    judge(Facts(path="x", elves=(read_elf(data, path="x"),)), TARGET).to_json()


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=60), place=st.floats(0, 1))
def test_any_bytes_in_an_archive(
    noise: bytes, place: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = wheel_with(GOOD_ELF)
    start = int(place * len(good))
    rules_of_wheel(tmp_path_factory.mktemp("z"), good[:start] + noise + good[start + len(noise) :])


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_what_fuzzing_once_found(seed: Path, tmp_path: Path) -> None:
    data = seed.read_bytes()
    if data[:2] == b"PK":
        rules_of_wheel(tmp_path, data)
    else:
        judge(Facts(path="x", elves=(read_elf(data, path="x"),)), TARGET).to_json()


def _two_directories(good: bytes) -> bytes:
    """A ZIP64 record that tells of an empty directory, before the older record that tells of the real one."""
    head, end = good[:-22], good[-22:]
    empty = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 0, 0, 0, len(head))
    return head + empty + struct.pack("<IIQI", 0x07064B50, 0, len(head), 1) + end


BROKEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"this is not a ZIP archive" * 10,
    "truncated": lambda: wheel_with(GOOD_ELF)[:-1],
    "half": lambda: wheel_with(GOOD_ELF)[: len(wheel_with(GOOD_ELF)) // 2],
    "something behind it": lambda: wheel_with(GOOD_ELF) + b"evil",
    "two directories": lambda: _two_directories(wheel_with(GOOD_ELF)),
    "prefixed": lambda: b"#!/bin/sh\n" + wheel_with(GOOD_ELF),
    "wrong CRC": lambda: write_zip(
        (Entry(name="a", data=b"data", crc=1, local_crc=1), *wheel_entries(Wheel()))
    ),
    "10 GB declared": lambda: write_zip(
        (Entry(name="a", data=bytes(1 << 20), size=4 << 30 - 1), *wheel_entries(Wheel()))
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_archives(kind: str, tmp_path: Path) -> None:
    assert "ML087" in rules_of_wheel(tmp_path, BROKEN[kind]())


def test_bomb_is_not_inflated_beyond_its_declared_size(tmp_path: Path) -> None:
    bomb = Entry(name="a", data=bytes(50 << 20), size=1000)
    assert "ML087" in rules_of_wheel(tmp_path, write_zip((bomb, *wheel_entries(Wheel()))))


def test_hundred_thousand_members(tmp_path: Path) -> None:
    many = tuple(Entry(name=f"f{number}", data=b"", method=0) for number in range(100_000))
    found = rules_of_wheel(tmp_path, write_zip((*wheel_entries(Wheel()), *many)))
    assert found == {"ML081", "ML028"}  # none of them is in RECORD


def test_member_hidden_from_the_directory(tmp_path: Path) -> None:
    entries = wheel_entries(Wheel(files=((EXTENSION, GOOD_ELF),)))
    hidden = Entry(name="evil.py", data=b"evil", listed=False)
    assert rules_of_wheel(tmp_path, write_zip((entries[0], hidden, *entries[1:]))) == {"ML083"}


@pytest.mark.parametrize(
    "name", ["x.whl", ".whl", "a-b.whl", "a-1-b-c.whl", "a b-1-py3-none-any.whl", "ü-1-a-b-c.whl"]
)
def test_names_that_are_no_wheels(name: str, tmp_path: Path) -> None:
    assert "ML024" in rules_of_wheel(tmp_path, wheel_with(GOOD_ELF), name)


def test_paths_that_are_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as missing:
        read_facts(tmp_path / "missing.whl")
    assert missing.value.hint
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(InputError) as text:
        read_facts(tmp_path / "notes.txt")
    assert text.value.hint


def test_directory_is_read_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.so").write_bytes(GOOD_ELF)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "y.so").symlink_to("/dev/zero")
    (tmp_path / "libc.so").write_text("/* GNU ld script */")
    assert [one.path for one in read_facts(tmp_path).elves] == ["a/x.so"]

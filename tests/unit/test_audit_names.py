"""Names: wheels, extension modules, RECORD and metadata."""

import pytest

from manyloong.audit.metadata import compare_metadata, parse_headers
from manyloong.audit.names import parse_extension_name, parse_wheel_name
from manyloong.audit.record import Found, compare_record, parse_record


def test_a_wheel_name_expands_its_tags() -> None:
    name = parse_wheel_name("a_b-1.0+local-1x-py2.py3-none-linux_x86_64.manylinux_2_17_x86_64.whl")
    assert name is not None
    assert (name.distribution, name.version, name.build, len(name.tags)) == ("a_b", "1.0+local", "1x", 4)
    assert ("py3", "none", "linux_x86_64") in name.tags


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a-1.whl",
        "a-1-py3-none.whl",
        "a-1-x-y-z-w.whl",
        "a-1-py3..-none-any.whl",
        "-1-a-b-c.whl",
        "a-1-a-b-c.zip",
    ],
)
def test_other_names_are_none(text: str) -> None:
    assert parse_wheel_name(text) is None


@pytest.mark.parametrize(
    ("path", "abi", "triplet"),
    [
        ("a/_x.cpython-313-loongarch64-linux-gnu.so", "cp313", "loongarch64-linux-gnu"),
        ("_x.cpython-314t-loongarch64-linux-musl.so", "cp314t", "loongarch64-linux-musl"),
        ("_x.cpython-311.so", "cp311", ""),
        ("_x.abi3.so", "abi3", ""),
        ("_x.pypy311-pp73-loongarch64-linux-gnu.so", "pypy311-pp73", "loongarch64-linux-gnu"),
    ],
)
def test_extension_names(path: str, abi: str, triplet: str) -> None:
    name = parse_extension_name(path)
    assert name is not None
    assert (name.abi, name.triplet) == (abi, triplet)


@pytest.mark.parametrize("path", ["_x.so", "libx.so.1", "a.py", "x.cpython-313.pyc"])
def test_names_that_say_nothing(path: str) -> None:
    assert parse_extension_name(path) is None


def test_record_tells_each_fault() -> None:
    entries, problems = parse_record(
        "a,sha256=AA,1\na,sha256=AA,1\nb,md5=AA,1\nc\nd,sha256=AA,2\ne,,\nf,sha256=AA,1\n"
    )
    assert [one.detail for one in problems] == ["listed twice", "a line of 1 fields"]
    names = {"a": 1, "b": 1, "d": 1, "e": 1, "g": 1}
    found = {key: Found(path=key, digest="AA", size=size) for key, size in names.items()}
    told = {(one.rule, one.path) for one in compare_record(entries, found)}
    assert told == {("ML081", "b"), ("ML080", "d"), ("ML081", "e"), ("ML081", "g"), ("ML081", "f")}


def metadata_problems(name: str, *, wheel: str, metadata: str, folder: str = "a-1.0.dist-info") -> set[str]:
    parsed = parse_wheel_name(name)
    assert parsed is not None
    headers = (parse_headers(text) for text in (wheel, metadata))
    first, second = headers
    return {one.rule for one in compare_metadata(parsed, folder=folder, wheel=first, metadata=second)}


def test_metadata_agrees_in_any_spelling() -> None:
    wheel = "Wheel-Version: 1.0\nTag: py2.py3-none-any\n"
    name = "a-1.0-py2.py3-none-any.whl"
    assert metadata_problems(name, wheel=wheel, metadata="Name: A\nVersion: 1.0.0\n") == set()
    assert metadata_problems(name, wheel=wheel, metadata="Name: b\nVersion: 1.0\n") == {"ML088"}
    assert metadata_problems(name, wheel=wheel, metadata="Name: a\n") == {"ML088"}
    assert metadata_problems(name, wheel=wheel, metadata="Name: a\nVersion: one\n") == {"ML088"}
    assert metadata_problems(name, wheel=wheel[:19], metadata="Name: a\nVersion: 1.0\n") == {"ML023"}
    newer = wheel.replace("1.0", "2.0")
    assert metadata_problems(name, wheel=newer, metadata="Name: a\nVersion: 1.0\n") == {"ML088"}
    other = {"folder": "a-2.0.dist-info"}
    assert metadata_problems(name, wheel=wheel, metadata="Name: a\nVersion: 1.0\n", **other) == {"ML088"}

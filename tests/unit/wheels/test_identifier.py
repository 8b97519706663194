"""Identifiers: which Pythons a word means, which a project admits, which a wheel serves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manyloong.errors import InputError, NotFoundError
from manyloong.targets import all_pythons, target
from manyloong.wheels.identifier import Identifier, admitted, parse_platforms, parse_pythons, serves

PYTHONS = {row.tag: row for row in all_pythons()}


def tags(rows: object) -> list[str]:
    assert isinstance(rows, tuple)
    return [row.tag for row in rows]


def test_spelled_as_cibuildwheel_spells_it() -> None:
    identifier = Identifier(python=PYTHONS["cp313"], target=target("manylinux_2_36_loongarch64"))
    assert str(identifier) == "cp313-manylinux_loongarch64"


@pytest.mark.parametrize("text", ["cp314,cp313", "3.13, 3.14", "python3.14,cp313,cp313"])
def test_words_for_pythons(text: str) -> None:
    assert tags(parse_pythons(text)) == ["cp313", "cp314"]


def test_all_leaves_the_choice_to_the_project() -> None:
    assert parse_pythons("all") is None


@pytest.mark.parametrize("text", ["cp399", "", "cp313,foo", "3"])
def test_unknown_pythons_are_named(text: str) -> None:
    with pytest.raises(InputError, match="unknown Python") as caught:
        parse_pythons(text)
    assert "cp313" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        (None, ["cp313", "cp314", "cp315"]),
        (">=3.9", ["cp313", "cp314", "cp315"]),
        (">=3.14", ["cp314", "cp315"]),
        ("<3.15,>=3.8", ["cp313", "cp314"]),
        (">=3.13.4", ["cp313", "cp314", "cp315"]),
        ("!=3.14.*", ["cp313", "cp315"]),
    ],
)
def test_requires_python_admits(requires: str | None, expected: list[str]) -> None:
    assert tags(admitted(None, requires, project="x")) == expected


def test_no_python_is_left() -> None:
    with pytest.raises(NotFoundError, match=r"x requires Python <3\.9"):
        admitted(None, "<3.9", project="x")


@pytest.mark.parametrize(
    ("name", "python", "expected"),
    [
        ("a-1-cp313-cp313-manylinux_2_36_loongarch64.whl", "cp313", True),
        ("a-1-cp313-cp313-manylinux_2_36_loongarch64.whl", "cp314", False),
        ("a-1-cp38-abi3-manylinux_2_36_loongarch64.whl", "cp315", True),
        ("a-1-cp314-abi3-manylinux_2_36_loongarch64.whl", "cp313", False),
        ("a-1-py3-none-manylinux_2_36_loongarch64.whl", "cp314", True),
        ("a-1-py2.py3-none-manylinux_2_36_loongarch64.whl", "cp314", True),
        ("a-1-cp313-cp313t-manylinux_2_36_loongarch64.whl", "cp313", False),
    ],
)
def test_a_wheel_serves(name: str, python: str, *, expected: bool) -> None:
    assert serves(name, PYTHONS[python]) is expected


@given(st.lists(st.sampled_from(sorted(PYTHONS)), min_size=1))
def test_any_choice_comes_back_sorted_and_once(words: list[str]) -> None:
    assert tags(parse_pythons(",".join(words))) == sorted(set(words))


def test_platforms_keep_their_order_and_are_named_once() -> None:
    found = parse_platforms("musllinux_1_2, manylinux_2_36_loongarch64,musllinux_1_2")
    assert [row.tag for row in found] == ["musllinux_1_2_loongarch64", "manylinux_2_36_loongarch64"]
    with pytest.raises(InputError, match="no platform tag"):
        parse_platforms(" , ")
    with pytest.raises(NotFoundError, match="musllinux_1_1"):
        parse_platforms("manylinux_2_36,musllinux_1_1")

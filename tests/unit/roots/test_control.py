"""Control data: relations, versions, stanzas, the index."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manyloong.roots.control import (
    PackageIndex,
    Relation,
    compare_versions,
    format_relations,
    parse_relations,
    parse_stanza,
)

names = st.from_regex(r"[a-z0-9][a-z0-9+.-]{1,20}", fullmatch=True)
versions = st.from_regex(r"([0-9]:)?[0-9][A-Za-z0-9.+~]{0,12}(-[A-Za-z0-9.+~]{1,6})?", fullmatch=True)
relations = st.one_of(
    names.map(lambda name: Relation(name=name)),
    st.builds(
        Relation,
        name=names,
        operator=st.sampled_from(["<<", "<=", "=", ">=", ">>"]),
        version=versions,
    ),
)
groups = st.lists(
    st.lists(relations, min_size=1, max_size=3).map(tuple), max_size=4
).map(tuple)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(groups)
def test_relations_come_back(wanted: tuple[tuple[Relation, ...], ...]) -> None:
    assert parse_relations(format_relations(wanted)) == wanted


@pytest.mark.parametrize("text", ["a b", "A", "a (1)", "a (> 1)", "a |", "a (>= 1", "a [amd64]", "a,,(= 1)"])
def test_what_is_no_relation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a package relation"):
        parse_relations(text)


def test_relations_of_real_packages() -> None:
    text = "libc6 (>= 2.42), media-types | mime-support, python3:any (<< 3.14~), perl-base (= 5.42.3-1)"
    assert parse_relations(text) == (
        (Relation(name="libc6", operator=">=", version="2.42"),),
        (Relation(name="media-types"), Relation(name="mime-support")),
        (Relation(name="python3", operator="<<", version="3.14~"),),
        (Relation(name="perl-base", operator="=", version="5.42.3-1"),),
    )


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.1"),
        ("1.0~rc1", "1.0"),
        ("9", "1:1"),
        ("1.0-1", "1.0-1+b1"),
        ("2.9", "2.10"),
        ("1.0", "1.0a"),
    ],
)
def test_versions_are_ordered_as_debian_does(older: str, newer: str) -> None:
    assert compare_versions(older, newer) < 0 < compare_versions(newer, older)
    assert compare_versions(older, older) == 0


@pytest.mark.parametrize(
    ("operator", "admitted"),
    [
        ("<<", "1"),
        ("<=", "12"),
        ("=", "2"),
        (">=", "23"),
        (">>", "3"),
        ("", "123"),
    ],
)
def test_operators(operator: str, admitted: str) -> None:
    relation = Relation(name="x", operator=operator, version="2" if operator else "")
    assert "".join(version for version in "123" if relation.admits(version)) == admitted


STANZA = """Package: make
Version: 4.4.1-3
Depends: libc6 (>= 2.38), libgmp10
Pre-Depends: dpkg
Provides: make-guile (= 1), gmake
Filename: pool/main/m/make/make_4.4.1-3_amd64.deb
Size: 463000
SHA256: {sha}
Description: utility
 with a second line: not a field
""".format(sha="a" * 64)


def test_stanza() -> None:
    package = parse_stanza(STANZA)
    assert (package.name, package.version, package.size) == ("make", "4.4.1-3", 463000)
    assert [group[0].name for group in package.needs] == ["dpkg", "libc6", "libgmp10"]
    assert [relation.name for relation in package.provides] == ["make-guile", "gmake"]


@pytest.mark.parametrize("bad", ["Package: x\nnonsense\n", "Package: x\nVersion: 1\n"])
def test_damaged_stanza(bad: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_stanza(bad)


def test_index_reads_what_is_asked_for_and_takes_the_newest() -> None:
    newer = STANZA.replace("4.4.1-3", "4.10-1")
    index = PackageIndex(f"{newer}\n{STANZA}\nPackage: broken\nnonsense\n".encode())
    assert "make" in index
    assert "broken" in index
    assert "cmake" not in index
    assert index["make"].version == "4.10-1"
    assert index.providers("gmake") == ("make",)
    with pytest.raises(KeyError):
        index["cmake"]

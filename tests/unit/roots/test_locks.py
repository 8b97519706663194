"""Specs, locks and their resolution."""

import dataclasses
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manyloong.errors import IntegrityError, LockError, NotFoundError
from manyloong.roots.control import PackageIndex
from manyloong.roots.lock import (
    committed_lock,
    format_lock,
    has_lock,
    lock_document,
    lock_from_document,
    parse_lock,
    root_id,
    spec_digest,
)
from manyloong.roots.model import LockedPackage, RootLock, RootSpec
from manyloong.roots.renew import settled
from manyloong.roots.resolve import RECIPE, lock_changes, refresh_lock, resolve_lock
from manyloong.roots.spec import all_specs, needed_roots, root_spec
from manyloong.targets import all_hosts, host

DATE = datetime(2026, 10, 30, 8, 8, 1, tzinfo=UTC)
SPEC = RootSpec(name="test-amd64", role="test", architecture="amd64", suite="forky", packages=("app",))

packages = st.lists(
    st.builds(
        LockedPackage,
        name=st.from_regex(r"[a-z0-9][a-z0-9+.-]{1,20}", fullmatch=True),
        version=st.from_regex(r"[0-9][A-Za-z0-9.+:~-]{0,20}", fullmatch=True),
        path=st.from_regex(r"pool/main/[a-z]/[a-z0-9+.~_]{3,9}/[A-Za-z0-9+.~_-]{3,20}\.deb", fullmatch=True),
        sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        size=st.integers(1, 10**10),
        licence=st.from_regex(r"[A-Za-z0-9+.:,()~_/ -]{0,40}", fullmatch=True),
    ),
    max_size=8,
    unique_by=lambda package: package.name,
).map(lambda found: tuple(sorted(found, key=lambda package: package.name)))


@settings(max_examples=25, deadline=None)
@given(packages)
def test_lock_comes_back(found: tuple[LockedPackage, ...]) -> None:
    lock = lock_of(found)
    assert parse_lock(format_lock(lock), where="test") == lock
    assert lock_from_document(lock_document(lock)) == lock


def lock_of(found: Iterable[LockedPackage]) -> RootLock:
    return RootLock(
        root="test-amd64",
        architecture="amd64",
        suite="forky",
        date=DATE,
        recipe=1,
        packages=tuple(sorted(found, key=lambda package: package.name)),
    )


def test_golden_id() -> None:
    package = LockedPackage(name="make", version="1", path="pool/m.deb", sha256="a" * 64, size=7)
    golden = "ecdfd88019f89fc9e0e1e281e97bc62b476d89ac49f0d5a484b734709f4c43a5"
    assert root_id(lock_of([package]), SPEC) == golden


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("date = 2026", "date = x"),
        ("pool/main", "../../pool"),
        ('name = "b"', 'name = "a"'),
        ('name = "b"', 'name = "0"'),
        ("size = 7", "size = -7"),
        ("a" * 64, "A" * 64),
        ("recipe = 1\n", ""),
        ('version = "1"', 'version = "1", more = 1'),
    ],
)
def test_damaged_lock_says_so(old: str, new: str) -> None:
    found = [
        LockedPackage(name=name, version="1", path="pool/main/x.deb", sha256="a" * 64, size=7)
        for name in "ab"
    ]
    text = format_lock(lock_of(found))
    assert old in text
    with pytest.raises(IntegrityError, match="lock of x"):
        parse_lock(text.replace(old, new), where="lock of x")


APP = LockedPackage(name="app", version="1", path="pool/a.deb", sha256="a" * 64, size=7, licence="MIT")


def test_a_newer_index_alone_changes_no_lock() -> None:
    old = dataclasses.replace(lock_of([APP]), tree="1" * 64, spec=spec_digest(SPEC))
    newer = dataclasses.replace(old, date=DATE + timedelta(days=9), tree="", spec="")
    again = dataclasses.replace(newer, packages=(dataclasses.replace(APP, licence=""),))
    assert settled(old, again, SPEC) == (old, ())
    other = dataclasses.replace(SPEC, directories=("mnt",))
    assert settled(old, again, other) == (dataclasses.replace(old, tree="", spec=""), ())


def test_what_changes_in_a_lock_is_said_and_the_tree_is_not_known_any_more() -> None:
    old = dataclasses.replace(lock_of([APP]), tree="1" * 64, spec=spec_digest(SPEC))
    new = lock_of([dataclasses.replace(APP, version="2", sha256="b" * 64)])
    assert settled(old, new, SPEC) == (new, ("test-amd64: app 1 -> 2",))
    raised = dataclasses.replace(lock_of([APP]), recipe=2)
    assert settled(old, raised, SPEC) == (raised, ("test-amd64: recipe 1 -> 2",))


def test_every_committed_lock_is_canonical_and_of_its_spec() -> None:
    for spec in all_specs():
        lock = committed_lock(spec.name)
        assert (lock.root, lock.architecture, lock.suite) == (spec.name, spec.architecture, spec.suite)
        assert lock.recipe == RECIPE  # else: manyloong root lock
        assert set(spec.packages) <= {package.name for package in lock.packages}
        assert not set(spec.without) & {package.name for package in lock.packages}


def test_roots_that_a_host_needs_are_locked() -> None:
    for row in all_hosts():
        assert all(has_lock(name) for name in needed_roots(row))
    assert needed_roots(host("x86_64"))[:2] == ("native-amd64", "target-loong64")


def test_unknown_root_is_told_the_known_ones() -> None:
    with pytest.raises(NotFoundError) as caught:
        root_spec("native-s390x")
    assert "native-amd64" in str(caught.value.hint)
    with pytest.raises(LockError):
        committed_lock("native-s390x")


def index_of(*rows: str) -> PackageIndex:
    """Rows ``name version [source]`` with further fields after a semicolon."""
    stanzas = []
    for row in rows:
        head, *fields = (part.strip() for part in row.split(";"))
        name, version, *source = head.split()
        path = f"pool/main/{(source or [name])[0]}/{name}_{version}.deb"
        sha256 = hashlib.sha256(path.encode()).hexdigest()
        lines = [
            f"Package: {name}",
            f"Version: {version}",
            f"Filename: {path}",
            "Size: 1",
            f"SHA256: {sha256}",
        ]
        stanzas.append("\n".join([*lines, *fields]) + "\n")
    return PackageIndex("\n".join(stanzas).encode())


def resolved(*rows: str, spec: RootSpec = SPEC) -> dict[str, str]:
    lock = resolve_lock(spec, index_of(*rows), date=DATE)
    return {package.name: package.version for package in lock.packages}


def test_closure_takes_what_is_needed() -> None:
    found = resolved("app 1; Depends: lib (>= 2)", "lib 2; Pre-Depends: base", "base 1", "other 1")
    assert found == {"app": "1", "lib": "2", "base": "1"}


def test_first_alternative_unless_another_is_there_already() -> None:
    assert "two" not in resolved("app 1; Depends: one | two", "one 1", "two 1")
    assert "two" in resolved("app 1; Depends: none | two", "two 1")
    assert "one" not in resolved("app 1; Depends: two, one | two", "one 1", "two 1")


def test_virtual_packages() -> None:
    rows = ("app 1; Depends: awk", "mawk 1; Provides: awk", "gawk 1; Provides: awk")
    assert "gawk" in resolved(*rows)
    chosen = dataclasses.replace(SPEC, packages=("app", "mawk"))
    assert "gawk" not in resolved(*rows, spec=chosen)


def test_unversioned_provides_does_not_meet_a_version() -> None:
    with pytest.raises(NotFoundError, match=r"app needs awk \(>= 2\)"):
        resolved("app 1; Depends: awk (>= 2)", "mawk 1; Provides: awk")
    assert "mawk" in resolved("app 1; Depends: awk (>= 2)", "mawk 1; Provides: awk (= 3)")


def test_left_out_needs_count_as_met() -> None:
    assert resolved("app 1; Depends: dpkg", spec=dataclasses.replace(SPEC, without=("dpkg",))) == {"app": "1"}


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(NotFoundError, match="no package 'app'"):
        resolved("other 1")
    with pytest.raises(NotFoundError, match=r"app needs lib \(>= 2\), which"):
        resolved("app 1; Depends: lib (>= 2)", "lib 1")


LIB = ("lib 1 libsrc; Depends: lib-data (= 1)", "lib-data 1 libsrc")
LIB2 = ("lib 2 libsrc; Depends: lib-data (= 2)", "lib-data 2 libsrc")
OLD = ("app 1; Depends: lib (>= 1), tool", *LIB, "tool 1")


def refreshed(gone: str, *rows: str) -> tuple[str, ...]:
    old = resolve_lock(SPEC, index_of(*OLD), date=DATE)
    new = refresh_lock(old, index_of(*rows), gone=[gone], without=())
    return lock_changes(old, new)


def test_only_what_is_gone_moves() -> None:
    rows = (
        "app 2; Depends: lib (>= 1), tool",
        "lib 2 libsrc; Depends: lib-data (= 2)",
        "lib-data 2 libsrc",
        "tool 2",
    )
    assert refreshed("tool", *rows) == ("test-amd64: tool 1 -> 2",)


def test_packages_of_one_source_move_together() -> None:
    rows = ("app 2", *LIB2, "tool 2")
    both = ("test-amd64: lib 1 -> 2", "test-amd64: lib-data 1 -> 2")
    assert refreshed("lib", *rows) == refreshed("lib-data", *rows) == both


def test_what_the_new_version_needs_comes_too() -> None:
    rows = ("app 2; Depends: lib (>= 2), extra", *LIB2)
    assert refreshed("app", *rows, "extra 5") == (
        "test-amd64: app 1 -> 2",
        "test-amd64: extra none -> 5",
        "test-amd64: lib 1 -> 2",
        "test-amd64: lib-data 1 -> 2",
    )


def test_what_left_the_archive_is_an_error_with_a_hint() -> None:
    with pytest.raises(NotFoundError, match="tool is on no mirror") as caught:
        refreshed("tool", "app 1")
    assert caught.value.hint == "resolve the root again: manyloong root lock test-amd64"

"""Requirements built first: once each, never in a circle, never against the user's will."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from packaging.version import Version

from manyloong.errors import BuildError
from manyloong.events import Event, Listener, Noted
from manyloong.store import RemoteFile
from manyloong.supply import JobSupply, Needed
from manyloong.targets import all_pythons
from manyloong.wheels.doors import Doors
from manyloong.wheels.registry import IndexFile, Release
from manyloong.wheels.requirements import BuildForbiddenError, CyclicRequirementsError
from manyloong.wheels.source import Source

PYTHON = all_pythons()[0]


class Everything:
    """An index with a source archive of 1.0 of every project."""

    def releases(self, project: str) -> Mapping[Version, Release]:
        file = IndexFile(
            filename=f"{project}-1.0.tar.gz", url="http://127.0.0.1/x", kind="sdist", sha256="a" * 64,
            size_bytes=1, requires_python=None, yanked=None,
        )  # fmt: skip
        return {Version("1.0"): Release(project=project, version="1.0", files=(file,))}


class Fetched:
    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        del label, listener
        return {file.sha256: Path("/nowhere") for file in files}


def supply(make: Any, events: list[Event], *, allowed: bool = True) -> JobSupply:
    doors = SimpleNamespace(listener=events.append, registry=Everything(), fetcher=Fetched(), store=None)
    return JobSupply(
        make=make,
        doors=cast("Doors", doors),
        folders=(Path("/nowhere"),),
        allowed=allowed,
        chain=("user 1.0",),
    )


def test_it_is_built_once_and_said() -> None:
    events: list[Event] = []
    asked: list[Needed] = []

    def make(source: Source, needed: Needed, below: JobSupply) -> Path:
        asked.append(needed)
        assert source.name == "base"
        assert below.chain == ("user 1.0", "base 1.0")
        return Path("/w.whl")

    one = supply(make, events)
    assert (
        one.target_wheel("base", "1.0", PYTHON) == one.target_wheel("base", "1.0", PYTHON) == Path("/w.whl")
    )
    assert len(asked) == 1
    assert one.native_wheel("base", "1.0", PYTHON) == Path("/w.whl")
    assert [needed.side for needed in asked] == ["target", "native"]
    assert Noted(text="user 1.0 needs base 1.0 for the target: it is built first") in events
    assert one.links() == ()


def test_a_circle_is_named() -> None:
    def make(source: Source, needed: Needed, below: JobSupply) -> Path:
        del source
        other = {"hen": "egg", "egg": "hen"}[needed.project]
        return below.native_wheel(other, "1.0", PYTHON)

    with pytest.raises(CyclicRequirementsError) as caught:
        supply(make, []).target_wheel("hen", "1.0", PYTHON)
    assert caught.value.message == "cyclic build requirements: hen -> egg -> hen"
    assert "--find-links" in (caught.value.hint or "")


def test_a_failure_says_who_asked_and_is_the_same_for_all() -> None:
    calls: list[int] = []

    def make(source: Source, needed: Needed, below: JobSupply) -> Path:
        del source, needed, below
        calls.append(1)
        raise BuildError("no compiler", hint="get one")

    one = supply(make, [])
    for _ in range(2):
        with pytest.raises(BuildError) as caught:
            one.target_wheel("base", "1.0", PYTHON)
        assert (
            caught.value.message
            == "base 1.0, which user 1.0 requires, could not be built for the target: no compiler"
        )
        assert caught.value.hint == "get one"
    assert len(calls) == 1


def test_it_may_be_forbidden() -> None:
    with pytest.raises(BuildForbiddenError) as caught:
        supply(None, [], allowed=False).target_wheel("base", "1.0", PYTHON)
    assert "user 1.0 needs base 1.0, of which there is no wheel for the target" in caught.value.message
    assert caught.value.hint == "manyloong build base==1.0 --python cp313"

"""Choosing a release: pins, yanked ones, pre-releases, and pages in both forms."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from manyloong.errors import FetchError, GoneError, InputError, NotFoundError
from manyloong.store import Store
from manyloong.wheels.registry import (
    IndexFile,
    Registry,
    Release,
    SimpleRegistry,
    choose_release,
    parse_requirement,
)

INDEX = "http://127.0.0.1:9/simple/"
SHA = "0" * 64


def release(version: str, *, yanked: bool = False, names: tuple[str, ...] = ()) -> Release:
    files = tuple(
        IndexFile(
            filename=name,
            url=f"{INDEX}{name}",
            kind="wheel" if name.endswith(".whl") else "sdist",
            sha256=SHA,
            size_bytes=1,
            requires_python=None,
            yanked="broken" if yanked else None,
        )
        for name in names or (f"demo-{version}.tar.gz",)
    )
    return Release(project="demo", version=version, files=files)


def releases(*rows: Release) -> Mapping[Version, Release]:
    return {Version(row.version): row for row in rows}


def test_the_newest_final_release() -> None:
    found = choose_release(
        parse_requirement("demo"), releases(release("1.0"), release("2.0"), release("3.0rc1"))
    )
    assert found.version == "2.0"


def test_only_prereleases() -> None:
    assert choose_release(parse_requirement("demo"), releases(release("3.0rc1"))).version == "3.0rc1"


def test_yanked_is_passed_over_unless_pinned() -> None:
    rows = releases(release("1.0"), release("2.0", yanked=True))
    assert choose_release(parse_requirement("demo"), rows).version == "1.0"
    assert choose_release(parse_requirement("demo==2.0"), rows).version == "2.0"


def test_all_yanked_names_the_way_out() -> None:
    with pytest.raises(NotFoundError, match="yanked") as caught:
        choose_release(parse_requirement("demo"), releases(release("2.0", yanked=True)))
    assert caught.value.hint == "name one to build it all the same: manyloong build demo==2.0"


def test_unknown_version_names_the_newest() -> None:
    with pytest.raises(NotFoundError, match="no release of demo fits ==9") as caught:
        choose_release(parse_requirement("demo==9"), releases(release("1.0")))
    assert "demo==1.0" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text", ["demo[extra]", "demo @ https://x/y", "demo; os_name=='nt'", "de mo", "", "==1"]
)
def test_more_than_a_name_and_version_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_requirement(text)


def test_kinds_of_releases() -> None:
    assert release("1", names=("demo-1-py3-none-any.whl", "demo-1.tar.gz")).pure
    assert not release("1").pure
    assert not release("1", names=("demo-1-py3-none-any.whl", "demo-1-cp313-cp313-linux_x86_64.whl")).pure
    assert release("1", names=("demo-1-cp313-cp313-linux_x86_64.whl",)).one_wheel_a_python
    assert not release("1", names=("demo-1-cp39-abi3-linux_x86_64.whl",)).one_wheel_a_python
    assert not release("1").one_wheel_a_python
    both = release("1", names=("demo-1.zip", "demo-1.tar.gz"))
    assert both.sdist is not None
    assert both.sdist.filename == "demo-1.tar.gz"


def page(**file: Any) -> str:
    entry = {"filename": "demo-1.0.tar.gz", "url": "../../demo-1.0.tar.gz", "hashes": {"sha256": SHA}, **file}
    return json.dumps({"meta": {"api-version": "1.1"}, "name": "demo", "versions": ["1.0"], "files": [entry]})


HTML = (
    f'<!DOCTYPE html><html><body><a href="/d/demo-1.0.tar.gz#sha256={SHA}">demo-1.0.tar.gz</a></body></html>'
)


@pytest.mark.parametrize("body", [page(), HTML], ids=["json", "html"])
def test_both_forms_of_a_page(body: str) -> None:
    registry: Registry = SimpleRegistry(url=INDEX, get_text=lambda _url, _accept: body)
    found = registry.releases("Demo")[Version("1.0")]
    assert found.sdist is not None
    assert found.sdist.sha256 == SHA
    assert found.sdist.url.startswith("http://127.0.0.1:9/")


def test_a_page_is_read_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = page(**{"requires-python": ">=3.9", "size": 7, "yanked": "broken"})
    registry = SimpleRegistry(url=INDEX, get_text=lambda _url, _accept: body, store=Store(tmp_path))
    first = registry.releases("demo")
    with monkeypatch.context() as patched:
        patched.setattr("manyloong.wheels.registry._parse_page", lambda *_: pytest.fail("read twice"))
        assert registry.releases("demo") == first
    assert first[Version("1.0")].yanked
    body = page(filename="demo-2.0.tar.gz")
    assert list(registry.releases("demo")) == [Version("2.0")]


def test_locate_and_what_is_not_there() -> None:
    registry = SimpleRegistry(url=INDEX, get_text=lambda _url, _accept: page())
    assert registry.locate("demo", "demo-1.0.tar.gz") == ("http://127.0.0.1:9/demo-1.0.tar.gz",)
    with pytest.raises(NotFoundError, match=r"no file demo-2\.0"):
        registry.locate("demo", "demo-2.0.tar.gz")


def test_an_unknown_project_and_a_broken_index() -> None:
    def gone(url: str, accept: str) -> str:
        raise GoneError(f"not found: {url} {accept}", names=(url,))

    with pytest.raises(NotFoundError, match="no project named 'nope'"):
        SimpleRegistry(url=INDEX, get_text=gone).releases("nope")
    with pytest.raises(FetchError, match="no project page"):
        SimpleRegistry(url=INDEX, get_text=lambda _url, _accept: '{"garbage": 1}').releases("demo")

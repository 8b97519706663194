"""What a user means by a word: a release, an archive or a checkout; and clear answers to everything else."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from packaging.version import Version

from manyloong.errors import InputError, NotFoundError
from manyloong.events import Downloading, Event, Listener, Warned
from manyloong.store import RemoteFile, Store
from manyloong.wheels.registry import IndexFile, Release
from manyloong.wheels.source import (
    FIRST_ZIP_TIME,
    PureRelease,
    Source,
    read_requires_python,
    resolve_source,
    source_epoch,
    unpack_source,
)

SHA = "1" * 64


class FakeRegistry:
    """One project with one release of the given files."""

    def __init__(self, *names: str, yanked: str | None = None, sha256: str = SHA) -> None:
        kinds = {".whl": "wheel", ".gz": "sdist"}
        self.files = tuple(
            IndexFile(
                filename=name,
                url=f"http://127.0.0.1/{name}",
                kind=kinds[Path(name).suffix],
                sha256=sha256,
                size_bytes=10,
                requires_python=">=3.9",
                yanked=yanked,
            )
            for name in names
        )

    def releases(self, project: str) -> Mapping[Version, Release]:
        return {Version("1.0"): Release(project=project, version="1.0", files=self.files)}


class FakeFetcher:
    """Says of every file that it is there."""

    def fetch(self, files: Sequence[RemoteFile], *, label: str, listener: Listener) -> dict[str, Path]:
        listener(Downloading(label=label, done_bytes=0, total_bytes=0))
        return {file.sha256: Path("/store") / file.name for file in files}

    def fetch_text(self, urls: Sequence[str], *, accept: str = "*/*", limit_bytes: int = 0) -> str:
        raise AssertionError((urls, accept, limit_bytes))


def resolve(wanted: str, registry: FakeRegistry, tmp_path: Path) -> tuple[Source | PureRelease, list[Event]]:
    events: list[Event] = []
    found = resolve_source(
        wanted,
        registry=registry,
        fetcher=FakeFetcher(),
        store=Store(tmp_path / "store"),
        listener=events.append,
    )
    return found, events


def test_a_release_is_its_source_archive(tmp_path: Path) -> None:
    found, events = resolve("demo", FakeRegistry("demo-1.0.tar.gz"), tmp_path)
    assert isinstance(found, Source)
    assert (found.kind, found.location, found.sha256) == ("index", "demo==1.0", SHA)
    assert found.requires_python == ">=3.9"
    assert not found.one_wheel_a_python
    assert not [event for event in events if isinstance(event, Warned)]


def test_a_release_with_wheels_for_every_platform_is_pure(tmp_path: Path) -> None:
    found, _ = resolve("demo", FakeRegistry("demo-1.0.tar.gz", "demo-1.0-py3-none-any.whl"), tmp_path)
    assert found == PureRelease(name="demo", version="1.0", wheel="demo-1.0-py3-none-any.whl")


def test_no_source_archive(tmp_path: Path) -> None:
    wheel = "demo-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"
    with pytest.raises(
        NotFoundError, match=r"demo==1.0 has no source archive on the index, only wheel"
    ) as caught:
        resolve("demo", FakeRegistry(wheel), tmp_path)
    assert "checkout" in (caught.value.hint or "")


def test_a_pinned_yanked_release_is_built_with_a_warning(tmp_path: Path) -> None:
    found, events = resolve("demo==1.0", FakeRegistry("demo-1.0.tar.gz", yanked="broken"), tmp_path)
    assert isinstance(found, Source)
    assert found.warnings == ("demo==1.0 is yanked: broken",)
    assert [event.text for event in events if isinstance(event, Warned)] == ["demo==1.0 is yanked: broken"]


def test_an_index_without_hashes_is_not_trusted(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no SHA-256"):
        resolve("demo", FakeRegistry("demo-1.0.tar.gz", sha256=""), tmp_path)


def test_a_wheel_is_no_source(tmp_path: Path) -> None:
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    with pytest.raises(InputError, match="is a wheel") as caught:
        resolve(str(wheel), FakeRegistry(), tmp_path)
    assert caught.value.hint == "manyloong audit demo-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"readme": "x"}, "neither pyproject.toml nor setup.py"),
        ({"pyproject.toml": "[project\n"}, "not valid TOML"),
        ({"pyproject.toml": "project = 1\n"}, "not a table"),
    ],
)
def test_a_folder_that_is_no_project(files: dict[str, str], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(InputError, match=message):
        resolve(str(folder), FakeRegistry(), tmp_path)


def project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "De.Mo"\nversion = "2"\nrequires-python = ">=3.14"\n'
    )
    (folder / "module.c").write_text("int x;\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "big").write_text("not source\n")
    (folder / "env").mkdir()
    (folder / "env" / "pyvenv.cfg").write_text("home = /usr\n")
    return folder


def test_a_checkout_without_its_repository_and_environments(tmp_path: Path) -> None:
    folder = project(tmp_path / "demo")
    found, _ = resolve(str(folder), FakeRegistry(), tmp_path)
    assert isinstance(found, Source)
    assert (found.name, found.version, found.requires_python) == ("de-mo", "2", ">=3.14")
    unpack_source(found, tmp_path / "copy")
    names = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert names == {"pyproject.toml", "module.c"}
    assert source_epoch(found, tmp_path / "copy") == FIRST_ZIP_TIME


def test_the_hash_of_a_checkout_follows_its_content(tmp_path: Path) -> None:
    folder = project(tmp_path / "demo")

    def digest() -> str:
        found, _ = resolve(str(folder), FakeRegistry(), tmp_path)
        assert isinstance(found, Source)
        return found.sha256

    first = digest()
    assert digest() == first
    (folder / ".venv" / "big").write_text("changed\n")
    assert digest() == first
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/other\n")
    second = digest()
    (folder / "module.c").write_text("int y;\n")
    assert len({first, second, digest()}) == 3


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("Metadata-Version: 2.1\nRequires-Python: >=3.10, <4\n\nRequires-Python: never\n", ">=3.10, <4"),
        ("Metadata-Version: 2.1\n\nRequires-Python: never\n", None),
    ],
)
def test_which_pythons_an_archive_admits(info: str, expected: str | None, tmp_path: Path) -> None:
    (tmp_path / "PKG-INFO").write_text(info)
    assert read_requires_python(tmp_path) == expected

"""Roots from small archives on loopback: what is built, and what happens when mirrors misbehave."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.tools.debs import BASE, DATE, Archive, make_deb, make_spec
from tests.tools.mirror import Mirror

from manyloong.errors import FetchError, GoneError, IntegrityError, LockError, NotFoundError
from manyloong.events import Event, Warned
from manyloong.roots.ensure import Sources, ensure_root_from
from manyloong.roots.index import read_index
from manyloong.roots.licences import UNNAMED
from manyloong.roots.lock import format_lock, root_id
from manyloong.roots.model import Root, RootLock
from manyloong.roots.renew import complete_lock
from manyloong.sandbox import Command, Done
from manyloong.store import HttpFetcher, Store
from manyloong.store.normalise import tree_digest
from manyloong.targets import host

pytestmark = pytest.mark.tools
ARCHITECTURE = host(os.uname().machine).debian
SPEC = make_spec(ARCHITECTURE, ["base", "app"])


class FakeLdconfig:
    """A Runner whose only program is ldconfig."""

    def run(self, command: Command) -> Done:
        assert command.argv[0] == "/usr/sbin/ldconfig"
        (command.binds[0].source / "ld.so.cache").write_text("cache")
        command.log.touch()
        return Done(returncode=0, seconds=0.0, outcome="exited", peak_memory_bytes=0, log=command.log)


@pytest.fixture
def archive(mirror: Mirror) -> Archive:
    made = Archive(mirror, ARCHITECTURE)
    made.add("base", "1", BASE)
    made.add("app", "1", {"usr/bin/app": "1", "usr/lib/libx.so.1": "elf"}, depends="base")
    made.publish()
    return made


@pytest.fixture
def sources_of(tmp_path: Path, archive: Archive) -> Callable[..., Sources]:
    def make(
        events: list[Event] | None = None, *, locked: bool = False, now: datetime = DATE, store: str = "store"
    ) -> Sources:
        kept = Store(tmp_path / store)
        heard: list[Event] = [] if events is None else events
        return Sources(
            store=kept,
            fetcher=HttpFetcher(kept, sleep=lambda _seconds: None, timeout_s=5.0),
            mirrors=(archive.url,),
            listener=heard.append,
            locked=locked,
            clock=lambda: now,
            keys=archive.keys,
        )

    return make


def test_a_new_lock_says_under_which_licences_packages_are(
    archive: Archive, sources_of: Callable[..., Sources]
) -> None:
    dep5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nLicense: ISC\n"
    archive.add("app", "2", {"usr/share/doc/app/copyright": dep5}, depends="base")
    sources = sources_of()
    found = complete_lock(
        archive.lock(SPEC),
        fetcher=sources.fetcher,
        mirrors=sources.mirrors,
        listener=sources.listener,
        store=sources.store,
    )
    assert {one.name: one.licence for one in found.packages} == {"app": "ISC", "base": UNNAMED}


def ensured(lock: RootLock, sources: Sources) -> Root:
    return ensure_root_from(SPEC, lock, runner=FakeLdconfig(), sources=sources)


def warnings(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Warned)]


def test_root_has_what_the_scripts_would_have_left(
    archive: Archive, sources_of: Callable[..., Sources]
) -> None:
    lock = archive.lock(SPEC)
    root = ensured(lock, sources_of())
    assert (root.name, root.id, root.drift) == (SPEC.name, root_id(lock, SPEC), ())
    tree = root.path
    assert (tree / "bin").readlink() == Path("usr/bin")
    assert (tree / "usr/bin/tool").read_text() == "#!/bin/sh\n"
    assert (tree / "usr/bin/tool.real").stat().st_mode & 0o7777 == 0o755
    assert (tree / "etc/debian_version").stat().st_mode & 0o7777 == 0o644
    assert (tree / "etc/passwd").read_text().startswith("root:x:0:0:")
    assert "builder:x:1000:1000:" in (tree / "etc/passwd").read_text()
    assert (tree / "etc/ssl/certs/ca-certificates.crt").read_text() == "A\nB\n"
    assert (tree / "etc/hosts").read_text() == "127.0.0.1 localhost\n"
    assert (tree / "etc/ld.so.cache").read_text() == "cache"
    assert (tree / "opt/manyloong/zig").is_dir()
    assert (tree / "usr/lib/libx.so").read_text() == "elf"
    assert [path.name for path in (tree / "usr/share/doc/base").iterdir()] == ["copyright"]
    times = {path.lstat().st_mtime for path in tree.rglob("*")}
    assert times == {DATE.timestamp()}


def test_second_time_nothing_is_asked(archive: Archive, sources_of: Callable[..., Sources]) -> None:
    first = ensured(archive.lock(SPEC), sources_of())
    asked = len(archive.mirror.asked)
    assert ensured(archive.lock(SPEC), sources_of()) == first
    assert len(archive.mirror.asked) == asked == 2


def test_equal_locks_give_equal_trees(archive: Archive, sources_of: Callable[..., Sources]) -> None:
    roots = [ensured(archive.lock(SPEC), sources_of(store=name)) for name in ("one", "two")]
    assert len({tree_digest(root.path) for root in roots}) == 1


def test_path_of_two_packages_goes_to_the_later_name(
    archive: Archive, sources_of: Callable[..., Sources]
) -> None:
    archive.add("app", "1", {"usr/bin/app": "1", "usr/share/x/both": "app"}, depends="zapp")
    archive.add("zapp", "1", {"usr/share/x/both": "zapp " * 1000, "usr/share/y": "y"})
    root = ensured(archive.lock(SPEC), sources_of())
    assert (root.path / "usr/share/x/both").read_text().startswith("zapp ")


def test_links_never_lead_files_out_of_the_tree(
    archive: Archive, sources_of: Callable[..., Sources], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    archive.add("app", "1", {"usr/share/a": f"-> {outside}"}, depends="app-data")
    archive.add("app-data", "1", {"usr/share/a/file": "x"})
    with pytest.raises(IntegrityError, match="is a link in one package and a directory in another"):
        ensured(archive.lock(SPEC), sources_of())
    assert list(outside.iterdir()) == []


def gone(archive: Archive, lock: RootLock, name: str) -> None:
    path = next(package.path for package in lock.packages if package.name == name)
    del archive.mirror.files[f"/debian/{path}"]


def test_gone_package_is_replaced_with_a_warning(
    archive: Archive, sources_of: Callable[..., Sources]
) -> None:
    lock = archive.lock(SPEC)
    archive.add("app", "2", {"usr/bin/app": "2", "usr/lib/libx.so.1": "elf"}, depends="base, more")
    archive.add("more", "5", {"usr/bin/more": "5"})
    archive.publish()
    gone(archive, lock, "app")
    events: list[Event] = []
    root = ensured(lock, sources_of(events))
    lines = (f"{SPEC.name}: app 1 -> 2", f"{SPEC.name}: more none -> 5")
    assert root.drift == lines
    assert warnings(events) == list(lines)
    assert root.id != root_id(lock, SPEC)
    assert (root.path / "usr/bin/app").read_text() == "2"

    asked = len(archive.mirror.asked)  # the next run knows, and still says so
    events.clear()
    assert ensured(lock, sources_of(events)) == root
    assert warnings(events) == list(lines)
    assert len(archive.mirror.asked) == asked
    with pytest.raises(LockError, match="no longer on any mirror: app") as caught:
        ensured(lock, sources_of(locked=True))
    assert "manyloong root lock" in str(caught.value.hint)


def test_index_past_its_date_is_used_with_a_warning(
    archive: Archive, sources_of: Callable[..., Sources]
) -> None:
    lock = archive.lock(SPEC)
    archive.add("app", "2", {"usr/bin/app": "2"}, depends="base")
    archive.publish()
    gone(archive, lock, "app")
    root = ensured(lock, sources_of(now=DATE + timedelta(days=30)))
    assert root.drift[0] == "the forky index of 2026-01-02 is past its date (2026-01-09)"
    sources = sources_of(locked=True, now=DATE + timedelta(days=30))
    with pytest.raises(LockError, match="past its date"):
        read_index(
            "forky",
            ARCHITECTURE,
            mirrors=sources.mirrors,
            fetcher=sources.fetcher,
            listener=sources.listener,
            locked=True,
            clock=sources.clock,
            keys=archive.keys,
        )


def test_package_that_left_the_archive(archive: Archive, sources_of: Callable[..., Sources]) -> None:
    lock = archive.lock(SPEC)
    gone(archive, lock, "app")
    with pytest.raises(GoneError):  # the index still names the very same file
        ensured(lock, sources_of())
    del archive.stanzas["app"]
    archive.publish()
    with pytest.raises(NotFoundError, match="app is on no mirror and no longer in the forky index"):
        ensured(lock, sources_of())


@pytest.mark.parametrize("fault", ["text", "key", "suite", "packages", "none"])
def test_index_that_cannot_be_trusted(
    archive: Archive, sources_of: Callable[..., Sources], fault: str
) -> None:
    lock = archive.lock(SPEC)
    gone(archive, lock, "app")
    files = archive.mirror.files
    expected: type[Exception] = IntegrityError
    if fault == "text":
        files["/debian/dists/forky/InRelease"] = files["/debian/dists/forky/InRelease"].replace(b"g", b"G", 1)
    elif fault == "key":
        Archive(archive.mirror, ARCHITECTURE, stanzas=archive.stanzas).publish()
    elif fault == "suite":
        archive.publish(codename="sid")
    elif fault == "packages":
        files[f"/debian/dists/forky/main/binary-{ARCHITECTURE}/Packages.xz"] += b"x"
    else:
        del files["/debian/dists/forky/InRelease"]
        expected = FetchError
    with pytest.raises(expected):
        ensured(lock, sources_of())


@pytest.mark.parametrize("size", [0, 7, 50, 100, 200, -10])
def test_truncated_package_is_named(archive: Archive, sources_of: Callable[..., Sources], size: int) -> None:
    archive.add_bytes("app", "1", make_deb({"usr/bin/app": "1" * 5000})[:size])
    lock = archive.lock(SPEC)
    sources = sources_of()
    with pytest.raises(IntegrityError, match=r"^app: "):
        ensured(lock, sources)
    assert not list(sources.store.path.glob("trees/root/*"))
    assert not list(sources.store.path.glob("scratch/*"))


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.tools.test_roots import FakeLdconfig, SPEC
from manyloong.roots.ensure import Sources, ensure_root_from
from manyloong.roots.licences import UNNAMED
from manyloong.roots.lock import parse_lock
from manyloong.store import HttpFetcher, Store
store = Store(Path(sys.argv[2]))
sources = Sources(store=store, fetcher=HttpFetcher(store), mirrors=(sys.argv[3],), listener=[].append)
lock = parse_lock(Path(sys.argv[4]).read_text(), where="test")
print(ensure_root_from(SPEC, lock, runner=FakeLdconfig(), sources=sources).path)
"""


@pytest.fixture
def large(archive: Archive) -> Archive:
    """Enough to do that a kill comes at different points of it."""
    for name in ("app", "data-one", "data-two"):
        files = {f"usr/share/{name}/{number}": f"{name} {number} " * 300 for number in range(500)}
        archive.add(name, "1", files, depends="base, data-one, data-two")
    return archive


def started(archive: Archive, tmp_path: Path) -> "subprocess.Popen[str]":
    lock = tmp_path / "lock.toml"
    lock.write_text(format_lock(archive.lock(SPEC)))
    place = str(Path(__file__).parents[2])
    argv = [sys.executable, "-c", PROGRAM, place, str(tmp_path / "store"), archive.url, str(lock)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once_share_one_tree(large: Archive, tmp_path: Path) -> None:
    both = [started(large, tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(set(outputs)) == 1
    pool = [path for path, _ in large.mirror.asked if path.startswith("/debian/pool/")]
    assert len(pool) == len(set(pool))


def test_killed_at_any_point_the_next_run_succeeds(large: Archive, tmp_path: Path) -> None:
    process = started(large, tmp_path)
    start = time.monotonic()
    expected = tree_digest(Path(process.communicate(timeout=120)[0].strip()))
    whole_s = time.monotonic() - start
    for round_ in range(5):
        store = Store(tmp_path / "store")
        store.prune(everything=True)
        process = started(large, tmp_path)
        time.sleep(whole_s * (round_ + 1) / 6)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process = started(large, tmp_path)
        path = Path(process.communicate(timeout=120)[0].strip())
        assert process.returncode == 0
        assert tree_digest(path) == expected
        assert not list((tmp_path / "store" / "scratch").iterdir())

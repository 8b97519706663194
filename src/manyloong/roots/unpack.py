"""Packages to a tree: parallel, without maintainer scripts, the same whatever the order of work.

Regular files and directories are written first, by several threads (decompression and system calls run
outside the interpreter lock). Symbolic links come last, so no path ever leads through a link, in
particular not through an absolute one out of the tree. A path in two packages goes to the later name.
"""

import os
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fnmatch import translate
from pathlib import Path
from re import Pattern
from re import compile as compile_pattern

from manyloong.errors import IntegrityError
from manyloong.roots.deb import BROKEN, open_data
from manyloong.roots.model import RootSpec
from manyloong.store.files import write_all
from manyloong.store.normalise import set_open_file

BLOCK_BYTES = 1 << 20
MERGED = ("bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin")  # into usr/: Debian's merged /usr

Place = Callable[[str], str | None]


def unpack_packages(
    packages: Sequence[tuple[str, Path]], dest: Path, *, spec: RootSpec, epoch: int, workers: int
) -> None:
    """Unpack .deb files, given as (name, path), into an empty directory as the spec's patterns say."""
    place = place_of(spec)
    jobs = [_Unpacking(name, path, dest, epoch) for name, path in sorted(packages)]
    largest_first = sorted(jobs, key=lambda job: -job.path.stat().st_size)
    with ThreadPoolExecutor(workers, thread_name_prefix="unpack") as pool:
        try:
            for _ in pool.map(lambda job: job.run(place), largest_first):
                pass
        finally:  # after an error or Ctrl-C, do not begin the packages that are left
            pool.shutdown(cancel_futures=True)
    disputed = set[str]().union(*(job.conflicts for job in jobs))
    if disputed:  # once more, one package after the other; the last stays
        for job in jobs:
            job.run(lambda name: path if (path := place(name)) in disputed else None, replace=True)
    _make_links([job.links for job in jobs], dest)


def _make_links(tables: Iterable[Mapping[str, str]], dest: Path) -> None:
    links: dict[str, str] = {}
    for table in tables:
        links |= table
    for name in sorted(links):
        path = dest / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            with suppress(OSError):  # not empty: a package looks at a directory through the link of another
                path.rmdir()
        if path.exists():
            raise IntegrityError(f"/{name} is a link in one package and a directory in another")
        path.symlink_to(links[name])


def place_of(spec: RootSpec) -> Place:
    """Where a member of a package goes, below the root; None: nowhere."""
    only, drop, keep = (_patterns(patterns) for patterns in (spec.only, spec.drop, spec.keep))

    def place(name: str) -> str | None:
        path = name.removeprefix("./").strip("/")
        first, _, rest = path.partition("/")
        if first in MERGED:
            path = f"usr/{path}" if rest else ""
        if not path or ".." in path.split("/"):
            return None
        if only and not only.match(path):
            return None
        if drop and drop.match(path) and not (keep and keep.match(path)):
            return None
        return path

    return place


def _patterns(patterns: tuple[str, ...]) -> Pattern[str] | None:
    return compile_pattern("|".join(translate(pattern) for pattern in patterns)) if patterns else None


class _Unpacking:
    """One package on its way into the tree."""

    def __init__(self, name: str, path: Path, dest: Path, epoch: int) -> None:
        self.name = name
        self.path = path
        self.links: dict[str, str] = {}
        self.conflicts: set[str] = set()  # files that another package had written before
        self._dest = os.fspath(dest)
        self._epoch = epoch
        self._made: set[str] = set()

    def run(self, place: Place, *, replace: bool = False) -> None:
        """Write this package's files; note its links and conflicts."""
        try:
            with (
                open_data(self.path, self.name) as data,
                tarfile.open(fileobj=data, mode="r|", bufsize=BLOCK_BYTES) as archive,
            ):
                for member in archive:
                    where = place(member.name)
                    if where is not None:
                        self._write(archive, member, where, place, replace=replace)
        except BROKEN as error:
            raise IntegrityError(f"{self.name}: damaged .deb: {error}") from error

    def _write(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, where: str, place: Place, *, replace: bool
    ) -> None:
        path = f"{self._dest}/{where}"
        if member.isdir():
            self._make(path)
            return
        if member.issym():
            self.links[where] = member.linkname
            return
        self._make(os.path.dirname(path))  # noqa: PTH120 - a Path for each of 25,000 members costs seconds
        if replace:
            with suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108
        try:
            if member.islnk():
                self._link(member, path, place)
            elif member.isreg():
                self._copy(archive, member, path)
            else:
                raise IntegrityError(f"{self.name}: {member.name} is neither file, directory nor link")
        except FileExistsError:
            self.conflicts.add(where)

    def _make(self, path: str) -> None:
        if path not in self._made:
            os.makedirs(path, exist_ok=True)  # noqa: PTH103
            self._made.add(path)

    def _link(self, member: tarfile.TarInfo, path: str, place: Place) -> None:
        target = place(member.linkname)
        if target is None or not os.path.lexists(f"{self._dest}/{target}"):
            raise IntegrityError(
                f"{self.name}: {member.name} is a link to {member.linkname}, which is left out"
            )
        os.link(f"{self._dest}/{target}", path)

    def _copy(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        stream = archive.extractfile(member)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            offset = 0
            while stream and (block := stream.read(BLOCK_BYTES)):
                write_all(descriptor, block, offset=offset)
                offset += len(block)
            set_open_file(descriptor, mode=member.mode, mtime=self._epoch)
        finally:
            os.close(descriptor)

"""Cargo's word on a working copy before it is built: versions, crates, and whether all fit together.

Cargo is run without network, in the sandbox, and only reads.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl

from manyloong.events import Noted
from manyloong.sandbox import Bind, Command
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.cargo import CargoProject, Crate, cargo_projects, read_cargo_lock
from manyloong.wheels.cargo_words import NO_MATCH, check_error, last_words, lockless_error
from manyloong.wheels.crates import CargoDoor, HadCrate, had_crates
from manyloong.wheels.doors import Doors
from manyloong.wheels.given_crates import GivenCrates
from manyloong.wheels.stand_ins import make_stand_ins, wishes

CARGO_HOME = f"{cross.BUILD}/.cargo-home"
CRATES = f"{cross.BUILD}/.crates"
_STAND_INS = f"{cross.BUILD}/.stand-ins"
_CONFIG = """\
[source.crates-io]
replace-with = "manyloong"

[source.manyloong]
directory = "{crates}"

"""
_OFFLINE = "[net]\noffline = true\n"
_GIT = "git+"  # how Cargo.lock begins the address of a repository


def own_packages(log: str) -> tuple[str, ...]:
    """Names of the packages without a source, from what ``cargo metadata`` prints."""
    document = next((line for line in log.splitlines() if line.startswith('{"packages"')), "{}")
    return tuple(row["name"] for row in json.loads(document).get("packages", ()) if row["source"] is None)


def cargo_config(crates: Iterable[Crate], *, replaced: bool) -> str:
    """Cargo's configuration: the folder of crates stands for the registry and the repositories, unless the
    project brings its crates; and there is no network.
    """
    if not replaced:
        return _OFFLINE
    repositories = sorted({crate.source for crate in crates if crate.source.startswith(_GIT)})
    return _CONFIG.format(crates=CRATES) + "".join(map(_git_source, repositories)) + _OFFLINE


def _git_source(text: str) -> str:
    """A repository as Cargo.lock names it, replaced; The Cargo Book, "Source Replacement"."""
    address = text.removeprefix(_GIT).partition("#")[0]
    url, _, query = address.partition("?")
    kinds = {key: value for key, value in parse_qsl(query) if key in {"branch", "tag", "rev"}}
    rows = "".join(f'{key} = "{value}"\n' for key, value in kinds.items())
    return f'[source."{_GIT}{address}"]\ngit = "{url}"\n{rows}replace-with = "manyloong"\n\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Cargo:
    """Cargo at work on one working copy, before the build."""

    label: str  # of the source, as messages name it
    given: GivenCrates
    root: Path
    workplace: Workplace
    doors: Doors

    def settle(self, project: CargoProject) -> list[str]:
        """Let cargo choose versions where the user says so: what that changed. BuildError without a lock."""
        if not self.given.relock and project.lock is not None:
            return []
        before = (
            {crate.name: crate.version for crate in read_cargo_lock(project.lock)} if project.lock else {}
        )
        if project.lock is not None:
            project.lock.unlink()
        self.configure(replaced=project.vendored is None)
        trees = self.offered() if self.given.relock else ()
        while said := self.run(("generate-lockfile", "--offline"), project, trees):
            if not (self.given.relock and self.stand_in(said)):
                raise lockless_error(self.label, said, relock=self.given.relock)
            trees = self.offered()
        lock = self.locked(project)
        if lock is None:
            return []
        after = {crate.name: crate.version for crate in read_cargo_lock(lock)}
        lines = [
            f"{name} {before.get(name, 'none')} -> {version}{self.how(name, version)}"
            for name, version in sorted(after.items())
            if before.get(name) != version
        ]
        if lines:
            text = f"{self.label}: {len(lines)} crates have versions that no Cargo.lock of its own names"
            self.doors.listener(Noted(text=f"{text} (relocked in the record)"))
        return lines

    @property
    def stand_ins(self) -> Path:
        """The folder of crates that stand in for others."""
        return self.workplace.path / Path(_STAND_INS).name

    def stand_in(self, said: str) -> tuple[str, ...]:
        """Crates that were made for what cargo misses, where neither the target nor a wheel needs it."""
        found = NO_MATCH.search(said)
        if found is None:
            return ()
        folders = tuple(Path(name) for name in self.given.folders)
        wanted = wishes(self.workplace.source, folders, found[1].partition(" ")[0])
        return make_stand_ins(wanted, self.stand_ins)

    def how(self, name: str, version: str) -> str:
        """What there is to say of a version that cargo chose."""
        return " (stand-in)" if (self.stand_ins / f"{name}-{version}").is_dir() else ""

    def offered(self) -> tuple[tuple[Path, str], ...]:
        """The user's folders as one directory source: cargo takes no more, so it is one of links."""
        place = self.workplace.path / Path(CRATES).name
        made = self.stand_ins.iterdir() if self.stand_ins.is_dir() else ()
        for folder in made:
            if not (link := place / folder.name).is_symlink():
                link.symlink_to(f"{_STAND_INS}/{folder.name}")
        trees = []
        for number, name in enumerate(self.given.folders):
            inside = f"/tmp/.crates/{number}"  # noqa: S108 - the sandbox's own
            trees.append((Path(name), inside))
            for folder in Path(name).iterdir():
                link = place / folder.name
                if folder.is_dir() and not link.is_symlink():
                    link.symlink_to(f"{inside}/{folder.name}")
        return tuple(trees)

    def crates(self, project: CargoProject) -> tuple[HadCrate, ...]:
        """What the project's lock names, had; nothing where the project brings its crates."""
        lock = self.locked(project)
        if lock is None or project.vendored is not None:
            return ()
        door = CargoDoor(
            root=self.root,
            runner=self.doors.runner,
            store=self.doors.store,
            environment=self.doors.uv.environment,
            offline=self.doors.uv.offline,
        )
        folders = (*self.given.folders, str(self.stand_ins))
        return had_crates(
            read_cargo_lock(lock),
            replace(self.given, folders=folders if self.stand_ins.is_dir() else self.given.folders),
            label=self.label,
            sources=self.workplace.source,
            manifest=str(project.manifest.relative_to(self.workplace.source)),
            door=door,
        )

    def locked(self, project: CargoProject) -> Path | None:
        """The lock as it is now: cargo may have made one, in the project's folder or its workspace's."""
        (now,) = (one for one in cargo_projects(self.workplace.source) if one.manifest == project.manifest)
        return now.lock

    def configure(self, crates: Iterable[Crate] = (), *, replaced: bool = True) -> None:
        """Cargo's own folder, and an empty one for the crates."""
        home, place = (self.workplace.path / Path(name).name for name in (CARGO_HOME, CRATES))
        home.mkdir(exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (home / "config.toml").write_text(cargo_config(crates, replaced=replaced), "utf-8")

    def check(self, project: CargoProject, trees: Sequence[tuple[Path, str]]) -> tuple[str, ...]:
        """Names of the packages in the sources; raises unless lock, manifests and crates fit together."""
        words = ("metadata", "--locked", "--offline", "--format-version", "1", "--quiet", "--all-features")
        said = self.run(words, project, trees)
        if said:
            raise check_error(self.label, said)
        return own_packages(self.log.read_text("utf-8", "replace"))

    @property
    def log(self) -> Path:
        """What cargo said last."""
        return self.workplace.path / "cargo.log"

    def run(self, words: tuple[str, ...], project: CargoProject, trees: Sequence[tuple[Path, str]]) -> str:
        """Cargo without network on the working copy: empty, or the last of what it said when it failed."""
        manifest = f"{cross.SOURCE}/{project.manifest.relative_to(self.workplace.source)}"
        self.log.unlink(missing_ok=True)
        done = self.doors.runner.run(
            Command(
                argv=("cargo", *words, "--manifest-path", manifest),
                root=self.root,
                log=self.log,
                environment=(
                    ("CARGO_HOME", CARGO_HOME),
                    ("CARGO_TERM_COLOR", "never"),
                    ("HOME", cross.HOME),
                    ("LANG", "C.UTF-8"),
                    ("PATH", "/usr/bin:/bin"),
                ),
                binds=(
                    Bind(source=self.workplace.path, target=cross.BUILD, writable=True),
                    *(Bind(source=source, target=target) for source, target in trees),
                ),
                cwd=cross.SOURCE,
            )
        )
        return "" if done.succeeded else last_words(self.log.read_text("utf-8", "replace"), done.returncode)

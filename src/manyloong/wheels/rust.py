"""Rust in a build: cargo and rustc over the lane's root, crates had before it, and where the target is.

The linker is the toolchain's: its floor, page size and flags hold for Rust as for C. Build scripts and
procedural macros run on the build machine and are linked by its own.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import BuildError, IntegrityError
from manyloong.events import Noted
from manyloong.roots import Root, ensure_layered, rust_layers
from manyloong.roots.lock import committed_lock, root_id
from manyloong.roots.spec import root_spec
from manyloong.sandbox import Bind, Command
from manyloong.store import Store
from manyloong.targets import Host, Target
from manyloong.wheels import cross
from manyloong.wheels.backend import Workplace
from manyloong.wheels.cargo import CargoProject, Crate, cargo_projects, read_cargo_lock
from manyloong.wheels.crates import CargoDoor, HadCrate, ensure_crates, had_crates
from manyloong.wheels.diagnosis import NEWER_RUST
from manyloong.wheels.doors import Doors
from manyloong.wheels.job import NATIVE, Job
from manyloong.wheels.kit import Kit, root_of

CARGO_HOME = f"{cross.BUILD}/.cargo-home"
CRATES = f"{cross.BUILD}/.crates"
TARGET_DIR = f"{cross.BUILD}/.cargo-target"
_BUILT = "cargo-target"
_CONFIG = """\
[source.crates-io]
replace-with = "manyloong"

[source.manyloong]
directory = "{crates}"

[net]
offline = true
"""
_LIBC = {"glibc": "gnu", "musl": "musl"}
_STALE = re.compile(
    r"lock file .* needs to be updated|--locked was passed to prevent|no matching package named"
)
_FALSE = re.compile(r"checksum .* changed|listed checksum")
_NO_MATCH = re.compile(
    r"(?:no matching package named|failed to select a version for the requirement) `([^`]+)`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rust:
    """What a build with Rust sees besides its lane."""

    root: Path
    variables: tuple[tuple[str, str], ...]
    trees: tuple[tuple[Path, str], ...]
    crates: tuple[HadCrate, ...]
    relocked: tuple[str, ...]  # one line for each version that is not the one of Cargo.lock
    key: str  # of what was compiled


def rust_triple(target: Target) -> str:
    """The target as rustc names it."""
    return f"{target.architecture.rust}-{_LIBC[target.libc]}"


def rust_ids(host: Host, target: Target) -> dict[str, str]:
    """Name and id of each root with a part of Rust, as locked."""
    return {name: root_id(committed_lock(name), root_spec(name)) for name in rust_layers(host, target)}


def ensure_rust(job: Job, kit: Kit, root: Path, workplace: Workplace, doors: Doors) -> Rust:
    """Compilers and crates for a working copy, and cargo's word that they are all that it needs.

    ``root`` is the lane's. Raises CratesNeededError, IntegrityError, BuildError (no or a stale Cargo.lock).
    """
    layered = _layered(kit, root, doors)
    projects = cargo_projects(workplace.source)
    if not projects:
        raise BuildError(f"{job.source.label} asks for Rust, and its sources have no Cargo.toml")
    cargo = _Cargo(job=job, root=layered.path, workplace=workplace, doors=doors)
    had: dict[Crate, HadCrate] = {}
    relocked: list[str] = []
    for project in projects:
        relocked += cargo.settle(project)
        had |= {one.crate: one for one in cargo.crates(project)}
    tree = ensure_crates(tuple(had[crate] for crate in sorted(had)), doors.store)
    cargo.configure()
    trees = ((tree, CRATES),)
    for project in projects:
        cargo.check(project, trees)
    home = cross.python_home(job.identifier.python)
    variables = cargo_variables(kit.host, kit.target, jobs=doors.cores)
    if job.lane != NATIVE:
        variables |= cross_variables(kit.target, python_home=home)
    key = _key(job, layered, tree)
    _reuse(key, workplace, doors.store)
    return Rust(
        root=layered.path,
        variables=tuple(sorted(variables.items())),
        trees=trees,
        crates=tuple(had.values()),
        relocked=tuple(relocked),
        key=key,
    )


def check_rust(target: Target) -> None:
    """BuildError for a target whose standard library no root has."""
    if target.libc != "glibc":
        raise BuildError(
            f"there is no Rust standard library for {rust_triple(target)}: Debian packages none",
            hint="ask for a glibc platform: --platform manylinux_2_36",
        )


def _layered(kit: Kit, root: Path, doors: Doors) -> Root:
    check_rust(kit.target)
    layers = [root_of(name, doors) for name in rust_layers(kit.host, kit.target)]
    base = Root(name=kit.native_root.name, id=root.name, path=root)  # a tree of the store is named by its id
    return ensure_layered(base, layers, store=doors.store)


def cross_variables(target: Target, *, python_home: str) -> dict[str, str]:
    """What makes the target the one that is compiled for."""
    return {
        "CARGO_BUILD_TARGET": rust_triple(target),
        "PYO3_CROSS_LIB_DIR": python_home,
        "PKG_CONFIG_ALLOW_CROSS": "1",
    }


def cargo_variables(host: Host, target: Target, *, jobs: int) -> dict[str, str]:
    """What tells cargo and the crates that compile C which compiler is for which machine.

    Names as in The Cargo Book ("Environment Variables") and the documentation of the crate cc.
    """
    triple, own = rust_triple(target), f"{host.name}-unknown-linux-gnu"
    compilers = {
        f"{variable}_{name.replace('-', '_')}": f"{tree}/bin/{program}"
        for name, tree in ((own, cross.NATIVE), (triple, cross.TARGET))
        for variable, program in (("CC", "cc"), ("CXX", "c++"), ("AR", "ar"), ("RANLIB", "ranlib"))
    }
    linkers = {
        f"CARGO_TARGET_{name.upper().replace('-', '_')}_LINKER": f"{tree}/bin/cc"
        for name, tree in ((own, cross.NATIVE), (triple, cross.TARGET))
    }
    return {
        **compilers,
        **linkers,
        "CARGO_HOME": CARGO_HOME,
        "CARGO_TARGET_DIR": TARGET_DIR,
        "CARGO_BUILD_JOBS": str(jobs),
        "CARGO_NET_OFFLINE": "true",
        "CARGO_TERM_COLOR": "never",
        "CARGO_INCREMENTAL": "0",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cargo:
    """Cargo at work on one working copy, before the build."""

    job: Job
    root: Path
    workplace: Workplace
    doors: Doors

    @property
    def label(self) -> str:
        return self.job.source.label

    def settle(self, project: CargoProject) -> list[str]:
        """Let cargo choose versions where the user says so: what that changed. BuildError without a lock."""
        given = self.job.options.crates
        if not given.relock and project.lock is not None:
            return []
        before = (
            {crate.name: crate.version for crate in read_cargo_lock(project.lock)} if project.lock else {}
        )
        if project.lock is not None:
            project.lock.unlink()
        self.configure(replaced=project.vendored is None)
        trees = self.offered() if given.relock else ()
        done = self.run(("generate-lockfile", "--offline"), project, trees)
        if done:
            raise self.lockless(done, relock=given.relock)
        lock = self.locked(project)
        if lock is None:
            return []
        after = {crate.name: crate.version for crate in read_cargo_lock(lock)}
        lines = [
            f"{name} {before.get(name, 'none')} -> {version}"
            for name, version in sorted(after.items())
            if before.get(name) != version
        ]
        if lines:
            text = f"{self.label}: {len(lines)} crates have versions that no Cargo.lock of its own names"
            self.doors.listener(Noted(text=f"{text} (relocked in the record)"))
        return lines

    def offered(self) -> tuple[tuple[Path, str], ...]:
        """The user's folders as one directory source: cargo takes no more, so it is one of links."""
        place = self.workplace.path / Path(CRATES).name
        trees = []
        for number, name in enumerate(self.job.options.crates.folders):
            inside = f"/tmp/.crates/{number}"  # noqa: S108 - the sandbox's own
            trees.append((Path(name), inside))
            for folder in Path(name).iterdir():
                link = place / folder.name
                if folder.is_dir() and not link.is_symlink():
                    link.symlink_to(f"{inside}/{folder.name}")
        return tuple(trees)

    def lockless(self, said: str, *, relock: bool) -> BuildError:
        """Why there is no Cargo.lock to build with."""
        found = _NO_MATCH.search(said)
        if relock:
            what = f": nothing there satisfies {found[1]}" if found else ""
            return BuildError(
                f"{self.label}: cargo can choose no versions from --crates{what}\ncargo said: {said}",
                hint="add what is missing to the folder: cargo vendor --versioned-dirs DIR",
            )
        return BuildError(
            f"{self.label} has no Cargo.lock, so nothing says which crates it is built with"
            + (f" ({found[1]} and others)" if found else ""),
            hint="ask the project to ship Cargo.lock; or let cargo choose: --relock --crates DIR",
        )

    def crates(self, project: CargoProject) -> tuple[HadCrate, ...]:
        """What the project's lock names, had; nothing where the project brings its crates."""
        lock = self.locked(project)
        if lock is None or project.vendored is not None:
            return ()
        manifest = str(project.manifest.relative_to(self.workplace.source))
        door = CargoDoor(
            root=self.root,
            runner=self.doors.runner,
            store=self.doors.store,
            environment=self.doors.uv.environment,
            offline=self.doors.uv.offline,
        )
        return had_crates(
            read_cargo_lock(lock),
            self.job.options.crates,
            label=self.label,
            sources=self.workplace.source,
            manifest=manifest,
            door=door,
        )

    def locked(self, project: CargoProject) -> Path | None:
        """The lock as it is now: cargo may have made one, in the project's folder or its workspace's."""
        (now,) = (one for one in cargo_projects(self.workplace.source) if one.manifest == project.manifest)
        return now.lock

    def configure(self, *, replaced: bool = True) -> None:
        """Cargo's own folder: the registry is the folder of crates, and there is no network."""
        home, crates = (self.workplace.path / Path(name).name for name in (CARGO_HOME, CRATES))
        home.mkdir(exist_ok=True)
        shutil.rmtree(crates, ignore_errors=True)
        crates.mkdir()
        text = _CONFIG.format(crates=CRATES) if replaced else "[net]\noffline = true\n"
        (home / "config.toml").write_text(text, "utf-8")

    def check(self, project: CargoProject, trees: Sequence[tuple[Path, str]]) -> None:
        """BuildError unless cargo finds that lock, manifests and crates fit together."""
        words = ("metadata", "--locked", "--offline", "--format-version", "1", "--quiet")
        said = self.run((*words, "--all-features"), project, trees)
        if said and _FALSE.search(said):
            raise IntegrityError(
                f"{self.label}: a crate is not what Cargo.lock says\ncargo said: {said}",
                hint="get its crates anew from where Cargo.lock was made",
            )
        if said and _STALE.search(said):
            raise BuildError(
                f"{self.label}: its Cargo.lock is stale: it does not fit its Cargo.toml\ncargo said: {said}",
                hint="ask the project to renew Cargo.lock; or let cargo choose: --relock --crates DIR",
            )
        if said:
            raise BuildError(
                f"{self.label}: cargo cannot read the project: {said}",
                hint=NEWER_RUST if _OLD.search(said) else "look at Cargo.toml and Cargo.lock of the sources",
            )

    def run(self, words: tuple[str, ...], project: CargoProject, trees: Sequence[tuple[Path, str]]) -> str:
        """Cargo without network on the working copy: empty, or the last of what it said when it failed."""
        manifest = f"{cross.SOURCE}/{project.manifest.relative_to(self.workplace.source)}"
        log = self.workplace.path / "cargo.log"
        log.unlink(missing_ok=True)
        done = self.doors.runner.run(
            Command(
                argv=("cargo", *words, "--manifest-path", manifest),
                root=self.root,
                log=log,
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
        if done.succeeded:
            return ""
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line[:1] != "{"]
        first = next((number for number, line in enumerate(lines) if line.startswith("error")), 0)
        return "\n".join(lines[first : first + 8]) or f"exit code {done.returncode}"


_OLD = re.compile(
    r"feature `edition\d+` is required|supported edition values|Cargo is older than the `\d+` ed"
)


# ---- what was compiled, kept


def _key(job: Job, layered: Root, crates: Path) -> str:
    document = [job.build_id, layered.id, crates.name, job.lane]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _reuse(key: str, workplace: Workplace, store: Store) -> None:
    """Lay what the same build compiled before into the folder; cargo decides what of it still holds."""
    kept = store.tree_path(_BUILT, key)
    if kept is not None:
        shutil.copytree(kept, workplace.path / Path(TARGET_DIR).name, symlinks=True)


def keep_crates_compiled(rust: Rust, workplace: Workplace, store: Store) -> None:
    """Put what a build compiled into the store, for the next of the same."""
    made = workplace.path / Path(TARGET_DIR).name
    if made.is_dir():
        store.tree(_BUILT, rust.key, lambda tree: _copy(made, tree))


def _copy(source: Path, tree: Path) -> None:
    shutil.copytree(source, tree, symlinks=True, dirs_exist_ok=True)

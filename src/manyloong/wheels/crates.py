"""Crates had before a build, each checked against Cargo.lock, as one folder that stands for the registry.

For each crate that Cargo.lock names, the first of these that has it:

1. the store, by the SHA-256 of its archive that Cargo.lock has;
2. a folder that the user gives (``--crates``): archives, or the folders that ``cargo vendor`` writes;
3. ``cargo fetch --locked``, with the registry or mirror that cargo is configured to use on this machine.

What none of them has is listed in one error. A project that brings its crates needs none of this.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import IntegrityError
from manyloong.sandbox import Bind, Command, Runner
from manyloong.store import Store
from manyloong.store.archive import extract_tar
from manyloong.store.normalise import tree_digest
from manyloong.store.objects import file_sha256
from manyloong.wheels.cargo import CHECKSUM, Crate, find_crate
from manyloong.wheels.cargo_words import known_fault, last_words
from manyloong.wheels.downloads import SourceNeededError
from manyloong.wheels.given_crates import ARCHIVE, GivenCrates

KIND = "crates"
RECIPE = 1  # bump when the same crates would give another folder
_SHOWN = 12  # crates that an error names


class CratesNeededError(SourceNeededError):
    """Crates that nothing here has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HadCrate:
    """A crate and where it came from: ``archive`` or a ``folder``, one of them."""

    crate: Crate
    origin: str  # "store", "given" or "cargo fetch"
    archive: Path | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoDoor:
    """How cargo is run in the fetch phase: in which root, with which configuration of this machine."""

    root: Path
    runner: Runner
    store: Store
    environment: Mapping[str, str]  # HOME, CARGO_HOME, proxies, as the user has them
    offline: bool

    def configuration(self) -> Path | None:
        """The user's configuration of cargo, which names mirrors."""
        home = self.environment.get("CARGO_HOME") or f"{self.environment.get('HOME', '/nowhere')}/.cargo"
        found = (Path(home) / name for name in ("config.toml", "config"))
        return next((file for file in found if file.is_file()), None)


def had_crates(
    wanted: Sequence[Crate], given: GivenCrates, *, label: str, sources: Path, manifest: str, door: CargoDoor
) -> tuple[HadCrate, ...]:
    """Every wanted crate; CratesNeededError with those that cannot be had, IntegrityError for a false one,
    BuildError where cargo says that lock and manifests do not fit.

    ``manifest`` is the path of Cargo.toml below ``sources``, for cargo's own fetching.
    """
    found = {crate: had for crate in wanted if (had := _stored(crate, door.store))}
    missing = [crate for crate in wanted if crate not in found]
    if missing and given.folders:
        found |= {had.crate: had for had in _given(missing, given, door.store, label=label)}
        missing = [crate for crate in wanted if crate not in found]
    said = ""
    if missing and not door.offline:
        said = fetch_crates(missing, sources=sources, manifest=manifest, door=door)
        for crate in missing:
            if had := _stored(crate, door.store):
                found[crate] = HadCrate(crate=crate, origin="cargo fetch", archive=had.archive)
        missing = [crate for crate in wanted if crate not in found]
    if missing:
        raise known_fault(label, said) or needed_crates(missing, label=label, said=said)
    return tuple(found[crate] for crate in wanted)


def needed_crates(missing: Sequence[Crate], *, label: str, said: str = "") -> CratesNeededError:
    """The error that lists them, and says how to bring them."""
    names = ", ".join(crate.label for crate in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    repositories = sorted({crate.source for crate in missing if crate.source.startswith("git+")})
    text = f"{label}: crate source needed for {len(missing)}: {names}{more}"
    text += f"; from git: {', '.join(repositories)}" if repositories else ""
    text += f"\ncargo said: {said}" if said else ""
    return CratesNeededError(
        text,
        hint="where cargo reaches its registry: cargo vendor --versioned-dirs DIR; then add: --crates DIR",
    )


def _stored(crate: Crate, store: Store) -> HadCrate | None:
    path = store.object_path(crate.checksum) if crate.checksum else None
    return HadCrate(crate=crate, origin="store", archive=path) if path else None


def _given(missing: Sequence[Crate], given: GivenCrates, store: Store, *, label: str) -> Iterator[HadCrate]:
    """Those that the user's folders have; one of the right name and version must be the right one."""
    for crate in missing:
        archive = _archive(crate, given)
        found = (find_crate(Path(path), crate.name, crate.version) for path in given.folders)
        folder = next((one for one in found if one is not None), None)
        if archive is not None:
            _check(crate, file_sha256(archive), where=str(archive), label=label)
            store.add_file(archive, crate.checksum or None)
            yield HadCrate(crate=crate, origin="given", archive=archive)
        elif folder is not None:
            _check(crate, folder.checksum, where=str(folder.path), label=label)
            yield HadCrate(crate=crate, origin="given", folder=folder.path)


def _archive(crate: Crate, given: GivenCrates) -> Path | None:
    name = f"{crate.name}-{crate.version}{ARCHIVE}"
    return next((path for folder in given.folders if (path := Path(folder) / name).is_file()), None)


def _check(crate: Crate, found: str, *, where: str, label: str) -> None:
    if crate.checksum and found and found != crate.checksum:
        raise IntegrityError(
            f"{label}: crate {crate.label} in {where} has the SHA-256 {found}, "
            f"and Cargo.lock says {crate.checksum}",
            hint="it is another crate of that name, or it was changed; get it from where Cargo.lock was made",
        )


def fetch_crates(missing: Sequence[Crate], *, sources: Path, manifest: str, door: CargoDoor) -> str:
    """Let cargo download; the archives that are as Cargo.lock says go into the store. Cargo's last words.

    The only command of a build that has the network; it runs none of the package's own code.
    """
    with door.store.scratch("cargo") as place:
        for name in ("home", "src"):
            (place / name).mkdir()
        for file in sources.rglob("*"):
            if file.is_file() and (file.name in {"Cargo.toml", "Cargo.lock"} or file.suffix == ".rs"):
                copy = place / "src" / file.relative_to(sources)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        configuration = door.configuration()
        if configuration is not None:
            shutil.copyfile(configuration, place / "home" / "config.toml")
        done = door.runner.run(
            Command(
                argv=("cargo", "fetch", "--locked", "--quiet", "--manifest-path", f"/build/src/{manifest}"),
                root=door.root,
                log=place / "log",
                environment=_network_environment(door),
                binds=(Bind(source=place, target="/build", writable=True), *_network_binds()),
                cwd="/build/src",
                network=True,
            )
        )
        wanted = {crate.checksum for crate in missing}
        for archive in sorted((place / "home").rglob(f"*{ARCHIVE}")):
            if file_sha256(archive) in wanted:
                door.store.add_file(archive)
        return "" if done.succeeded else last_words(done.last_lines(40), done.returncode)


def _network_environment(door: CargoDoor) -> tuple[tuple[str, str], ...]:
    proxies = {name: value for name, value in door.environment.items() if name.lower().endswith("_proxy")}
    fixed = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/builder",
        "LANG": "C.UTF-8",
        "CARGO_HOME": "/build/home",
        "CARGO_NET_RETRY": "1",
        "CARGO_HTTP_TIMEOUT": "20",
    }
    return tuple(sorted({**proxies, **fixed}.items()))


def _network_binds() -> tuple[Bind, ...]:
    """What names hosts on this machine, and whom it trusts; the root has neither of its own."""
    names = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
    found = ((Path(name).resolve(), name) for name in names)
    return tuple(Bind(source=path, target=name) for path, name in found if path.is_file())


def crates_key(had: Sequence[HadCrate]) -> str:
    """SHA-256 of what decides the folder: every crate by its digest, given folders by their content too."""
    rows = [[one.crate.name, one.crate.version, one.crate.checksum, _content(one)] for one in had]
    return hashlib.sha256(json.dumps([RECIPE, sorted(rows)]).encode()).hexdigest()


def _content(had: HadCrate) -> str:
    """The digest of a folder; of an archive the checksum says all."""
    return tree_digest(had.folder) if had.folder is not None else ""


def ensure_crates(had: Sequence[HadCrate], store: Store) -> Path:
    """The crates as a directory source, in the store."""

    def fill(tree: Path) -> None:
        for one in had:
            place = tree / f"{one.crate.name}-{one.crate.version}"
            if one.archive is not None:
                place.mkdir()
                extract_tar(one.archive, place, name=one.crate.label, strip_components=1)
                text = json.dumps({"files": {}, "package": one.crate.checksum})
                (place / CHECKSUM).write_text(text, "utf-8")
            elif one.folder is not None:
                shutil.copytree(one.folder, place, symlinks=True)

    return store.tree(KIND, crates_key(had), fill)

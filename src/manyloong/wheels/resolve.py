"""Which wheels satisfy some requirements for some Python: resolved by uv, taken with hashes (PEP 751)."""

import subprocess
import tempfile
import tomllib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Environment
from packaging.pylock import PackageWheel, Pylock, PylockSelectError
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from manyloong.errors import BuildError, FetchError, IntegrityError
from manyloong.events import Listener
from manyloong.store import Fetcher, RemoteFile
from manyloong.store.normalise import UMASK
from manyloong.store.objects import file_sha256
from manyloong.targets import Host, Python, Target

# The newest glibc that uv's platform names and published wheels speak of; the roots' own is newer.
_NATIVE_GLIBC = 40
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_TARGET_NEWEST_GLIBC = 43


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Where resolved wheels must run: names for uv, markers and tags for packaging."""

    uv_name: str  # value of --python-platform
    machine: str
    tags: tuple[str, ...]  # platform tags, best first
    named: bool = (
        True  # False: uv has no name for it, and ``uv_name`` is that of the machine with another libc
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedWheel:
    """One wheel of a resolution. ``path`` is a local file, else it is fetched."""

    name: str
    version: str
    filename: str
    sha256: str
    url: str | None
    size_bytes: int | None
    path: Path | None = None


def native_platform(host: Host) -> Platform:
    """The build machine's own platform, as the native root offers it."""
    tags = []
    for minor in range(_NATIVE_GLIBC, 4, -1):
        tags.append(f"manylinux_2_{minor}_{host.name}")
        if minor in _LEGACY:
            tags.append(f"{_LEGACY[minor]}_{host.name}")
    return Platform(
        uv_name=f"{host.name}-manylinux_2_{_NATIVE_GLIBC}",
        machine=host.name,
        tags=(*tags, f"linux_{host.name}"),
    )


def target_platform(target: Target, *, floor_only: bool = False) -> Platform:
    """The platform of wheels that may be installed in the target's current root, or in its floor root too."""
    arch = target.architecture
    major, floor = target.floor
    newest = _TARGET_NEWEST_GLIBC if target.libc == "glibc" and not floor_only else floor
    tags = tuple(f"{target.family}_{major}_{minor}_{arch.name}" for minor in range(newest, floor - 1, -1))
    named = target.libc == "glibc"
    return Platform(uv_name=f"{arch.name}-unknown-linux-gnu", machine=arch.uname, tags=tags, named=named)


def wheel_tags(python: Python, platform: Platform) -> tuple[Tag, ...]:
    """Every tag that a wheel for this Python and platform may carry, best first (PEP 425)."""
    version = tuple(int(part) for part in python.version.split("."))
    return (
        *cpython_tags(version, abis=[python.tag], platforms=platform.tags),
        *compatible_tags(version, interpreter=python.interpreter, platforms=platform.tags),
    )


def marker_environment(python: Python, platform: Platform) -> Environment:
    """The environment that markers (PEP 508) are evaluated in."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python.version}.0",
        "os_name": "posix",
        "platform_machine": platform.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python.version}.0",
        "python_version": python.version,
        "sys_platform": "linux",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Uv:
    """The uv program of this installation, with a clean environment of its own."""

    binary: Path
    python: Path  # an interpreter it may use to start from; never one it downloads
    environment: Mapping[str, str]
    index_url: str
    offline: bool = False

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The whole command line; an option that uv takes once is given once."""
        common = ["--python", str(self.python), "--no-python-downloads", "--no-config"]
        if self.offline and "--offline" not in arguments:
            common.append("--offline")
        return [str(self.binary), "pip", *arguments, *common]

    def run(self, arguments: Sequence[str], *, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run uv on the host; its output is captured. uv runs no code of packages with these arguments."""
        return subprocess.run(
            self.command(arguments),
            input=text,
            capture_output=True,
            text=True,
            env=dict(self.environment),
            umask=UMASK,
            check=False,
        )


class UnresolvableError(BuildError):
    """No set of wheels satisfies the requirements; the message is uv's own explanation."""


class MisfitError(UnresolvableError):
    """What uv chose for all platforms at once has no wheel for this one: ``projects``, by canonical name."""

    projects: tuple[str, ...] = ()


def resolve_wheels(
    requirements: Sequence[str],
    *,
    python: Python,
    platform: Platform,
    uv: Uv,
    find_links: Sequence[Path] = (),
    tags: Sequence[Tag] = (),
    dependencies: bool = True,
    constraints: Sequence[str] = (),
) -> tuple[ResolvedWheel, ...]:
    """One wheel, with its SHA-256, for each project that the requirements need; sorted by name.

    ``tags``, best first, say which of several wheels is taken; by default as installers do. Raises
    UnresolvableError with uv's explanation, or FetchError when the index cannot be reached.
    """
    if not requirements:
        return ()
    arguments = _compile_arguments(python, platform, uv, find_links)
    if not dependencies:
        arguments.append("--no-deps")
    done = _compile(uv, arguments, requirements, constraints)
    if done.returncode != 0:
        raise _resolution_error(requirements, python, done.stderr.strip(), offline=uv.offline)
    lock = Pylock.from_dict(tomllib.loads(done.stdout))
    fitting = tags or wheel_tags(python, platform)
    try:
        selected = list(lock.select(environment=marker_environment(python, platform), tags=fitting))
    except PylockSelectError as error:
        found = MisfitError(
            f"no wheels for {', '.join(requirements)} on {platform.tags[0]}, {python.tag}: {error}"
        )
        found.projects = _misfits(lock, marker_environment(python, platform), frozenset(fitting))
        raise found from error
    wheels = [_resolved(str(package.name), str(package.version), file) for package, file in selected]
    return tuple(sorted(wheels, key=lambda wheel: wheel.name))


def _compile_arguments(python: Python, platform: Platform, uv: Uv, find_links: Sequence[Path]) -> list[str]:
    """What uv is asked: for every platform at once where it has no name for this one; tags choose then."""
    platforms = ["--python-platform", platform.uv_name] if platform.named else ["--universal"]
    arguments = ["compile", "-", "--quiet", "--no-header", "--format", "pylock.toml"]
    arguments += ["--only-binary", ":all:", "--python-version", python.version, *platforms]
    arguments += ["--default-index", uv.index_url]
    for folder in find_links:
        arguments += ["--find-links", str(folder)]
    return arguments


def _compile(
    uv: Uv, arguments: list[str], requirements: Sequence[str], constraints: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    text = "\n".join(requirements) + "\n"
    if not constraints:
        return uv.run(arguments, text=text)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write("\n".join(constraints) + "\n")
        file.flush()
        return uv.run([*arguments, "--constraints", file.name], text=text)


def _misfits(lock: Pylock, environment: Environment, tags: frozenset[Tag]) -> tuple[str, ...]:
    """The projects of a lock that are needed there and have wheels, none of which has one of the tags."""
    values: dict[str, str] = {**environment}  # type: ignore[dict-item]
    return tuple(
        sorted(
            str(package.name)
            for package in lock.packages
            if package.wheels
            and (package.marker is None or package.marker.evaluate(values))
            and not any(fits(wheel.filename, tags) for wheel in package.wheels)
        )
    )


def fits(filename: str, tags: Container[Tag]) -> bool:
    """Whether a wheel's name has one of the tags."""
    try:
        return any(tag in tags for tag in parse_wheel_filename(filename)[3])
    except InvalidWheelFilename:
        return False


def _resolved(name: str, version: str, file: object) -> ResolvedWheel:
    if not isinstance(file, PackageWheel) or "sha256" not in file.hashes:
        raise UnresolvableError(
            f"{name} {version} can only be had as a source archive or without a SHA-256",
            hint="put a wheel of it into a folder and name that folder with --find-links",
        )
    return ResolvedWheel(
        name=name,
        version=version,
        filename=file.filename,
        sha256=file.hashes["sha256"],
        url=file.url,
        size_bytes=file.size,
        path=Path(file.path) if file.path else None,
    )


def _resolution_error(
    requirements: Sequence[str], python: Python, stderr: str, *, offline: bool
) -> BuildError | FetchError:
    wanted = ", ".join(requirements)
    network = ("error sending request", "Failed to fetch", "dns error", "Connection refused", "timed out")
    if offline and "network was disabled" in stderr:
        return FetchError(
            f"offline, and not all of {wanted} is in the cache for {python.tag}",
            hint="run once without --offline",
        )
    if any(words in stderr for words in network):
        return FetchError(
            f"the package index did not answer for {wanted}: {stderr[-400:]}", hint="manyloong doctor"
        )
    return UnresolvableError(f"no set of wheels satisfies {wanted} for {python.tag}:\n{stderr}")


def fetch_wheels(wheels: Sequence[ResolvedWheel], *, fetcher: Fetcher, listener: Listener) -> dict[str, Path]:
    """Every wheel in the store, by file name; hashes checked."""
    remote = [
        RemoteFile(name=wheel.filename, urls=(wheel.url,), sha256=wheel.sha256, size_bytes=wheel.size_bytes)
        for wheel in wheels
        if wheel.path is None and wheel.url is not None
    ]
    found = fetcher.fetch(remote, label="build requirements", listener=listener) if remote else {}
    for wheel in wheels:
        if wheel.path is not None and (sha256 := file_sha256(wheel.path)) != wheel.sha256:
            raise IntegrityError(
                f"{wheel.path} has SHA-256 {sha256}, expected {wheel.sha256}",
                hint="the file was changed; get or build it again",
            )
    return {wheel.filename: wheel.path or found[wheel.sha256] for wheel in wheels}

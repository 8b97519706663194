"""What cargo says when it fails, told apart: the project's faults, false crates, too old a compiler."""

import re

from manyloong.errors import BuildError, IntegrityError, ManyloongError
from manyloong.wheels.diagnosis import NEWER_RUST

_LINES = 24  # of what cargo says: causes of causes stand below one another
_OLD = re.compile(
    r"feature `edition\d+` is required|supported edition values|Cargo is older than the `\d+` ed|"
    r"this version of Cargo does not understand this lock file|requires rustc [\d.]+"
)
_STALE = re.compile(
    r"lock file .* needs to be updated|--locked was passed to prevent|no matching package named|"
    r"failed to select a version for the requirement"
)
_FALSE = re.compile(
    r"checksum .* changed|listed checksum|failed to verify the checksum|is the same as when the lockfile"
)
NO_MATCH = re.compile(
    r"(?:no matching package named|failed to select a version for the requirement) `([^`]+)`"
)

_NO_FEATURE = re.compile(r"depends on `([^`]+)` with feature `([^`]+)` but")


def known_fault(label: str, said: str) -> ManyloongError | None:
    """What is wrong with a project or its crates, from what cargo said; None where it is something else."""
    if _OLD.search(said):
        return BuildError(f"{label}: cargo cannot read the project: {said}", hint=NEWER_RUST)
    if _FALSE.search(said):
        return IntegrityError(
            f"{label}: a crate is not what Cargo.lock says\ncargo said: {said}",
            hint="get it from where Cargo.lock was made; which mirror cargo asks is in its config.toml",
        )
    if _STALE.search(said):
        return BuildError(
            f"{label}: its Cargo.lock is stale: it does not fit its Cargo.toml\ncargo said: {said}",
            hint="ask the project to renew Cargo.lock; or let cargo choose: --relock --crates DIR",
        )
    return None


def check_error(label: str, said: str) -> ManyloongError:
    """The same, where cargo was asked of the project alone."""
    return known_fault(label, said) or BuildError(
        f"{label}: cargo cannot read the project: {said}",
        hint="look at Cargo.toml and Cargo.lock of the sources",
    )


def lockless_error(label: str, said: str, *, relock: bool) -> BuildError:
    """Why there is no Cargo.lock to build with."""
    if _OLD.search(said):
        return BuildError(f"{label}: cargo cannot read the project: {said}", hint=NEWER_RUST)
    found = NO_MATCH.search(said)
    if relock and (lacks := _NO_FEATURE.search(said)):
        return BuildError(
            f"{label}: cargo can choose no versions: {lacks[1]} has no feature {lacks[2]} there"
            f"\ncargo said: {said}",
            hint="a distribution may have taken it out: give the crate of cargo vendor, or, where the target "
            "does not need it, take it out of Cargo.toml by a recipe's patch",
        )
    if relock:
        what = f": nothing there satisfies {found[1]}" if found else ""
        return BuildError(
            f"{label}: cargo can choose no versions from --crates{what}\ncargo said: {said}",
            hint="add what is missing to the folder: cargo vendor --versioned-dirs DIR",
        )
    return BuildError(
        f"{label} has no Cargo.lock, so nothing says which crates it is built with"
        + (f" ({found[1]} and others)" if found else ""),
        hint="ask the project to ship Cargo.lock; or let cargo choose: --relock --crates DIR",
    )


def last_words(log: str, returncode: int) -> str:
    """What cargo said of its failure, from its first error on, without what it prints for programs."""
    lines = [line for line in log.splitlines() if line.strip() and line[:1] != "{"]
    first = next((number for number, line in enumerate(lines) if line.startswith("error")), 0)
    return "\n".join(lines[first : first + _LINES]) or f"exit code {returncode}"

"""Build identifiers: which Python on which platform, spelled as cibuildwheel spells them."""

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from manyloong.errors import InputError, NotFoundError
from manyloong.targets import Python, Target, all_pythons, all_targets, known_pythons, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One wheel to make, e.g. ``cp313-manylinux_loongarch64``."""

    python: Python
    target: Target

    def __str__(self) -> str:
        """The identifier as users write it."""
        return f"{self.python.tag}-{self.target.family}_{self.target.architecture.name}"


def parse_platforms(text: str) -> tuple[Target, ...]:
    """``musllinux_1_2,manylinux_2_36`` as targets, in that order; NotFoundError, InputError for no word."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise InputError(
            f"--platform {text!r}: no platform tag",
            hint="platform tags here: " + ", ".join(row.tag for row in all_targets()),
        )
    return tuple(dict.fromkeys(target(word) for word in words))


def parse_pythons(text: str) -> tuple[Python, ...] | None:
    """``cp313,cp314`` as Pythons, oldest first; ``all`` as None: Debian's, as requires-python admits.

    ``3.13`` and ``python3.13`` are understood too. Raises InputError naming the word and what there is.
    """
    if text.strip() == "all":
        return None
    known = {
        name: row for row in known_pythons() for name in (row.tag, row.name, row.name.removeprefix("python"))
    }
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        raise InputError(
            f"--python {text!r}: unknown Python {', '.join(unknown) or '(none given)'}",
            hint="Pythons here: all, " + ", ".join(row.tag for row in known_pythons()),
        )
    wanted = {known[word].tag for word in words}
    return tuple(row for row in known_pythons() if row.tag in wanted)


def admitted(
    pythons: Sequence[Python] | None, requires_python: str | None, *, project: str
) -> tuple[Python, ...]:
    """The Pythons of the choice (None: every Python here) that ``requires-python`` (PEP 345) admits.

    Raises NotFoundError when none is left.
    """
    candidates = tuple(pythons) if pythons is not None else all_pythons()
    allowed = SpecifierSet(requires_python or "", prereleases=True)
    found = tuple(
        row for row in candidates if f"{row.version}.0" in allowed or f"{row.version}.99" in allowed
    )
    if not found:
        raise NotFoundError(
            f"{project} requires Python {requires_python}, which none of "
            f"{', '.join(row.tag for row in candidates)} satisfies",
            hint="try another release, or --python with one of: "
            + ", ".join(row.tag for row in all_pythons()),
        )
    return found


def serves(wheel_name: str, python: Python) -> bool:
    """Whether a wheel, by its file name's tags (PEP 425), can be installed for this Python."""
    _, _, _, tags = parse_wheel_filename(wheel_name)
    minor = int(python.version.split(".")[1])
    return any(_tag_serves(tag.interpreter, tag.abi, python, minor) for tag in tags)


def _tag_serves(interpreter: str, abi: str, python: Python, minor: int) -> bool:
    if abi == "abi3":  # the stable ABI is not that of free-threaded builds
        if python.free_threaded:
            return False
        return interpreter.startswith("cp3") and interpreter[3:].isdigit() and int(interpreter[3:]) <= minor
    return (interpreter, abi) == (python.interpreter, python.tag) or (interpreter == "py3" and abi == "none")

"""WHEEL and METADATA against the file name. Core metadata and binary distribution format specifications."""

from collections.abc import Iterator

from manyloong.audit.facts import Problem
from manyloong.audit.names import WheelName, normal_name


def parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """The ``Key: value`` lines up to the first empty line; keys in lower case."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            found.append((key.strip().lower(), value.strip()))
    return tuple(found)


def values(headers: tuple[tuple[str, str], ...], key: str) -> tuple[str, ...]:
    """Every value of a key, in order."""
    return tuple(value for name, value in headers if name == key)


def compare_metadata(
    name: WheelName, *, folder: str, wheel: tuple[tuple[str, str], ...], metadata: tuple[tuple[str, str], ...]
) -> Iterator[Problem]:
    """Where WHEEL, METADATA and the dist-info folder's name tell another release than the file name."""
    tags = {"-".join(tag) for tag in name.tags}
    said = {one for text in values(wheel, "tag") for one in _expanded(text)}
    if said != tags:
        detail = f"file name says {' '.join(sorted(tags))}; WHEEL says {' '.join(sorted(said)) or 'none'}"
        yield Problem(rule="ML023", path=f"{folder}/WHEEL", detail=detail)
    if not values(wheel, "wheel-version"):
        yield Problem(rule="ML088", path=f"{folder}/WHEEL", detail="no Wheel-Version")
    elif values(wheel, "wheel-version")[0].split(".")[0] != "1":
        detail = f"Wheel-Version {values(wheel, 'wheel-version')[0]}"
        yield Problem(rule="ML088", path=f"{folder}/WHEEL", detail=detail)
    yield from _release(name, folder=folder, metadata=metadata)


def _release(name: WheelName, *, folder: str, metadata: tuple[tuple[str, str], ...]) -> Iterator[Problem]:
    path = f"{folder}/METADATA"
    for key, expected, same in (
        ("name", name.distribution, _same_name),
        ("version", name.version, _same_version),
    ):
        told = values(metadata, key)
        if len(told) != 1 or not same(told[0], expected):
            detail = f"{key.title()} is {', '.join(told) or 'missing'}; the file name says {expected}"
            yield Problem(rule="ML088", path=path, detail=detail)
    stem = folder.removesuffix(".dist-info").partition("-")
    if not (_same_name(stem[0], name.distribution) and _same_version(stem[2], name.version)):
        yield Problem(rule="ML088", path=folder, detail=f"{folder} beside {name.distribution} {name.version}")


def _expanded(tag: str) -> Iterator[str]:
    python, _, rest = tag.partition("-")
    abi, _, platform = rest.partition("-")
    for one in python.split("."):
        for two in abi.split("."):
            for three in platform.split("."):
                yield f"{one}-{two}-{three}"


def _same_name(left: str, right: str) -> bool:
    return normal_name(left) == normal_name(right)


def _same_version(left: str, right: str) -> bool:
    if left.replace("-", "_").lower() == right.replace("-", "_").lower():
        return True
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415  20 ms that few wheels need

    try:
        return Version(left.replace("_", "-")) == Version(right.replace("_", "-"))
    except InvalidVersion:
        return False

"""What the audit verb is given: paths, environments, URLs, releases on the index."""

import re
from collections.abc import Iterator
from pathlib import Path

from manyloong.audit import Facts, read_facts, read_installed
from manyloong.errors import InputError, ManyloongError, NotFoundError

_URL = re.compile(r"(?:https?|file)://", re.IGNORECASE)
_RELEASE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9._!+-]+)")


def read_inputs(inputs: list[Path | str], installed: bool, faults: list[ManyloongError]) -> Iterator[Facts]:
    """The facts of each input; what cannot be read is gathered in ``faults`` and the rest goes on."""
    for one in inputs:
        try:
            yield from _read(one, installed=installed)
        except ManyloongError as error:
            faults.append(error)
        except OSError as error:
            faults.append(InputError(f"cannot read {one}: {error.strerror}", hint="check its owner and mode"))


def _read(one: Path | str, *, installed: bool) -> Iterator[Facts]:
    if isinstance(one, Path):
        yield from _read_path(one, installed=installed)
        return
    release = _RELEASE.fullmatch(one)
    if _URL.match(one):
        from manyloong.cli.audit_remote import read_url

        yield read_url(one)
    elif release is not None:
        from manyloong.cli.audit_remote import read_release

        yield from read_release(release["name"], release["version"])
    else:
        raise NotFoundError(
            f"no such file or directory: {one}",
            hint="a release on the index is NAME==VERSION; a URL has http://",
        )


def _read_path(path: Path, *, installed: bool) -> Iterator[Facts]:
    if installed:
        yield from read_installed(path)
        return
    wheels = sorted(path.glob("*.whl")) if path.is_dir() else []
    if wheels:
        for wheel in wheels:
            yield read_facts(wheel)
    else:
        yield read_facts(path)

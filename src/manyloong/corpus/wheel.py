"""Makes small wheels, well-formed unless told otherwise. Binary distribution format specification."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from manyloong.corpus.zips import Entry, write_zip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """What the wheel shall hold; RECORD, WHEEL and METADATA follow unless given."""

    name: str = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
    files: tuple[tuple[str, bytes], ...] = ()
    tags: tuple[str, ...] | None = None  # None: those of the file name
    metadata: str = "Metadata-Version: 2.4\nName: example\nVersion: 1.0\n"
    record: str | None = None  # None: the true one
    folder: str = "example-1.0.dist-info"
    more: tuple[Entry, ...] = ()  # members that RECORD does not list


def record_line(path: str, data: bytes) -> str:
    """The line of RECORD for a file."""
    digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}"


def wheel_entries(spec: Wheel) -> tuple[Entry, ...]:
    """The members of the wheel, RECORD last."""
    tags = _tags(spec.name) if spec.tags is None else spec.tags
    wheel = "Wheel-Version: 1.0\nGenerator: manyloong-corpus\nRoot-Is-Purelib: false\n"
    wheel += "".join(f"Tag: {tag}\n" for tag in tags)
    files = [
        *spec.files,
        (f"{spec.folder}/METADATA", spec.metadata.encode()),
        (f"{spec.folder}/WHEEL", wheel.encode()),
    ]
    record = spec.record
    if record is None:
        lines = [record_line(path, data) for path, data in files]
        record = "\n".join([*lines, f"{spec.folder}/RECORD,,", ""])
    files.append((f"{spec.folder}/RECORD", record.encode()))
    return tuple(Entry(name=path, data=data) for path, data in files)


def make_wheel(spec: Wheel) -> bytes:
    """The bytes of the wheel; equal specs give equal bytes."""
    return write_zip((*wheel_entries(spec), *spec.more))


def _tags(name: str) -> tuple[str, ...]:
    python, abi, platform = name.removesuffix(".whl").split("-")[-3:]
    return tuple(
        f"{one}-{two}-{three}"
        for one in python.split(".")
        for two in abi.split(".")
        for three in platform.split(".")
    )

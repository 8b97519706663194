"""Makes small wheels, well-formed unless told otherwise."""

import hashlib
import io
import zipfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """What the wheel shall hold; RECORD, WHEEL and METADATA follow unless given."""

    name: str = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
    files: tuple[tuple[str, bytes], ...] = ()
    tags: tuple[str, ...] | None = None  # None: those of the file name
    metadata: str = "Metadata-Version: 2.4\nName: example\nVersion: 1.0\n"
    record: str | None = None  # None: the true one
    folder: str = "example-1.0.dist-info"


def record_line(path: str, data: bytes) -> str:
    """The line of RECORD for a file."""
    digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}"


def make_wheel(spec: Wheel) -> bytes:
    """The bytes of the wheel; equal specs give equal bytes."""
    python, abi, platform = spec.name.removesuffix(".whl").split("-")[-3:]
    tags = spec.tags
    if tags is None:
        tags = tuple(
            f"{one}-{two}-{three}"
            for one in python.split(".")
            for two in abi.split(".")
            for three in platform.split(".")
        )
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
    return make_zip((*files, (f"{spec.folder}/RECORD", record.encode())))


def make_zip(files: tuple[tuple[str, bytes], ...], *, mode: int = 0o100644) -> bytes:
    """A ZIP archive of these files, in order, with fixed times."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files:
            info = zipfile.ZipInfo(path, _EPOCH)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()

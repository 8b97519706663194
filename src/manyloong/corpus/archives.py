"""Samples of the rules on the archive: RECORD, dist-info, and tricks with ZIP."""

from dataclasses import replace

from manyloong.corpus.elf import Elf, make_elf
from manyloong.corpus.sample import EXTENSION, PLAIN, Sample, pair
from manyloong.corpus.wheel import Wheel, make_wheel, record_line, wheel_entries
from manyloong.corpus.zips import Entry, unicode_path, write_zip

_ELF = make_elf(Elf())
_FILES = (PLAIN, (EXTENSION, _ELF))
_GOOD = make_wheel(Wheel(files=_FILES))
_RECORD = "example-1.0.dist-info/RECORD"
_ENTRIES = wheel_entries(Wheel(files=_FILES))


def _record(*lines: str) -> bytes:
    """A good wheel whose RECORD says these lines for the package's own files."""
    spec = Wheel(files=_FILES)
    own = {entry.name: entry.data for entry in wheel_entries(spec)}
    folder = spec.folder
    rest = [record_line(f"{folder}/{name}", own[f"{folder}/{name}"]) for name in ("METADATA", "WHEEL")]
    return make_wheel(replace(spec, record="\n".join([*lines, *rest, f"{_RECORD},,", ""])))


def _first(**changes: object) -> bytes:
    """The good wheel with its first member told differently."""
    changed = replace(_ENTRIES[0], **changes)  # type: ignore[arg-type]
    return write_zip((changed, *_ENTRIES[1:]))


def _with(path: str, data: bytes) -> bytes:
    return make_wheel(Wheel(files=(*_FILES, (path, data))))


def _broken_elf() -> bytes:
    return make_wheel(Wheel(files=(PLAIN, (EXTENSION, _ELF[:300]))))


ARCHIVE_SAMPLES: tuple[Sample, ...] = (
    *pair("ML002", ("ELF file cut after 300 bytes", _broken_elf()), ("the whole file", _GOOD)),
    *pair(
        "ML080",
        ("another hash in RECORD", _record(record_line(*PLAIN), record_line(EXTENSION, b"other"))),
        ("RECORD is true", _record(record_line(*PLAIN), record_line(EXTENSION, _ELF))),
    ),
    *pair(
        "ML081",
        ("one file not in RECORD", _record(record_line(*PLAIN))),
        ("all files in RECORD", _record(record_line(*PLAIN), record_line(EXTENSION, _ELF))),
    ),
    *pair("ML082", ("one name twice", write_zip((_ENTRIES[0], *_ENTRIES))), ("each name once", _GOOD)),
    *pair(
        "ML083",
        ("another name in the local header", _first(local_name="example/__init__.pyc")),
        ("the same name", _first(local_name="example/__init__.py")),
    ),
    *pair("ML084", ("../evil.py", _with("../evil.py", b"")), ("evil..py", _with("example/evil..py", b""))),
    *pair("ML085", ("a symbolic link", _first(mode=0o120777)), ("a regular file", _first(mode=0o100755))),
    *pair("ML086", ("encrypted", _first(flags=1)), ("stored", _first(method=0))),
    *pair("ML087", ("cut before the directory", _GOOD[:-60]), ("whole", _GOOD)),
    *pair(
        "ML088",
        (
            "METADATA names another version",
            make_wheel(Wheel(files=_FILES, metadata="Name: example\nVersion: 2.0\n")),
        ),
        ("1.0.0 is 1.0", make_wheel(Wheel(files=_FILES, metadata="Name: Example\nVersion: 1.0.0\n"))),
    ),
    *pair(
        "ML089",
        ("a ZIP archive inside", _with("example/data.zip", write_zip((Entry(name="a", data=b""),)))),
        ("a text file", _with("example/data.txt", b"text")),
    ),
    *pair(
        "ML090",
        (
            "a Unicode path field with another name",
            _first(extra=unicode_path("example/evil.py", replaces="example/__init__.py")),
        ),
        (
            "a Unicode path field with the same name",
            _first(extra=unicode_path("example/__init__.py", replaces="example/__init__.py")),
        ),
    ),
)

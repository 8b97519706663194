"""Coverage-guided fuzzing of the readers and the judge: whatever the bytes, a verdict and no exception.

    python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris . && \
        /tmp/fuzz/bin/python tests/fuzz/fuzz_readers.py -max_total_time=600 CORPUS_FOLDER

Seeds that once found something are in tests/fuzz/seeds and run as unit tests (tests/unit/test_bad_input.py).
"""

import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["manyloong.audit"]):
    from manyloong.audit import Facts, judge, read_facts
    from manyloong.audit.elf import read_elf

from manyloong.targets import judged_target

_NAME = "example-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
_FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
_TARGET = judged_target("manylinux_2_36_loongarch64")


def one_input(data: bytes) -> None:
    """An archive is read as a wheel, everything else as an ELF file."""
    if data[:2] == b"PK":
        path = _FOLDER / _NAME
        path.write_bytes(data)
        facts = read_facts(path)
    else:
        facts = Facts(path="fuzz.so", elves=(read_elf(data, path="fuzz.so"),))
    judge(facts, _TARGET).to_json()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()

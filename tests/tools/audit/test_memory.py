"""Memory of an audit: above a program that has only started, at most twice the largest member."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from manyloong.corpus import Elf, make_elf

pytestmark = pytest.mark.tools

MB = 1 << 20
PROGRAM = """
import sys
from pathlib import Path
from manyloong.audit import choose_target, judge, read_facts

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) << 10

start = peak()
facts = read_facts(Path(sys.argv[1]))
judge(facts, choose_target(facts))
print(start, peak(), sum(elf.code_bytes for elf in facts.elves))
"""


def test_two_hundred_megabytes(tmp_path: Path) -> None:
    """Code with vector and ordinary words; two such members do not lie in memory at one time."""
    members = 2
    pattern = (0x70000000, 0x02FFC063, 0x2C000000, 0x01149400, 0x48000100) * 200_000
    small = make_elf(Elf(code=(("f", pattern),)))
    assert len(small) > 4 * len(pattern)
    size = 200 * MB
    wheel = tmp_path / "big-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
    elf = make_elf(
        Elf(code=tuple((f"f{number}", pattern) for number in range(size // (4 * len(pattern)) + 1)))
    )
    assert len(elf) >= size
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(members):
            archive.writestr(f"big/_x{number}.abi3.so", elf)
    output = subprocess.check_output([sys.executable, "-c", PROGRAM, str(wheel)], text=True, env=os.environ)
    start, peak, code = map(int, output.split())
    assert code >= members * size
    assert start < 40 * MB
    assert peak - start <= 2 * len(elf), f"{(peak - start) / MB:.0f} MB above the start"

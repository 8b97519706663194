"""What Debian's gcc does when nobody asks: the baseline, the thread-local storage dialect, the ABI."""

import platform
import subprocess
import tarfile
from pathlib import Path

import pytest
from evidence.digests import write_evidence
from tests.tools.audit.debian_modules import PINS, disassembler, fetch

from manyloong.audit import ElfFacts, Facts, judge
from manyloong.audit.elf import read_elf
from manyloong.audit.image import PT_LOAD
from manyloong.errors import FetchError
from manyloong.roots.deb import open_data
from manyloong.targets import judged_target

pytestmark = pytest.mark.tools

SOURCE = """
extern __thread int counter;
int next_count(void) { return ++counter; }
void add(float *a, const float *b, int n) { for (int i = 0; i < n; i++) a[i] += b[i]; }
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Debian's cross compiler, assembler and linker."""
    if platform.machine() != "x86_64":
        pytest.skip("the pinned compiler is for x86_64")
    folder = tmp_path_factory.mktemp("gcc")
    try:
        disassembler(folder)
        packages = fetch(PINS["compiler"])
    except FetchError as error:
        pytest.skip(f"no Debian mirror: {error}")
    for name, path in packages.items():
        with open_data(path, name) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            tar.extractall(folder, filter="tar")
    return folder


def run(tools: Path, pattern: str, *arguments: str) -> None:
    """One of the programs, with the libraries beside it."""
    libraries = tools / "usr/lib/x86_64-linux-gnu"
    (binary,) = tools.glob(pattern)
    loader = [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries)]
    subprocess.run([*loader, str(binary), *arguments], check=True)


def assembly(tools: Path, folder: Path, *flags: str) -> str:
    (folder / "a.c").write_text(SOURCE)
    out = folder / "a.s"
    compiler = "usr/libexec/gcc-cross/*/14/cc1"
    run(tools, compiler, "-quiet", "-fPIC", *flags, str(folder / "a.c"), "-o", str(out))
    return out.read_text()


def linked(tools: Path, folder: Path, *flags: str) -> ElfFacts:
    """The facts of a shared library that this compiler, assembler and linker make."""
    assembly(tools, folder, *flags)
    run(tools, "usr/bin/loongarch64-linux-gnu-as", str(folder / "a.s"), "-o", str(folder / "a.o"))
    library = folder / "liba.so"
    run(tools, "usr/bin/loongarch64-linux-gnu-ld", "-shared", str(folder / "a.o"), "-o", str(library))
    return read_elf(library.read_bytes(), path="liba.so")


def test_defaults(tools: Path, tmp_path: Path) -> None:
    plain = assembly(tools, tmp_path, "-O3")
    asked = assembly(tools, tmp_path, "-O3", "-march=loongarch64", "-mtls-dialect=desc")
    results: dict[str, str | bool] = {
        "compiler": f"gcc {PINS['compiler'][0]['version']} cross, Debian trixie",
        "uses_lsx": "vfadd.s" in plain,
        "uses_lasx": "xvfadd.s" in plain,
        "tls_dialect": "desc" if "tls.desc" in plain else "traditional",
        "march_loongarch64_uses_lsx": "vfadd.s" in asked,
        "dialect_when_asked_for_desc": "desc" if "tls.desc" in asked else "traditional",
    }
    assert results["uses_lsx"]
    assert not results["uses_lasx"]
    assert results["tls_dialect"] == "traditional"
    assert not results["march_loongarch64_uses_lsx"]
    assert results["dialect_when_asked_for_desc"] == "desc"
    elf = linked(tools, tmp_path, "-O2")
    results["e_flags"] = f"{elf.e_flags:#x}"
    results["linker_p_align"] = f"{min(one.align for one in elf.segments if one.kind == PT_LOAD):#x}"
    results["linker"] = "binutils 2.44"
    assert elf.e_flags == 0x43
    write_evidence(
        "compiler-defaults", command="pytest tests/tools/audit/test_compiler_defaults.py", results=results
    )


def test_tls_descriptors_of_a_real_linker(tools: Path, tmp_path: Path) -> None:
    """GNU as and ld make them when asked; only the floor's own rule notices."""
    elf = linked(tools, tmp_path, "-O2", "-mtls-dialect=desc")
    facts = Facts(path="liba.so", elves=(elf,))
    for floor, wanted in (("manylinux_2_36", True), ("manylinux_2_39", True), ("manylinux_2_40", False)):
        rules = {one.rule for one in judge(facts, judged_target(floor)).findings}
        assert ("ML050" in rules) is wanted
    traditional = Facts(path="liba.so", elves=(linked(tools, tmp_path, "-O2"),))
    assert "ML050" not in {one.rule for one in judge(traditional, judged_target("manylinux_2_36")).findings}

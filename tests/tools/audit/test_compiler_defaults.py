"""What Debian's gcc does when nobody asks: the baseline, the thread-local storage dialect, the ABI."""

import hashlib
import json
import platform
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.tools.audit.debian_modules import PINS, disassembler, fetch

from manyloong.errors import FetchError
from manyloong.roots.deb import open_data

pytestmark = pytest.mark.tools

EVIDENCE = Path(__file__).parents[3] / "evidence"
SOURCE = """
extern __thread int counter;
int next_count(void) { return ++counter; }
void add(float *a, const float *b, int n) { for (int i = 0; i < n; i++) a[i] += b[i]; }
"""


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of the compiler proper."""
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
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    (binary,) = folder.glob("usr/libexec/gcc-cross/*/14/cc1")
    return [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries), str(binary)]


def assembly(compiler: list[str], folder: Path, *flags: str) -> str:
    (folder / "a.c").write_text(SOURCE)
    out = folder / "a.s"
    subprocess.run([*compiler, "-quiet", "-fPIC", *flags, str(folder / "a.c"), "-o", str(out)], check=True)
    return out.read_text()


def test_defaults(compiler: list[str], tmp_path: Path) -> None:
    plain = assembly(compiler, tmp_path, "-O3")
    asked = assembly(compiler, tmp_path, "-O3", "-march=loongarch64", "-mtls-dialect=desc")
    results = {
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
    digest = hashlib.sha256(json.dumps(PINS["compiler"], sort_keys=True).encode()).hexdigest()
    document = {
        "command": "pytest tests/tools/audit/test_compiler_defaults.py",
        "inputs": digest,
        "results": results,
    }
    EVIDENCE.mkdir(exist_ok=True)
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    (EVIDENCE / "compiler-defaults.json").write_text(text, "utf-8")

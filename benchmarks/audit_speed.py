"""The auditor against `auditwheel show` on the same wheels, start-up included; scan speed and memory.

Writes evidence/audit-speed.json. Wheels: the newest x86_64 ones of the index for this Python, and loongarch64
wheels packed from Debian's own builds (tests/tools/audit/debian_modules.toml), where every check is on. Those
carry no grafted libraries, so they are small, and starting the two programs weighs more. Other wheels can be
given as arguments; then no evidence is written.
"""

import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from evidence.digests import write_evidence  # noqa: E402
from tests.tools.audit.debian_modules import PINS, fetch  # noqa: E402

from manyloong.audit.image import open_header, open_tables  # noqa: E402
from manyloong.audit.words import scanner, word_kinds  # noqa: E402
from manyloong.corpus import Wheel, make_wheel  # noqa: E402
from manyloong.roots.deb import open_data  # noqa: E402

RUNS = 5
GOALS = {"numpy": 3.0, "pandas": 4.0, "scipy": 5.0}
BIN = Path(sys.executable).parent


def seconds(*commands: list[str]) -> list[list[float]]:
    """Times of each command, run in turn so that a busy moment of the machine meets all of them."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(RUNS):
        for command, found in zip(commands, times, strict=True):
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            found.append(time.perf_counter() - began)
    return times


def index_wheels(folder: Path) -> dict[str, Path]:
    """The x86_64 wheels of three packages."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary",
        ":all:",
        "-d",
        str(folder),
    ]
    subprocess.run([*command, *GOALS], check=True)
    return {f"{name} x86_64": next(folder.glob(f"{name}-*.whl")) for name in GOALS}


def debian_wheels(folder: Path) -> dict[str, Path]:
    """The same packages as Debian built them for loong64, packed as wheels."""
    names = {"numpy": "python3-numpy", "pandas": "python3-pandas-lib", "scipy": "python3-scipy"}
    paths = fetch([row for row in PINS["module"] if row["name"] in names.values()])
    found = {}
    for name, package in names.items():
        files = []
        with open_data(paths[package], package) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                path = member.name.partition("dist-packages/")[2]
                if member.isfile() and path and "cpython-315" not in path and ".dist-info/" not in path:
                    file = tar.extractfile(member)
                    files.append((path, file.read() if file else b""))
        wheel = Wheel(
            name=f"{name}-1.0-cp314-cp314-manylinux_2_43_loongarch64.whl",
            files=tuple(files),
            metadata=f"Name: {name}\nVersion: 1.0\n",
            folder=f"{name}-1.0.dist-info",
        )
        found[f"{name} loongarch64"] = folder / wheel.name
        found[f"{name} loongarch64"].write_bytes(make_wheel(wheel))
    return found


def peak_memory(wheel: Path) -> dict[str, float]:
    """Peak memory of an audit, of one that has only started, and the largest member of the wheel; in MB."""
    code = (
        "import sys; from pathlib import Path; from manyloong.audit import choose_target, judge, read_facts\n"
        "def peak(): return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        "base = peak(); facts = read_facts(Path(sys.argv[1])); judge(facts, choose_target(facts))\n"
        "print(base, peak())"
    )
    output = subprocess.check_output([sys.executable, "-c", code, str(wheel)], text=True)
    start, peak = (int(text) / 1024 for text in output.split())
    with zipfile.ZipFile(wheel) as archive:
        largest = max(one.file_size for one in archive.infolist()) / 2**20
    found = {"start_mb": start, "peak_mb": peak, "above_start_mb": peak - start, "largest_member_mb": largest}
    return {name: round(value, 1) for name, value in found.items()} | {
        "above_start_to_largest": round((peak - start) / largest, 2)
    }


def code_blocks(wheels: Iterable[Path]) -> list[bytes]:
    """The code sections of every ELF file of some wheels, in the blocks that the auditor takes."""
    found = []
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                data = archive.read(name)
                if data.startswith(b"\x7fELF"):
                    sections = open_tables(open_header(data)).sections
                    for one in (one for one in sections if one.flags & 4):
                        code = data[one.offset : one.offset + one.size & ~3]
                        found += [code[start : start + (1 << 18)] for start in range(0, len(code), 1 << 18)]
    return found


def scan_speed(blocks: list[bytes]) -> float:
    """MB a second of one core's time, the fastest of some runs, over real code."""
    scan = scanner("loongarch64")
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        word_kinds(scan, blocks)
        times.append(time.process_time() - began)
    return sum(map(len, blocks)) / 1e6 / min(times)


def measured(wheel: Path, goal: float | None) -> dict[str, object]:
    """One row."""
    ours, theirs = seconds(
        [str(BIN / "manyloong"), "audit", "--fail-on", "never", str(wheel)],
        [str(BIN / "auditwheel"), "show", str(wheel)],
    )
    return {
        "wheel": wheel.name,
        "audit_s": round(min(ours), 3),
        "audit_median_s": round(statistics.median(ours), 3),
        "auditwheel_show_s": round(min(theirs), 3),
        "auditwheel_show_median_s": round(statistics.median(theirs), 3),
        "ratio": round(min(theirs) / min(ours), 2),
        "ratio_of_medians": round(statistics.median(theirs) / statistics.median(ours), 2),
        "goal": goal,
        **peak_memory(wheel),
    }


def main(arguments: list[str]) -> None:
    """Measure, print, and write the evidence."""
    if arguments:
        for path in map(Path, arguments):
            print(measured(path, None), flush=True)
        return
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        places = [Path(name, part) for part in ("index", "debian")]
        for place in places:
            place.mkdir()
        debian = debian_wheels(places[1])
        for label, wheel in {**index_wheels(places[0]), **debian}.items():
            rows[label] = measured(wheel, GOALS[label.split()[0]])
            print(label, rows[label], flush=True)
        speed = round(scan_speed(code_blocks(debian.values())))
    print(f"instruction scan {speed} MB/s")
    write_evidence(
        "audit-speed",
        command="python benchmarks/audit_speed.py",
        results={"wheels": rows, "scan_mb_per_s": speed, "cores": os.cpu_count(), "runs": RUNS},
    )


if __name__ == "__main__":
    main(sys.argv[1:])

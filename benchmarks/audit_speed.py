"""The auditor against `auditwheel show` on the same wheels, start-up included; scan speed and memory.

Writes evidence/audit-speed.json. Wheels: the newest x86_64 ones of the index for this Python, and loongarch64
wheels packed from Debian's own builds (tests/tools/audit/debian_modules.toml), where every check is on.
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.tools.audit.debian_modules import PINS, fetch  # noqa: E402

from manyloong.audit.isa import find_classes, scanner  # noqa: E402
from manyloong.corpus import Wheel, make_wheel  # noqa: E402
from manyloong.roots.deb import open_data  # noqa: E402

RUNS = 3
GOALS = {"numpy": 3.0, "pandas": 4.0, "scipy": 5.0}
BIN = Path(sys.executable).parent


def seconds(command: list[str]) -> float:
    """The fastest of some runs: the machine is shared."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - began)
    return min(times)


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
    """Peak memory of the audit above that of a started one, and the largest member of the wheel; in MB."""
    code = (
        "import sys; from pathlib import Path; import numpy; from manyloong.audit import read_facts\n"
        "def peak(): return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        "base = peak(); read_facts(Path(sys.argv[1])); print(peak() - base)"
    )
    above = int(subprocess.check_output([sys.executable, "-c", code, str(wheel)], text=True)) / 1024
    with zipfile.ZipFile(wheel) as archive:
        largest = max(one.file_size for one in archive.infolist()) / 2**20
    packed = wheel.stat().st_size / 2**20
    found = {"above_start_mb": above, "largest_member_mb": largest, "wheel_mb": packed}
    return {name: round(value, 1) for name, value in found.items()}


def scan_speed() -> float:
    """MB a second of one core's time, scanning 64 MiB of words of which few are vector instructions."""
    rng = np.random.default_rng(1)
    scan = scanner("loongarch64")
    words = rng.integers(0x02000000, 0x2A000000, 1 << 24, dtype=np.uint32)  # 64 MiB; few vector words
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        for start in range(0, len(words), 1 << 18):
            find_classes(scan, words[start : start + (1 << 18)])
        times.append(time.process_time() - began)
    return words.nbytes / 1e6 / statistics.median(times)


def main() -> None:
    """Measure, print, and write the evidence."""
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels = {**index_wheels(folder), **debian_wheels(folder)}
        for label, wheel in wheels.items():
            ours = seconds([str(BIN / "manyloong"), "audit", "--fail-on", "never", str(wheel)])
            theirs = seconds([str(BIN / "auditwheel"), "show", str(wheel)])
            goal = GOALS[label.split()[0]]
            memory = peak_memory(wheel)
            rows[label] = {
                "wheel": wheel.name,
                "audit_s": round(ours, 3),
                "auditwheel_show_s": round(theirs, 3),
                "ratio": round(theirs / ours, 2),
                "goal": goal,
                **memory,
            }
            print(label, rows[label], flush=True)
    speed = round(scan_speed())
    print(f"instruction scan {speed} MB/s")
    digest = hashlib.sha256(
        json.dumps({k: v["wheel"] for k, v in rows.items()}, sort_keys=True).encode()
    ).hexdigest()
    document = {
        "command": "python benchmarks/audit_speed.py",
        "inputs": digest,
        "results": {"wheels": rows, "scan_mb_per_s": speed, "cores": os.cpu_count(), "runs": RUNS},
    }
    path = ROOT / "evidence" / "audit-speed.json"
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()

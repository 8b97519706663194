"""A wheel of the stable ABI is built once; abi3audit, which is not ours, finds nothing in it either."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.manyloong_cli import build

ABI3AUDIT = Path(sys.executable).with_name("abi3audit")


@pytest.mark.system
@pytest.mark.parametrize("release", ["psutil==7.2.2", "tornado==6.6.1"])
def test_an_abi3_wheel_is_built_once_and_abi3audit_agrees(release: str, tmp_path: Path) -> None:
    results = build(release, "--force", output=tmp_path)
    assert len(results) == 1, "one wheel serves all"
    wheel = Path(results[0]["wheel"])
    assert "-abi3-" in wheel.name
    tested = {report["python"].rpartition(".")[0] for report in results[0]["record"]["tests"]}
    assert tested == {"3.13", "3.14", "3.15"}
    findings = results[0]["record"]["verdict"]["findings"]
    assert not [finding for finding in findings if finding["rule"] == "ML030"]
    words = [str(ABI3AUDIT), "--strict", "--report", str(wheel)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)["specs"][str(wheel)]["wheel"]
    assert report, "it looked at the extension modules"
    assert all(not module["result"]["non_abi3_symbols"] for module in report)

"""Images written twice, in two processes under changed conditions: one digest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from evidence import repro as evidence

from manyloong.wheels.image_parts import image_targets

pytestmark = pytest.mark.tools
PROGRAM = Path(sys.executable).with_name("manyloong")


OFTEN = "musllinux_1_2_loongarch64"  # the parts of this one are made for other tests too
TAGS = [
    pytest.param(target.tag, marks=[] if target.tag == OFTEN else pytest.mark.repro)
    for target in image_targets()
]


@pytest.mark.parametrize("tag", TAGS)
def test_an_image_written_twice_is_the_same(tag: str, tmp_path: Path) -> None:
    digests = []
    for number, changed in enumerate(({}, {"TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "7"})):
        umask = os.umask(0o022 if number == 0 else 0o077)
        try:
            done = subprocess.run(
                [str(PROGRAM), "root", "export", tag, "--oci", str(tmp_path / str(number)), "--json"],
                env={**os.environ, **changed},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            os.umask(umask)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        digests.append((document["manifest"], [blob["digest"] for blob in document["blobs"]]))
    assert digests[0] == digests[1]
    seen = evidence.results().get(tag)
    if seen is not None and os.uname().machine == "x86_64":  # wherever the evidence was made
        assert digests[0][0] == seen["seen"]["manifest"]

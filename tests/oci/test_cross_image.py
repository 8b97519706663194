"""The cross image: an extension is built for the target by the build machine's programs alone."""

import os
from pathlib import Path

import pytest
from tests.oci.engine import TAG, Podman

pytestmark = pytest.mark.system
PROJECTS = Path(__file__).parent / "projects"
SCRIPT = """
export PATH=/opt/python/cp313-cp313/bin:$PATH PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1
pip install --quiet --root-user-action=ignore /usr/share/python-wheels/setuptools-*.whl
cp -r /project /tmp/src && cd /tmp/src
pip wheel --quiet --no-build-isolation --no-deps --wheel-dir /tmp/raw .
auditwheel repair --wheel-dir /out /tmp/raw/*.whl
"""


def test_a_wheel_of_the_cross_image_runs_in_that_of_the_target(podman: Podman, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    layout = podman.layout(TAG, "--cross")
    image = podman.call("pull", "--quiet", f"oci:{layout}").stdout.split()[-1]
    volumes = ("--volume", f"{PROJECTS / 'cxx'}:/project:ro", "--volume", f"{out}:/out")
    built = podman.call(
        "run", "--rm", "--interactive", *volumes, image, "bash", "-euo", "pipefail", text=SCRIPT
    )
    assert built.returncode == 0, built.stderr[-3000:]
    wheel = "demo_cxx-1-cp313-cp313-manylinux_2_36_loongarch64.whl"
    assert os.listdir(out) == [wheel]  # noqa: PTH208 - names are what is asked for
    python = "/opt/python/cp313-cp313/bin/python"
    podman.run(
        f"{python} -m pip install --quiet --no-index /out/{wheel}; {python} /project/check.py", *volumes
    )

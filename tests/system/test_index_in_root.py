"""Real pip on loongarch64: inside the target root under QEMU, with one ``--index-url``."""

from pathlib import Path

import pytest
from evidence.index_clients import PYTHON, install, machine, served
from tests.system.manyloong_cli import build, manyloong

CODE = (
    "import jinja2, msgpack, markupsafe._speedups, msgpack._cmsgpack, platform;"
    "print(platform.machine(), jinja2.Template('{{ x }}').render(x=1), msgpack.unpackb(msgpack.packb([1])))"
)


@pytest.mark.system
def test_pip_installs_with_one_index_url(tmp_path: Path) -> None:
    wheelhouse, root = tmp_path / "wheelhouse", tmp_path / "index"
    for release in ("markupsafe==3.0.3", "msgpack==1.2.4"):
        build(release, "--python", "cp313", output=wheelhouse)
    assert manyloong("index", "init", root).returncode == 0
    imported = manyloong("index", "import", wheelhouse, "--root", root)
    assert imported.returncode == 0, imported.stderr
    there = machine(tmp_path / "io")
    with served(root) as url:
        installed = install(there, f"{url}/simple/", "jinja2==3.1.6", "markupsafe==3.0.3", "msgpack==1.2.4")
    ours = {item["name"].lower(): item["ours"] for item in installed}
    assert ours == {"jinja2": False, "markupsafe": True, "msgpack": True}
    assert "loongarch64 1 [1]" in there.run(PYTHON, "-c", CODE, PYTHONPATH="/io/site")

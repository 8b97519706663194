"""Bad input ends with a message, a hint and the documented exit code; never with a traceback."""

import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.system.manyloong_cli import manyloong

PYPROJECT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
BROKEN_C = "int main(void) { return undeclared_name; }\n"


def project(folder: Path, *, setup: str, files: dict[str, str]) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT + '[project]\nname = "demo"\nversion = "1.0"\n')
    (folder / "setup.py").write_text(setup)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


EXTENSION = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('demo', ['demo.c'])])\n"


@pytest.mark.system
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["no-such-project-of-this-name-anywhere"], 3, "no project named"),
        (["markupsafe==99.0"], 3, "no release of markupsafe fits ==99.0"),
        (["markupsafe", "--python", "cp27"], 2, "unknown Python"),
        (["markupsafe", "--platform", "manylinux_2_17"], 3, "unknown platform tag"),
        (["./nowhere.tar.gz"], 3, "no file or folder"),
        (["markupsafe[x]"], 2, "only a name and a version"),
        (["markupsafe", "-C", "novalue"], 2, "KEY=VALUE"),
        (["markupsafe==1.0", "--python", "cp313"], 8, "failed"),
    ],
)
def test_messages_and_codes(arguments: list[str], code: int, message: str, tmp_path: Path) -> None:
    ran = manyloong("build", *arguments, "--output", tmp_path)
    assert ran.returncode == code, ran.stderr
    assert message in ran.stderr
    assert "hint:" in ran.stderr
    assert not ran.stderr.startswith("Traceback")


@pytest.mark.system
def test_a_compile_error_shows_its_end_and_where_the_log_is(tmp_path: Path) -> None:
    source = project(tmp_path / "demo", setup=EXTENSION, files={"demo.c": BROKEN_C})
    ran = manyloong("build", source, "--python", "cp313", "--output", tmp_path / "out", "--keep")
    assert ran.returncode == 8, ran.stderr
    assert "undeclared_name" in ran.stderr
    log = re.search(r"the whole log: (.+)", ran.stderr)
    assert log is not None
    assert "undeclared_name" in Path(log.group(1)).read_text()
    entry = re.search(r"enter it again: sh (.+)", ran.stderr)
    assert entry is not None
    again = subprocess.run(["sh", entry.group(1), "--again"], capture_output=True, text=True, check=False)
    assert "undeclared_name" in again.stdout + again.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.system
def test_a_build_that_wants_the_network_is_told_so(tmp_path: Path) -> None:
    setup = "import urllib.request\nurllib.request.urlopen('http://192.0.2.1/', timeout=5)\n"
    source = project(tmp_path / "demo", setup=setup, files={})
    ran = manyloong("build", source, "--python", "cp313", "--output", tmp_path / "out")
    assert ran.returncode == 8
    assert "builds have no network" in ran.stderr


@pytest.mark.system
@pytest.mark.parametrize("kind", ["truncated", "garbage", "traversal"])
def test_bad_archives(kind: str, tmp_path: Path) -> None:
    archive = tmp_path / "demo-1.0.tar.gz"
    source = project(tmp_path / "demo-1.0", setup=EXTENSION, files={"demo.c": "int x;\n" * 4000})
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(source, "demo-1.0" if kind != "traversal" else "../demo-1.0")
    if kind == "truncated":
        archive.write_bytes(archive.read_bytes()[:-60])
    if kind == "garbage":
        archive.write_bytes(b"not an archive at all")
    ran = manyloong("build", archive, "--python", "cp313", "--output", tmp_path / "out")
    assert ran.returncode == 5, ran.stderr
    assert "demo-1.0.tar.gz" in ran.stderr
    assert "Traceback" not in ran.stderr

"""Downloads of every kind of tool are answered inside a sandbox without network, or written down."""

import os
import subprocess
from pathlib import Path

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.roots import ensure_root
from manyloong.sandbox import Bind, Command
from manyloong.wheels.backend import Workplace, prepare_workplace
from manyloong.wheels.cross import BUILD, TOOLS
from manyloong.wheels.downloads import Download, Had
from manyloong.wheels.gate import asked, open_gate
from manyloong.wheels.given import parse_given

URL = "https://downloads.example.org/zoo-1.2.tar.gz"
PLAIN = "http://plain.example.org:8080/zoo.txt"
REPOSITORY = "https://git.example.org/zoo.git"
SCRIPT = f"""
set -ex
python3 -c "import urllib.request as u; assert u.urlopen('{URL}').read() == b'zoo'"
python3 -c "import urllib.request as u; assert u.urlopen('{PLAIN}').read() == b'zoo'"
cat >get.cmake <<'END'
file(DOWNLOAD {URL} zoo EXPECTED_HASH MD5=d2cbe65f53da8607e64173c1a83394fe TLS_VERIFY ON)
END
cmake -P get.cmake
git clone {REPOSITORY} cloned
test -e cloned/file
! git clone https://git.example.org/other.git
! python3 -c "import urllib.request as u; u.urlopen('https://downloads.example.org/missing?a=b')"
exit 3
"""


def repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "file").write_text("content")
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
    identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **identity})
    return folder


def had(url: str, path: Path) -> Had:
    return Had(download=Download(url=url, sha256=path.name, declared="", origin="given"), path=path)


def test_every_tool_is_answered_and_what_is_not_is_noted(tmp_path: Path) -> None:
    outside = open_outside(ignore, offline=False, locked=False)
    doors = outside.doors
    root = ensure_root(
        f"native-{outside.host.debian}",
        store=doors.store,
        fetcher=doors.fetcher,
        mirrors=doors.mirrors,
        runner=doors.runner,
        listener=ignore,
    )
    (tmp_path / "content").write_bytes(b"zoo")
    workplace: Workplace = prepare_workplace(tmp_path / "build")
    template = Command(
        argv=(), root=root.path, log=workplace.log, environment=(("PATH", "/usr/bin:/bin"),), cwd=BUILD
    )
    content = tmp_path / "content"
    gate = open_gate(
        workplace,
        [had(URL, content), had(PLAIN, content)],
        parse_given([f"{REPOSITORY}={repository(tmp_path / 'repository')}"]),
        host_python="/usr/bin/python3",
        template=template,
        runner=doors.runner,
    )
    done = doors.runner.run(
        Command(
            argv=(*gate.prefix, "sh", "-c", SCRIPT),
            root=root.path,
            log=workplace.log,
            environment=(*template.environment, *gate.variables),
            cwd=BUILD,
            binds=(
                Bind(source=workplace.path, target=BUILD, writable=True),
                Bind(source=workplace.tools, target=TOOLS),
                *gate.binds,
            ),
        )
    )
    assert done.returncode == 3, done.last_lines(60)
    assert asked(workplace) == (
        (URL, True),
        (PLAIN, True),
        ("https://git.example.org/other.git/info/refs?service=git-upload-pack", False),
        ("https://downloads.example.org/missing?a=b", False),
    )

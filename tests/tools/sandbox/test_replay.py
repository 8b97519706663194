"""enter.sh with a real sandbox."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from manyloong.sandbox import Bind, Command, Emulator, HostFacts, write_script

pytestmark = pytest.mark.tools


def entered(script: Path, *words: str, stdin: str = "") -> str:
    done = subprocess.run(
        [script, *words], input=stdin, capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout + done.stderr


def test_enter(facts: HostFacts, shell: Callable[..., Command], tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    bind = Bind(source=tmp_path / "src", target="/mnt", writable=True)
    command = shell('echo "$ODD"; pwd', binds=(bind,), cwd="/mnt", environment=(("ODD", "it's $HOME"),))
    script = write_script(tmp_path, command, facts)
    assert entered(script, "--again") == "it's $HOME\n/mnt\n"
    assert entered(script, "/bin/cat", "/proc/sys/kernel/hostname") == "manyloong\n"
    assert entered(script, stdin="echo $ODD; touch made; exit\n").endswith("it's $HOME\n")
    assert (tmp_path / "src/made").exists()


def test_enter_emulated(private: HostFacts, tree: Path, emulator: Emulator, tmp_path: Path) -> None:
    command = Command(argv=("/bin/relay", "/bin/script"), root=tree, log=tmp_path / "log", emulator=emulator)
    script = write_script(tmp_path, command, private)
    assert entered(script, "--again") == "loongarch64\nloongarch64\n"

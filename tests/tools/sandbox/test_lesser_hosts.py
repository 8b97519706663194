"""Hosts that allow less, made with unshare around a process of ours: what is found, and what still runs."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manyloong.sandbox import Emulator, HostFacts
from manyloong.sandbox.binfmt import register_line

pytestmark = pytest.mark.tools
Need = Callable[[object, str], None]

# argv: root, emulator, log, cpu. Prints what was found and what the emulated command said.
PROGRAM = """
import json, sys
from dataclasses import replace
from pathlib import Path
from manyloong.errors import HostError
from manyloong.sandbox import BubblewrapRunner, Command, Emulator, Limits, diagnose, probe_host
from manyloong.sandbox.launch import plan_launch
from manyloong.targets import all_targets

root, binary, log = map(Path, sys.argv[1:4])
facts = probe_host(cache_dir=Path("/var/tmp"))
if sys.argv[4] == "no-private-binfmt":
    facts = replace(facts, private_binfmt=replace(facts.private_binfmt, works=False))
emulator = Emulator(binary=binary, qemu=all_targets()[0].architecture.qemu, cpu="la464")
command = Command(
    argv=("/bin/relay", "/bin/script"), root=root, log=log, emulator=emulator, limits=Limits(time_s=20)
)
found = {check.name: (check.state, check.fix) for check in diagnose(facts)}
said = {}
try:
    said["way"] = plan_launch(command, facts).mechanism
    said["code"] = BubblewrapRunner(facts).run(command).returncode
    said["log"] = log.read_text()
except HostError as error:
    said["error"], said["hint"] = error.message, error.hint
print(json.dumps({"found": found, **said}))
"""


@pytest.fixture
def on_host(
    facts: HostFacts, tree: Path, emulator: Emulator, tmp_path: Path, need: Need
) -> Callable[..., dict[str, Any]]:
    """What PROGRAM says after some shell lines as root of a new user namespace."""
    need(facts.enclosed.works, "these hosts are made with unshare")

    def run(lines: str, mode: str = "") -> dict[str, Any]:
        words = [sys.executable, "-c", PROGRAM, str(tree), str(emulator.binary), str(tmp_path / "log"), mode]
        script = f"set -e; {lines} {shlex.join(words)}"
        outer = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "--pid",
            "--fork",
            "--mount-proc",
            "sh",
            "-c",
        ]
        done = subprocess.run([*outer, script], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert isinstance(document, dict)
        return document

    return run


TWICE = "loongarch64\nloongarch64\n"


def test_the_same_host_nested(on_host: Callable[..., dict[str, Any]], private: HostFacts) -> None:
    del private
    said = on_host("exec")
    assert said["found"]["sandbox"][0] == "ok"
    assert (said["way"], said["code"], said["log"]) == ("private", 0, TWICE)


def test_system_registration(
    on_host: Callable[..., dict[str, Any]], emulator: Emulator, private: HostFacts
) -> None:
    del private
    folder = "/proc/sys/fs/binfmt_misc"
    line = shlex.quote(register_line(emulator.qemu, str(emulator.binary)))
    said = on_host(
        f"mount -t binfmt_misc none {folder}; printf %s {line} >{folder}/register; exec", "no-private-binfmt"
    )
    assert said["found"]["loongarch64 programs"] == ["ok", ""]
    assert (said["way"], said["code"], said["log"]) == ("system", 0, TWICE)


def test_doctor_registers_for_the_whole_host(
    on_host: Callable[..., dict[str, Any]], private: HostFacts
) -> None:
    """As ci/install.sh asks where the kernel is older or the namespaces are restricted."""
    del private
    register = shlex.join([sys.executable, "-m", "manyloong", "doctor", "--register-binfmt"])
    said = on_host(f"{register} | grep 'now run on this host' >&2; exec", "no-private-binfmt")
    assert said["found"]["loongarch64 programs"] == ["ok", ""]
    assert (said["way"], said["code"], said["log"]) == ("system", 0, TWICE)


def test_hidden_proc_as_in_containers(on_host: Callable[..., dict[str, Any]], private: HostFacts) -> None:
    """With a part of /proc covered the kernel lets no nested namespace mount a new one."""
    del private
    said = on_host("mount -t tmpfs none /proc/bus; exec unshare --user --map-root-user --mount")
    assert said["found"]["sandbox"][0] == "degraded"
    assert (said["way"], said["code"], said["log"]) == ("private", 0, TWICE)


def test_no_namespaces_at_all(on_host: Callable[..., dict[str, Any]]) -> None:
    said = on_host("echo 0 >/proc/sys/user/max_user_namespaces; exec")
    fix = "sysctl -w user.max_user_namespaces=65536"
    assert said["found"]["sandbox"] == ["blocked", fix]
    assert "user namespaces are switched off" in said["error"]
    assert said["hint"] == fix

"""What a command in the sandbox sees of the host, and what it can do to it."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from manyloong.errors import InputError
from manyloong.sandbox import Bind, BubblewrapRunner, Command, Done

pytestmark = pytest.mark.tools
Shell = Callable[..., Command]


def said(done: Done) -> str:
    assert done.succeeded, done.log.read_text("utf-8")
    return done.log.read_text("utf-8")


def test_root_is_read_only(runner: BubblewrapRunner, shell: Shell) -> None:
    done = runner.run(shell("touch /usr/new /etc/new /new"))
    text = done.log.read_text("utf-8")
    assert done.returncode == 1
    assert text.count("Read-only file system") == 3


def test_tmp_and_home_are_private_and_empty(runner: BubblewrapRunner, shell: Shell, tmp_path: Path) -> None:
    text = said(runner.run(shell("ls -A /tmp /home/builder; echo x >/tmp/mark; echo x >/home/builder/mark")))
    assert text == "/home/builder:\n\n/tmp:\n"
    assert not Path("/tmp/mark").exists()
    assert not Path("/home/builder/mark").exists()
    assert tmp_path.exists()


def test_environment_is_as_given(runner: BubblewrapRunner, shell: Shell) -> None:
    os.environ["SHOULD_NOT_BE_SEEN"] = "1"
    odd = "a b\n'c' \"d\" \\ é"
    given = (("HOME", "/home/builder"), ("ODD", odd), ("PATH", "/usr/bin:/bin"))
    command = shell("env -0 | tr '\\0' '\\001'", environment=given, cwd="/usr")
    seen = dict(word.split("=", 1) for word in said(runner.run(command)).split("\1") if word)
    shells_own = {"PWD", "SHLVL", "_", "OLDPWD"}
    assert {name: seen[name] for name in seen if name not in shells_own} == dict(given)
    assert seen.get("PWD") == "/usr"


def test_nothing_at_all_is_inherited(runner: BubblewrapRunner, tmp_path: Path) -> None:
    command = Command(argv=("/usr/bin/env",), root=Path("/"), log=tmp_path / "log")
    assert said(runner.run(command)) == "PWD=/\n"


def test_no_network(runner: BubblewrapRunner, shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]} && echo connected"
        alone = runner.run(shell(connect))
        assert not alone.succeeded
        assert "refused" in alone.log.read_text("utf-8")
        assert said(runner.run(shell(connect, network=True))).endswith("connected\n")


def test_no_abstract_socket_of_the_host(runner: BubblewrapRunner, shell: Shell) -> None:
    assert said(runner.run(shell("grep -c '' /proc/net/unix"))) == "1\n"  # the heading


def test_no_rights(runner: BubblewrapRunner, shell: Shell) -> None:
    text = said(runner.run(shell("id -u; id -g; grep -E '^(Cap|NoNewPrivs)' /proc/self/status")))
    uid, gid, *rest = text.splitlines()
    assert (uid, gid) == ("1000", "1000")
    sets = dict(line.split(":\t") for line in rest)
    assert sets.pop("NoNewPrivs") == "1"
    assert {int(value, 16) for value in sets.values()} == {0}


@pytest.mark.parametrize("file", ["kernel/core_pattern", "kernel/pid_max", "vm/drop_caches"])
def test_the_kernels_settings_are_out_of_reach(runner: BubblewrapRunner, shell: Shell, file: str) -> None:
    # Started by root the sandbox's user is root to the kernel: only the read-only mount protects these.
    done = runner.run(shell(f": >>/proc/sys/{file}"))
    assert done.returncode == 1
    assert "Read-only file system" in done.log.read_text("utf-8")


def test_own_names_and_processes(runner: BubblewrapRunner, shell: Shell) -> None:
    text = said(runner.run(shell("uname -n; ls /proc | grep -c '^[0-9]'")))
    name, processes = text.split()
    assert name == "manyloong"
    assert int(processes) <= 5


def test_binds_on_top_in_order(runner: BubblewrapRunner, shell: Shell, tmp_path: Path) -> None:
    outer, inner, file = tmp_path / "outer", tmp_path / "inner", tmp_path / "file"
    (outer / "sub").mkdir(parents=True)
    inner.mkdir()
    file.write_text("from the host", "utf-8")
    (outer / "file").touch()
    binds = (
        Bind(source=outer, target="/mnt", writable=True),
        Bind(source=inner, target="/mnt/sub", writable=True),
        Bind(source=file, target="/mnt/file"),
    )
    script = "echo 1 >/mnt/a; echo 2 >/mnt/sub/b; cat /mnt/file; echo no >/mnt/file"
    done = runner.run(shell(script, binds=binds))
    assert "from the host" in done.log.read_text("utf-8")
    assert "Read-only file system" in done.log.read_text("utf-8")
    assert (outer / "a").read_text("utf-8") == "1\n"
    assert (inner / "b").read_text("utf-8") == "2\n"
    assert not (outer / "sub/b").exists()
    assert (outer / "a").stat().st_uid == os.geteuid()


def test_files_left_open_are_not_passed_on(runner: BubblewrapRunner, shell: Shell) -> None:
    numbers = said(runner.run(shell("echo /proc/self/fd/*"))).split()
    assert {Path(word).name for word in numbers} <= {"0", "1", "2", "3", "255"}


def test_a_root_without_mount_points_is_refused(runner: BubblewrapRunner, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no /proc, /dev, /tmp, /home"):
        runner.run(Command(argv=("true",), root=tmp_path, log=tmp_path / "log"))


def test_a_bind_without_source_is_refused(runner: BubblewrapRunner, shell: Shell, tmp_path: Path) -> None:
    bind = Bind(source=tmp_path / "none", target="/mnt")
    with pytest.raises(InputError, match=r"none, to be seen as /mnt, does not exist"):
        runner.run(shell("true", binds=(bind,)))

from dataclasses import replace
from pathlib import Path

from manyloong.sandbox import (
    Bind,
    Command,
    HostFacts,
    Remembering,
    command_script,
    moved_command,
    write_script,
)
from manyloong.sandbox.facts import Tools, Trial
from manyloong.testing import FakeRunner

FACTS = HostFacts(
    machine="x86_64",
    kernel=(6, 18),
    kernel_release="6.18",
    uid=1000,
    tools=Tools(sh="/bin/sh", bwrap="/bin/bwrap", unshare="/bin/unshare", mount="/m", umount="/u"),
    enclosed=Trial(works=True),
    sandbox=Trial(works=True),
)
COMMAND = Command(
    argv=("make", "it's", "a\nb"),
    root=Path("/r"),
    log=Path("/tmp/build/log"),
    environment=(("WORDS", "a $b 'c'"),),
    binds=(Bind(source=Path("/tmp/build/src"), target="/src", writable=True),),
)


def test_script_quotes_everything() -> None:
    text = command_script(COMMAND, FACTS)
    assert "--setenv WORDS 'a $b '\"'\"'c'\"'\"''" in text
    assert "--bind /tmp/build/src /src" in text
    assert "--new-session" not in text
    assert "--json-status-fd" not in text
    assert "--again) set -- make 'it'\"'\"'s' 'a\nb' ;;" in text
    comments = text.split("case", 1)[0].splitlines()
    assert all(line.startswith("#") for line in comments)


def test_moved_command() -> None:
    moved = moved_command(COMMAND, old=Path("/tmp/build"), new=Path("/kept/1"))
    assert moved.binds[0].source == Path("/kept/1/src")
    assert moved.log == Path("/kept/1/log")
    assert moved.root == COMMAND.root


def test_write_script(tmp_path: Path) -> None:
    path = write_script(tmp_path, COMMAND, FACTS)
    assert path == tmp_path / "enter.sh"
    assert path.stat().st_mode & 0o111


def test_remembering_keeps_the_last_failure(tmp_path: Path) -> None:
    def script(command: Command) -> int:
        return int(command.argv[0])

    fake = FakeRunner(script, output=lambda command: command.argv[0])
    runner = Remembering(fake)
    for word in ("0", "3", "4", "0"):
        runner.run(replace(COMMAND, argv=(word,), log=tmp_path / "log"))
    assert runner.failed is not None
    assert runner.failed.argv == ("4",)
    assert [command.argv for command in fake.commands] == [("0",), ("3",), ("4",), ("0",)]
    assert (tmp_path / "log").read_text("utf-8") == "0340"

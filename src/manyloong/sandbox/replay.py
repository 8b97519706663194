"""Going back into the sandbox of a command: a shell script that starts it again, with a shell or anything."""

import shlex
from dataclasses import replace
from pathlib import Path

from manyloong.sandbox.binfmt import mechanism
from manyloong.sandbox.command import Command, Done, Runner
from manyloong.sandbox.facts import HostFacts
from manyloong.sandbox.inside import host_path
from manyloong.sandbox.launch import inner_argv, outer_words, sandbox_options

SCRIPT = "enter.sh"
_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh")


class Remembering:
    """A runner around another that keeps the last command which did not succeed, for ``enter.sh``."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.failed: Command | None = None

    def run(self, command: Command) -> Done:
        """As the runner inside does."""
        done = self._runner.run(command)
        if not done.succeeded:
            self.failed = command
        return done


def moved_command(command: Command, *, old: Path, new: Path) -> Command:
    """The command as it is once the folder ``old`` of its binds and log was renamed to ``new``."""

    def moved(path: Path) -> Path:
        return new / path.relative_to(old) if path.is_relative_to(old) else path

    binds = tuple(replace(bind, source=moved(bind.source)) for bind in command.binds)
    return replace(command, binds=binds, log=moved(command.log))


def _shell(command: Command) -> str:
    return next((path for path in _SHELLS if host_path(command, path)), "/bin/sh")


def command_script(command: Command, facts: HostFacts) -> str:
    """A script for sh: the same tree, binds, environment and emulation as the command had, on a terminal.

    Without arguments it starts a shell, with ``--again`` the command, with anything else that. Limits on
    time, memory and file size are left out, and so is the new session, which would take the terminal away.
    """
    way = mechanism(facts, command.emulator)
    options = [word for word in sandbox_options(command, facts) if word != "--new-session"]
    words = [*outer_words(command, facts, way), facts.tools.bwrap or "bwrap", *options]
    shell = inner_argv(replace(command, argv=(_shell(command),)), way)
    return "\n".join(
        (
            "#!/bin/sh",
            "# Enters the sandbox in which this ran:",
            *(f"#     {line}" for line in shlex.join(command.argv).splitlines()),
            f"# Usage: sh {SCRIPT}              a shell",
            f"#        sh {SCRIPT} --again      the same command again",
            f"#        sh {SCRIPT} PROGRAM ...  another program",
            'case "${1-}" in',
            f"'') set -- {shlex.join(shell)} ;;",
            f"--again) set -- {shlex.join(inner_argv(command, way))} ;;",
            "esac",
            f"exec env -i {_folded(words)} \\",
            '  --setenv TERM "${TERM:-dumb}" -- "$@"',
            "",
        )
    )


def _folded(words: list[str]) -> str:
    """The words quoted, one option a line."""
    text = ""
    for word in words:
        text += (" \\\n  " if word.startswith("--") else " ") + shlex.quote(word)
    return text.strip()


def write_script(folder: Path, command: Command, facts: HostFacts) -> Path:
    """``enter.sh`` in a folder, executable; returns its path."""
    path = folder / SCRIPT
    path.write_text(command_script(command, facts), "utf-8")
    path.chmod(0o755)
    return path

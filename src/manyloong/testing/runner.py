"""A runner that runs nothing."""

from collections.abc import Callable

from manyloong.sandbox.command import Command, Done, Outcome

Script = Callable[[Command], int]


def succeed(command: Command) -> int:
    """The script of a command that does nothing and says zero."""
    del command
    return 0


class FakeRunner:
    """Records commands; ``script`` plays each: it may write files of its binds, and returns the return code.

    What ``output`` returns for a command is appended to its log.
    """

    def __init__(
        self,
        script: Script = succeed,
        *,
        output: Callable[[Command], str] = lambda _: "",
        outcome: Outcome = "exited",
    ) -> None:
        self.commands: list[Command] = []
        self._script = script
        self._output = output
        self._outcome: Outcome = outcome

    def run(self, command: Command) -> Done:
        """Play the command."""
        self.commands.append(command)
        code = self._script(command)
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("a", encoding="utf-8") as log:
            log.write(self._output(command))
        return Done(returncode=code, seconds=0.0, outcome=self._outcome, peak_memory_bytes=0, log=command.log)

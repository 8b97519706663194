"""Command -> Done: bubblewrap, user namespaces, binfmt, CPU models; host facts probed once."""

from manyloong.sandbox.command import GIB, MIB, Bind, Command, Done, Emulator, Limits, Runner

__all__ = ["GIB", "MIB", "Bind", "Command", "Done", "Emulator", "Limits", "Runner"]

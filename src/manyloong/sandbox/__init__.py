"""Command -> Done: bubblewrap, user namespaces, binfmt, CPU models; host facts probed once."""

from manyloong.sandbox.command import GIB, MIB, Bind, Command, Done, Emulator, Limits, Runner
from manyloong.sandbox.facts import HostFacts
from manyloong.sandbox.probe import probe_host
from manyloong.sandbox.runner import BubblewrapRunner

__all__ = [
    "GIB",
    "MIB",
    "Bind",
    "BubblewrapRunner",
    "Command",
    "Done",
    "Emulator",
    "HostFacts",
    "Limits",
    "Runner",
    "probe_host",
]

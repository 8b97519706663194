"""Command -> Done: bubblewrap, user namespaces, binfmt, CPU models; host facts probed once."""

from manyloong.sandbox.command import GIB, MIB, Bind, Command, Done, Emulator, Limits, Runner
from manyloong.sandbox.diagnosis import Check, Reached, can_build, diagnose, reach_check, registration_command
from manyloong.sandbox.facts import HostFacts
from manyloong.sandbox.probe import probe_host
from manyloong.sandbox.replay import Remembering, command_script, moved_command, write_script
from manyloong.sandbox.runner import BubblewrapRunner

__all__ = [
    "GIB",
    "MIB",
    "Bind",
    "BubblewrapRunner",
    "Check",
    "Command",
    "Done",
    "Emulator",
    "HostFacts",
    "Limits",
    "Reached",
    "Remembering",
    "Runner",
    "can_build",
    "command_script",
    "diagnose",
    "moved_command",
    "probe_host",
    "reach_check",
    "registration_command",
    "write_script",
]

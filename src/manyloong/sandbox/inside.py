"""Where a path inside the sandbox lies on the host, for the fallback that must look at programs itself."""

import posixpath
from pathlib import Path

from manyloong.sandbox.command import Command

_LINKS_MAX = 40  # as the kernel's MAXSYMLINKS


def _mapped(command: Command, path: str) -> Path:
    """The host's path of a name inside, symbolic links not followed."""
    for bind in reversed(command.binds):
        target = bind.target.rstrip("/")
        if path == target or path.startswith(target + "/"):
            return Path(f"{bind.source}{path.removeprefix(target)}")
    return Path(f"{command.root}{path}")


def host_path(command: Command, path: str) -> Path | None:
    """The host's file that the command would see at ``path``; links are followed as inside. None if none."""
    pending, found, links = posixpath.join(command.cwd, path).split("/")[::-1], "", 0
    while pending:
        part = pending.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            found = posixpath.dirname(found).rstrip("/")
            continue
        here = _mapped(command, f"{found}/{part}")
        if not here.is_symlink():
            found = f"{found}/{part}"
            continue
        links += 1
        if links > _LINKS_MAX:
            return None
        text = str(here.readlink())
        found = "" if text.startswith("/") else found
        pending += text.split("/")[::-1]
    result = _mapped(command, found or "/")
    return result if result.exists() else None


def _program(command: Command, name: str) -> str | None:
    """The path inside of the program that ``name`` stands for, searched in the command's own PATH."""
    if "/" in name:
        return name
    folders = dict(command.environment).get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":")
    tried = (posixpath.join(folder, name) for folder in folders if folder.startswith("/"))
    return next((path for path in tried if host_path(command, path)), None)


def _is_foreign(command: Command, path: str) -> bool:
    """Whether the file at ``path`` inside is a program of the emulated architecture."""
    file = host_path(command, path)
    if file is None or command.emulator is None or not file.is_file():
        return False
    magic = bytes.fromhex(command.emulator.qemu.magic)
    mask = bytes.fromhex(command.emulator.qemu.mask)
    with file.open("rb") as stream:
        head = stream.read(len(magic))
    return len(head) == len(magic) and all(
        have & bit == want & bit for have, want, bit in zip(head, magic, mask, strict=True)
    )


def _interpreter(command: Command, path: str) -> list[str]:
    """The words after ``#!`` of a script, as the kernel splits them (at most two); none for others."""
    file = host_path(command, path)
    if file is None or not file.is_file():
        return []
    with file.open("rb") as stream:
        line = stream.read(256).split(b"\n", 1)[0]
    return line[2:].decode("utf-8", "replace").strip().split(None, 1) if line[:2] == b"#!" else []


def emulated_argv(command: Command, qemu: str) -> tuple[str, ...]:
    """``argv`` with the emulator named first where the program, or a script's interpreter, is foreign."""
    program = _program(command, command.argv[0])
    if program is None:
        return command.argv
    if _is_foreign(command, program):
        return (qemu, "-0", command.argv[0], program, *command.argv[1:])
    words = _interpreter(command, program)
    if words and _is_foreign(command, words[0]):
        return (qemu, *words, program, *command.argv[1:])
    return command.argv

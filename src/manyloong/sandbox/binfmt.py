"""How foreign programs are recognised: binfmt_misc, and which way this host offers. Pure."""

from typing import Literal

from manyloong.sandbox.command import Emulator
from manyloong.sandbox.facts import BinfmtEntry, HostFacts
from manyloong.targets import Architecture, Qemu

# P: argv[0] is preserved; O, C: the program is opened by the kernel, with its credentials;
# F: the interpreter is opened at registration, so it need not exist in the root.
FLAGS = "POCF"
Mechanism = Literal["native", "private", "system", "explicit"]


def _escaped(hexadecimal: str) -> str:
    return "".join(f"\\x{hexadecimal[at : at + 2]}" for at in range(0, len(hexadecimal), 2))


def register_line(qemu: Qemu, binary: str) -> str:
    """What is written into binfmt_misc's ``register`` so that ``binary`` runs these programs."""
    fields = (qemu.binary, "M", "", _escaped(qemu.magic), _escaped(qemu.mask), binary, FLAGS)
    delimiter = next(sign for sign in ":|!;,+" if not any(sign in text for text in fields))
    return "".join(delimiter + text for text in fields)


def parse_entry(name: str, text: str) -> BinfmtEntry | None:
    """The registration that a file of binfmt_misc describes; None for one that goes by extension."""
    lines = text.splitlines()
    words = dict(line.partition(" ")[::2] for line in lines[1:])
    if "magic" not in words or words.get("offset", "0") != "0":
        return None
    return BinfmtEntry(
        name=name,
        enabled=lines[0] == "enabled",
        interpreter=words.get("interpreter", ""),
        flags=words.get("flags:", ""),
        magic=words["magic"],
        mask=words.get("mask", ""),
    )


def matches(entry: BinfmtEntry, qemu: Qemu) -> bool:
    """Whether the kernel would run that architecture's programs through this registration."""
    header, magic = bytes.fromhex(qemu.magic), bytes.fromhex(entry.magic)
    mask = bytes.fromhex(entry.mask) if entry.mask else b"\xff" * len(magic)
    if len(magic) > len(header):
        return False
    return all(head & bit == want & bit for head, want, bit in zip(header, magic, mask, strict=False))


def system_entry(facts: HostFacts, qemu: Qemu) -> BinfmtEntry | None:
    """The host's own registration for that architecture that works in any root, if there is one."""
    for entry in facts.system_binfmt:
        if entry.enabled and entry.opened_at_registration and matches(entry, qemu):
            return entry
    return None


def mechanism(facts: HostFacts, emulator: Emulator | None) -> Mechanism:
    """How a command's foreign programs come to run here, best way first.

    ``private``: our emulator, registered in the sandbox's own user namespace (kernel 6.7 and later).
    ``system``: whatever the host has registered. ``explicit``: the emulator is written before the first
    program; the programs which that one starts do not run.
    """
    if emulator is None or facts.machine == emulator.qemu.binary.removeprefix("qemu-"):
        return "native"
    if facts.private_binfmt.works:
        return "private"
    return "system" if system_entry(facts, emulator.qemu) else "explicit"


def emulated_architectures(facts: HostFacts, known: tuple[Architecture, ...]) -> tuple[Architecture, ...]:
    """The architectures that are foreign to this host."""
    return tuple(row for row in known if row.uname != facts.machine)

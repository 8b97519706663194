from manyloong.sandbox.binfmt import matches, parse_entry, register_line
from manyloong.sandbox.facts import BinfmtEntry
from manyloong.targets import all_targets

QEMU = all_targets()[0].architecture.qemu
TEXT = """enabled
interpreter /usr/libexec/qemu-binfmt/loongarch64-binfmt-P
flags: POCF
offset 0
magic 7f454c4602010100000000000000000002000201
mask fffffffffffffffc00fffffffffffffffeffffff
"""


def test_register_line() -> None:
    line = register_line(QEMU, "/q")
    name, kind, offset, magic, mask, interpreter, flags = line.split(":")[1:]
    assert (name, kind, offset, interpreter, flags) == ("qemu-loongarch64", "M", "", "/q", "POCF")
    assert magic.startswith("\\x7f\\x45\\x4c\\x46\\x02\\x01")
    assert len(magic) == len(mask) == 4 * 20


def test_register_line_with_a_colon_in_the_path() -> None:
    line = register_line(QEMU, "/a:b/q")
    assert line[0] == "|"
    assert line.split("|")[6] == "/a:b/q"


def test_parse_entry() -> None:
    entry = parse_entry("qemu-loongarch64", TEXT)
    assert entry == BinfmtEntry(
        name="qemu-loongarch64",
        enabled=True,
        interpreter="/usr/libexec/qemu-binfmt/loongarch64-binfmt-P",
        flags="POCF",
        magic="7f454c4602010100000000000000000002000201",
        mask="fffffffffffffffc00fffffffffffffffeffffff",
    )
    assert entry is not None
    assert matches(entry, QEMU)


def test_other_entries() -> None:
    assert parse_entry("jar", "enabled\ninterpreter /usr/bin/jexec\nflags: \noffset 0\nmagic 504b0304\n")
    assert parse_entry("wine", "enabled\ninterpreter /usr/bin/wine\nflags: \nextension .exe\n") is None
    assert parse_entry("python", "disabled\ninterpreter /p\nflags: \noffset 2\nmagic 0a0d\n") is None
    riscv = parse_entry("qemu-riscv64", TEXT.replace("02000201", "0200f300"))
    assert riscv is not None
    assert not matches(riscv, QEMU)

from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.errors import HostError, InputError
from manyloong.sandbox import Bind, Command, Emulator, HostFacts, Limits
from manyloong.sandbox.facts import BinfmtEntry, Tools, Trial
from manyloong.sandbox.launch import check_command, environment, plan_launch, sandbox_options
from manyloong.targets import all_targets

WORKS = Trial(works=True)
FACTS = HostFacts(
    machine="x86_64",
    kernel=(6, 18),
    kernel_release="6.18.44",
    uid=1001,
    tools=Tools(
        sh="/bin/sh",
        bwrap="/bin/bwrap",
        unshare="/bin/unshare",
        setpriv="/bin/setpriv",
        mount="/bin/mount",
        umount="/bin/umount",
    ),
    bwrap_version=(0, 8, 0),
    enclosed=WORKS,
    sandbox=WORKS,
    private_binfmt=WORKS,
    disable_userns=True,
)
QEMU = all_targets()[0].architecture.qemu
EMULATOR = Emulator(binary=Path("/cache/qemu-loongarch64"), qemu=QEMU, cpu="la464,lasx=off")
COMMAND = Command(
    argv=("python3", "-c", "print(1)"),
    root=Path("/roots/a"),
    log=Path("/logs/a"),
    environment=(("PATH", "/usr/bin"), ("EMPTY", "")),
    binds=(
        Bind(source=Path("/work/a"), target="/build", writable=True),
        Bind(source=Path("/cache/b"), target="/build/b"),
    ),
    cwd="/build",
    limits=Limits(memory_bytes=1000, processes=50),
)


def after(words: tuple[str, ...], name: str, count: int = 1) -> tuple[str, ...]:
    at = words.index(name)
    return words[at + 1 : at + 1 + count]


def test_native_start() -> None:
    argv = plan_launch(COMMAND, FACTS).argv
    assert argv[:4] == ("/bin/setpriv", "--pdeathsig", "KILL", "--")
    assert "--kill-child" in argv
    assert argv[-5:] == ("{args}", "--", "python3", "-c", "print(1)")
    pid_max, processes, mount, umount, line = argv[argv.index("sandbox", 10) + 1 :][:5]
    assert (pid_max, processes, mount, umount, line) == ("370", "50", "/bin/mount", "/bin/umount", "")


def test_emulated_start_registers_in_the_private_namespace() -> None:
    launch = plan_launch(replace(COMMAND, emulator=EMULATOR), FACTS)
    assert launch.mechanism == "private"
    line = next(word for word in launch.argv if word.startswith(":qemu-loongarch64:M::"))
    assert line.endswith(":/cache/qemu-loongarch64:POCF")
    assert after(launch.options, "QEMU_CPU") == ("la464,lasx=off",)


def test_pid_max_is_touched_only_where_it_is_private() -> None:
    argv = plan_launch(COMMAND, replace(FACTS, kernel=(6, 13))).argv
    assert argv[argv.index("sandbox", 10) + 1] == ""


def test_bubblewrap_alone() -> None:
    alone = replace(FACTS, enclosed=Trial(works=False), private_binfmt=Trial(works=False))
    launch = plan_launch(COMMAND, alone)
    assert "/bin/unshare" not in launch.argv
    assert launch.init_generation == 1
    with_binfmt = plan_launch(replace(COMMAND, emulator=EMULATOR), replace(alone, private_binfmt=WORKS))
    assert "/bin/unshare" in with_binfmt.argv
    assert "--pid" not in with_binfmt.argv


def test_order_of_the_tree() -> None:
    words = sandbox_options(COMMAND, FACTS)
    places = [words.index(word) for word in ("/roots/a", "--remount-ro", "--dev", "/tmp", "/home", "/work/a")]
    assert places == sorted(places)
    assert after(words, "--bind", 2) == ("/work/a", "/build")
    assert words.index("/work/a") < words.index("/cache/b")
    assert words[-2:] == ("--chdir", "/build")


def test_isolation_words() -> None:
    words = sandbox_options(COMMAND, FACTS)
    for word in ("user", "pid", "ipc", "uts", "net", "cgroup-try"):
        assert f"--unshare-{word}" in words
    assert after(words, "--cap-drop") == ("ALL",)
    assert after(words, "--hostname") == ("manyloong",)
    assert {"--die-with-parent", "--new-session", "--disable-userns"} <= set(words)
    assert "--unshare-net" not in sandbox_options(replace(COMMAND, network=True), FACTS)


def test_old_bubblewrap_gets_no_new_words() -> None:
    words = sandbox_options(COMMAND, replace(FACTS, bwrap_version=(0, 4, 1), disable_userns=False))
    assert not {"--perms", "--size", "--disable-userns"} & set(words)


def test_host_proc_is_bound_read_only() -> None:
    bound = replace(
        FACTS, enclosed=Trial(works=False), sandbox=Trial(works=False), sandbox_with_host_proc=WORKS
    )
    words = sandbox_options(COMMAND, bound)
    assert "--proc" not in words
    assert after(words, "--ro-bind", 2) == ("/roots/a", "/")
    at = words.index("/proc")
    assert words[at - 1 : at + 2] == ("--ro-bind", "/proc", "/proc")


def test_environment_is_given_in_full() -> None:
    words = sandbox_options(COMMAND, FACTS)
    pairs = [words[at + 1 : at + 3] for at, word in enumerate(words) if word == "--setenv"]
    assert pairs == [("PATH", "/usr/bin"), ("EMPTY", "")]


def test_callers_cpu_model_wins() -> None:
    chosen = replace(COMMAND, emulator=EMULATOR, environment=(("QEMU_CPU", "max"),))
    assert environment(chosen) == (("QEMU_CPU", "max"),)


def test_system_registration_is_second_best() -> None:
    entry = BinfmtEntry(
        name="qemu-loongarch64",
        enabled=True,
        interpreter="/q",
        flags="POCF",
        magic=QEMU.magic,
        mask=QEMU.mask,
    )
    facts = replace(FACTS, private_binfmt=Trial(works=False), system_binfmt=(entry,))
    assert plan_launch(replace(COMMAND, emulator=EMULATOR), facts).mechanism == "system"
    unusable = replace(facts, system_binfmt=(replace(entry, flags="OC"),))
    assert plan_launch(replace(COMMAND, emulator=EMULATOR), unusable).mechanism == "explicit"


def test_own_architecture_needs_no_emulator() -> None:
    facts = replace(FACTS, machine="loongarch64", private_binfmt=Trial(works=False))
    assert plan_launch(replace(COMMAND, emulator=EMULATOR), facts).mechanism == "native"


def test_missing_bubblewrap_is_a_host_error_with_the_command() -> None:
    facts = replace(FACTS, tools=Tools(sh="/bin/sh"), package_manager="dnf")
    with pytest.raises(HostError, match="bubblewrap: not installed") as caught:
        plan_launch(COMMAND, facts)
    assert caught.value.hint == "sudo dnf install -y bubblewrap"


def root(folder: Path) -> Path:
    for name in ("proc", "dev", "tmp", "home"):
        (folder / name).mkdir()
    return folder


@pytest.mark.parametrize("target", ["relative", "/a/../b"])
def test_bind_targets_are_plain_absolute_paths(tmp_path: Path, target: str) -> None:
    bind = Bind(source=tmp_path, target=target)
    with pytest.raises(InputError, match="is not an absolute path"):
        check_command(replace(COMMAND, root=root(tmp_path), binds=(bind,)))


def test_nul_bytes_and_empty_commands(tmp_path: Path) -> None:
    plain = replace(COMMAND, root=root(tmp_path), binds=())
    check_command(plain)
    with pytest.raises(InputError, match="NUL byte"):
        check_command(replace(plain, argv=("a\0b",)))
    with pytest.raises(InputError, match="without words"):
        check_command(replace(plain, argv=()))


def test_mount_points_of_binds(tmp_path: Path) -> None:
    tree = root(tmp_path)
    (tree / "usr/share").mkdir(parents=True)
    (tree / "build").symlink_to("usr")
    (tree / "work").mkdir()
    plain = replace(COMMAND, root=tree)
    for target in ("/build/share", "/tmp/new/one", "/home/x", "/work", "/"):
        check_command(replace(plain, binds=(Bind(source=tmp_path, target=target),)))
    writable = Bind(source=tree / "work", target="/work", writable=True)
    inner = Bind(source=tmp_path, target="/work/made")
    check_command(replace(plain, binds=(writable, inner)))
    for binds in ((inner,), (inner, writable), (replace(writable, writable=False), inner)):
        with pytest.raises(InputError, match="has no mount point /work/made for"):
            check_command(replace(plain, binds=binds))

"""Programs of another architecture in the sandbox, their children too, in every way a host may offer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.sandbox import Bind, BubblewrapRunner, Command, Done, Emulator, HostFacts, Limits

pytestmark = pytest.mark.tools
Shell = Callable[..., Command]


def relayed(tree: Path, emulator: Emulator, log: Path, *argv: str) -> Command:
    return Command(argv=argv, root=tree, log=log, emulator=emulator, limits=Limits(time_s=20))


def test_program_child_and_script(private: HostFacts, tree: Path, emulator: Emulator, tmp_path: Path) -> None:
    command = relayed(tree, emulator, tmp_path / "log", "/bin/relay", "/bin/relay", "/bin/script")
    done = BubblewrapRunner(private).run(command)
    assert done.succeeded
    assert done.last_lines() == "loongarch64\nloongarch64\nloongarch64"


def test_unprivileged(
    private: HostFacts, tree: Path, emulator: Emulator, as_nobody: Callable[[Callable[[], Done]], Done]
) -> None:
    command = relayed(tree, emulator, Path("/dev/null"), "/bin/relay", "/bin/script")
    done = as_nobody(lambda: BubblewrapRunner(private).run(command))
    assert done.succeeded


def test_foreign_program_in_the_native_root(
    private: HostFacts, shell: Shell, tree: Path, emulator: Emulator
) -> None:
    """As configure checks do in a cross build."""
    bind = Bind(source=tree / "bin", target="/mnt")
    command = shell("uname -m; /mnt/relay; /mnt/relay /bin/uname -m", emulator=emulator, binds=(bind,))
    done = BubblewrapRunner(private).run(command)
    assert done.last_lines().split() == [private.machine, "loongarch64", "loongarch64", private.machine]


def test_cpu_model_is_in_the_environment(private: HostFacts, shell: Shell, emulator: Emulator) -> None:
    runner = BubblewrapRunner(private)
    baseline = replace(emulator, cpu="la464,lasx=off")
    assert runner.run(shell("echo $QEMU_CPU", emulator=baseline)).last_lines() == "la464,lasx=off"
    chosen = shell("echo $QEMU_CPU", emulator=baseline, environment=(("QEMU_CPU", "max"),))
    assert runner.run(chosen).last_lines().splitlines()[-1] == "max"


def test_without_an_emulator_it_does_not_run(facts: HostFacts, tree: Path, tmp_path: Path) -> None:
    if facts.system_binfmt:
        pytest.skip("this host has registrations of its own")
    command = Command(argv=("/bin/relay",), root=tree, log=tmp_path / "log")
    done = BubblewrapRunner(facts).run(command)
    assert not done.succeeded


def test_explicit_emulator(facts: HostFacts, tree: Path, emulator: Emulator, tmp_path: Path) -> None:
    """The last resort: the program runs, and so does the interpreter of a script; children do not."""
    bare = replace(facts, private_binfmt=replace(facts.private_binfmt, works=False), system_binfmt=())
    runner = BubblewrapRunner(bare)
    for program in ("/bin/relay", "/bin/script", "relay"):
        command = relayed(tree, emulator, tmp_path / "log", program)
        done = runner.run(replace(command, environment=(("PATH", "/sbin:/bin"),)))
        assert done.succeeded, done.last_lines()
        assert done.last_lines().splitlines()[-1] == "loongarch64"
    child = relayed(tree, emulator, tmp_path / "log", "/bin/relay", "/bin/relay")
    assert facts.system_binfmt or runner.run(child).returncode == 127


def test_explicit_emulator_leaves_native_programs_alone(
    facts: HostFacts, shell: Shell, emulator: Emulator
) -> None:
    bare = replace(facts, private_binfmt=replace(facts.private_binfmt, works=False), system_binfmt=())
    done = BubblewrapRunner(bare).run(shell("uname -m", emulator=emulator))
    assert done.last_lines() == facts.machine


def test_without_outer_namespaces(facts: HostFacts, tree: Path, emulator: Emulator, tmp_path: Path) -> None:
    """Where bubblewrap may make namespaces and unshare may not, or the other way round."""
    alone = replace(facts, enclosed=replace(facts.enclosed, works=False))
    command = relayed(tree, emulator, tmp_path / "log", "/bin/relay", "/bin/script")
    assert BubblewrapRunner(alone).run(command).succeeded
    bound = replace(alone, sandbox=replace(facts.sandbox, works=False), sandbox_with_host_proc=facts.sandbox)
    assert BubblewrapRunner(bound).run(command).succeeded

from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.sandbox import (
    Check,
    HostFacts,
    Reached,
    can_build,
    diagnose,
    reach_check,
    registration_command,
)
from manyloong.sandbox.command import GIB
from manyloong.sandbox.diagnosis import host_error
from manyloong.sandbox.facts import Tools, Trial
from manyloong.targets import all_targets

WORKS = Trial(works=True)
FAILS = Trial(works=False, error="unshare: Operation not permitted")
GOOD = HostFacts(
    machine="x86_64",
    kernel=(6, 18),
    kernel_release="6.18.44",
    uid=1000,
    tools=Tools(sh="/s", bwrap="/b", unshare="/u", setpriv="/p", mount="/m", umount="/n"),
    package_manager="apt-get",
    bwrap_version=(0, 8, 0),
    user_namespaces=WORKS,
    enclosed=WORKS,
    sandbox=WORKS,
    private_binfmt=WORKS,
    cores=4,
    memory_bytes=8 * GIB,
    cache_dir=Path("/cache"),
    disk_free_bytes=100 * GIB,
)
NONE = replace(GOOD, user_namespaces=FAILS, enclosed=FAILS, sandbox=FAILS, private_binfmt=FAILS)


def check(facts: HostFacts, name: str) -> Check:
    return next(row for row in diagnose(facts) if row.name == name)


def test_a_good_host() -> None:
    checks = diagnose(GOOD)
    assert {row.state for row in checks} == {"ok"}
    assert can_build(checks)
    assert not any(row.fix for row in checks)


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        ({"max_user_namespaces": 0}, "sudo sysctl -w user.max_user_namespaces=65536"),
        ({"unprivileged_userns_clone": 0}, "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            {"apparmor_restrict_userns": 1},
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ({"container": "docker"}, "start the container with: --security-opt seccomp=unconfined"),
        ({"max_user_namespaces": 0, "uid": 0}, "sysctl -w user.max_user_namespaces=65536"),
    ],
)
def test_no_namespaces(change: dict[str, int | str], fix: str) -> None:
    facts = replace(NONE, **change)  # type: ignore[arg-type]
    row = check(facts, "sandbox")
    assert row.state == "blocked"
    assert row.fix.startswith(fix)
    assert "Operation not permitted" in row.detail
    assert not can_build(diagnose(facts))
    error = host_error(facts)
    assert error.exit_code == 7
    assert error.hint == row.fix
    assert row.detail in error.message


def test_no_known_reason() -> None:
    assert "the kernel refuses" in check(NONE, "sandbox").detail
    assert "not for bubblewrap" in check(replace(NONE, user_namespaces=WORKS), "sandbox").detail


def test_apparmor_profile_for_bubblewrap_only() -> None:
    facts = replace(GOOD, enclosed=FAILS, private_binfmt=FAILS, apparmor_restrict_userns=1)
    assert check(facts, "sandbox").state == "degraded"
    emulation = check(facts, "loongarch64 programs")
    assert emulation.state == "degraded"
    assert emulation.fix == "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    assert can_build(diagnose(facts))


def test_hidden_proc() -> None:
    facts = replace(NONE, sandbox_with_host_proc=WORKS, container="docker")
    row = check(facts, "sandbox")
    assert row.state == "degraded"
    assert "systempaths=unconfined" in row.fix


@pytest.mark.parametrize(
    ("manager", "fix"),
    [("apt-get", "sudo apt-get install -y bubblewrap"), ("apk", "sudo apk add bubblewrap"), ("", "")],
)
def test_missing_bubblewrap(manager: str, fix: str) -> None:
    facts = replace(NONE, tools=Tools(), package_manager=manager)
    assert check(facts, "bubblewrap") == Check(
        name="bubblewrap", state="blocked", detail="not installed", fix=fix
    )


def test_old_bubblewrap_and_busybox() -> None:
    assert check(replace(GOOD, bwrap_version=(0, 3, 3)), "bubblewrap").state == "blocked"
    row = check(replace(GOOD, tools=replace(GOOD.tools, setpriv=None)), "bubblewrap")
    assert (row.state, row.fix) == ("degraded", "sudo apt-get install -y util-linux")


def test_old_kernel() -> None:
    row = check(replace(GOOD, kernel=(6, 1), private_binfmt=FAILS), "loongarch64 programs")
    assert (row.state, row.fix) == ("degraded", "manyloong doctor --register-binfmt")
    assert "Linux 6.7" in row.detail


def test_module_missing() -> None:
    row = check(replace(GOOD, private_binfmt=FAILS), "loongarch64 programs")
    assert row.fix == "sudo modprobe binfmt_misc"


def test_native_host_needs_no_emulation() -> None:
    names = [row.name for row in diagnose(replace(GOOD, machine="loongarch64"))]
    assert "loongarch64 programs" not in names


def test_unknown_machine() -> None:
    row = check(replace(GOOD, machine="vax"), "machine")
    assert row.state == "blocked"
    assert "vax" in row.detail


@pytest.mark.parametrize(("free", "state"), [(1, "blocked"), (6, "degraded"), (50, "ok")])
def test_disk(free: int, state: str) -> None:
    assert check(replace(GOOD, disk_free_bytes=free * GIB), "disk").state == state


def test_little_memory_and_no_cache() -> None:
    assert check(replace(GOOD, memory_bytes=GIB), "memory").state == "degraded"
    row = check(replace(GOOD, cache_error="/x is not a folder"), "cache")
    assert (row.state, row.detail) == ("blocked", "/x is not a folder")
    assert "MANYLOONG_CACHE_DIR" in row.fix


@pytest.mark.parametrize(
    ("answers", "state", "detail"),
    [
        ((("a", ""),), "ok", "a answers"),
        ((("a", "timed out"), ("b", "")), "degraded", "b answers, but not a: timed out"),
        ((("a", "timed out"), ("b", "404")), "blocked", "a: timed out; b: 404"),
        ((), "blocked", "none is configured"),
    ],
)
def test_reached(answers: tuple[tuple[str, str], ...], state: str, detail: str) -> None:
    row = reach_check(Reached(name="mirror", answers=answers, fix="do this"))
    assert (row.state, row.detail) == (state, detail)
    assert row.fix == ("" if state == "ok" else "do this")


def test_registration_command() -> None:
    architecture = all_targets()[0].architecture
    line = registration_command(GOOD, architecture, "/cache/qemu")
    assert line.startswith("sudo sh -c '")
    assert "/cache/qemu:POCF" in line
    assert not registration_command(replace(GOOD, uid=0), architecture, "/cache/qemu").startswith("sudo")

"""``manyloong ports build`` after its arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from manyloong.cli.doors import open_outside
from manyloong.cli.ports_report import print_checked, print_trees
from manyloong.cli.progress import ProgressListener
from manyloong.errors import InputError, ManyloongError, TestError
from manyloong.roots import Port, PortDoors, Workshop, ensure_ports
from manyloong.roots.ports import Bed, Outcome, all_ports, ensure_what_can_be
from manyloong.roots.ports.check import Checked, check_port
from manyloong.targets import target as find_target
from manyloong.wheels.doors import port_doors
from manyloong.wheels.kit import Kit, ensure_kit
from manyloong.wheels.linked import workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a user asked for, typed."""

    names: tuple[str, ...]
    everything: bool
    check: bool
    platform: str
    folders: tuple[Path, ...]
    offline: bool
    locked: bool
    as_json: bool


def run_build(wanted: Wanted) -> int:
    """Build, check where that was asked, print; the exit code."""
    known = all_ports(wanted.folders)
    if bool(wanted.names) == wanted.everything:
        raise InputError("name ports, or say --all", hint="all ports: manyloong ports list")
    target = find_target(wanted.platform)
    with ProgressListener(quiet=wanted.as_json) as listener:
        outside = open_outside(listener, offline=wanted.offline, locked=wanted.locked)
        kit = ensure_kit(target, outside.host, doors=outside.doors, ports=known)
        shop, doors = workshop(kit, outside.doors), port_doors(outside.doors)
        if wanted.everything:
            outcome = ensure_what_can_be(known, ports=known, workshop=shop, doors=doors)
        else:
            trees = ensure_ports(wanted.names, ports=known, workshop=shop, doors=doors)
            outcome = Outcome(trees=trees, failed=(), untried=())
        checked: tuple[Checked, ...] = ()
        if wanted.check:
            names = wanted.names or tuple(tree.port.name for tree in outcome.trees)
            checked = run_checks(names, known, kit=kit, shop=shop, doors=doors)
    if wanted.check:
        print_checked(checked, outcome, as_json=wanted.as_json)
    else:
        print_trees(outcome, as_json=wanted.as_json)
    if outcome.failed:
        return ManyloongError.exit_code
    return 0 if all(row.passed for row in checked) else TestError.exit_code


def run_checks(
    names: Sequence[str], ports: Mapping[str, Port], *, kit: Kit, shop: Workshop, doors: PortDoors
) -> tuple[Checked, ...]:
    """Each named port built and tested again, one after the other: their tests use all cores."""
    emulator = kit.emulator(kit.target.architecture.qemu.cpu_full)
    bed = Bed(emulator=emulator, root=kit.sysroot)
    return tuple(check_port(ports[name], ports=ports, workshop=shop, doors=doors, bed=bed) for name in names)

"""What a proof about ports is about: a port's own tests decide no tree, everything else does."""

from dataclasses import replace

from evidence import ports as evidence

from manyloong.roots.ports import Port, all_ports
from manyloong.roots.ports.model import Check


def _digest(port: Port, *, tests: bool) -> str:
    return evidence.digest(port, {**all_ports(), port.name: port}, tests=tests)


def test_other_tests_are_another_proof_of_the_port_and_no_other_tree() -> None:
    port = all_ports()["openssl"]
    other = replace(port, check=Check(steps=("true",), expect="ok"))
    assert _digest(other, tests=True) != _digest(port, tests=True)
    assert _digest(other, tests=False) == _digest(port, tests=False)


def test_another_build_is_another_tree() -> None:
    port = all_ports()["openssl"]
    other = replace(port, steps=(*port.steps, "true"))
    assert _digest(other, tests=False) != _digest(port, tests=False)


def test_what_a_port_depends_on_decides_its_tree() -> None:
    ports = all_ports()
    below = replace(ports["ncurses"], options=())
    changed = {**ports, "ncurses": below}
    readline = ports["readline"]
    assert evidence.digest(readline, changed, tests=False) != evidence.digest(readline, ports, tests=False)

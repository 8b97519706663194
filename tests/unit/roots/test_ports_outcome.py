"""Building all ports: one that fails stops those that need it, and no other."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from manyloong.cli.ports_report import print_trees
from manyloong.errors import BuildError, FetchError, HostError
from manyloong.events import ignore
from manyloong.roots import Toolchain
from manyloong.roots.ports import (
    Outcome,
    Port,
    PortDoors,
    Workshop,
    ensure_ports,
    ensure_what_can_be,
)
from manyloong.roots.ports.load import parse_port
from manyloong.sandbox import Command
from manyloong.store import RemoteFile, Store
from manyloong.targets import host, target
from manyloong.testing.runner import FakeRunner

NAMES = {  # a port -> what it depends on
    "broken": [],
    "far": ["near"],
    "gone": [],
    "near": ["broken", "well"],
    "of-gone": ["gone"],
    "on-well": ["well"],
    "well": [],
}


def port(name: str, number: int) -> Port:
    document = {
        "summary": "A library",
        "version": "1",
        "licence": "MIT",
        "system": "custom",
        "steps": [f"make {name}"],
        "depends": NAMES[name],
        "source": {"path": f"pool/{name}.tar.gz", "sha256": f"{number:064}", "size_bytes": 10},
    }
    return parse_port(document, name=name, where=f"{name}.toml")


PORTS = {name: port(name, number) for number, name in enumerate(NAMES)}


class Archives:
    """Has the sources of every port but one."""

    def __init__(self, place: Path) -> None:
        self.archive = place / "archive.tar.gz"
        with tarfile.open(self.archive, "w:gz") as tar:
            member = tarfile.TarInfo("demo/LICENSE")
            member.size = 3
            tar.addfile(member, io.BytesIO(b"MIT"))

    def fetch(self, wanted: Sequence[RemoteFile], **_: object) -> dict[str, Path]:
        for file in wanted:
            if file.sha256 == PORTS["gone"].source.sha256:
                raise FetchError("source not reachable on any mirror: gone 1")
        return {file.sha256: self.archive for file in wanted}


def installs(command: Command) -> int:
    place = next(bind.source for bind in command.binds if bind.target == "/build")
    script = (place / "build.sh").read_text("utf-8")
    [name] = [name for name in NAMES if f"make {name}\n" in script]
    header = place / "dest/opt/manyloong/ports/include" / f"{name}.h"
    header.parent.mkdir(parents=True)
    header.write_text("", "utf-8")
    return int(name == "broken")


def workshop(tmp_path: Path, runner: FakeRunner) -> Workshop:
    for name in ("sysroot/usr/lib", "lib"):
        (tmp_path / "toolchain" / name).mkdir(parents=True)
    tree = tmp_path / "toolchain"
    return Workshop(
        target=target("manylinux_2_36"),
        host=host("x86_64"),
        toolchain=Toolchain(id="t", zig=tree, target=tree, native=tree),
        native_root=tmp_path,
        runner=runner,
        jobs=2,
    )


def doors(tmp_path: Path) -> PortDoors:
    return PortDoors(
        store=Store(tmp_path / "store"),
        fetcher=Archives(tmp_path),  # type: ignore[arg-type]
        mirrors=(),
        listener=ignore,
    )


def test_what_does_not_need_a_failed_port_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = workshop(tmp_path, FakeRunner(installs))
    outcome = ensure_what_can_be(PORTS, ports=PORTS, workshop=shop, doors=doors(tmp_path))
    assert {tree.port.name for tree in outcome.trees} == {"well", "on-well"}
    assert all((tree.path / f"include/{tree.port.name}.h").is_file() for tree in outcome.trees)
    assert {port.name: type(error) for port, error in outcome.failed} == {
        "broken": BuildError,
        "gone": FetchError,
    }
    assert {port.name: names for port, names in outcome.untried} == {
        "near": ("broken",),
        "far": ("broken",),
        "of-gone": ("gone",),
    }
    print_trees(outcome, as_json=False)
    said = capsys.readouterr()
    assert "broken 1 could not be built" in said.err
    assert "source not reachable on any mirror: gone 1" in said.err
    assert "far 1 was not tried: it needs broken" in said.err
    last = said.err.splitlines()[-1]
    assert last.startswith("2 ports are there; failed: broken, gone; not tried because of that: ")
    assert sorted(last.rpartition(": ")[2].split(", ")) == ["far", "near", "of-gone"]


def test_the_named_ones_stop_at_the_first_that_fails(tmp_path: Path) -> None:
    shop = workshop(tmp_path, FakeRunner(installs))
    with pytest.raises(BuildError, match="broken 1 could not be built"):
        ensure_ports(["far"], ports=PORTS, workshop=shop, doors=doors(tmp_path))


def test_a_fault_of_this_machine_stops_everything(tmp_path: Path) -> None:
    def full(command: Command) -> int:
        raise HostError(f"no space left on device: {command.argv[0]}")

    shop = workshop(tmp_path, FakeRunner(full))
    with pytest.raises(HostError, match="no space left"):
        ensure_what_can_be(PORTS, ports=PORTS, workshop=shop, doors=doors(tmp_path))


def test_nothing_more_is_said_where_nothing_failed(capsys: pytest.CaptureFixture[str]) -> None:
    print_trees(Outcome(trees=(), failed=(), untried=()), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"ports": []}

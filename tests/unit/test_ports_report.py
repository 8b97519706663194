"""What ``manyloong ports show`` prints of a port."""

from dataclasses import replace

import pytest

from manyloong.cli.ports_report import print_port
from manyloong.roots.ports import all_ports
from manyloong.roots.ports.model import Check


def test_each_step_of_the_tests_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    ports = all_ports()
    check = Check(steps=("make test", "\ncat >one.c <<'END'\nint one;\nEND\n", "./one"), expect="ok")
    print_port(replace(ports["zlib"], check=check), ports, as_json=False)
    said = capsys.readouterr().out
    assert "tests      make test\n           cat >one.c <<'END' ...\n           ./one\n" in said
    assert "int one;" not in said


def test_a_port_is_shown_with_version_licence_and_users(capsys: pytest.CaptureFixture[str]) -> None:
    ports = all_ports()
    print_port(ports["zlib"], ports, as_json=False)
    said = capsys.readouterr().out
    assert f"zlib       {ports['zlib'].version}: " in said
    assert "licence    Zlib\n" in said
    assert "libpng" in said.partition("used by")[2]

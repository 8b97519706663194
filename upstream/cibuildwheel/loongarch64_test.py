from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cibuildwheel.__main__ import main
from cibuildwheel.architecture import Architecture
from cibuildwheel.oci_container import OCIPlatform
from cibuildwheel.options import _get_pinned_container_images
from cibuildwheel.platforms.linux import ARCHITECTURE_OCI_PLATFORM_MAP, all_python_configurations

if TYPE_CHECKING:
    from pathlib import Path


def test_platform() -> None:
    assert Architecture("loongarch64") in Architecture.all_archs("linux")
    assert ARCHITECTURE_OCI_PLATFORM_MAP[Architecture.loongarch64] is OCIPlatform.LOONG64
    assert OCIPlatform.LOONG64.value == "linux/loong64"  # GOARCH, as in the OCI image specification


def test_images_can_be_pinned() -> None:
    assert "loongarch64" in _get_pinned_container_images()


@pytest.mark.parametrize("libc", ["manylinux", "musllinux"])
def test_identifiers(libc: str) -> None:
    configurations = [c for c in all_python_configurations() if c.identifier.endswith(f"-{libc}_loongarch64")]
    assert {c.identifier.split("-")[0] for c in configurations} >= {"cp313", "cp314", "cp314t"}
    for configuration in configurations:
        tag = configuration.identifier.split("-")[0]
        assert configuration.path_str == f"/opt/python/{tag.rstrip('t')}-{tag}"


def test_selected_from_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.13"\n'
        '[tool.cibuildwheel]\nmanylinux-loongarch64-image = "example.org/image:1"\n'
    )
    argv = ["cibuildwheel", "--platform=linux", "--archs=loongarch64", "--print-build-identifiers"]
    monkeypatch.setattr("sys.argv", [*argv, str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    printed = capsys.readouterr().out.split()
    assert "cp313-manylinux_loongarch64" in printed
    assert "cp313-musllinux_loongarch64" in printed
    assert all(identifier.endswith("linux_loongarch64") for identifier in printed)

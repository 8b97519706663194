"""What answers for the target in a build where Python is not asked."""

from pathlib import Path

from manyloong.targets import all_targets
from manyloong.wheels.cross import NATIVE, TARGET, TOOLS, cross_programs, cross_variables, write_answers


def test_configure_is_told_the_target() -> None:
    for target in all_targets():
        site = cross_programs(target)["config.site"]
        machine = target.architecture.uname
        assert f"ac_cv_host={machine}-unknown-linux-" in site
        assert f"'' | {machine}-*".replace(" ", "") in site.replace(" ", "")


def test_the_answers_come_before_the_roots_own(tmp_path: Path) -> None:
    write_answers(tmp_path, all_targets()[0])
    assert (tmp_path / "cross/uname").stat().st_mode & 0o111
    variables = cross_variables(epoch=1, jobs=1)
    path = variables["PATH"].split(":")
    assert path.index(f"{TOOLS}/cross") < path.index("/usr/bin")
    assert variables["CONFIG_SITE"] == f"{TOOLS}/config.site"
    for name in ("CC_FOR_BUILD", "HOSTCC", "BUILD_CC", "CXX_FOR_BUILD", "HOSTCXX", "BUILD_CXX"):
        assert variables[name].startswith(f"{NATIVE}/bin/")


def test_cmake_reads_the_toolchain_and_asks_the_interpreter(tmp_path: Path) -> None:
    write_answers(tmp_path, all_targets()[0])
    assert cross_variables(epoch=1, jobs=1)["CMAKE_TOOLCHAIN_FILE"] == f"{TOOLS}/cmake/toolchain.cmake"
    toolchain = (tmp_path / "cmake/toolchain.cmake").read_text("utf-8")
    assert f"include({TARGET}/cmake/toolchain.cmake)" in toolchain
    assert f"{TOOLS}/cmake/project.cmake" in toolchain
    assert "cmake_policy(SET CMP0190 NEW)" in (tmp_path / "cmake/project.cmake").read_text("utf-8")

"""Tags and markers of what is resolved for whom."""

from packaging.tags import Tag

from manyloong.targets import all_pythons, host, target
from manyloong.wheels.resolve import marker_environment, native_platform, target_platform, wheel_tags

CP313 = all_pythons()[0]
TARGET = target("manylinux_2_36_loongarch64")


def test_the_target_takes_wheels_from_its_floor_up_and_none_below() -> None:
    tags = set(wheel_tags(CP313, target_platform(TARGET)))
    assert Tag("cp313", "cp313", "manylinux_2_36_loongarch64") in tags
    assert Tag("cp38", "abi3", "manylinux_2_38_loongarch64") in tags
    assert Tag("py3", "none", "any") in tags
    assert Tag("cp313", "cp313", "manylinux_2_35_loongarch64") not in tags
    assert Tag("cp313", "cp313", "linux_loongarch64") not in tags


def test_the_native_platform_takes_old_aliases_too() -> None:
    tags = set(wheel_tags(CP313, native_platform(host("x86_64"))))
    assert Tag("cp313", "cp313", "manylinux2014_x86_64") in tags
    assert Tag("cp313", "cp313", "manylinux_2_28_x86_64") in tags
    assert Tag("cp313", "cp313", "manylinux_2_36_loongarch64") not in tags


def test_markers_speak_of_the_target() -> None:
    environment = marker_environment(CP313, target_platform(TARGET))
    assert environment["platform_machine"] == "loongarch64"
    assert environment["python_version"] == "3.13"


def test_a_libc_that_uv_has_no_name_for_is_chosen_by_tags() -> None:
    platform = target_platform(target("musllinux_1_2"))
    assert not platform.named
    tags = set(wheel_tags(CP313, platform))
    assert Tag("cp313", "cp313", "musllinux_1_2_loongarch64") in tags
    assert not any(tag.platform.startswith("manylinux") for tag in tags)

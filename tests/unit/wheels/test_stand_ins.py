"""Which crates are stood in for, in which versions, and that none of them compiles."""

import tomllib
from pathlib import Path

import pytest

from manyloong.wheels.stand_ins import Wish, lowest_version, make_stand_ins, wishes


@pytest.mark.parametrize(
    ("requirement", "version"),
    [
        ("1", "1.0.0"),
        ("^0.8.1", "0.8.1"),
        ("~1.2", "1.2.0"),
        ("=0.6.4", "0.6.4"),
        (">=0.25, <0.31", "0.25.0"),
        (">1.2", "1.2.1"),
        ("<2", "0.0.0"),
        ("*", "1.0.0"),
    ],
)
def test_the_lowest_version_is_one_that_fits(requirement: str, version: str) -> None:
    assert lowest_version(requirement) == version


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_only_tests_and_platforms_are_stood_in_for(tmp_path: Path) -> None:
    write(
        tmp_path / "src/Cargo.toml",
        """
[workspace.dependencies]
bench = { version = "0.8", features = ["html"] }
[dependencies]
needed = "1"
[dev-dependencies]
bench = { workspace = true, features = ["plots"] }
[target.'cfg(target_os = "macos")'.dependencies]
objc = { package = "objc2", version = "0.6.4" }
""",
    )
    write(
        tmp_path / "crates/other-1.0.0/Cargo.toml",
        """
[dev-dependencies]
far = "1"
[target.'cfg(windows)'.dependencies.objc2]
version = "0.5"
features = ["a"]
""",
    )

    def found(name: str) -> tuple[Wish, ...]:
        return wishes(tmp_path / "src", (tmp_path / "crates",), name)

    assert found("needed") == found("far") == ()  # cargo asks for no tests of crates
    assert found("bench") == (Wish(name="bench", version="0.8.0", features=("html", "plots")),)
    assert [wish.version for wish in found("objc2")] == ["0.6.4", "0.5.0"]


def test_a_stand_in_has_the_features_and_no_code(tmp_path: Path) -> None:
    wanted = (
        Wish(name="objc2", version="0.6.4", features=("b",)),
        Wish(name="objc2", version="0.6.4", features=("a",)),
    )
    assert make_stand_ins(wanted, tmp_path) == ("objc2-0.6.4",)
    assert make_stand_ins(wanted, tmp_path) == ()
    manifest = tomllib.loads((tmp_path / "objc2-0.6.4/Cargo.toml").read_text())
    assert manifest["features"] == {"a": [], "b": []}
    assert (tmp_path / "objc2-0.6.4/src/lib.rs").read_text().startswith("compile_error!")

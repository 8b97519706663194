"""What a Rust build compiled is used again by the next of the same inputs, and by no other."""

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.system.crate_registry import cargo_lock, make_crate
from tests.system.manyloong_cli import build, manyloong
from tests.system.test_rust import ONE, project

# A build script by which no two compilations of its crate are the same.
STAMP = """\
fn main() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    println!("cargo:rustc-env=STAMP=compiled-at-{}.", now.as_nanos());
}
"""
SLOWER = ("-e", "RUSTFLAGS=-C opt-level=1")


def sources(place: Path, *, build_script: str = "") -> tuple[Path, Path]:
    """A project and the folder with its crate, which no earlier test has had."""
    value = 'env!("STAMP")' if build_script else '"42"'
    text = f"pub fn answer() -> &'static str {{ {value} }} // {os.urandom(8).hex()}\n"
    crate = make_crate("answer", "1.0.3", text, build=build_script)
    source, given = project("program", place), place / "given"
    (source / "Cargo.lock").write_text(cargo_lock("demo-rust-program", crate))
    given.mkdir()
    (given / crate.filename).write_bytes(crate.data)
    return source, given


def wheel(source: Path, given: Path, *words: str, output: Path) -> Path:
    (result,) = build(source, *ONE, "--no-test", "--force", "--crates", given, *words, output=output)
    return Path(result["wheel"])


def rebuilt(made: Path, source: Path, given: Path, output: Path) -> Any:
    return manyloong("rebuild", made, source, "--crates", given, "--json", "--output", output).json()


def stamp(made: Path) -> bytes:
    """When the crate in a wheel's program was compiled."""
    with zipfile.ZipFile(made) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/demo-rust-program"))
        (found,) = set(re.findall(rb"compiled-at-\d+", archive.read(name)))
    return bytes(found)


def edit(source: Path) -> None:
    main = source / "src/main.rs"
    main.write_text(main.read_text("utf-8").replace('"{}"', '"it is {}"'), "utf-8")


@pytest.mark.system
def test_a_crate_is_compiled_once_for_the_same_inputs(tmp_path: Path) -> None:
    source, given = sources(tmp_path, build_script=STAMP)
    first = wheel(source, given, output=tmp_path / "first")
    again = wheel(source, given, output=tmp_path / "again")
    assert again.read_bytes() == first.read_bytes()
    other = wheel(source, given, *SLOWER, output=tmp_path / "other")
    assert stamp(other) != stamp(first)
    edit(source)
    edited = wheel(source, given, output=tmp_path / "edited")
    assert stamp(edited) == stamp(first)
    assert b"it is " in zipfile.ZipFile(edited).read("demo_rust_program-1.0.data/scripts/demo-rust-program")
    assert not rebuilt(edited, source, given, tmp_path / "rebuilt")["strict"], "it was not compiled anew"


@pytest.mark.system
def test_a_warm_build_gives_the_bytes_of_a_cold_one(tmp_path: Path) -> None:
    source, given = sources(tmp_path)
    cold = wheel(source, given, output=tmp_path / "cold")
    assert wheel(source, given, output=tmp_path / "warm").read_bytes() == cold.read_bytes()
    edit(source)
    edited = wheel(source, given, output=tmp_path / "edited")
    assert edited.read_bytes() != cold.read_bytes()
    assert rebuilt(edited, source, given, tmp_path / "rebuilt")["strict"]  # which compiles everything

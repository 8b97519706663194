"""What was compiled is laid for the same inputs, its crates for other sources, and nothing for others."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.wheels.test_job import JOB, SOURCE

from manyloong.roots import Root
from manyloong.store import Store
from manyloong.wheels.backend import prepare_workplace
from manyloong.wheels.cargo_kept import KeptKeys, keep_compiled_crates, kept_keys, lay_kept
from manyloong.wheels.job import Job, Options

LAYERED, CRATES = Root(name="native", id="1" * 64, path=Path("/nowhere")), Path("/store/crates/2222")
OTHER_SOURCES = replace(JOB, source=replace(SOURCE, sha256="c" * 64))


def keys(job: Job = JOB, root: Root = LAYERED, crates: Path = CRATES, *, vendored: bool = False) -> KeptKeys:
    return kept_keys(job, root, crates, vendored=vendored)


@pytest.mark.parametrize(
    "other",
    [
        keys(replace(JOB, options=Options(environment=(("RUSTFLAGS", "-C opt-level=1"),)))),
        keys(replace(JOB, options=Options(config_settings=(("build-args", "--features x"),)))),
        keys(replace(JOB, kit=(("toolchain", "d" * 64),))),
        keys(replace(JOB, lane="emulated")),
        keys(replace(JOB, source=replace(SOURCE, name="other"))),
        keys(root=replace(LAYERED, id="3" * 64)),
        keys(crates=Path("/store/crates/4444")),
    ],
)
def test_other_inputs_have_other_crates(other: KeptKeys) -> None:
    assert other.crates != keys().crates


def test_other_sources_have_the_same_crates_unless_they_bring_them() -> None:
    other = keys(OTHER_SOURCES)
    assert other.whole != keys().whole
    assert other.crates == keys().crates
    assert keys(OTHER_SOURCES, vendored=True).crates == ""


def test_tests_decide_nothing() -> None:
    assert keys(replace(JOB, options=Options(test=False))) == keys()


def compiled(tmp_path: Path, name: str) -> Path:
    """A working copy whose build has compiled the project and one crate."""
    place = prepare_workplace(tmp_path / name).path / ".cargo-target"
    for package in ("demo-0123", "demo-crate-4567"):
        (place / "release/.fingerprint" / package).mkdir(parents=True)
    (place / "wheels").mkdir()
    return place


def laid(tmp_path: Path, name: str, wanted: KeptKeys) -> list[str]:
    workplace = prepare_workplace(tmp_path / name)
    lay_kept(wanted, {"demo"}, workplace, Store(tmp_path / "store"))
    place = workplace.path / ".cargo-target"
    return sorted(path.name for path in (*place.glob("release/.fingerprint/*"), *place.glob("wheels")))


def test_what_is_laid_depends_on_the_sources(tmp_path: Path) -> None:
    made = compiled(tmp_path, "first")
    assert laid(tmp_path, "cold", keys()) == []
    workplace = replace(prepare_workplace(tmp_path / "empty"), path=made.parent)
    keep_compiled_crates(keys(), workplace, Store(tmp_path / "store"))
    assert laid(tmp_path, "same", keys()) == ["demo-0123", "demo-crate-4567", "wheels"]
    assert laid(tmp_path, "edited", keys(OTHER_SOURCES)) == ["demo-crate-4567"]
    assert laid(tmp_path, "vendored", keys(OTHER_SOURCES, vendored=True)) == []
    assert laid(tmp_path, "others", keys(crates=Path("/store/crates/4444"))) == []

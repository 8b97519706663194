"""What cargo says of a working copy, told apart, and how its sources of crates are replaced."""

import tomllib

import pytest
from tests.system.crate_registry import INDEX

from manyloong.errors import BuildError, IntegrityError
from manyloong.wheels.cargo import Crate
from manyloong.wheels.cargo_check import CRATES, cargo_config, own_packages
from manyloong.wheels.cargo_words import check_error, known_fault, last_words, lockless_error

EDITION = """\
{"reason":"for programs"}
error: failed to get `answer` as a dependency of package `demo v1.0.0 (/build/src)`

Caused by:
  failed to load source for dependency `answer`

Caused by:
  unable to update registry `crates-io`

Caused by:
  failed to query replaced source registry `crates-io`

Caused by:
  failed to parse manifest at `/build/.crates/answer-1.0.5/Cargo.toml`

Caused by:
  failed to parse the `edition` key

Caused by:
  supported edition values are `2015`, `2018`, `2021`, or `2024`, but `2087` is unknown
"""
LOCK = "lock file version `9` was found, but this version of Cargo does not understand this lock file, perhaps Cargo needs to be updated?"  # noqa: E501
STALE = "error: the lock file /build/src/Cargo.lock needs to be updated but --locked was passed"
FALSE = "error: checksum for `answer v1.0.3` changed between lock files"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (last_words(EDITION, 101), BuildError, "newer Rust"),
        (LOCK, BuildError, "newer Rust"),
        (STALE, BuildError, "--relock"),
        ("error: no matching package named `other` found", BuildError, "--relock"),
        (FALSE, IntegrityError, "mirror"),
        ("  failed to verify the checksum of `answer v1.0.3`", IntegrityError, "mirror"),
        ("error: failed to parse manifest", BuildError, "look at Cargo.toml"),
    ],
)
def test_what_cargo_says_is_told_apart(said: str, kind: type[Exception], words: str) -> None:
    error = check_error("demo 1.0", said)
    assert type(error) is kind
    assert said in error.message
    assert words in (error.hint or "")


def test_a_registry_that_is_not_there_is_no_fault_of_the_project() -> None:
    assert known_fault("demo 1.0", "error: failed to download from `http://host.example/`") is None


def test_the_cause_of_causes_is_among_the_last_words() -> None:
    words = last_words(EDITION, 101)
    assert words.startswith("error: failed to get")
    assert words.endswith("`2087` is unknown")
    assert last_words("", 7) == "exit code 7"


def test_a_project_without_a_lock_is_told_what_is_missing() -> None:
    said = "error: no matching package named `answer` found"
    assert "has no Cargo.lock" in lockless_error("demo 1.0", said, relock=False).message
    assert "nothing there satisfies answer" in lockless_error("demo 1.0", said, relock=True).message
    featureless = (
        "package `nh3` depends on `pyo3` with feature `windows` but `pyo3` does not have that feature."
    )
    lacking = lockless_error("demo 1.0", featureless, relock=True)
    assert "pyo3 has no feature windows there" in lacking.message
    assert "patch" in (lacking.hint or "")
    newer = lockless_error("demo 1.0", last_words(EDITION, 101), relock=True)
    assert "newer Rust" in (newer.hint or "")


def crate(source: str) -> Crate:
    return Crate(name="answer", version="1.0.3", checksum="", source=source)


def test_the_folder_stands_for_the_registry_and_for_repositories() -> None:
    plain = "git+https://host.example/answer.git#0123456789"
    tagged = "git+https://host.example/other.git?tag=v1.0#0123456789"
    table = tomllib.loads(cargo_config([crate(INDEX), crate(plain), crate(tagged)], replaced=True))
    sources = table["source"]
    assert sources["crates-io"]["replace-with"] == "manyloong"
    assert sources["manyloong"]["directory"] == CRATES
    assert sources["git+https://host.example/answer.git"] == {
        "git": "https://host.example/answer.git",
        "replace-with": "manyloong",
    }
    assert sources["git+https://host.example/other.git?tag=v1.0"]["tag"] == "v1.0"
    assert table["net"]["offline"]


def test_a_project_that_brings_its_crates_is_left_its_own_sources() -> None:
    assert tomllib.loads(cargo_config([crate(INDEX)], replaced=False)) == {"net": {"offline": True}}


def test_packages_of_the_sources_are_those_without_a_source() -> None:
    log = 'warning: x\n{"packages":[{"name":"demo","source":null},{"name":"answer","source":"registry+x"}]}\n'
    assert own_packages(log) == ("demo",)
    assert own_packages("warning: x\n") == ()

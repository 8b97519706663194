"""Wheels made again from their records: the committed evidence, one of them again, and what is refused."""

import json
import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from evidence import rebuild as evidence
from tests.system.manyloong_cli import build, manyloong
from tests.system.test_killed import linked_cache

from manyloong.config.paths import cache_directory
from manyloong.record import parse_record, record_path

RELEASE = "markupsafe==3.0.4"


def test_evidence_is_not_stale() -> None:
    document = json.loads(evidence.RESULTS.read_text("utf-8"))
    assert document["digest"] == evidence.digest(), "inputs changed: python -m evidence.rebuild"
    listed = evidence.document()
    assert set(document["results"]) == set(listed["releases"])


def test_evidence_says_that_wheels_are_made_again() -> None:
    results = json.loads(evidence.RESULTS.read_text("utf-8"))["results"]
    assert all(seen["stabilised"] for seen in results.values())
    listed = evidence.document()
    strict = sum(seen["strict"] for seen in results.values())
    assert strict >= listed["least_strict"]
    assert all("umask 0027" in seen["conditions"] for seen in results.values())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel with its record, and provenance signed by ``key.pem`` beside it."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "key.pem").write_bytes(
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (seen,) = build(RELEASE, "--python", "cp313", "--no-test", output=folder)
    ran = manyloong("provenance", seen["wheel"], "--key", folder / "key.pem")
    assert ran.returncode == 0, ran.stderr
    return Path(seen["wheel"])


def flip(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


@pytest.mark.system
def test_a_wheel_is_made_again_byte_for_byte(built: Path, tmp_path: Path) -> None:
    ran = manyloong("rebuild", built, "--json", "--output", tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.json()["strict"]
    assert (tmp_path / built.name).read_bytes() == built.read_bytes()


@pytest.mark.system
@pytest.mark.parametrize("part", ["wheel", "record", "provenance"])
def test_a_flipped_byte_is_named_and_refused(built: Path, part: str, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built.parent, folder)
    wheel = folder / built.name
    key = folder / "key.pem"
    assert manyloong("verify", wheel, "--key", key).returncode == 0
    flipped = wheel if part == "wheel" else folder / f"{wheel.name}.{part}.json"
    flip(flipped)
    commands: list[tuple[str | Path, ...]] = [("verify", wheel, "--key", key)]
    commands += [] if part == "provenance" else [("rebuild", wheel, "--json")]
    for words in commands:
        ran = manyloong(*words)
        assert ran.returncode == 5, (words, ran.stderr)
        assert flipped.name in ran.stderr
        assert "Traceback" not in ran.stderr


@pytest.mark.system
def test_a_byte_flipped_in_a_cached_input_is_named_and_the_input_not_used(
    built: Path, tmp_path: Path
) -> None:
    record = parse_record(record_path(built).read_bytes(), where=built.name)
    variables = linked_cache(cache_directory(os.environ), tmp_path / "cache", "objects", "trees")
    inputs = {record.source.location: record.source.sha256}
    inputs |= {wheel.filename: wheel.sha256 for wheel in record.build_environment}
    assert len(inputs) > 1
    for name, sha256 in inputs.items():
        (kept,) = (tmp_path / "cache/objects/sha256" / sha256[:2]).glob(f"{sha256}-*")
        sound = kept.read_bytes()
        kept.unlink()  # the real cache has the same file
        kept.write_bytes(sound)
        flip(kept)
        ran = manyloong("rebuild", built, "--offline", variables=variables)
        assert ran.returncode == 4, ran.stderr  # it is fetched again, where one may
        assert f"{name} in the cache was damaged" in ran.stderr
        assert not kept.exists()
        kept.write_bytes(sound)
    ran = manyloong("rebuild", built, "--offline", "--json", variables=variables)
    assert ran.returncode == 0, ran.stderr
    assert ran.json()["strict"]

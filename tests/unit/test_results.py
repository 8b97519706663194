"""What is kept of a job: published with record and provenance; refused or made again when it was changed."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
from tests.unit.test_pipeline import SOURCE, TARGET
from tests.unit.test_rebuild import NAME, record

from manyloong.errors import FetchError, IntegrityError
from manyloong.events import Event
from manyloong.jobs import plan_jobs
from manyloong.provenance import provenance_path
from manyloong.record import WheelRecord, record_path
from manyloong.results import cached, made_before, publish, remember_made
from manyloong.store import Store
from manyloong.targets import all_pythons
from manyloong.wheels.doors import Doors
from manyloong.wheels.job import Options

WHEEL = b"PK the wheel"
RECORD = record(wheel=WheelRecord(filename=NAME, sha256=hashlib.sha256(WHEEL).hexdigest()))
(JOB,) = plan_jobs(SOURCE, all_pythons()[:1], TARGET, options=Options(), kit={})


@dataclass(kw_only=True)
class Kept:
    """The doors that are used here."""

    store: Store
    heard: list[Event] = field(default_factory=list)
    signer: Callable[[bytes], bytes] | None = None
    builder: str = ""

    def listener(self, event: Event) -> None:
        self.heard.append(event)


def published(folder: Path) -> tuple[Kept, Doors]:
    """A finished job in a new store."""
    kept = Kept(store=Store(folder / "cache"))
    doors = cast("Doors", kept)
    (folder / "made.whl").write_bytes(WHEEL)
    kept.store.add_file(folder / "made.whl")
    remember_made(RECORD, JOB, store=kept.store)
    publish(RECORD, JOB, folder / "made.whl", output=folder / "out", doors=doors)
    return kept, doors


def test_a_wheel_is_published_with_record_and_provenance(tmp_path: Path) -> None:
    _, doors = published(tmp_path)
    wheel = tmp_path / "out" / NAME
    assert wheel.read_bytes() == WHEEL
    statement = json.loads(provenance_path(wheel).read_bytes())
    assert statement["subject"] == [{"name": NAME, "digest": {"sha256": RECORD.wheel.sha256}}]
    (byproduct,) = statement["predicate"]["runDetails"]["byproducts"]
    assert byproduct["digest"]["sha256"] == hashlib.sha256(record_path(wheel).read_bytes()).hexdigest()
    again = cached(JOB, output=tmp_path / "again", doors=doors)
    assert again is not None
    assert again.path.read_bytes() == WHEEL


def test_a_byte_flipped_in_a_cached_wheel_is_named_and_the_wheel_not_used(tmp_path: Path) -> None:
    kept, doors = published(tmp_path)
    path = kept.store.object_path(RECORD.wheel.sha256)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(WHEEL[:-1] + b"!")
    assert cached(JOB, output=tmp_path / "again", doors=doors) is None
    assert NAME in str(kept.heard[0])
    assert "damaged" in str(kept.heard[0])
    assert made_before(JOB, tmp_path, doors=doors) is None
    assert not (tmp_path / "again").exists()


def test_a_byte_flipped_in_a_cached_record_is_refused(tmp_path: Path) -> None:
    kept, doors = published(tmp_path)
    for kind in ("job", "made"):
        (path,) = (tmp_path / "cache/results" / kind).iterdir()
        document = kept.store.get_json(kind, path.stem)
        assert document is not None
        changed = document["record"].replace("demo==1.0", "demo==1.1")
        kept.store.put_json(kind, path.stem, {"record": changed})  # even where the outer seal is made anew
    with pytest.raises(IntegrityError, match=r"the cached record of job .* was changed"):
        cached(JOB, output=tmp_path / "again", doors=doors)
    with pytest.raises(IntegrityError, match=r"the record of build .* was changed"):
        made_before(JOB, tmp_path, doors=doors)


def test_a_record_that_does_not_say_all_is_written_again(tmp_path: Path) -> None:
    kept, doors = published(tmp_path)
    old = replace(RECORD, options=None)
    publish(old, JOB, tmp_path / "made.whl", output=tmp_path / "out", doors=doors)
    assert cached(JOB, output=tmp_path / "again", doors=doors) is None
    assert made_before(JOB, tmp_path, doors=doors) is not None
    assert not kept.heard


def refuse(_: bytes) -> bytes:
    """A signer whose service is away."""
    message = "nobody signs"
    raise FetchError(message)


def test_where_nobody_can_sign_nothing_is_written_and_the_next_run_only_signs(tmp_path: Path) -> None:
    kept = Kept(store=Store(tmp_path / "cache"), signer=refuse)
    doors = cast("Doors", kept)
    (tmp_path / "made.whl").write_bytes(WHEEL)
    kept.store.add_file(tmp_path / "made.whl")
    with pytest.raises(FetchError, match="nobody signs"):
        publish(RECORD, JOB, tmp_path / "made.whl", output=tmp_path / "out", doors=doors)
    assert not (tmp_path / "out").exists()
    kept.signer = bytes.upper
    again = cached(JOB, output=tmp_path / "out", doors=doors)
    assert again is not None
    assert provenance_path(again.path).read_bytes().startswith(b'{"_TYPE"')

"""Every root and image that builds here use, again from nothing under changed conditions: equal bytes.

``make test-repro`` runs these, all in one go since they share parts; ``make test-repro REPRO="-k native"``
some of them. ``repro.json`` holds what was seen last; the smallest of them is built again by every run.
"""

import json
import os
from typing import Any

import pytest
from evidence import repro as evidence
from evidence.digests import deciding, decisive
from tests.repro.test_verify import manyloong

from manyloong.roots.floor import all_floors
from manyloong.targets import all_targets, host
from manyloong.wheels.image_parts import image_targets

HOST = host(os.uname().machine).debian
IMAGES = tuple(target.tag for target in image_targets())
NAMES = [name.replace("amd64", HOST) for name in evidence.names()]


@pytest.fixture(scope="module")
def seen(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """What one run of the verb says of those that are asked for."""
    asked = [item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")]
    done = manyloong("root", "verify", *(name for name in NAMES if name in asked), "--json")
    assert done.stdout, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)["roots"]}


@pytest.mark.repro
@pytest.mark.timeout(8 * 3600)
@pytest.mark.parametrize("name", NAMES)
def test_two_builds_are_identical(name: str, seen: dict[str, dict[str, Any]]) -> None:
    _check(name, seen[name])


def _check(name: str, seen: dict[str, Any]) -> None:
    assert seen["same"], "\n".join(seen["differences"])
    assert "umask 0027" in seen["conditions"]
    assert bool(seen["manifest"]) is (name in IMAGES)


def test_what_has_a_result_is_no_longer_pending() -> None:
    assert set(evidence.results()) == set(evidence.names()) - set(evidence.pending())


@pytest.mark.parametrize("name", [name for name in evidence.names() if name not in evidence.pending()])
def test_the_last_run_is_about_these_inputs(name: str) -> None:
    found = evidence.results()[name]
    assert found["digest"] == evidence.digest(name), f"inputs changed: python -m evidence.repro {name}"
    _check(name, found["seen"])


def test_every_kind_of_root_and_an_image_of_each_c_library_are_listed() -> None:
    listed = set(NAMES)
    assert {f"native-{HOST}", "target-loong64"} <= listed
    targets = all_targets()
    assert {one.libc for one in targets if one.floor_root in listed} == {one.libc for one in targets}
    imaged = {one.libc for one in image_targets()}
    assert {one.libc for one in targets if one.tag in listed} == imaged
    assert {name for name in NAMES if name.startswith(("floor-", "musl-"))} <= {
        one.name for one in all_floors()
    }


def test_words_for_people_make_no_proof_stale() -> None:
    port = b'name = "zlib"\nknown_by = ["zlib.h"]\n'
    lock = b'recipe = 1\ntree = "ab"\nspec = "cd"\n  { name = "make", size = 7, licence = "MIT" },\n'
    assert decisive(port) == b'name = "zlib"\n'
    assert deciding(lock) == b'recipe = 1\n  { name = "make", size = 7 },\n'

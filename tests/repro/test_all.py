"""Every root and image that builds here use, twice from nothing under changed conditions: equal bytes.

``make test-repro`` runs these; ``make test-repro REPRO="-k native"`` some of them.
"""

import json
import os

import pytest
from tests.repro.test_verify import manyloong

from manyloong.roots.floor import all_floors
from manyloong.targets import all_targets, host
from manyloong.wheels.image_parts import image_targets

HOST = host(os.uname().machine).debian
LOCKED = (f"native-{HOST}", "target-loong64")
FROM_SOURCE = tuple(sorted({target.floor_root for target in all_targets() if target.floor_root}))
IMAGES = tuple(target.tag for target in image_targets())


@pytest.mark.repro
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("name", [*LOCKED, *FROM_SOURCE, *IMAGES])
def test_two_builds_from_nothing_are_identical(name: str) -> None:
    done = manyloong("root", "verify", name, "--json")
    assert done.stdout, done.stderr
    (seen,) = json.loads(done.stdout)["roots"]
    assert seen["same"], "\n".join(seen["differences"])
    assert "umask 0027" in seen["conditions"]
    assert bool(seen["manifest"]) is (name in IMAGES)


@pytest.mark.repro
def test_roots_from_source_are_roots_that_exist() -> None:
    assert set(FROM_SOURCE) <= {floor.name for floor in all_floors()}
    assert len(IMAGES) >= 1

"""The roots of this machine have the very bytes that the evidence saw, wherever that was made."""

import os
from pathlib import Path

import pytest
from evidence import repro as evidence
from tests.system.manyloong_cli import manyloong

from manyloong.cli.changed import EPOCH
from manyloong.roots.compare import tree_digests
from manyloong.roots.floor import is_floor
from manyloong.roots.lock import has_lock

SEEN = {name: row["seen"] for name, row in evidence.results().items() if has_lock(name) or is_floor(name)}
pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(3000),  # a floor root is built from source here, where it is not in the cache
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the evidence is about roots built on x86_64"),
]


@pytest.mark.parametrize("name", SEEN)
def test_a_root_is_what_it_was_elsewhere(name: str) -> None:
    ran = manyloong("root", "build", name, "--locked", "--json")
    assert ran.returncode == 0, ran.stderr
    (root,) = ran.json()["roots"]
    digests = tree_digests(Path(root["path"]), epoch=EPOCH)
    assert (digests.tree, digests.tar) == (SEEN[name]["tree"], SEEN[name]["tar"])

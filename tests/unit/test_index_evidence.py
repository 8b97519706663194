"""The proof of pip on loongarch64 belongs to the inputs that are in the tree, and says what is claimed."""

import json
import tomllib

from evidence.index_clients import LIST, RESULTS, inputs


def test_the_proof_is_of_todays_inputs() -> None:
    document = json.loads(RESULTS.read_text("utf-8"))
    assert document["inputs"] == inputs(), f"stale: {document['command']}"


def test_pip_took_our_wheels_and_found_the_rest_upstream() -> None:
    entry = tomllib.loads(LIST.read_text("utf-8"))
    results = json.loads(RESULTS.read_text("utf-8"))["results"]
    ours = {item["name"]: item["ours"] for item in results["installed"]}
    assert {name for name, own in ours.items() if own} == {
        release.partition("==")[0] for release in entry["releases"]
    }
    assert "python-dateutil" in {name for name, own in ours.items() if not own}
    assert tuple(int(part) for part in results["pip"].split(".")[:2]) >= (24, 1)
    assert results["printed"] == dict.fromkeys(entry["cpus"], entry["prints"])

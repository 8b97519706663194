"""The committed builds by projects' own tables are about today's recipes and rules, and went well."""

from evidence import linked, tables

from manyloong.roots.ports import all_ports
from manyloong.wheels.recipes import choose_recipe, read_recipes


def test_it_is_not_stale() -> None:
    entries, found = linked.packages(tables.LIST), linked.results(tables.RESULTS)
    assert set(found) == set(entries), "make it again: python -m evidence.tables"
    for name, entry in entries.items():
        assert found[name]["inputs"] == tables.digest(name, entry), f"python -m evidence.tables {name}"


def test_each_was_tested_as_its_table_says_on_both_cpus() -> None:
    for name, result in linked.results(tables.RESULTS).items():
        assert result["accepted"], name
        assert {report["cpu"] for report in result["tests"]} >= {"la464", "la464,lasx=off"}, name
        assert {report["outcome"] for report in result["tests"]} == {"passed"}, name
        assert any(result["commands"]), name
        for note in result["notes"]:
            assert ", " in note, note  # an option, and why


def test_an_entry_with_a_recipe_of_its_own_is_another_proof_of_that_release() -> None:
    entries = {name: entry for name, entry in linked.packages().items() if "recipe" in entry}
    assert set(entries) >= {"numpy-openblas", "numpy-openblas64"}
    asked = {}
    for name, entry in entries.items():
        (own,) = read_recipes(linked.own_recipes(entry))
        assert own.name == linked.project(entry) != name
        assert own.digest != choose_recipe(own.name, None, ()).digest, name
        assert set(own.ports) <= set(all_ports()), name
        asked[name] = linked.digest(entry)
    assert len(set(asked.values())) == len(asked)

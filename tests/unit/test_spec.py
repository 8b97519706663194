"""The specification: shown, explained, compared, and the guard made from it."""

import importlib.util
import itertools
import json
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from manyloong.cli import app as application
from manyloong.errors import InputError, NotFoundError, VerdictError
from manyloong.spec import check_tag, compare, guard_text, install_guard, installed_policies, to_json
from manyloong.targets import abi, all_rules, judged_targets, policy

RUN = CliRunner()


def test_every_value_has_a_source() -> None:
    for one in to_json()["architectures"]["loongarch64"]["statements"].values():
        assert one["source"]
    for row in judged_targets():
        rules = policy(row)
        assert rules.source
        assert rules.library_source
        assert all(family.source for family in rules.families)
    assert all(one.source and one.why and one.fix for one in all_rules())


def test_floors_run_without_a_gap() -> None:
    floors = sorted(row.floor for row in judged_targets() if row.family == "manylinux")
    assert floors == [(2, minor) for minor in range(36, 44)]


def test_caps_never_fall_from_one_floor_to_the_next() -> None:
    rows = sorted((row for row in judged_targets() if row.family == "manylinux"), key=lambda row: row.floor)
    for older, newer in itertools.pairwise(rows):
        for family in policy(older).families:
            later = policy(newer).family(family.name)
            assert later is not None
            assert later.cap >= family.cap


@pytest.mark.parametrize(
    ("tag", "rule"),
    [
        ("manylinux_2_28_loongarch64", "ML020"),
        ("manylinux_2_35_loongarch64", "ML020"),
        ("musllinux_1_1_loongarch64", "ML020"),
        ("manylinux2014_loongarch64", "ML021"),
        ("manylinux1_loongarch64", "ML021"),
        ("linux_loongarch64", "ML022"),
        ("manylinux_2_36_x86_64", "ML025"),
        ("manylinux_3_1_loongarch64", "ML025"),
        ("macosx_loongarch64", "ML025"),
        ("", "ML025"),
    ],
)
def test_tags_that_are_refused(tag: str, rule: str) -> None:
    found = check_tag(tag)
    assert (found.accepted, found.rule) == (False, rule)
    assert found.reason


@pytest.mark.parametrize("tag", [*(row.tag for row in judged_targets()), "manylinux_2_50_loongarch64"])
def test_tags_that_are_accepted(tag: str) -> None:
    assert check_tag(tag).accepted


def test_check_tag_verb_exits_with_the_verdict() -> None:
    result = RUN.invoke(application.app, ["spec", "check-tag", "manylinux_2_28_loongarch64"])
    assert result.exit_code == VerdictError.exit_code
    assert "glibc 2.36 is the first release" in result.stdout
    assert RUN.invoke(application.app, ["spec", "check-tag", "manylinux_2_36_loongarch64"]).exit_code == 0


def test_show_has_every_tag_and_json_is_whole() -> None:
    text = RUN.invoke(application.app, ["spec", "show"]).stdout
    document = json.loads(RUN.invoke(application.app, ["spec", "show", "--json"]).stdout)
    for row in judged_targets():
        assert row.tag in text
        assert row.tag in document["platforms"]


def test_explain() -> None:
    text = RUN.invoke(application.app, ["spec", "explain", "ml050"]).stdout
    assert "1dbf2bef79" in text
    listed = RUN.invoke(application.app, ["spec", "explain"]).stdout
    assert all(one.id in listed for one in all_rules())
    wrong = RUN.invoke(application.app, ["spec", "explain", "ML999"])
    assert isinstance(wrong.exception, NotFoundError)


def test_every_difference_from_auditwheel_has_a_reason() -> None:
    _, theirs = installed_policies()
    found = compare(theirs)
    assert {one.what for one in found} >= {"GLIBC_2.0", "libmvec.so.1", "libnsl.so.1", "policy"}
    assert all(one.why for one in found)


def test_caps_agree_with_auditwheel_where_it_has_a_policy() -> None:
    _, theirs = installed_policies()
    assert not [one for one in compare(theirs) if one.what.endswith("cap")]


def test_masks_do_not_overlap_between_classes_of_different_kind() -> None:
    """Each word that two classes claim is settled by order; only the nested ones may be claimed twice."""
    nested = {("lsx", "v1_1"), ("lasx", "v1_1"), ("privileged", "lvz")}
    classes = abi("loongarch64").isa
    for number, first in enumerate(classes):
        for second in classes[number + 1 :]:
            shared = any(
                (a_match ^ b_match) & a_mask & b_mask == 0
                for a_mask, a_match in first.masks
                for b_mask, b_match in second.masks
            )
            assert not shared or (first.name, second.name) in nested, (first.name, second.name)


def guard() -> types.ModuleType:
    spec = importlib.util.spec_from_loader("guard", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    exec(guard_text(), module.__dict__)  # noqa: S102 - our own text
    return module


@pytest.mark.parametrize(
    ("major", "minor", "arch", "answer"),
    [
        (2, 17, "loongarch64", False),
        (2, 35, "loongarch64", False),
        (2, 36, "loongarch64", None),
        (2, 43, "loongarch64", None),
        (2, 17, "x86_64", None),
    ],
)
def test_guard_answers(major: int, minor: int, arch: str, *, answer: bool | None) -> None:
    assert guard().manylinux_compatible(major, minor, arch) is answer


def test_guard_is_installed_over_itself_and_nothing_else(tmp_path: Path) -> None:
    path = install_guard(tmp_path)
    assert install_guard(tmp_path) == path
    path.write_text("manylinux_compatible = None\n")
    with pytest.raises(InputError):
        install_guard(tmp_path)
    with pytest.raises(InputError):
        install_guard(tmp_path / "missing")


def test_corpus_verb_writes_every_sample(tmp_path: Path) -> None:
    assert RUN.invoke(application.app, ["spec", "corpus", str(tmp_path)]).exit_code == 0
    for one in all_rules():
        assert list((tmp_path / one.id / "bad").iterdir())
        assert list((tmp_path / one.id / "good").iterdir())

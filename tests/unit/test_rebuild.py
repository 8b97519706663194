"""A record gives its wheel again or a refusal: what is compared, and what is refused."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.audit import Verdict
from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.rebuild import check_inputs, check_kit, read_wanted_record
from manyloong.record import (
    BuildRecord,
    CrateRecord,
    OptionsRecord,
    SourceRecord,
    WheelRecord,
    format_record,
    record_path,
)
from manyloong.store import Store, seal_holds, seal_of, seal_text
from manyloong.store.normalise import normalise_modes
from manyloong.wheels.compare import compare_wheels
from manyloong.wheels.hooks import Hooks
from manyloong.wheels.recipes import Patch, Recipe

NAME = "demo-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"


def record(**changes: object) -> BuildRecord:
    made = BuildRecord(
        manyloong="0.1.0",
        job="b" * 64,
        identifier="cp313-manylinux_loongarch64",
        platform="manylinux_2_36_loongarch64",
        lane="cross",
        host="x86_64",
        source=SourceRecord(kind="index", location="demo==1.0", name="demo", version="1.0", sha256="a" * 64),
        kit={"native-amd64": "c" * 64, "toolchain": "d" * 64},
        lock_drift=(),
        requirements=("setuptools",),
        build_environment=(),
        variables={},
        commands=(),
        dropped_flags=(),
        translated_flags=(),
        grafted=(),
        stages=(),
        warnings=(),
        accepted=True,
        verdict=Verdict(path="demo.whl", target="manylinux_2_36_loongarch64", findings=()),
        tests=(),
        wheel=WheelRecord(filename=NAME, sha256="e" * 64),
        options=OptionsRecord(
            config_settings={"a": ("b", "c"), "d": "e"},
            environment={},
            sources={},
            hooks=Hooks(before_all="make x", environment=(("A", "$(b)"),)),
            recipe=Recipe(
                config_settings=(("a", ("b", "c")), ("d", "e")),
                patches=(Patch(name="p", status="Submitted", text="--- a"),),
            ),
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def wheel(
    path: Path, members: dict[str, bytes], *, level: int = 6, year: int = 1980, mode: int = 0o100644
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=level)
    return path


MEMBERS = {"demo/__init__.py": b"x = 1\n" * 500, "demo-1.0.dist-info/RECORD": b"a,sha256=1,1\nb,sha256=2,2\n"}


def test_equal_files_are_strictly_equal(tmp_path: Path) -> None:
    seen = compare_wheels(wheel(tmp_path / "a.whl", MEMBERS), wheel(tmp_path / "b.whl", MEMBERS))
    assert (seen.strict, seen.stabilised, seen.differences) == (True, True, ())


def test_order_times_and_compression_do_not_count_when_stabilised(tmp_path: Path) -> None:
    turned = dict(reversed(MEMBERS.items())) | {"demo-1.0.dist-info/RECORD": b"b,sha256=2,2\na,sha256=1,1\n"}
    first = wheel(tmp_path / "a.whl", MEMBERS)
    seen = compare_wheels(first, wheel(tmp_path / "b.whl", turned, level=1, year=2001))
    assert (seen.strict, seen.stabilised) == (False, True)
    assert seen.ignored == ("order of members", "times of members", "compression")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"demo/__init__.py": b"x = 2\n" * 500}, "demo/__init__.py: differs from byte 4 on"),
        ({"demo/more.py": b""}, "demo/more.py: only in the second"),
    ],
)
def test_contents_and_names_count(tmp_path: Path, changes: dict[str, bytes], said: str) -> None:
    seen = compare_wheels(
        wheel(tmp_path / "a.whl", MEMBERS), wheel(tmp_path / "b.whl", {**MEMBERS, **changes})
    )
    assert not seen.stabilised
    assert seen.differences[0].startswith(said)


def test_modes_count(tmp_path: Path) -> None:
    first = wheel(tmp_path / "a.whl", MEMBERS)
    seen = compare_wheels(first, wheel(tmp_path / "b.whl", MEMBERS, mode=0o100640))
    assert seen.differences[0] == "demo-1.0.dist-info/RECORD: mode 100644 and 100640"


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"PK\x03\x04")
    with pytest.raises(IntegrityError, match=r"broken\.whl is no sound wheel"):
        compare_wheels(wheel(tmp_path / "a.whl", MEMBERS), broken)


def test_each_byte_of_a_record_is_sealed(tmp_path: Path) -> None:
    data = format_record(record())
    assert seal_holds(data)
    path = tmp_path / (NAME + ".record.json")
    for at in range(0, len(data), 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(IntegrityError, match=NAME):
            read_wanted_record(path)


def test_a_seal_is_of_the_outermost_object_only() -> None:
    data = seal_text({"a": {"seal": "0" * 64}, "b": 'x"seal": "1"'})
    assert seal_holds(data)
    assert seal_of(data) not in {"0" * 64, ""}
    assert seal_of(b'{"a": 1}') is None


def test_a_record_without_options_cannot_be_built_from(tmp_path: Path) -> None:
    path = tmp_path / "old.record.json"
    path.write_bytes(format_record(record(options=None)))
    with pytest.raises(InputError, match="does not say all that a build needs"):
        read_wanted_record(path)
    with pytest.raises(NotFoundError, match="no build record"):
        read_wanted_record(tmp_path / NAME)


def test_a_wheel_and_its_record_are_found_from_each_other(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"")
    record_path(path).write_bytes(format_record(record()))
    assert read_wanted_record(path) == (record(), path)
    assert read_wanted_record(record_path(path)) == (record(), path)


def test_another_toolchain_is_named() -> None:
    check_kit(record(), dict(record().kit), "")
    with pytest.raises(IntegrityError, match=r"toolchain: the record has d{16}, here is f{16}") as caught:
        check_kit(record(), {"native-amd64": "c" * 64, "toolchain": "f" * 64}, "")
    assert caught.value.hint
    with pytest.raises(IntegrityError, match="python: the record has none"):
        check_kit(record(), dict(record().kit), "9" * 64)


def test_other_requirements_are_named() -> None:
    with pytest.raises(IntegrityError, match="cython"):
        check_inputs(record(), record(requirements=("cython", "setuptools")))
    check_inputs(record(), record(requirements=()))  # it may ask less: all is there
    crate = CrateRecord(name="syn", version="2.0.1", sha256="9" * 64, origin="store")
    with pytest.raises(IntegrityError, match=r"crates than the record's: syn 2\.0\.1"):
        check_inputs(record(), record(crates=(crate,)))


def nothing(tree: Path) -> None:
    del tree


def test_a_store_reads_what_lies_below_it(tmp_path: Path) -> None:
    below = Store(tmp_path / "below")
    sha256 = below.add_bytes(b"x")
    below.put_json("text", "k", 1)
    below.put_json("made", "k", 1)
    tree = below.tree("root", "k", nothing)
    below.tree("environment", "k", nothing)
    store = Store(tmp_path / "own", below=below, own=frozenset({"environment", "made"}))
    assert store.object_path(sha256) == below.object_path(sha256)
    assert store.tree_path("root", "k") == tree
    assert store.tree_path("environment", "k") is None
    assert (store.get_json("text", "k"), store.get_json("made", "k")) == (1, None)
    store.put_json("text", "k", 2)
    assert (store.get_json("text", "k"), below.get_json("text", "k")) == (2, 1)


def test_modes_do_not_depend_on_who_unpacks(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    program, text = tmp_path / "folder" / "program", tmp_path / "text"
    program.touch(mode=0o700)
    text.touch(mode=0o600)
    normalise_modes(tmp_path)
    assert [oct(path.stat().st_mode & 0o7777) for path in (tmp_path / "folder", program, text)] == [
        "0o755",
        "0o755",
        "0o644",
    ]

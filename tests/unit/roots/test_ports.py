"""Ports: their files, their order, their scripts and keys; nothing is built here."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from manyloong.errors import BuildError, InputError, NotFoundError
from manyloong.roots.ports import Port, all_ports, find_port, shipped_ports
from manyloong.roots.ports.build import judge_check
from manyloong.roots.ports.ensure import port_keys
from manyloong.roots.ports.finish import PREFIX_LINE, finish_port, relocatable
from manyloong.roots.ports.libraries import Library, faults
from manyloong.roots.ports.load import KEYS, parse_port
from manyloong.roots.ports.offers import near_ports
from manyloong.roots.ports.order import checked_set, in_order
from manyloong.roots.ports.script import build_script, check_script, quoted, variables
from manyloong.roots.ports.upkeep import standings, upstream_version
from manyloong.sandbox import Done
from manyloong.targets import host, target
from manyloong.wheels.recipes import shipped_recipe

TARGET = target("manylinux_2_36_loongarch64")
DOCUMENT: dict[str, Any] = {
    "summary": "A library",
    "version": "1.2",
    "licence": "MIT",
    "system": "autotools",
    "sonames": ["libdemo.so.1"],
    "source": {"path": "pool/demo.tar.gz", "sha256": "0" * 64, "size_bytes": 10},
}
EXTRA = DOCUMENT["source"] | {"name": "more", "version": "1", "licence": "MIT"}


def make_port(name: str = "demo", **changes: object) -> Port:
    return parse_port(DOCUMENT | {"sonames": [f"lib{name}.so.1"]} | changes, name=name, where=f"{name}.toml")


# ---- the shipped ones


def test_shipped_ports_are_a_whole() -> None:
    ports = all_ports()
    stdlib = {"zlib", "bzip2", "xz", "libffi", "openssl", "sqlite", "ncurses", "readline", "expat"}
    assert stdlib <= set(ports)
    for port in ports.values():
        programs = [name for name in port.keep if name.startswith("bin/")]
        assert port.sonames or port.pkg_config or programs, port.name
        assert re.fullmatch(r"[\w.+-]+( (AND|OR|WITH) [\w.+-]+)*", port.licence), port.licence
        assert port.source.path.startswith("pool/main/"), port.name
        assert port.source.date, port.name


def test_recipes_that_say_a_port_s_version_say_today_s() -> None:
    variables = dict(shipped_recipe("h5py").environment)
    assert variables["HDF5_VERSION"] == shipped_ports()["hdf5"].version


def test_every_patch_in_the_folder_is_used() -> None:
    folder = files("manyloong").joinpath("ports", "patches")
    used = {patch.name for port in shipped_ports().values() for patch in port.patches}
    assert {entry.name for entry in folder.iterdir()} == used


def test_every_key_is_in_the_how_to() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/write-a-port.md").read_text("utf-8")
    assert not [key for key in KEYS if f"`{key}`" not in page]


def test_the_example_of_the_how_to_is_a_port() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/write-a-port.md").read_text("utf-8")
    found = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    document = tomllib.loads(found[1].replace("eeee...", "e" * 64))
    shipped = shipped_ports()["zstd"]
    port = parse_port(document, name="zstd", where="the how-to")
    assert (port.version, port.sonames, port.subdirectory) == (
        shipped.version,
        shipped.sonames,
        shipped.subdirectory,
    )
    assert len(found[1].strip().splitlines()) <= 10


# ---- bad input


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"sonamse": []}, "unknown key 'sonamse'", "did you mean 'sonames'?"),
        ({"system": "cmaek"}, "unknown system 'cmaek'", "did you mean 'cmake'?"),
        ({"system": "custom"}, "custom system", None),
        ({"steps": ["make"]}, "custom system", None),
        ({"version": 3}, "version is not a string", None),
        ({"version": None}, "version is missing", None),
        ({"options": "--fast"}, "options is not a list of strings", None),
        ({"source": "x.tar"}, "source is not a table", None),
        ({"source": {"path": "x", "sha256": "12", "size_bytes": 1}}, "sha256", None),
        ({"environment": {"A": 1}}, "environment: A is not a string", None),
        ({"check": {"steps": ["make check"], "expect": "("}}, "not a regular expression", None),
        ({"check": {"steps": [], "expect": "ok"}}, "may not be empty", None),
        ({"check": {"steps": ["x"], "expects": "ok"}}, "unknown key 'expects'", "did you mean 'expect'?"),
        ({"patches": ["gone.patch"]}, "there is no patch patches/gone.patch", None),
        ({"extra": {}}, "extra is not a list of tables", None),
        ({"extra": [EXTRA | {"name": "src"}]}, "'src' is no name for a folder beside the sources", None),
        ({"extra": [EXTRA, EXTRA]}, "'more' is no name for a folder beside the sources", None),
    ],
)
def test_a_faulty_file_is_named_with_its_key(changes: dict[str, Any], said: str, hint: str | None) -> None:
    document = {key: value for key, value in (DOCUMENT | changes).items() if value is not None}
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        parse_port(document, name="demo", where="demo.toml")
    assert caught.value.message.startswith("demo.toml")
    assert hint is None or caught.value.hint == hint


def test_a_patch_says_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.patch").write_text("--- a/x\n+++ b/x\n", "utf-8")
    with pytest.raises(InputError, match="no line 'Upstream-Status:'"):
        parse_port(DOCUMENT | {"patches": ["a.patch"]}, name="demo", where="demo.toml", patches=tmp_path)
    (tmp_path / "a.patch").write_text("Why.\n\nUpstream-Status: Pending\n\n--- a/x\n+++ b/x\n", "utf-8")
    port = parse_port(DOCUMENT | {"patches": ["a.patch"]}, name="demo", where="demo.toml", patches=tmp_path)
    assert [patch.status for patch in port.patches] == ["Pending"]


def test_a_folder_of_the_users_wins_and_is_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder with ports"):
        all_ports([tmp_path / "none"])
    with pytest.raises(InputError, match="holds no port"):
        all_ports([tmp_path])
    text = (
        'summary = "s"\nversion = "9"\nlicence = "MIT"\nsystem = "make"\nsonames = ["libz.so.1"]\n'
        f'source = {{ path = "pool/z.tar", sha256 = "{"1" * 64}", size_bytes = 1 }}\n'
    )
    (tmp_path / "zlib.toml").write_text(text, "utf-8")
    assert all_ports([tmp_path])["zlib"].version == "9"
    (tmp_path / "other.toml").write_text(text, "utf-8")
    with pytest.raises(InputError, match=re.escape("two ports provide libz.so.1: other and zlib")):
        all_ports([tmp_path])
    (tmp_path / "other.toml").write_text("summary = ", "utf-8")
    with pytest.raises(InputError, match=re.escape("other.toml is not valid TOML")):
        all_ports([tmp_path])


def test_a_port_that_is_not_there_says_who_asked_and_what_is_near() -> None:
    with pytest.raises(NotFoundError) as caught:
        find_port("libfi", all_ports(), asked_by="cffi 2.0")
    assert caught.value.message == "no port 'libfi', which cffi 2.0 asks for"
    assert "libffi" in (caught.value.hint or "")
    with pytest.raises(NotFoundError, match="which the port a asks for"):
        checked_set({"a": make_port("a", depends=["zlob"])})


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("libssl", "openssl"),
        ("jpeg", "libjpeg-turbo"),
        ("z", "zlib"),
        ("postgresql", "libpq"),
        ("mysql", "mariadb-connector-c"),
        ("webpmux", "libwebp"),
        ("opnessl", "openssl"),
    ],
)
def test_the_first_near_name_is_what_was_meant(name: str, port: str) -> None:
    assert near_ports(name, all_ports())[0] == port


def test_a_name_that_is_like_nothing_has_no_near_ones() -> None:
    assert near_ports("qqqqqqqq", all_ports()) == ()


# ---- order and keys


def test_dependencies_come_first_and_circles_are_named() -> None:
    needs: dict[str, list[str]] = {"a": ["c", "b"], "b": ["c"], "c": []}
    ports = {name: make_port(name, depends=wanted) for name, wanted in needs.items()}
    assert [port.name for port in in_order(["a"], ports)] == ["c", "b", "a"]
    ports["c"] = make_port("c", depends=["a"])
    with pytest.raises(InputError, match="in a circle: a -> b -> c -> a"):
        checked_set(ports)


def keys(**changes: object) -> dict[str, str]:
    ports = {"a": make_port("a", **changes), "b": make_port("b", depends=["a"]), "c": make_port("c")}
    return port_keys(in_order(ports, ports), compiler="one", target=TARGET.tag)


def test_a_changed_port_changes_the_keys_of_what_depends_on_it_alone() -> None:
    before, after = keys(), keys(options=["--other"])
    assert {name for name in before if before[name] != after[name]} == {"a", "b"}


@pytest.mark.parametrize(
    "changes",
    [{"summary": "Other words"}, {"debian": "a9"}, {"external": ["generic/x"]}, {"known_by": ["x.h"]}],
)
def test_words_for_people_change_no_key(changes: dict[str, Any]) -> None:
    assert keys(**changes) == keys()


def test_the_compiler_and_the_floor_are_in_the_key() -> None:
    port = make_port()
    found = {
        port_keys([port], compiler=compiler, target=tag)["demo"]
        for compiler, tag in (("1", "manylinux_2_36"), ("2", "manylinux_2_36"), ("1", "manylinux_2_38"))
    }
    assert len(found) == 3


# ---- what differs by the C library


VARIANT = {"options": ["--two"], "before": ["second"], "environment": {"A": "b", "C": "d"}}


def test_a_variant_comes_after_what_is_the_same_everywhere() -> None:
    port = make_port(options=["--one"], before=["first"], environment={"A": "a"}, libc={"musl": VARIANT})
    on_musl = port.on("musl")
    assert (on_musl.options, on_musl.before) == (("--one", "--two"), ("first", "second"))
    assert on_musl.environment == (("A", "b"), ("C", "d"))
    assert on_musl.variants == ()


def test_a_variant_changes_nothing_elsewhere() -> None:
    port, plain = make_port(libc={"musl": VARIANT}), make_port()
    assert port.on("glibc") == plain
    assert port.document() == plain.document()
    assert port.on("musl").document() != plain.document()


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"muzl": VARIANT}, "unknown key 'muzl'"),
        ({"musl": {"sonames": []}}, "libc.musl: unknown key 'sonames'"),
        ({"musl": []}, "musl is not a table"),
        ({"musl": {"environment": {"A-B": "1"}}}, "libc.musl: environment"),
    ],
)
def test_a_variant_that_cannot_be(table: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        make_port(libc=table)


# ---- scripts


def test_options_are_one_word_each_with_variables_in_them() -> None:
    assert quoted('--with=$PREFIX/a "b" `c`') == '"--with=$PREFIX/a \\"b\\" \\`c\\`"'


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("autotools", ["--host=", "--disable-static", '"--x=1"', "make install"]),
        (
            "cmake",
            ["-DCMAKE_TOOLCHAIN_FILE=/opt/manyloong/target/", '"--x=1"', "obj install"],
        ),
        ("meson", ["--cross-file /opt/manyloong/target/meson/cross.ini", '"--x=1"']),
        ("make", ['make "--x=1"', "make install"]),
    ],
)
def test_each_system_configures_builds_and_installs(system: str, words: list[str]) -> None:
    text = build_script(make_port(system=system, options=["--x=1"], before=["first"], after=["last"]))
    places = [text.index("first"), *(text.index(word) for word in words[:1]), text.index("last")]
    assert places == sorted(places)
    assert all(word in text for word in words)
    assert text.startswith("set -eux\n")


def test_the_environment_names_nothing_of_the_host() -> None:
    found = variables(target=TARGET, host=host("x86_64"), epoch=5, jobs=2)
    assert found["SOURCE_DATE_EPOCH"] == "5"
    assert (found["HOST"], found["BUILD"]) == ("loongarch64-linux-gnu", "x86_64-linux-gnu")
    assert found["PATH"].endswith("/opt/manyloong/ports/bin:/usr/bin:/bin")


@pytest.mark.parametrize("system", ["autotools", "make"])
def test_a_port_s_variables_reach_make_too(system: str) -> None:
    port = make_port(system=system, environment={"SHLIB_LIBS": "-L$PREFIX/lib -lx"})
    text = build_script(port)
    assert 'export SHLIB_LIBS="-L$PREFIX/lib -lx"\n' in text
    assert text.count('"SHLIB_LIBS=$SHLIB_LIBS"') == 2  # of make, and of make install
    assert "export" not in build_script(make_port(system=system))


def test_a_variable_has_a_name_for_the_shell() -> None:
    with pytest.raises(InputError, match=re.escape("environment: not the name of a variable: 'A-B'")):
        make_port(environment={"A-B": "1"})


def test_checks_run_where_the_objects_are() -> None:
    check = {"steps": ["ctest"], "expect": "passed"}
    assert "cd /build/obj\nctest" in check_script(make_port(system="cmake", check=check))
    assert check_script(make_port()) == ""


@pytest.mark.parametrize(
    ("text", "code", "passed", "count"),
    [
        ("# PASS: 3\n# PASS: 4\n", 0, True, 7),
        ("# PASS: 3\n", 1, False, 3),
        ("nothing ran\n", 0, False, None),
    ],
)
def test_a_run_of_nothing_is_no_success(
    tmp_path: Path, *, text: str, code: int, passed: bool, count: int | None
) -> None:
    log = tmp_path / "log"
    log.write_text(text, "utf-8")
    done = Done(returncode=code, seconds=1.0, outcome="exited", peak_memory_bytes=0, log=log)
    report = judge_check(make_port(check={"steps": ["x"], "expect": r"^# PASS: (\d+)"}), done)
    assert (report.passed, report.tests) == (passed, count)
    assert bool(report.reason) != passed


# ---- what was installed


def library(**changes: object) -> Library:
    known: dict[str, Any] = {
        "path": "lib/libdemo.so.1",
        "machine": TARGET.architecture.elf_machine,
        "flags": TARGET.architecture.e_flags,
        "alignment": TARGET.architecture.page_align_build,
        "soname": "libdemo.so.1",
        "needed": ("libc.so.6",),
        "search": (),
    }
    return Library(**(known | changes))


LIBC = library(soname="libc.so.6", offered=frozenset({"puts"}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"machine": 62}, "is not for loongarch64"),
        ({"flags": 0x41}, "e_flags 0x41"),
        ({"alignment": 0x4000}, "is aligned to 0x4000, not 0x10000"),
        ({"needed": ("libother.so.2",)}, "needs libother.so.2, which no dependency provides"),
        ({"wanted": frozenset({"puts", "getcontext"})}, "libdemo.so.1 calls what no library has: getcontext"),
        ({"wanted": frozenset("abcdefg")}, "has: a, b, c, d, e and 2 more"),
        ({"search": ("/opt/x",)}, "searches for libraries in /opt/x"),
        ({"soname": "libdemo.so.2"}, "libdemo.so.2 was built, and is not in its file"),
        ({"path": "lib/plugins/x.so", "soname": ""}, "libdemo.so.1 is in its file, and was not built"),
    ],
)
def test_a_library_that_is_not_as_its_file_says(changes: dict[str, Any], said: str) -> None:
    found = faults([library(**changes)], port=make_port(), target=TARGET, known=[], system=[LIBC])
    assert any(said in line for line in found)


def test_a_right_library_has_no_faults() -> None:
    wanted = frozenset({"puts", "inflate"})
    needs = library(needed=("libc.so.6", "libz.so.1"), wanted=wanted)
    zlib = library(soname="libz.so.1", offered=frozenset({"inflate"}))
    assert faults([needs], port=make_port(), target=TARGET, known=[zlib], system=[LIBC]) == ()


def test_a_dependency_that_is_there_and_not_linked_is_named() -> None:
    zlib = library(soname="libz.so.1", offered=frozenset({"inflate", "deflate"}))
    wanted = frozenset({"puts", "deflate", "inflate"})
    for needed, said in (
        (("libc.so.6",), ("lib/libdemo.so.1 calls deflate, inflate, and is not linked with libz.so.1",)),
        (("libc.so.6", "libpng.so.1"), ()),  # which needs it
    ):
        png = library(soname="libpng.so.1", needed=("libz.so.1",))
        demo = library(needed=needed, wanted=wanted)
        assert faults([demo], port=make_port(), target=TARGET, known=[png, zlib], system=[LIBC]) == said


def test_pkg_config_files_say_where_they_are_from_where_they_lie() -> None:
    text = "prefix=/opt/manyloong/ports\nlibdir=/opt/manyloong/ports/lib\nName: x\n"
    assert relocatable(text) == f"{PREFIX_LINE}\nlibdir=${{prefix}}/lib\nName: x\n"


def install(tmp_path: Path, names: dict[str, str]) -> tuple[Path, Path]:
    for name, text in names.items():
        path = tmp_path / "dest" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/LICENSE").write_text("MIT", "utf-8")
    (tmp_path / "tree").mkdir()
    return tmp_path / "dest", tmp_path / "tree"


def test_what_nobody_links_against_is_left_out(tmp_path: Path) -> None:
    root = "opt/manyloong/ports"
    names = ["include/x.h", "lib/libx.a", "lib/libx.la", "share/man/man3/x.3", "bin/x", "share/x/data"]
    dest, tree = install(
        tmp_path, {f"{root}/{name}": "text" for name in names} | {f"{root}/bin/x-config": "#!/bin/sh\n"}
    )
    finish_port(make_port(keep=["lib/libx.a"]), installed=dest, source=tmp_path / "src", tree=tree)
    found = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert found == {
        "include/x.h",
        "lib/libx.a",
        "bin/x-config",
        "share/x/data",
        "share/licenses/demo/LICENSE",
        "share/manyloong/ports/demo.json",
    }


@pytest.mark.parametrize("place", ["x.h", "own/x.h", "own/deeper/x.h"])
def test_a_port_is_known_by_headers_in_a_folder_of_its_own(tmp_path: Path, place: str) -> None:
    dest, tree = install(tmp_path, {f"opt/manyloong/ports/include/{place}": ""})
    finish_port(make_port(known_by=["x.h"]), installed=dest, source=tmp_path / "src", tree=tree)
    assert (tree / "include" / place).is_file()


def test_other_names_of_a_script_are_kept(tmp_path: Path) -> None:
    dest, tree = install(tmp_path, {"opt/manyloong/ports/bin/b-config": "#!/bin/sh\n"})
    for name in ("a-config", "c-config"):
        (dest / "opt/manyloong/ports/bin" / name).symlink_to("b-config")
    finish_port(make_port(known_by=["?-config"]), installed=dest, source=tmp_path / "src", tree=tree)
    assert sorted(path.name for path in (tree / "bin").iterdir()) == ["a-config", "b-config", "c-config"]


@pytest.mark.parametrize(
    ("names", "changes", "said"),
    [
        ({"usr/lib/libx.so": ""}, {}, "installs nothing below its prefix"),
        ({"opt/manyloong/ports/a": "", "usr/b": ""}, {}, "outside its prefix: /usr/b"),
        ({"opt/manyloong/ports/a": ""}, {"licence_files": ["COPYING"]}, "no licence file COPYING"),
        ({"opt/manyloong/ports/a": ""}, {"pkg_config": ["x"]}, "installs no x.pc"),
        ({"opt/manyloong/ports/include/y.h": ""}, {"known_by": ["x.h"]}, "is known by x.h, and installs no"),
        (
            {"opt/manyloong/ports/lib/pkgconfig/x.pc": "prefix=/opt/manyloong/ports\nLibs: -L/build/obj\n"},
            {},
            "x.pc names a path of the build: /build/obj",
        ),
    ],
)
def test_a_wrong_installation_is_an_error(
    tmp_path: Path, names: dict[str, str], changes: dict[str, Any], said: str
) -> None:
    dest, tree = install(tmp_path, names)
    with pytest.raises(BuildError, match=re.escape(said)):
        finish_port(make_port(**changes), installed=dest, source=tmp_path / "src", tree=tree)


# ---- upkeep


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("1:1.3.dfsg+really1.3.2-4", "1.3.2"),
        ("2.14.3+dfsg-3", "2.14.3"),
        ("1.14.6+repack-2", "1.14.6"),
        ("0.3.34+ds-2", "0.3.34"),
        ("6.6+20260608-2", "6.6+20260608"),
        ("2020.2-9", "2020.2"),
        ("", ""),
    ],
)
def test_the_upstream_part_of_a_debian_version(debian: str, upstream: str) -> None:
    assert upstream_version(debian) == upstream


def test_standings() -> None:
    ports = {"a": make_port("a"), "b": make_port("b", debian="libb"), "c": make_port("c")}
    rows = standings(ports, {"a": "1.10-1", "libb": "1:1.2-9"})
    assert [(row.name, row.outdated, row.theirs) for row in rows] == [
        ("a", True, "1.10"),
        ("b", False, "1.2"),
        ("c", False, ""),
    ]

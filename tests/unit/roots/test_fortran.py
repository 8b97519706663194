"""gfortran's wrapper: what is compiled, what is linked and by whom; and which ports ask for it."""

import ast
from pathlib import Path

import pytest

from manyloong.errors import InputError, NotFoundError
from manyloong.roots.flags import rule_tables
from manyloong.roots.fortran import LIBRARY, fortran_files, fortran_ids, fortran_rules
from manyloong.roots.payload.compiler import apply_rules
from manyloong.roots.payload.fortran import Plan, Settings, plan
from manyloong.roots.ports import all_ports
from manyloong.roots.ports.ensure import port_keys
from manyloong.roots.ports.load import parse_port
from manyloong.targets import host, target

PAGE = Path(__file__).parents[3] / "docs/how-to/fortran.md"
TARGET = target("manylinux_2_36")
SETTINGS = Settings(
    compiler="/usr/bin/real",
    flags=("-march=la64v1.0",),
    linker="/t/bin/cc",
    libraries="/p/lib",
    rules=rule_tables(fortran_rules()),
    log="/log",
)
START = ("/usr/bin/real", "-march=la64v1.0")
END = ("-lgfortran", "-lm")
RPATH = "-Wl,-rpath,/p/lib"


def planned(words: str) -> Plan:
    return plan(
        words.split(),
        SETTINGS,
        apply=apply_rules,
        place="/tmp/x",
        exists={"/p/lib/libgfortran.so"}.__contains__,
    )


@pytest.mark.parametrize(
    "words",
    [
        "-c a.f90 -o a.o",
        "-S -O3 a.f",
        "-fsyntax-only a.F90",
        "--version",
        "-dumpmachine",
        "-v",
        "-c -J mods -I inc a.f90",
    ],
)
def test_compiling_and_questions_are_gccs(words: str) -> None:
    found = planned(words)
    assert (found.last, found.compiles, found.changed) == ((*START, *words.split()), (), ())


@pytest.mark.parametrize(
    ("words", "linked"),
    [
        ("a.o -o a", f"a.o -o a {RPATH}"),
        ("-shared -fPIC a.o b.so -o m.so -Wl,-z,now", "-shared -fPIC a.o b.so -o m.so -Wl,-z,now"),
        ("-ffree-form -std=f2008 -J mods -I inc -fopenmp a.o -o a", f"-fopenmp a.o -o a {RPATH}"),
        ("-L /x -lblas a.o -Xlinker -s -o a", f"-L /x -lblas a.o -Xlinker -s -o a {RPATH}"),
    ],
)
def test_objects_are_linked_by_the_toolchain_without_words_about_fortran(words: str, linked: str) -> None:
    assert planned(words).last == ("/t/bin/cc", *linked.split(), *END)


def test_what_comes_by_standard_input_is_fortran() -> None:
    assert planned("-cpp -E -dM -").last == (*START, "-x", "f95-cpp-input", "-cpp", "-E", "-dM", "-")
    assert planned("-x f77 -c -").last == (*START, "-x", "f77", "-c", "-")


def test_c_is_not_for_gcc() -> None:
    assert planned("-O2 -c a.c -o a.o").last == ("/t/bin/cc", "-O2", "-c", "a.c", "-o", "a.o")


def test_a_link_may_be_told_to_take_no_libraries() -> None:
    assert planned("-nostdlib a.o").last == ("/t/bin/cc", "-nostdlib", "a.o")


def test_a_question_to_the_linker_goes_to_the_linker() -> None:
    assert planned("-Wl,--version").last == ("/t/bin/cc", "-Wl,--version", RPATH, *END)


def test_sources_on_the_line_of_a_link_are_compiled_first() -> None:
    found = planned("-O2 -J mods -L/x a.f90 b.o c.F -lz -o prog")
    assert found.compiles == (
        (*START, "-O2", "-J", "mods", "-c", "a.f90", "-o", "/tmp/x/0.o"),
        (*START, "-O2", "-J", "mods", "-c", "c.F", "-o", "/tmp/x/1.o"),
    )
    want = f"/t/bin/cc -O2 -L/x /tmp/x/0.o b.o /tmp/x/1.o -lz -o prog {RPATH}"
    assert found.last == (*want.split(), *END)


def test_a_language_that_is_said_counts_more_than_a_name() -> None:
    assert planned("-x f95 one.txt -o a").compiles == ((*START, "-c", "one.txt", "-o", "/tmp/x/0.o"),)
    assert planned("-x none a.o").compiles == ()


@pytest.mark.parametrize(
    ("flag", "becomes"),
    [
        ("-march=native", ""),
        ("-flto=auto", ""),
        ("-static-libgfortran", ""),
        ("-module-dir=mods", "-Jmods"),
        ("-ffixed-line-length=132", "-ffixed-line-length-132"),
    ],
)
def test_flags_of_flang_and_of_one_machine_are_translated_and_told(flag: str, becomes: str) -> None:
    found = planned(f"{flag} -c a.f90")
    assert found.last == (*START, *([becomes] if becomes else []), "-c", "a.f90")
    assert found.changed == ((flag, becomes),)


def test_an_unknown_flag_is_left_for_the_compiler_to_refuse() -> None:
    assert planned("-flarge-sizes -c a.f90").last == (*START, "-flarge-sizes", "-c", "a.f90")


def test_libraries_are_looked_for_where_ours_are() -> None:
    assert planned("--print-file-name=libgfortran.so").answer == "/p/lib/libgfortran.so"
    assert planned("-print-file-name=libquadmath.so").answer == "libquadmath.so"
    said = planned("-print-search-dirs").answer
    assert said is not None
    assert said.endswith("libraries: =/p/lib")


def test_the_settings_are_what_the_wrapper_takes() -> None:
    texts = fortran_files(TARGET, python="/usr/bin/python3.13")
    settings = ast.literal_eval(
        texts["usr/lib/manyloong/fortran/fortran_settings.py"].removeprefix("SETTINGS = ")
    )
    assert Settings(**settings).compiler == "/usr/bin/loongarch64-linux-gnu-gfortran-14"
    after = settings["flags"][-2:]  # where a check for OpenMP finds omp_lib.h
    assert after == ("-idirafter", "/usr/lib/gcc-cross/loongarch64-linux-gnu/14/finclude")
    assert texts["usr/bin/gfortran"].startswith("#!/usr/bin/python3.13 -ISs\n")


def test_one_compiler_makes_objects_for_every_libc() -> None:
    found = {tag: fortran_files(target(tag), python="") for tag in ("manylinux_2_36", "musllinux_1_2")}
    settings = "usr/lib/manyloong/fortran/fortran_settings.py"
    assert found["manylinux_2_36"][settings] == found["musllinux_1_2"][settings]
    programs = {name for name in found["musllinux_1_2"] if name.startswith("usr/bin/")}
    assert programs == {"usr/bin/gfortran", "usr/bin/loongarch64-linux-musl-gfortran"}


def test_the_page_lists_every_rule() -> None:
    rows = [f"| `{r.flag}` | {f'`{r.give}`' if r.give else 'dropped'} | {r.why} |" for r in fortran_rules()]
    assert "\n".join(rows) in PAGE.read_text("utf-8")


def test_there_is_none_where_no_root_has_it() -> None:
    assert set(fortran_ids(host("x86_64"), TARGET)) == {"fortran-amd64", "gfortran"}
    with pytest.raises(NotFoundError, match="no Fortran compiler for musllinux_1_2"):
        fortran_ids(host("loongarch64"), target("musllinux_1_2"))
    with pytest.raises(NotFoundError, match="on loongarch64"):
        fortran_ids(host("loongarch64"), TARGET)


def test_only_ports_that_ask_for_it_change_with_the_compiler() -> None:
    ports = all_ports()
    chosen = [ports["zlib"], ports[LIBRARY]]
    keys = [
        port_keys(chosen, compiler="one", target=TARGET.tag, layers={"gfortran": value}) for value in "ab"
    ]
    assert keys[0]["zlib"] == keys[1]["zlib"]
    assert keys[0][LIBRARY] != keys[1][LIBRARY]


def test_a_layer_that_does_not_exist_is_refused() -> None:
    table = {
        "summary": "x",
        "version": "1",
        "licence": "MIT",
        "system": "make",
        "layers": ["pascal"],
        "source": {"path": "pool/x", "sha256": "0" * 64},
    }
    with pytest.raises(InputError, match=r"demo\.toml: unknown layer 'pascal'"):
        parse_port(table, name="demo", where="demo.toml")

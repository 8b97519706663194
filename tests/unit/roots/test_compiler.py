"""GCC's words into clang's and lld's: payload/compiler.py with the settings a toolchain writes for it."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manyloong.roots.flags import flag_rules
from manyloong.roots.layout import Layout
from manyloong.roots.payload import compiler
from manyloong.roots.payload.compiler import Invocation, Settings, translate
from manyloong.roots.wrappers import wrapper_modules
from manyloong.targets import FlagRule, target

TARGET = target("manylinux_2_36_loongarch64")
LAYOUT = Layout(triplet=TARGET.triplet)
CLANG = ("/opt/manyloong/zig/zig", "clang")
CONFIG = ("--config=/opt/manyloong/target/lib/clang/cc.cfg",)


def read_settings() -> Settings:
    """What the generated module defines, read as Python reads it."""
    architecture = TARGET.architecture
    modules = wrapper_modules(
        LAYOUT, page_size=architecture.page_align_build, rewrites=architecture.compiler.rewrites
    )
    names: dict[str, Settings] = {}
    sys.modules["compiler"] = compiler  # its name in the sandbox
    try:
        exec(modules["settings.py"], names)  # noqa: S102
    finally:
        del sys.modules["compiler"]
    return names["SETTINGS"]


@pytest.fixture(scope="session")
def settings() -> Settings:
    return read_settings()


FILES: dict[str, str] = {}


def run(tool: str, words: list[str], settings: Settings, files: dict[str, str] = FILES) -> Invocation:
    return translate(tool, words, settings, files.get)


def middle(invocation: Invocation) -> list[str]:
    """The caller's words as they are passed on: without what is always first and last."""
    argv = list(invocation.argv)
    start = argv.index(next(word for word in argv if word.startswith("--config="))) + 1
    return argv[start:]


def linked(invocation: Invocation, settings: Settings) -> list[str]:
    first = len(settings.linker) + len(settings.modes["ld"])
    return list(invocation.argv[first : len(invocation.argv) - len(settings.tail)])


def test_a_compile_is_clang_with_the_configuration(settings: Settings) -> None:
    done = run("cc", ["-O2", "-c", "a.c", "-o", "a.o"], settings)
    assert done.argv == (*CLANG, *CONFIG, "-O2", "-c", "a.c", "-o", "a.o")
    assert done.changed == ()


def test_each_language_has_its_mode(settings: Settings) -> None:
    assert run("c++", ["a.cc"], settings).argv[2] == "--driver-mode=g++"
    assert run("cpp", ["a.c"], settings).argv[2] == "--driver-mode=cpp"


def test_a_link_ends_with_what_may_not_be_overridden(settings: Settings) -> None:
    done = run("ld", ["-shared", "-z", "max-page-size=4096", "a.o"], settings)
    assert done.argv[:2] == ("/opt/manyloong/zig/zig", "ld.lld")
    assert done.argv[-2:] == ("-z", "max-page-size=0x10000")


_PASSED = """
-march=la64v1.0 -march=loongarch64 -march=la464 -mtune=la464 -mlsx -mno-lasx -mstrict-align
-mno-strict-align -mabi=lp64d -mcmodel=medium -mcmodel=extreme -flto -flto=auto -flto=thin -fno-lto
-ffat-lto-objects -fPIC -g -O3 -Wl,-soname,libx.so -Wl,--exclude-libs,ALL -Wl,-Bsymbolic-functions
-static-libgcc -static-libstdc++ -pthread -rdynamic -r -shared -### -v --version -dM -E -MD
-fno-strict-overflow -fno-semantic-interposition -msse2 -print-file-name=libc.so -print-search-dirs
-fsanitize=address -ffile-prefix-map=/a=/b -Wa,--noexecstack
"""


@pytest.mark.parametrize("flag", _PASSED.split())
def test_what_clang_knows_passes_untouched(flag: str, settings: Settings) -> None:
    done = run("cc", [flag, "a.c"], settings)
    assert middle(done) == [flag, "a.c"]
    assert done.changed == ()


_LINKER_PASSED = """
--exclude-libs=ALL -Bsymbolic-functions --dynamic-list=x --push-state --pop-state -Map=x
--defsym=a=b --undefined=x -l:libx.a --version-script=x -soname=x --soname=x --build-id --build-id=sha1
--gc-sections --as-needed --whole-archive
"""


@pytest.mark.parametrize("flag", _LINKER_PASSED.split())
def test_what_lld_knows_passes_untouched(flag: str, settings: Settings) -> None:
    done = run("ld", [flag, "a.o"], settings)
    assert linked(done, settings) == [flag, "a.o"]


RULES = [("cc", rule) for rule in flag_rules("compiler", TARGET.architecture.compiler.rewrites)]
RULES += [("ld", rule) for rule in flag_rules("linker")]


@pytest.mark.parametrize(("tool", "rule"), RULES, ids=[f"{tool} {rule.flag}" for tool, rule in RULES])
def test_every_rule_is_applied_and_reported(tool: str, rule: FlagRule, settings: Settings) -> None:
    rest = "7" if rule.flag.endswith("*") else ""
    flag, give = rule.flag.removesuffix("*") + rest, rule.give.replace("*", rest)
    done = run(tool, ["a.o", flag, "-o", flag, "b.o"], settings)
    words = linked(done, settings) if tool == "ld" else middle(done)
    expected = ["a.o", *([give] if give else []), "-o", flag, "b.o"]
    assert words == expected
    assert done.changed == (() if give == flag else ((flag, give),))


def test_no_rule_hides_another() -> None:
    for rules in (flag_rules("compiler", TARGET.architecture.compiler.rewrites), flag_rules("linker")):
        flags = [rule.flag for rule in rules]
        assert len(flags) == len(set(flags))
        assert all("*" not in flag.removesuffix("*") for flag in flags)
        assert all(rule.why for rule in rules)


SETTINGS = read_settings()
QUESTIONS = {
    "-dumpmachine": "loongarch64-linux-gnu",
    "-print-multiarch": "loongarch64-linux-gnu",
    "-print-sysroot": "/opt/manyloong/target/sysroot",
    "-print-multi-os-directory": ".",
    "-print-prog-name=ld": "/opt/manyloong/target/bin/ld",
    "-print-prog-name=cc1": "cc1",
}


@pytest.mark.parametrize(("flag", "text"), QUESTIONS.items())
def test_questions_are_answered_as_gcc_does(flag: str, text: str, settings: Settings) -> None:
    assert run("cc", ["-O2", flag], settings).answer == text


def test_response_files_stay_files_unless_a_rule_applies_inside(settings: Settings) -> None:
    files = {"plain": "-O2 'a b.c'\n", "gcc": '-O2 -fipa-pta "a b.c" @more', "more": "c\\ d.c"}
    assert middle(run("cc", ["@plain", "@gone"], settings, files)) == ["@plain", "@gone"]
    done = run("cc", ["@gcc", "-c"], settings, files)
    assert middle(done) == ["-O2", "a b.c", "c d.c", "-c"]
    assert done.changed == (("-fipa-pta", ""),)


def test_a_response_file_that_names_itself_ends(settings: Settings) -> None:
    files = {"self": "@self a.c"}
    assert "a.c" in run("ld", ["@self", "-dc"], settings, files).argv


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" a\tb\nc ", ["a", "b", "c"]),
        ("'a b' \"c d\" e'f'g", ["a b", "c d", "efg"]),
        ("'' a", ["", "a"]),
        ("a\\ b \\'c", ["a b", "'c"]),
        ('-DX=\\"y\\"', ['-DX="y"']),
        ("'open", ["open"]),
    ],
)
def test_words_of_a_response_file(text: str, words: list[str]) -> None:
    assert compiler.split_words(text) == words


def test_the_log_is_json_whatever_the_flag() -> None:
    line = compiler.log_line("cc", [('-specs="x"\\\n', ""), ("-flto=2", "-flto")])
    assert json.loads(line) == {
        "tool": "cc",
        "dropped": ['-specs="x"\\?'],
        "translated": ["-flto=2 -> -flto"],
    }
    assert line.endswith("}\n")


WORDS = st.one_of(
    st.sampled_from([rule.flag.replace("*", "3") for _, rule in RULES]),
    st.sampled_from(
        ["-o", "-c", "-x", "-", "@", "@file", "-Wl,-x", "-Xlinker", "a.c", "b.o", "-I", "--", ""]
    ),
    st.text(max_size=8),
)


@given(st.lists(WORDS, max_size=12), st.sampled_from(["cc", "c++", "cpp", "ld"]), st.text(max_size=20))
def test_inputs_and_outputs_are_never_lost(words: list[str], tool: str, content: str) -> None:
    done = run(tool, [*words, "-c", "in.c", "-o", "out"], SETTINGS, {"file": content})
    if done.answer is None:
        kept = list(done.argv)
        place = kept.index("in.c")
        assert kept[place + 1 : place + 3] == ["-o", "out"]
        dropped = {flag for flag, _ in done.changed}
        named = [word for word in words if word not in dropped and not word.startswith("@")]
        assert not [word for word in named if word not in kept]

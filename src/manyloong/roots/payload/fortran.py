"""The program behind ``gfortran`` in the sandbox: GCC compiles Fortran, the toolchain links it.

Standard library only; the parts that it shares with the wrapper of the C compilers are that wrapper's own
module, which lies in the toolchain. ``plan`` is pure; what it needs to know is in ``settings.py`` beside it
(see ``roots/fortran.py``).
"""

import os
import subprocess
import sys
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    Rules = tuple[dict[str, str], tuple[tuple[str, str], ...]]
    Apply = Callable[
        [Sequence[str], Rules, frozenset[str]], tuple[list[str], list[tuple[str, str]]]
    ]  # compiler.apply_rules

SOURCES = (".f", ".for", ".ftn", ".fpp", ".f77", ".f90", ".f95", ".f03", ".f08", ".f18")
# Options whose value is the next argument: those that only a compiler takes, and those that a linker takes.
_COMPILE_PAIRS = """
-J -I -D -U -x -include -isystem -idirafter -iquote -MF -MT -MQ --param -aux-info
"""
_LINK_PAIRS = "-o -L -l -u -T -z -e -h -Xlinker -B"
_STOPS = "-c -S -E -fsyntax-only -M -MM"
# What is asked of the compiler itself; the rest of the words is then its business too.
_ASKS = "--version -dumpversion -dumpfullversion -dumpmachine --help --target-help -dumpspecs"
# What a link is given of the words; the others are about compiling.
_LINK_WORDS = """
-shared -pie -no-pie -rdynamic -pthread -nostdlib -nodefaultlibs -nostartfiles -r -s -v -### -static-pie
-static-libgcc -fPIC -fpic -fPIE -fpie -fopenmp -flto
"""
COMPILE_PAIRS = frozenset(_COMPILE_PAIRS.split())
LINK_PAIRS = frozenset(_LINK_PAIRS.split())
STOPS = frozenset(_STOPS.split())
ASKS = frozenset(_ASKS.split())
LINK_WORDS = frozenset(_LINK_WORDS.split())
LINK_BEGINNINGS = ("-Wl,", "-L", "-l", "-O", "-g", "-u", "-fuse-ld=", "-flto=", "-z")


class Settings:
    """Where things are: paths inside the sandbox."""

    __slots__ = ("compiler", "flags", "libraries", "linker", "log", "rules")

    def __init__(
        self,
        *,
        compiler: str,
        flags: "tuple[str, ...]",
        linker: str,
        libraries: str,
        rules: "Rules",
        log: str,
    ) -> None:
        self.compiler = compiler  # GCC's driver
        self.flags = flags  # that it is always given
        self.linker = linker  # the C compiler that links
        self.libraries = libraries  # the folder with libgfortran
        self.rules = rules
        self.log = log


class Plan:
    """What is run, in this order, the last one in this program's place; or what is answered at once."""

    __slots__ = ("answer", "changed", "compiles", "last")

    def __init__(
        self,
        last: "tuple[str, ...]" = (),
        *,
        compiles: "tuple[tuple[str, ...], ...]" = (),
        changed: "tuple[tuple[str, str], ...]" = (),
        answer: str | None = None,
    ) -> None:
        self.last = last
        self.compiles = compiles
        self.changed = changed
        self.answer = answer


def plan(
    words: "Sequence[str]",
    settings: Settings,
    *,
    apply: "Apply",
    place: str,
    exists: "Callable[[str], bool]",
) -> Plan:
    """What these words come to; ``place`` is a folder for objects that nobody asked to keep."""
    said = answer(words, settings, exists)
    if said is not None:
        return Plan(answer=said)
    kept, changed = apply(words, settings.rules, COMPILE_PAIRS | LINK_PAIRS)
    inputs = input_words(kept)
    compiling = (settings.compiler, *settings.flags)
    alone = not inputs and not any(word.startswith("-Wl,") for word in kept)
    if STOPS.intersection(kept) or ASKS.intersection(kept) or alone:
        others = inputs and not any(is_source(kept, number) for number in inputs)
        start = (settings.linker,) if others else (*compiling, *standard_input(kept))
        return Plan((*start, *kept), changed=tuple(changed))
    sources = [number for number in inputs if is_source(kept, number)]
    objects = {number: f"{place}/{count}.o" for count, number in enumerate(sources)}
    options = compile_words(kept)
    compiles = tuple((*compiling, *options, "-c", kept[number], "-o", objects[number]) for number in sources)
    last = (settings.linker, *link_words(kept, inputs, objects), *libraries(kept, settings))
    return Plan(last, compiles=compiles, changed=tuple(changed))


def answer(words: "Sequence[str]", settings: Settings, exists: "Callable[[str], bool]") -> str | None:
    """Where libraries are: those of the compiler's own package are not there, and not for this C library."""
    for word in words:
        if word in {"-print-search-dirs", "--print-search-dirs"}:
            return f"install: {settings.libraries}\nprograms: =/usr/bin\nlibraries: ={settings.libraries}"
        question, _, name = word.partition("print-file-name=")
        if name and question in {"-", "--"}:
            path = f"{settings.libraries}/{name}"
            return path if exists(path) else name
    return None


def standard_input(words: "Sequence[str]") -> tuple[str, ...]:
    """What makes Fortran of a source without a name: GCC would take it for C, and has no C here."""
    return ("-x", "f95-cpp-input") if "-" in words and "-x" not in words else ()


def input_words(words: "Sequence[str]") -> list[int]:
    """Where the words are that name files."""
    found = []
    value_follows = False
    for number, word in enumerate(words):
        if value_follows:
            value_follows = False
        elif word in COMPILE_PAIRS or word in LINK_PAIRS:
            value_follows = True
        elif not word.startswith("-"):
            found.append(number)
    return found


def is_source(words: "Sequence[str]", number: int) -> bool:
    """Whether a file is Fortran: by its name, or by ``-x`` before it."""
    language = ""
    for before, word in enumerate(words[:number]):
        if word == "-x":
            language = words[before + 1]
    if language not in {"", "none"}:
        return language.startswith("f")
    return words[number].lower().endswith(SOURCES)


def compile_words(words: "Sequence[str]") -> list[str]:
    """The words that are about compiling, each with its value."""
    kept = []
    take = False
    skip = False
    for word in words:
        if take or skip:
            if take:
                kept.append(word)
            take = skip = False
        elif word in COMPILE_PAIRS and word != "-x":
            kept.append(word)
            take = True
        elif word in LINK_PAIRS or word == "-x":
            skip = True
        elif word.startswith("-") and not word.startswith(("-Wl,", "-L", "-l", "-shared", "-static")):
            kept.append(word)
    return kept


def link_words(words: "Sequence[str]", inputs: "Sequence[int]", objects: "dict[int, str]") -> list[str]:
    """The words of the link, in their order, with objects for sources."""
    kept = []
    take = False
    for number, word in enumerate(words):
        if take:
            kept.append(word)
            take = False
        elif word in LINK_PAIRS:
            kept.append(word)
            take = True
        elif number in inputs:
            kept.append(objects.get(number, word))
        elif word in LINK_WORDS or word.startswith(LINK_BEGINNINGS):
            kept.append(word)
    return kept


def libraries(words: "Sequence[str]", settings: Settings) -> list[str]:
    """Fortran's own, and for a program where they are: configure checks run what they have linked."""
    if "-nostdlib" in words or "-nodefaultlibs" in words or "-r" in words:
        return []
    found = [] if "-shared" in words else [f"-Wl,-rpath,{settings.libraries}"]
    return [*found, "-lgfortran", "-lm"]


def main(settings: Settings, shared: "ModuleType") -> None:
    """Become the compiler or the linker, or run both; ``shared`` is the C compilers' module."""
    with tempfile.TemporaryDirectory(prefix="gfortran-") as place:
        chosen = plan(
            shared.expand(sys.argv[1:], shared.read_text),
            settings,
            apply=shared.apply_rules,
            place=place,
            exists=os.path.exists,
        )
        if chosen.answer is not None:
            sys.stdout.write(chosen.answer + "\n")
            return
        if chosen.changed:
            log = os.environ.get("MANYLOONG_TOOLCHAIN_LOG", settings.log)
            shared.write_log(log, shared.log_line("gfortran", chosen.changed))
        for command in (*chosen.compiles, chosen.last) if chosen.compiles else ():
            code = subprocess.run(command, check=False).returncode
            if code:
                sys.exit(code if code > 0 else 1)
    if not chosen.compiles:
        os.execv(chosen.last[0], chosen.last)  # noqa: S606  # no shell is meant

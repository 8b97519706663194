"""The program behind ``cc``, ``c++``, ``cpp`` and ``ld`` in the sandbox: GCC's words for clang and lld.

Standard library only, and little of it: it runs once per compiler call. ``translate`` is pure; what it needs
to know is in ``settings.py``, written beside it when the toolchain is built (see ``roots/wrappers.py``).
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rules = tuple[dict[str, str], tuple[tuple[str, str], ...]]  # whole flag -> given; (beginning, given)

# Options of the compiler whose value is the next argument; that value is never taken for a flag.
_COMPILER_PAIRS = """
-o -x -D -U -I -L -l -T -u -z -e -h -A -F -B -MF -MT -MQ -MJ -include -imacros -isystem -iquote -idirafter
-iprefix -iwithprefix -iwithprefixbefore -isysroot -imultilib -Xlinker -Xassembler -Xpreprocessor -Xclang
-mllvm -target -arch -aux-info -dumpbase -dumpdir -dumpbase-ext --param -wrapper --sysroot --config
-resource-dir -working-directory -framework
"""
# The same for the linker.
_LINKER_PAIRS = """
-o --output -soname --soname -h -rpath --rpath -R -rpath-link --rpath-link -L --library-path -l --library
-m -z -T --script -u --undefined -e --entry -Map --Map -y --trace-symbol --wrap --defsym --dynamic-list
--version-script --exclude-libs -dynamic-linker --dynamic-linker -I -init -fini -f -F --auxiliary --filter
-b --format --oformat -plugin -plugin-opt --plugin -mllvm --sysroot --section-start --export-dynamic-symbol
--retain-symbols-file --image-base -Ttext -Tdata -Tbss --hash-style --sort-section
"""
COMPILER_PAIRS = frozenset(_COMPILER_PAIRS.split())
LINKER_PAIRS = frozenset(_LINKER_PAIRS.split())
# What GCC answers and clang does not, or says in other words.
QUERIES = {
    "-dumpmachine": "triplet",
    "-print-multiarch": "triplet",
    "--print-multiarch": "triplet",
    "-print-sysroot": "sysroot",
    "--print-sysroot": "sysroot",
    "-print-multi-os-directory": "os_directory",
    "-dumpfullversion": "version",
    "-dumpversion": "version",
}
RESPONSE_DEPTH = 10


class Settings:
    """What one toolchain is: paths inside the sandbox, the rules for flags, and what is always given."""

    __slots__ = ("answers", "compiler", "linker", "log", "modes", "programs", "rules", "tail")

    def __init__(
        self,
        *,
        compiler: "tuple[str, ...]",
        linker: "tuple[str, ...]",
        modes: "dict[str, tuple[str, ...]]",
        rules: "dict[str, Rules]",
        answers: "dict[str, str]",
        programs: "tuple[str, ...]",
        tail: "tuple[str, ...]",
        log: str,
    ) -> None:
        self.compiler = compiler  # how clang's driver is started
        self.linker = linker  # how lld is started
        self.modes = modes  # tool -> arguments that come first
        self.rules = rules  # of "compiler" and of "linker"
        self.answers = answers  # what QUERIES names -> text
        self.programs = programs  # names in the same folder
        self.tail = tail  # arguments that come last at each link
        self.log = log


class Invocation:
    """What is run, or answered at once, and which flags became what ("" where one was dropped)."""

    __slots__ = ("answer", "argv", "changed")

    def __init__(
        self, argv: "tuple[str, ...]", changed: "tuple[tuple[str, str], ...]" = (), answer: str | None = None
    ) -> None:
        self.argv = argv
        self.changed = changed
        self.answer = answer


def translate(
    tool: str, arguments: "Sequence[str]", settings: Settings, read: "Callable[[str], str | None]"
) -> Invocation:
    """What ``tool`` (cc, c++, cpp or ld) runs for these arguments; ``read`` gives a file's text or None.

    Nothing but flags of the rules is changed: inputs, outputs and unknown flags stay, in their order.
    """
    links = tool == "ld"
    words = expand(arguments, read)
    said = None if links else answer(words, settings)
    if said is not None:
        return Invocation((), answer=said)
    rules = settings.rules["linker" if links else "compiler"]
    kept, changed = apply_rules(words, rules, LINKER_PAIRS if links else COMPILER_PAIRS)
    if not changed:
        kept = list(arguments)  # response files stay files: a command line has a limit
    start = settings.linker if links else settings.compiler
    tail = settings.tail if links else ()
    return Invocation((*start, *settings.modes.get(tool, ()), *kept, *tail), tuple(changed))


def answer(words: "Sequence[str]", settings: Settings) -> str | None:
    """What GCC would print for a question about itself that clang cannot answer, or None."""
    for word in words:
        if word in QUERIES:
            return settings.answers[QUERIES[word]]
        question, _, program = word.partition("prog-name=")
        if program and question in {"-print-", "--print-"}:
            return f"{settings.answers['binaries']}/{program}" if program in settings.programs else program
    return None


def apply_rules(
    words: "Sequence[str]", rules: "Rules", pairs: "frozenset[str]"
) -> "tuple[list[str], list[tuple[str, str]]]":
    """The words after the rules, and (flag, replacement) of those that changed."""
    exact, prefixes = rules
    starts = tuple(prefix for prefix, _ in prefixes)
    kept: list[str] = []
    changed: list[tuple[str, str]] = []
    value_follows = False
    for word in words:
        give: str | None = None
        if value_follows or not word.startswith("-"):
            value_follows = False
        elif word in pairs:
            value_follows = True
        elif word in exact:
            give = exact[word]
        elif word.startswith(starts):
            give = replacement(word, prefixes)
        if give is None or give == word:
            kept.append(word)
        else:
            changed.append((word, give))
            if give:
                kept.append(give)
    return kept, changed


def replacement(word: str, prefixes: "Sequence[tuple[str, str]]") -> str | None:
    """What a flag becomes by the first rule whose beginning it has."""
    for prefix, give in prefixes:
        if word.startswith(prefix):
            return give.replace("*", word[len(prefix) :])
    return None


def expand(arguments: "Sequence[str]", read: "Callable[[str], str | None]", depth: int = 0) -> list[str]:
    """The arguments with ``@file`` replaced by the file's words; one that cannot be read stays as it is."""
    words: list[str] = []
    for argument in arguments:
        text = read(argument[1:]) if argument.startswith("@") and depth < RESPONSE_DEPTH else None
        if text is None:
            words.append(argument)
        else:
            words += expand(split_words(text), read, depth + 1)
    return words


def split_words(text: str) -> list[str]:
    """Words as GCC's response files have them: white space parts, quotes and backslashes keep together."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    inside = False  # a word has begun, be it empty as in ''
    characters = iter(text)
    for character in characters:
        if character == "\\":
            word.append(next(characters, ""))
            inside = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word.append(character)
        elif character in "'\"":
            quote = character
            inside = True
        elif not character.isspace():
            word.append(character)
            inside = True
        elif inside:
            words.append("".join(word))
            word, inside = [], False
    return [*words, "".join(word)] if inside else words


def read_text(path: str) -> str | None:
    """The text of a file, or None."""
    try:
        # pathlib takes longer to import than all of this takes to run
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return None


def log_line(tool: str, changed: "Sequence[tuple[str, str]]") -> str:
    """One JSON object a call, ended by a newline; json would take as long to import as all of this takes."""
    dropped = (quoted(flag) for flag, give in changed if not give)
    translated = (quoted(f"{flag} -> {give}") for flag, give in changed if give)
    parts = (f'"tool": {quoted(tool)}', f'"dropped": [{", ".join(dropped)}]')
    return "{" + ", ".join((*parts, f'"translated": [{", ".join(translated)}]')) + "}\n"


def quoted(text: str) -> str:
    """A JSON string; control characters, which no flag has, are shown as question marks."""
    plain = "".join(character if character >= " " else "?" for character in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_log(path: str, text: str) -> None:
    """Append in one write, so that parallel compilers do not mix; a log that cannot be is left out."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError:
        return
    os.write(descriptor, text.encode("utf-8", "replace"))
    os.close(descriptor)


def main(tool: str, settings: Settings) -> None:
    """Become clang or lld; returns only where an answer was printed."""
    invocation = translate(tool, sys.argv[1:], settings, read_text)
    if invocation.answer is not None:
        sys.stdout.write(invocation.answer + "\n")
        return
    if invocation.changed:
        log = os.environ.get("MANYLOONG_TOOLCHAIN_LOG", settings.log)
        write_log(log, log_line(tool, invocation.changed))
    os.execv(invocation.argv[0], invocation.argv)  # noqa: S606  # no shell is meant

"""Reads a project's options by cibuildwheel itself: a request on stdin, the answer on stdout.

A process of its own: cibuildwheel looks up files below its working directory, keeps tables in globals,
prints, and leaves by exceptions that are no ``Exception``. Run in the project's folder.
"""

import contextlib
import json
import re
import shlex
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from manyloong.ci.payload.added import Addition, MovedOnError, install

PLATFORM: Literal["linux"] = "linux"
# Variables that are no option of a table.
VARIABLES = ("PLATFORM", "INHERIT", "ALLOW_EMPTY", "PROJECT_REQUIRES_PYTHON", "CONFIG_FILE", "CACHE_PATH",
             "DEBUG_TRACEBACK", "DEBUG_KEEP_CONTAINER", "TEST_RUNTIME")  # fmt: skip
COMMANDS = {
    "before-all": ("project", "package"),
    "before-build": ("project", "package"),
    "before-test": ("project", "package"),
    "test-command": ("project", "package", "wheel"),
    "repair-wheel-command": ("project", "package", "wheel", "dest_dir"),
}
PLACEHOLDERS = ("project", "package", "wheel", "dest_dir")


# What earlier releases of cibuildwheel had and this one refuses. Sources of a release keep the table of their
# day; each of these only added Pythons, which are chosen by `build` and --python now.
LAPSED = ("free-threaded-support", "prerelease-pythons")
LAPSED_GROUPS = ("cpython-freethreading", "cpython-experimental-riscv64")
LAPSED_WHY = "without effect, cibuildwheel has it no longer"


class FaultError(Exception):
    """What is wrong with the options, with a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def near(word: str, known: Iterable[str]) -> str:
    """Did you mean ...? or nothing."""
    found = get_close_matches(word, list(known), n=1)
    return f"did you mean {found[0]!r}?" if found else ""


def check_overrides(reader: Any) -> None:
    """Any key is taken in an override; a wrong one would be without effect."""
    known = reader._known_option_names
    for number, override in enumerate(reader.overrides):
        for name in override.options:
            if name not in known:
                where = f"tool.cibuildwheel.overrides[{number}] ({override.select_pattern})"
                raise FaultError(f"{where}: unknown option {name!r}", near(name, known))


def forgive_lapsed(environment: "dict[str, str]", notes: "list[str]") -> "dict[str, str]":
    """Leave out what earlier releases had, wherever it is read, with a note each; the variables that stay."""
    from cibuildwheel.options import OptionsReader
    from cibuildwheel.selector import EnableGroup

    load, parse = OptionsReader._load_file, EnableGroup.parse_option_value

    def load_file(self: Any, filename: Any) -> Any:
        tables = load(self, filename)
        for table in tables:
            for name in [name for name in table if name in LAPSED]:
                del table[name]
                notes.append(f"{name}: {LAPSED_WHY}")
        return tables

    def parse_groups(cls: Any, value: str) -> Any:
        del cls
        groups = value.split()
        notes.extend(f"enable {name}: {LAPSED_WHY}" for name in groups if name in LAPSED_GROUPS)
        return parse(" ".join(name for name in groups if name not in LAPSED_GROUPS))

    OptionsReader._load_file = load_file  # type: ignore[method-assign]
    EnableGroup.parse_option_value = classmethod(parse_groups)  # type: ignore[method-assign,assignment]
    variables = {f"CIBW_{name.upper().replace('-', '_')}" for name in LAPSED}
    notes += [f"{name}: {LAPSED_WHY}" for name in sorted(variables & environment.keys())]
    return {name: value for name, value in environment.items() if name not in variables}


def variable_names(reader: Any) -> set[str]:
    """Every CIBW_ variable that means something."""
    from cibuildwheel.typing import PLATFORMS

    options = {name.upper().replace("-", "_") for name in reader._known_option_names}
    suffixed = {f"{name}_{platform.upper()}" for name in options for platform in PLATFORMS}
    return {f"CIBW_{name}" for name in (*options, *suffixed, *VARIABLES)}


def check_variables(reader: Any, environment: "dict[str, str]") -> None:
    """A variable that nothing reads is a fault: its writer thinks that it works."""
    known = variable_names(reader)
    for name in sorted(environment):
        if name.startswith("CIBW_") and name not in known and not name.startswith("CIBW_INTERNAL_"):
            raise FaultError(f"{name}: no such option", near(name, known) or "unset it")


def set_options(reader: Any, identifiers: Iterable[str]) -> "dict[str, list[str]]":
    """Option -> where it was set, for those that were."""
    found: dict[str, list[str]] = {}
    special = {"overrides", "inherit"}
    for name in reader.config_options:
        if name not in special:
            found.setdefault(name, []).append(f"tool.cibuildwheel.{name}")
    for name in reader.config_platform_options:
        if name not in special:
            found.setdefault(name, []).append(f"tool.cibuildwheel.{PLATFORM}.{name}")
    for override in reader.overrides:
        with_ids = [one for one in identifiers if selected(override.select_pattern, one)]
        for name in override.options if with_ids else ():
            found.setdefault(name, []).append(f"tool.cibuildwheel.overrides ({override.select_pattern})")
    for name in reader._known_option_names:
        variable = f"CIBW_{name.upper().replace('-', '_')}"
        for spelling in (variable, f"{variable}_{PLATFORM.upper()}"):
            if spelling in reader.env:
                found.setdefault(name, []).append(spelling)
    return found


def selected(pattern: str, identifier: str) -> bool:
    """Whether a selector names an identifier."""
    from cibuildwheel.selector import selector_matches

    return bool(selector_matches(pattern, identifier))


def check_placeholders(option: str, text: str, notes: "list[str]") -> None:
    """A placeholder of another option's, or nearly one, is a fault; other words in braces are the shell's."""
    for word in re.findall(r"(?<![#$\w]){([A-Za-z_]+)}", text):
        if word in COMMANDS[option]:
            continue
        there = ", ".join(f"{{{name}}}" for name in COMMANDS[option])
        if word in PLACEHOLDERS or get_close_matches(word, COMMANDS[option], n=1, cutoff=0.7):
            meant = near(word, COMMANDS[option]) or f"it has {there}"
            raise FaultError(f"{option}: there is no placeholder {{{word}}} in {text!r}", meant)
        notes.append(f"{option}: {{{word}}} is no placeholder (there are {there}) and stays as it is")


def missing_files(text: str) -> "list[str]":
    """Files of the project that a command names and that are not there."""
    found = []
    for word in re.split(r"""[\s;&|'"()<>]+""", text):
        match = re.match(r"{(?:project|package)}/(.+)|((?:\./)?[\w.-]+(?:/[\w.-]+)*\.(?:sh|py|bash))$", word)
        name = (match[1] or match[2]).partition("::")[0] if match else ""
        if name and not re.search(r"[$*?{\[=]", name) and not Path(name).exists():
            found.append(name)
    return found


def assignments(parsed: Any) -> "list[list[str]]":
    """Variable and value as a shell reads it."""
    from cibuildwheel.environment import EnvironmentAssignmentRaw

    return [
        [one.name, shlex.quote(one.value) if isinstance(one, EnvironmentAssignmentRaw) else one.value]
        for one in parsed.assignments
    ]


def plain(parsed: Any) -> "dict[str, str] | None":
    """The variables, where no shell is needed to know them."""
    pairs = assignments(parsed)
    if any(sign in value for _, value in pairs for sign in "$`"):
        return None
    return dict(parsed.as_dictionary({}))


def requirements(lines: Iterable[str], folder: Path) -> "list[str]":
    """Requirements with ``-r FILE`` read."""
    words, found = list(lines), []
    while words:
        word = words.pop(0)
        if word in {"-r", "--requirement"} and words:
            name = words.pop(0)
            file = folder / name.replace("{project}/", "").replace("{package}/", "")
            if not file.is_file():
                raise FaultError(f"test-requires: no file {name} in the project")
            text = re.sub(r"(?m)(^|\s)#.*$", "", file.read_text("utf-8"))
            inner = [part for line in text.splitlines() for part in line_words(line)]
            found += requirements(inner, file.parent)
        elif word.startswith("-"):
            raise FaultError(
                f"test-requires: {word}: options of pip are not understood here", "name requirements"
            )
        else:
            found.append(word)
    return found


def line_words(line: str) -> "list[str]":
    """One line of a requirements file."""
    line = line.strip()
    if line.startswith(("-r ", "--requirement ")):
        return line.split(None, 1)
    return [line] if line else []


def frontend(config: Any) -> "dict[str, Any]":
    """Name, arguments, and those arguments that are config settings."""
    words, settings, rest = list(config.args), [], []
    while words:
        word = words.pop(0)
        key, _, value = word.partition("=")
        if word in {"-C", "--config-setting", "--config-settings"} and words:
            settings.append(words.pop(0))
        elif key in {"--config-setting", "--config-settings"}:
            settings.append(value)
        elif word.startswith("-C"):
            settings.append(word[2:])
        else:
            rest.append(word)
    return {"name": config.name, "args": rest, "settings": settings}


def one_build(options: Any, identifier: str, project: str, notes: "list[str]") -> "dict[str, Any]":
    """What holds for one identifier."""
    from cibuildwheel.frontend import prepare_config_settings

    build = options.build_options(identifier)
    commands = {
        "before-all": build.before_all,
        "before-build": build.before_build or "",
        "before-test": build.before_test or "",
        "test-command": build.test_command or "",
        "repair-wheel-command": build.repair_command,
    }
    for option, text in commands.items():
        check_placeholders(option, text, notes)
    settings = prepare_config_settings(build.config_settings, project=project, package=project)
    return {
        **commands,
        "config-settings": shlex.split(settings),
        "environment": assignments(build.environment),
        "plain": plain(build.environment),
        "test-environment": assignments(build.test_environment),
        "test-requires": requirements(build.test_requires, Path.cwd()),
        "test-extras": build.test_extras.strip("[]"),
        "test-sources": list(build.test_sources),
        "test": bool(build.globals.test_selector(identifier)),
        "frontend": frontend(build.build_frontend),
        "missing": {option: names for option, text in commands.items() if (names := missing_files(text))},
    }


def read(request: "dict[str, Any]") -> "dict[str, Any]":
    """The answer; FaultError for what is wrong."""
    addition = request["addition"]
    install(Addition(**addition))
    from cibuildwheel.options import CommandLineArguments, Options, compute_options
    from cibuildwheel.platforms.linux import get_python_configurations

    def unchecked(*_: object) -> None:
        """Images of other architectures are not used here: old releases name ones that are gone."""

    Options._check_pinned_image = unchecked  # type: ignore[method-assign,assignment]
    notes: list[str] = []
    environment = forgive_lapsed(request["environment"], notes)
    arguments = CommandLineArguments.defaults()
    arguments.platform = PLATFORM
    arguments.archs = addition["name"]
    arguments.config_file = environment.get("CIBW_CONFIG_FILE", "")
    options = compute_options(PLATFORM, arguments, environment)
    check_overrides(options.reader)
    check_variables(options.reader, environment)
    chosen = options.globals
    suffix = f"-{request['family']}_{addition['name']}"
    found = get_python_configurations(chosen.build_selector, chosen.architectures)
    identifiers = [row.identifier for row in found if row.identifier.endswith(suffix)]
    wanted = [one for one in request["identifiers"] if fnmatchcase(one, f"*{suffix}")]
    builds = {one: one_build(options, one, request["project"], notes) for one in wanted}
    reader = options.reader
    return {
        "selected": identifiers,
        "build": reader.get("build", env_plat=False, option_format=_spaced()),
        "skip": reader.get("skip", env_plat=False, option_format=_spaced()),
        "builds": builds,
        "set": set_options(reader, wanted),
        "notes": list(dict.fromkeys(notes)),
        "passed": passed(reader, wanted, environment),
    }


def passed(reader: Any, identifiers: Iterable[str], environment: "dict[str, str]") -> "dict[str, str | None]":
    """Variables of the caller's that ``environment-pass`` names, and their values."""
    found: dict[str, str | None] = {}
    for one in identifiers:
        with reader.identifier(one):
            names = reader.get("environment-pass", option_format=_spaced()).split()
        found |= {name: environment.get(name) for name in names}
    return found


def _spaced() -> Any:
    from cibuildwheel.options import ListFormat

    return ListFormat(sep=" ")


def main() -> int:
    """Answer one request."""
    request = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer = read(request)
        except FaultError as fault:
            answer = {"error": str(fault), "hint": fault.hint}
        except MovedOnError as error:
            answer = {"error": f"the installed cibuildwheel is not one that is understood: {error}",
                      "hint": "install the version that manyloong names"}  # fmt: skip
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            text = str(error).strip('"')
            answer = {"error": text or type(error).__name__, "hint": ""}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())

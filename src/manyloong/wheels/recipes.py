"""Recipes: what a release needs beyond its own metadata, as data.

``manyloong/recipes/NAME.toml`` for the project NAME, a user's own file or folder instead of it, and the table
``[tool.manyloong]`` of the project's pyproject.toml below both. One merged value decides a build; its digest
is part of the job's id. The keys are described in docs/reference/recipes.md.
"""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from manyloong.errors import InputError, NotFoundError
from manyloong.wheels.recipe_keys import KeyReader, Settings, Skip, near_hint

SUFFIX = ".toml"
STATUS = "upstream-status:"
GCC = "gcc"  # the one toolchain that can be asked for besides the roots' own


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A unified diff to apply with one leading folder removed, and where it stands upstream."""

    name: str
    status: str  # of its Upstream-Status line, e.g. "Submitted [URL]"
    text: str

    @property
    def sha256(self) -> str:
        """Of its text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One recipe, or several merged; the empty one asks for nothing."""

    name: str = ""  # canonical project name
    origins: tuple[str, ...] = ()  # where it was read
    why: str = ""
    versions: str = ""  # specifiers (PEP 440); empty: every version
    ports: tuple[str, ...] = ()
    toolchain: str = ""  # GCC: with its Fortran compiler, whatever the sources say
    build_requires: tuple[str, ...] = ()  # besides those of the project's own metadata
    config_settings: Settings = ()
    environment: tuple[tuple[str, str], ...] = ()
    test_command: str | None = None
    test_requires: tuple[str, ...] = ()
    import_first: tuple[str, ...] = ()  # modules that have to be imported before the wheel's own
    skips: tuple[Skip, ...] = ()
    dispatched: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()
    ignored: tuple[
        tuple[str, str], ...
    ] = ()  # options of the project's own table -> why they do not hold here

    @property
    def digest(self) -> str:
        """SHA-256 of what decides a build: not of names, places and reasons, nor of what is ignored."""
        document = asdict(self)
        for key in ("name", "origins", "why", "versions", "ignored"):
            del document[key]
        for key in ("toolchain", "build_requires", "import_first"):
            if not document[key]:
                del document[key]
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    @property
    def build_digest(self) -> str:
        """As ``digest``, of what decides the wheel's bytes: not of how it is tested and judged."""
        return built_part(self).digest

    def serves(self, version: str | None) -> bool:
        """Whether it is for that version; one that is not known yet is served."""
        try:
            return version is None or Version(version) in SpecifierSet(self.versions, prereleases=True)
        except InvalidVersion:
            return not self.versions


def built_part(recipe: Recipe) -> Recipe:
    """The recipe without what is about tests and verdicts."""
    return replace(recipe, test_command=None, test_requires=(), import_first=(), skips=(), dispatched=())


def merged(general: Recipe, special: Recipe) -> Recipe:
    """Both together: lists add up, the special one's single values win."""
    return Recipe(
        name=special.name or general.name,
        origins=(*general.origins, *special.origins),
        why=special.why or general.why,
        versions=special.versions or general.versions,
        ports=tuple(dict.fromkeys((*general.ports, *special.ports))),
        toolchain=special.toolchain or general.toolchain,
        build_requires=tuple(dict.fromkeys((*general.build_requires, *special.build_requires))),
        config_settings=merged_settings(general.config_settings, special.config_settings),
        environment=tuple((dict(general.environment) | dict(special.environment)).items()),
        test_command=general.test_command if special.test_command is None else special.test_command,
        test_requires=tuple(dict.fromkeys((*general.test_requires, *special.test_requires))),
        import_first=tuple(dict.fromkeys((*general.import_first, *special.import_first))),
        skips=tuple(dict.fromkeys((*general.skips, *special.skips))),
        dispatched=tuple(dict.fromkeys((*general.dispatched, *special.dispatched))),
        patches=(*general.patches, *special.patches),
        ignored=tuple((dict(general.ignored) | dict(special.ignored)).items()),
    )


def merged_settings(general: Settings, special: Settings) -> Settings:
    """Config settings: a list's values go before those that are added; a single value is replaced."""
    found = dict(general)
    for key, value in special:
        before = found.get(key)
        if isinstance(before, tuple):
            found[key] = (*before, *(value if isinstance(value, tuple) else (value,)))
        else:
            found[key] = value
    return tuple(found.items())


def gathered_settings(pairs: Sequence[tuple[str, str]]) -> Settings:
    """Pairs as config settings: a key that comes once is a string, one that comes again a list (PEP 517)."""
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return tuple((key, values[0] if len(values) == 1 else tuple(values)) for key, values in found.items())


def parse_recipe(text: str, *, where: str, name: str, patches: Traversable | Path | None = None) -> Recipe:
    """A recipe's file as a value; patches are read from the folder ``patches``.

    Raises InputError for a single fault, an ExceptionGroup of them for several.
    """
    reader = KeyReader(_toml(text, where), where)
    recipe = _common(reader, name=name, where=where)
    names = reader.texts("patches")
    versions = reader.specifiers("versions")
    requires = reader.requirements("build-requires")
    why = reader.text("why") or ""
    found = [one for patch in names if (one := _read_patch(patch, patches, reader)) is not None]
    reader.finish()
    return replace(recipe, versions=versions, why=why, patches=tuple(found), build_requires=requires)


def parse_tool_table(pyproject: str, *, where: str) -> Recipe:
    """``[tool.manyloong]`` of a pyproject.toml; the empty recipe where it has none or is no TOML."""
    try:
        table = tomllib.loads(pyproject).get("tool", {}).get("manyloong")
    except (tomllib.TOMLDecodeError, AttributeError):
        return Recipe()  # the build front end says what is wrong with it
    if table is None:
        return Recipe()
    label = f"{where}: tool.manyloong"
    if not isinstance(table, dict):
        raise InputError(f"{label} is not a table", hint="write [tool.manyloong]")
    reader = KeyReader(table, label)
    recipe = _common(reader, name="", where=label)
    foreign = {
        "versions": "a project speaks of itself",
        "patches": "change the sources instead",
        "build-requires": "[build-system] has requires for that",
    }
    reader.finish(foreign=foreign)
    return recipe


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not valid TOML: {error}", hint="correct that line") from None


def _common(reader: KeyReader, *, name: str, where: str) -> Recipe:
    test = reader.table("test")
    tables = reader.table("cibuildwheel")
    recipe = Recipe(
        name=name,
        origins=(where,),
        ports=reader.texts("ports"),
        toolchain=_toolchain(reader),
        config_settings=reader.settings("config-settings"),
        environment=reader.variables("environment"),
        test_command=test.text("command"),
        test_requires=test.requirements("requires"),
        import_first=test.texts("import-first"),
        skips=test.skips("skips"),
        dispatched=reader.texts("dispatched"),
        ignored=tables.variables("ignore"),
    )
    test.finish()
    tables.finish()
    return recipe


def _toolchain(reader: KeyReader) -> str:
    name = reader.text("toolchain") or ""
    if name not in {"", GCC}:
        reader.fault("toolchain", f"there is none named {name!r}", hint=near_hint(name, (GCC,)))
    return name


def _read_patch(name: str, folder: Traversable | Path | None, reader: KeyReader) -> Patch | None:
    if "/" in name or folder is None or not (file := folder.joinpath(name)).is_file():
        reader.fault("patches", f"no file {name!r} beside the recipe")
        return None
    text = file.read_text("utf-8")
    head = text.partition("\n--- ")[0] if not text.startswith("--- ") else ""
    found = [line for line in head.splitlines() if line.lower().startswith(STATUS)]
    if not found or not (status := found[0][len(STATUS) :].strip()):
        reader.fault("patches", f"{name} has no Upstream-Status line before its first change")
        return None
    return Patch(name=name, status=status, text=text)


# ---- where recipes are


def read_recipe(file: Path) -> Recipe:
    """A user's own recipe; the file's name is the project's."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read as a recipe: {error}", hint="see: docs/reference/recipes.md"
        ) from None
    name = str(canonicalize_name(file.name.removesuffix(SUFFIX)))
    recipe = parse_recipe(text, where=str(file), name=name, patches=file.parent)
    return replace(recipe, origins=(file.name,))  # records name no path of this machine


def read_recipes(paths: Sequence[Path]) -> tuple[Recipe, ...]:
    """Every recipe of some files and folders (``NAME.toml`` in them)."""
    found: list[Recipe] = []
    for path in paths:
        if path.is_dir():
            found += [read_recipe(file) for file in sorted(path.glob(f"*{SUFFIX}"))]
        elif path.is_file() and path.suffix == SUFFIX:
            found.append(read_recipe(path))
        else:
            raise InputError(
                f"{path} is neither a recipe (NAME.toml) nor a folder of recipes",
                hint="name a file: --recipe ./recipes/NAME.toml",
            )
    return tuple(found)


def shipped_names() -> tuple[str, ...]:
    """The projects that this package carries a recipe for."""
    entries = (entry.name for entry in _shipped().iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in entries if name.endswith(SUFFIX)))


def shipped_recipe(name: str) -> Recipe:
    """The recipe that this package carries; NotFoundError with near names."""
    project = str(canonicalize_name(name))
    file = _shipped().joinpath(project + SUFFIX)
    if not file.is_file():
        raise NotFoundError(f"no recipe for {name!r}", hint=near_hint(project, shipped_names()))
    return parse_recipe(
        file.read_text("utf-8"), where=f"recipes/{project}{SUFFIX}", name=project, patches=_shipped()
    )


def choose_recipe(name: str | None, version: str | None, own: Sequence[Recipe]) -> Recipe:
    """The recipe of a release: the user's own, else the shipped one; the empty one where there is none.

    Raises InputError for a user's own recipe that is for other versions.
    """
    project = str(canonicalize_name(name or ""))
    for recipe in own:
        if recipe.name == project:
            if not recipe.serves(version):
                raise InputError(
                    f"{recipe.origins[0]} is for {project} {recipe.versions}, not for {version}",
                    hint="change its versions, or build one that it is for",
                )
            return recipe
    if project not in shipped_names() or unserved_recipe(project, version, own):
        return Recipe()
    return shipped_recipe(project)


def unserved_recipe(name: str | None, version: str | None, own: Sequence[Recipe]) -> Recipe | None:
    """The shipped recipe of a release that it is not for, and for which the user gave none."""
    project = str(canonicalize_name(name or ""))
    if project not in shipped_names() or any(recipe.name == project for recipe in own):
        return None
    recipe = shipped_recipe(project)
    return None if recipe.serves(version) else recipe


def debts(recipe: Recipe) -> tuple[tuple[str, str, str], ...]:
    """Each line of a recipe that upstream could make needless: kind, what, why."""
    settings = (
        (key, " ".join((value,) if isinstance(value, str) else value))
        for key, value in recipe.config_settings
    )
    return (
        *(("port", port, recipe.why) for port in recipe.ports),
        *(("build requirement", text, recipe.why) for text in recipe.build_requires),
        *(("config setting", f"{key} = {value}", recipe.why) for key, value in settings),
        *(("environment", f"{key}={value}", recipe.why) for key, value in recipe.environment),
        *(("patch", patch.name, patch.status) for patch in recipe.patches),
        *(("dispatched", function, recipe.why) for function in recipe.dispatched),
        *(("skip", skip.test, skip.reason) for skip in recipe.skips),
        *(("ignored option", option, reason) for option, reason in recipe.ignored),
    )


def recipe_document(recipe: Recipe) -> dict[str, Any]:
    """A recipe as JSON, with the keys that its file has."""
    return {
        "name": recipe.name,
        "origin": list(recipe.origins),
        "why": recipe.why,
        "versions": recipe.versions,
        "ports": list(recipe.ports),
        "build-requires": list(recipe.build_requires),
        "config-settings": dict(recipe.config_settings),
        "environment": dict(recipe.environment),
        "test": {
            "command": recipe.test_command,
            "requires": list(recipe.test_requires),
            "import-first": list(recipe.import_first),
            "skips": [asdict(skip) for skip in recipe.skips],
        },
        "dispatched": list(recipe.dispatched),
        "patches": [{"name": one.name, "status": one.status, "sha256": one.sha256} for one in recipe.patches],
        "cibuildwheel": {"ignore": dict(recipe.ignored)},
        "sha256": recipe.digest,
    }


def _shipped() -> Traversable:
    return files("manyloong").joinpath("recipes")

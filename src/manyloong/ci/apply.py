"""A project's table laid below what the user and the recipe say: the options of each build identifier.

From strongest to weakest: the command line, CIBW_* variables, the recipe, the project's table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from manyloong.ci.reader import BuildTable, Table
from manyloong.ci.rules import rule_of
from manyloong.errors import InputError
from manyloong.wheels.hooks import PROMISED, Hooks, TestHooks
from manyloong.wheels.job import Options, with_recipe
from manyloong.wheels.recipe_keys import Settings
from manyloong.wheels.recipes import Recipe, gathered_settings, merged_settings

_TEST = ("test-command", "before-test", "test-requires", "test-extras", "test-groups", "test-sources",
         "test-environment")  # fmt: skip
_VARIABLE = "CIBW_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What the table comes to."""

    options: Options
    notes: tuple[str, ...]


def apply_table(
    user: Options,
    recipe: Recipe,
    table: Table,
    identifier: str,
    *,
    network: bool,
    stable_only: str = "",
    archive: bool = False,
) -> Applied:
    """The options of one identifier; InputError for an option that is refused.

    ``archive``: the sources are a release's, which often lacks what only its repository has; a command that
    names such a file is left out.
    """
    build = table.of(identifier)
    absent = {option: f"the source archive has no {', '.join(names)}" for option, names in build.missing}
    recipe = replace(recipe, ignored=tuple(((absent if archive else {}) | dict(recipe.ignored)).items()))
    given = _of_variables(user, build, table)
    settled = with_recipe(given, recipe)
    own_test = recipe.test_command is not None and given.test_command is None
    ignored = dict(recipe.ignored)
    environment = [pair for pair in build.environment if not _is_ignored("environment", pair[0], ignored)]
    plain = None if build.plain is None else [
        pair for pair in build.plain if not _is_ignored("environment", pair[0], ignored)
    ]  # fmt: skip
    settings = [pair for pair in build.settings if not _is_ignored("config-settings", pair[0], ignored)]
    all_below = dict(plain or ()) | dict(settled.environment)
    options = replace(
        settled,
        config_settings=merged_settings(gathered_settings(settings), settled.config_settings),
        environment=tuple(all_below.items()),
        hooks=_hooks(build, ignored, None if plain is not None else environment, network, stable_only),
    )
    texts = [*(value for _, value in options.environment), *_texts(options.config_settings)]
    if any(PROMISED.search(text) for text in texts):
        options = replace(options, hooks=replace(options.hooks, promised=True))
    if not own_test:
        options = _with_tests(options, build, ignored, environment, network)
    elif build.test_command:
        options = replace(options, test_hooks=TestHooks(environment=tuple(environment)))
    notes = (*_notes(table, recipe, own_test=own_test), *_installer_notes(environment))
    return Applied(options=options, notes=notes)


def _texts(settings: Settings) -> list[str]:
    return [text for _, value in settings for text in ((value,) if isinstance(value, str) else value)]


def _is_ignored(option: str, key: str, ignored: Mapping[str, str]) -> bool:
    return option in ignored or f"{option}.{key}" in ignored


def _of_variables(user: Options, build: BuildTable, table: Table) -> Options:
    """The user's options with what CIBW_* variables say below them, above any recipe."""
    origins = dict(table.origins)

    def by_variable(option: str) -> bool:
        return origins.get(option, ("",))[-1].startswith(_VARIABLE)

    found = user
    if by_variable("test-command") and user.test_command is None:
        found = replace(found, test_command=build.test_command)
    if by_variable("config-settings"):
        settings = merged_settings(gathered_settings(build.settings), user.config_settings)
        found = replace(found, config_settings=settings)
    if by_variable("environment") and build.plain is not None:
        found = replace(found, environment=tuple((dict(build.plain) | dict(user.environment)).items()))
    return found


def _hooks(
    build: BuildTable, ignored: Mapping[str, str], environment: list[tuple[str, str]] | None, network: bool,  # noqa: FBT001
    stable_only: str,
) -> Hooks:  # fmt: skip
    return Hooks(
        before_all="" if "before-all" in ignored else build.before_all,
        before_build="" if "before-build" in ignored else build.before_build,
        environment=tuple(environment or ()),
        network=network and bool(build.before_all or build.before_build),
        stable_only=stable_only,
    )


def _with_tests(
    options: Options, build: BuildTable, ignored: Mapping[str, str], environment: list[tuple[str, str]],
    network: bool,  # noqa: FBT001
) -> Options:  # fmt: skip
    """With the table's tests; a table without a test command has none, whatever else it says of tests."""
    command = options.test_command
    if command is None:
        command = build.test_command if build.test and "test-command" not in ignored else ""
    if not command:
        return replace(options, test_command=None)
    requires = () if "test-requires" in ignored else build.test_requires
    before = "" if "before-test" in ignored else build.before_test
    return replace(
        options,
        test_command=command,
        test_requires=tuple(dict.fromkeys((*requires, *options.test_requires))),
        test_hooks=TestHooks(
            before=before,
            extras="" if "test-extras" in ignored else build.test_extras,
            sources=build.test_sources,
            environment=(*environment, *build.test_environment),
            network=network and bool(before),
        ),
    )


def _installer_notes(environment: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Variables for pip and uv are read by those that hooks start, and by nothing else here."""
    names = [f"environment.{name}" for name, _ in environment if name.startswith(("PIP_", "UV_"))]
    why = "has effect in hooks only; build requirements are resolved from what the project declares"
    return (f"{', '.join(names)}: {why}",) if names else ()


def _notes(table: Table, recipe: Recipe, *, own_test: bool) -> tuple[str, ...]:
    """A line for each option that has no effect here, and why; options of one reason share a line."""
    by_reason: dict[str, list[str]] = {}
    for option, origins in table.origins:
        rule = rule_of(option)
        if rule is None:
            raise InputError(f"cibuildwheel's option {option} is not known here", hint="unset it")
        if rule.how == "refused":
            raise InputError(
                f"{origins[-1]}: {rule.why}", hint="unset it, or build without the table: --no-table"
            )
        if rule.how == "ignored":
            by_reason.setdefault(rule.why, []).append(option)
        elif own_test and option in _TEST:
            reason = f"the recipe has a test of its own ({recipe.origins[-1]})"
            by_reason.setdefault(reason, []).append(option)
    lines = [f"{', '.join(sorted(names))}: not used, {why}" for why, names in by_reason.items()]
    set_here = dict(table.origins)
    lines += [
        f"{option}: not used, {why}" for option, why in recipe.ignored if option.partition(".")[0] in set_here
    ]
    return (*lines, *table.notes)

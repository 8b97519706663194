"""What a project's tables change of a build, planned: Pythons, ports, and the options of each identifier."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from manyloong.ci.apply import apply_table
from manyloong.ci.choose import Choice, choose_pythons
from manyloong.ci.reader import Ahead, Table, read_table, speaks_to_cibuildwheel
from manyloong.store import Store
from manyloong.targets import Python, Target
from manyloong.wheels.hooks import named_packages, package_ports
from manyloong.wheels.identifier import Identifier
from manyloong.wheels.job import Options
from manyloong.wheels.promises import system_packages
from manyloong.wheels.recipes import Recipe
from manyloong.wheels.source import Source, read_pyproject

Special = Callable[[Identifier], tuple[Options, tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """A project's tables for one command; without them all is as the user says."""

    choice: Choice | None
    table: Table | None
    ports: tuple[str, ...] = ()  # of system packages that its hooks install
    network: bool = False
    archive: bool = False  # the sources are a release's archive, not a checkout
    asked: tuple[Python, ...] | None = None

    @property
    def pythons(self) -> tuple[Python, ...] | None:
        """For which Pythons to build; None: all that are usual here."""
        return self.choice.pythons if self.choice else self.asked

    def special(self, user: Options, recipe: Recipe) -> Special | None:
        """The options of each identifier."""
        table, choice = self.table, self.choice
        if table is None or choice is None:
            return None

        def options(identifier: Identifier) -> tuple[Options, tuple[str, ...]]:
            applied = apply_table(
                user,
                recipe,
                table,
                str(identifier),
                network=self.network,
                stable_only=choice.stable_only,
                archive=self.archive,
            )
            return applied.options, (*choice.notes, *applied.notes)

        return options


def plan_tables(
    source: Source,
    asked: Sequence[Python] | None,
    target: Target,
    *,
    environ: Mapping[str, str] | None,
    store: Store,
    network: bool,
    recipe: Recipe,
    ahead: Ahead | None = None,
) -> TablePlan:
    """The tables of some sources, not read where ``environ`` is None; InputError for faults in them."""
    python = None if asked is None else tuple(asked)
    nothing = TablePlan(choice=None, table=None, asked=python)
    if environ is None or not speaks_to_cibuildwheel(read_pyproject(source, store), environ):
        return nothing
    table = read_table(source, target, environ=environ, store=store, ahead=ahead)
    choice = choose_pythons(
        asked, table, target, requires_python=source.requires_python, project=source.label
    )
    ignored = dict(recipe.ignored)
    names: list[str] = []
    for identifier in (str(Identifier(python=row, target=target)) for row in choice.pythons):
        build = table.of(identifier)
        hooks = {"before-all": build.before_all, "before-build": build.before_build}
        for option, text in hooks.items():
            names += named_packages(text) if option not in ignored else ()
    ports = package_ports(system_packages()["ports"], tuple(dict.fromkeys(names)))
    archive = source.kind != "directory"
    return TablePlan(choice=choice, table=table, ports=ports, network=network, archive=archive, asked=python)

"""``manyloong matrix`` after its arguments: which identifiers a project builds."""

from collections.abc import Mapping, Sequence

from manyloong.ci.plan import plan_tables
from manyloong.cli.doors import open_outside
from manyloong.cli.progress import ProgressListener
from manyloong.targets import Python, Target
from manyloong.wheels.identifier import Identifier, admitted
from manyloong.wheels.recipes import Recipe
from manyloong.wheels.source import PureRelease, resolve_source


def project_identifiers(
    source: str,
    targets: Sequence[Target],
    pythons: tuple[Python, ...] | None,
    *,
    environ: Mapping[str, str] | None,
) -> tuple[Identifier, ...]:
    """The identifiers of a project for some targets; none for a release that is pure Python."""
    with ProgressListener(quiet=True) as listener:
        outside = open_outside(listener, offline=False, locked=False)
        doors = outside.doors
        found = resolve_source(
            source,
            registry=outside.registry,
            fetcher=doors.fetcher,
            store=doors.store,
            listener=listener,
        )
        if isinstance(found, PureRelease):
            return ()
        identifiers: list[Identifier] = []
        for target in targets:
            tables = plan_tables(
                found,
                pythons,
                target,
                environ=environ,
                store=doors.store,
                network=False,
                recipe=Recipe(),
            )
            chosen = admitted(tables.pythons, found.requires_python, project=found.label)
            identifiers += [Identifier(python=row, target=target) for row in chosen]
    return tuple(identifiers)

"""What ``manyloong recipe check`` prints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from manyloong.cli import terminal
from manyloong.errors import InputError, ManyloongError
from manyloong.roots.ports import Port, all_ports, find_port
from manyloong.wheels.recipes import SUFFIX, Recipe, read_recipe, shipped_names, shipped_recipe
from manyloong.wheels.registry import Registry, require_release


def check_recipes(paths: Sequence[Path], *, offline: bool, folders: Sequence[Path] = ()) -> int:
    """Check each, print what is wrong; the gravest exit code, 0 when nothing is.

    ``folders`` hold ports of the user's, which recipes may name too.
    """
    checks = list(_readers(paths))
    ports = all_ports(folders)
    registry = None if offline else _registry()
    codes = [_check(name, read, ports, registry) for name, read in checks]
    print(f"{len(checks)} recipes, {sum(code != 0 for code in codes)} with faults")
    return max(codes, default=0)


def _readers(paths: Sequence[Path]) -> Iterator[tuple[str, Callable[[], Recipe]]]:
    if not paths:
        for name in shipped_names():
            yield name, lambda name=name: shipped_recipe(name)  # type: ignore[misc]
    for path in paths:
        found = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not found:
            raise InputError(f"{path} holds no recipe (NAME{SUFFIX})", hint="name a file or another folder")
        for file in found:
            yield str(file), lambda file=file: read_recipe(file)  # type: ignore[misc]


def _registry() -> Registry:
    from manyloong.cli.doors import open_outside
    from manyloong.events import ignore

    return open_outside(ignore, offline=False, locked=False).registry


def _check(
    name: str, read: Callable[[], Recipe], ports: Mapping[str, Port], registry: Registry | None
) -> int:
    found = list(_faults(read, ports, registry))
    for one in found:
        terminal.print_error(one.message, hint=one.hint)
    if not found:
        print(f"{name}: good")
    return max((one.exit_code for one in found), default=0)


def _faults(
    read: Callable[[], Recipe], ports: Mapping[str, Port], registry: Registry | None
) -> Iterator[ManyloongError]:
    """Everything that is wrong with one recipe."""
    try:
        recipe = read()
    except ManyloongError as error:
        yield error
        return
    except ExceptionGroup as group:
        yield from (leaf for leaf in _leaves(group) if isinstance(leaf, ManyloongError))
        return
    for port in recipe.ports:
        try:
            find_port(port, ports, asked_by=f"the recipe of {recipe.name}")
        except ManyloongError as error:
            yield error
    if registry is not None:
        try:
            require_release(recipe.name, recipe.versions, registry)
        except ManyloongError as error:
            yield error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error

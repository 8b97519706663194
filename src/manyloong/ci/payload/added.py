"""One more architecture in the installed cibuildwheel, in this process only: nothing on disk changes.

Call ``install`` before cibuildwheel is imported. Two of its enumerations get a member as they are loaded, its
tables get rows afterwards; each name that this depends on is checked, so that a cibuildwheel that has moved
on is refused by name instead of misread.
"""

import ast
import functools
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any


class MovedOnError(Exception):
    """The installed cibuildwheel has no longer what is added to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """An architecture as cibuildwheel needs to know it."""

    name: str  # as in build identifiers and option names
    oci: str  # platform of container images
    images: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # family -> short name -> image
    # family -> Python tag, version, folder below /opt/python
    pythons: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)


class _Loader(importlib.machinery.SourceFileLoader):
    """Adds one member to one class of a module's source; its byte code is not kept."""

    def __init__(self, spec: importlib.machinery.ModuleSpec, member: tuple[str, str, str]) -> None:
        super().__init__(spec.name, str(spec.origin))
        self._member = member

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)

    def source_to_code(  # type: ignore[override]  # it is static in one base and not in the other
        self, data: Any, path: Any, *, _optimize: int = -1
    ) -> CodeType:
        name, key, value = self._member
        tree = ast.parse(data, path)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                line = ast.parse(f"{key} = {value!r}").body
                start = next(i for i, part in enumerate(node.body) if isinstance(part, ast.Assign))
                node.body[start:start] = [ast.copy_location(part, node.body[start]) for part in line]
                return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)
        raise MovedOnError(f"{path} has no class {name}")


class _Finder:
    """Loads the modules whose enumerations get a member."""

    def __init__(self, members: Mapping[str, tuple[str, str, str]]) -> None:
        self._members = members

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._members:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = _Loader(spec, self._members[name])
        return spec


def install(addition: Addition) -> None:
    """Make the installed cibuildwheel know the architecture; MovedOnError that names what is missing."""
    taken = sorted(name for name in sys.modules if name.partition(".")[0] == "cibuildwheel")
    if taken:
        raise MovedOnError(f"{taken[0]} was imported before the architecture was added")
    members = {
        "cibuildwheel.architecture": ("Architecture", addition.name, addition.name),
        "cibuildwheel.oci_container": ("OCIPlatform", addition.name.upper(), addition.oci),
    }
    sys.meta_path.insert(0, _Finder(members))
    _add_architecture(addition)
    _add_resources(addition)
    _add_options(addition)
    _add_linux(addition)


def _of(module: str, *names: str) -> tuple[ModuleType, list[Any]]:
    found = importlib.import_module(f"cibuildwheel.{module}")
    missing = [name for name in names if not hasattr(found, name)]
    if missing:
        raise MovedOnError(f"cibuildwheel.{module} has no {', '.join(missing)}")
    return found, [getattr(found, name) for name in names]


def _add_architecture(addition: Addition) -> None:
    _, (architecture,) = _of("architecture", "Architecture")
    of_platform = architecture.all_archs

    def all_archs(cls: Any, platform: str) -> set[Any]:
        found = set(of_platform(platform))
        return found | {cls(addition.name)} if platform == "linux" else found

    architecture.all_archs = classmethod(all_archs)
    _, (oci,) = _of("oci_container", "OCIPlatform")
    native = oci.native

    def native_platform(cls: Any) -> Any:
        import platform

        return cls(addition.oci) if platform.machine() == addition.name else native()

    oci.native = classmethod(native_platform)


def _add_resources(addition: Addition) -> None:
    resources, (read,) = _of("util.resources", "read_python_configs")

    def read_python_configs(config: str) -> list[dict[str, str]]:
        found = list(read(config))
        return found + _rows(addition) if config == "linux" else found

    resources.read_python_configs = functools.cache(read_python_configs)  # type: ignore[attr-defined]


def _rows(addition: Addition) -> list[dict[str, str]]:
    return [
        {"identifier": f"{tag}-{family}_{addition.name}", "version": version, "path_str": folder}
        for family, pythons in addition.pythons.items()
        for tag, version, folder in pythons
    ]


def _add_options(addition: Addition) -> None:
    options, (many, musl, reader, images) = _of(
        "options", "MANYLINUX_ARCHS", "MUSLLINUX_ARCHS", "OptionsReader", "_get_pinned_container_images"
    )
    options.MANYLINUX_ARCHS = (*many, addition.name)  # type: ignore[attr-defined]
    options.MUSLLINUX_ARCHS = (*musl, addition.name)  # type: ignore[attr-defined]
    load: Callable[..., Any] = reader._load_file

    def load_file(self: Any, filename: Any) -> Any:
        common, platform = load(self, filename)
        if filename == sys.modules["cibuildwheel.util.resources"].DEFAULTS:
            added = {
                f"{family}-{addition.name}-image": next(
                    iter(addition.images.get(family, {})), f"{family}_{addition.name}"
                )
                for family in ("manylinux", "musllinux")
            }
            common = added | common
        return common, platform

    reader._load_file = load_file

    def pinned() -> dict[str, Any]:
        own = {name: image for rows in addition.images.values() for name, image in rows.items()}
        return {**images(), addition.name: own}

    options._get_pinned_container_images = functools.cache(pinned)  # type: ignore[attr-defined]


def _add_linux(addition: Addition) -> None:
    _, (table,) = _of("platforms.linux", "ARCHITECTURE_OCI_PLATFORM_MAP")
    _, (architecture,) = _of("architecture", "Architecture")
    _, (oci,) = _of("oci_container", "OCIPlatform")
    table[architecture(addition.name)] = oci(addition.oci)

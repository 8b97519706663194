"""What an image of a target is made of: fetched and built where it is not in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from manyloong.errors import NotFoundError
from manyloong.roots import Root
from manyloong.roots.images.built import ensure_config
from manyloong.roots.images.parts import (
    BuiltPython,
    ImageParts,
    ensure_launcher,
    fetch_wheels,
    present_pythons,
    source_pythons,
)
from manyloong.roots.images.pythons import pip_wheel, python_home
from manyloong.roots.images.sites import TOOLS, ensure_site
from manyloong.roots.interpreters import (
    FloorParts,
    ensure_native_python,
    ensure_target_python,
    find_build,
    native_bind,
    needed_ports,
    needs_native,
)
from manyloong.roots.libstdcxx import gcc_source
from manyloong.roots.lock import committed_lock
from manyloong.roots.ports import shipped_ports
from manyloong.roots.ports.order import in_order
from manyloong.roots.runtime import libc_source
from manyloong.roots.sources import PinnedSource
from manyloong.sandbox import Bind
from manyloong.targets import Host, Python, Target, all_targets, distribution_target, known_pythons
from manyloong.wheels.doors import Doors
from manyloong.wheels.floors import compile_doors
from manyloong.wheels.kit import Kit, ensure_kit, kit_parts, root_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    """CPythons from source for an image: each, its home in it, and what runs it on the build machine."""

    pythons: tuple[BuiltPython, ...] = ()
    homes: Mapping[str, str]
    binds: Mapping[str, tuple[Bind, ...]]
    sources: tuple[PinnedSource, ...] = ()
    libraries: tuple[Path, ...] = ()


def image_root(target: Target) -> str:
    """Name of the root whose userland an image has; "" where there is no image.

    Where a distribution has not the target's C library, it is that of its architecture.
    """
    return target.image_root or distribution_target(target).image_root


def image_targets() -> tuple[Target, ...]:
    """The targets that there are images of."""
    return tuple(target for target in all_targets() if target.buildable and image_root(target))


def image_target(name: str) -> Target:
    """The platform tag of that name, with or without its architecture; NotFoundError."""
    targets = image_targets()
    for target in targets:
        if name in {target.tag, target.tag.removesuffix(f"_{target.architecture.name}")}:
            return target
    known = ", ".join(target.tag for target in targets)
    raise NotFoundError(f"there is no image of {name!r}", hint=f"known: {known}")


def image_pythons(target: Target) -> tuple[Python, ...]:
    """The CPythons below /opt/python of a target's image."""
    built = source_pythons(target.family)
    rows = (target.python(row) for row in known_pythons())
    return tuple(row for row in rows if row.tag in built or not row.from_source)


def ensure_parts(target: Target, host: Host, *, doors: Doors, cross: bool = False) -> ImageParts:
    """The parts of a target's image, or of its cross image.

    NotFoundError where there is no cross image; FetchError, IntegrityError, BuildError, HostError.
    """
    if cross and target.from_source:
        raise NotFoundError(
            f"there is no cross image of {target.tag}",
            hint="its image compiles natively as well: leave out --cross",
        )
    kit = ensure_kit(target, host, doors=doors)
    base = root_of(f"image-{host.debian}" if cross else image_root(target), doors)
    distribution = present_pythons(base, tuple(row for row in known_pythons() if not row.from_source))
    built = _Built(homes={}, binds={}) if cross else _ensure_built(target, kit, doors)
    launcher = ensure_launcher(
        target,
        host,
        native=kit.native_root,
        toolchain=kit.toolchain,
        store=doors.store,
        runner=doors.runner,
    )
    return ImageParts(
        target=target,
        host=host,
        base=base,
        native=base if cross else kit.native_root,
        toolchain=kit.toolchain,
        launcher=launcher,
        sites=_sites(base, kit.native_root, distribution, built, doors),
        distribution=distribution,
        epoch=int(committed_lock(base.name).date.timestamp()),
        built=built.pythons,
        sources=built.sources,
        libraries=built.libraries,
    )


def _ensure_built(target: Target, kit: Kit, doors: Doors) -> _Built:
    parts = kit_parts(kit, doors)
    tags = source_pythons(target.family)
    pythons, homes, binds = [], {}, {}
    for python in (target.python(row) for row in known_pythons() if row.tag in tags):
        row, homes[python.tag] = _ensure_python(python, target, parts, doors)
        pythons.append(row)
        binds[python.tag] = _native_binds(python, parts, doors)
    sources = {find_build(python.python.tag).source: None for python in pythons}
    libraries: list[Path] = []
    if target.from_source:
        libraries = [*kit.libraries, *([parts.ports.path / "lib"] if parts.ports else [])]
        ports = in_order(needed_ports(), shipped_ports())
        more = (libc_source(target), gcc_source(), *(port.source for port in ports))
        sources |= dict.fromkeys(more)
    return _Built(
        pythons=tuple(pythons),
        homes=homes,
        binds=binds,
        sources=tuple(sources),
        libraries=tuple(libraries),
    )


def _ensure_python(
    python: Python, target: Target, parts: FloorParts, doors: Doors
) -> tuple[BuiltPython, str]:
    tree = ensure_target_python(python, target, parts=parts, doors=compile_doors(doors))
    home = python_home(tree.path, python)
    config = ensure_config(python, tree, home=home, target=target, store=doors.store)
    return BuiltPython(python=python, tree=tree.path, config=config), home


def _native_binds(python: Python, parts: FloorParts, doors: Doors) -> tuple[Bind, ...]:
    if not needs_native(python):
        return ()
    inside = compile_doors(doors)
    return (native_bind(ensure_native_python(python, build_root=parts.build_root, doors=inside)),)


def _sites(
    base: Root, native: Root, distribution: tuple[Python, ...], built: _Built, doors: Doors
) -> dict[str, Path]:
    """Site-packages of every environment by Python tag, and of "tools"."""
    wheels = fetch_wheels(fetcher=doors.fetcher, locate=doors.locate, listener=doors.listener)
    own = (pip_wheel(base.path), *wheels["interpreters"])
    places = {python.tag: (python_home(base.path, python), python, own) for python in distribution}
    for row in built.pythons:
        places[row.python.tag] = (built.homes[row.python.tag], row.python, own)
    places["tools"] = (TOOLS, distribution[0], wheels["tools"])
    return {
        name: ensure_site(
            home,
            python,
            files,
            native=native,
            store=doors.store,
            runner=doors.runner,
            binds=built.binds.get(name, ()),
        )
        for name, (home, python, files) in places.items()
    }

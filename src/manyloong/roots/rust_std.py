"""Rust for a target: which roots the compiler and the standard library are in, and the library from source.

Debian packages the standard library for its own architectures, which are all glibc's. For another C library
it is compiled from the source of the same release by that release's compiler, as the compiler's own build
does it (library/sysroot, profile "dist"); every crate it is made of is in the package of its source. It is
linked statically, so neither a linker nor a C library decides its bytes.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from manyloong.errors import NotFoundError
from manyloong.roots.compile import CompileDoors, Recipe, Workshop, ensure_compiled, program_text
from manyloong.roots.layers import ensure_layered
from manyloong.roots.layout import NATIVE_PATH
from manyloong.roots.lock import committed_lock, root_id
from manyloong.roots.model import Root
from manyloong.roots.spec import all_specs, root_spec
from manyloong.roots.toolchain import Toolchain
from manyloong.targets import Host, Target

RECIPE = 1  # bump when the same source and compiler would give other bytes
KIND = "rust-std"
_PROGRAM = "rust_std"
_STAGES = ("unpack", "compile", "install")
_LIBC = {"glibc": "gnu", "musl": "musl"}


def rust_triple(target: Target) -> str:
    """The target as rustc names it."""
    return f"{target.architecture.rust}-{_LIBC[target.libc]}"


def host_triple(host: Host) -> str:
    """The build machine as rustc names it."""
    return f"{host.name}-unknown-linux-gnu"


def rust_layers(host: Host, target: Target) -> tuple[str, ...]:
    """Names of the roots that are laid over a build's: cargo and rustc, and a packaged standard library."""
    own = (f"rust-{host.debian}",)
    if target.from_source or host.debian == target.architecture.debian:
        return own
    return (*own, f"rust-std-{target.architecture.debian}")


def std_source(target: Target) -> str:
    """Name of the root with the source of the standard library; "" where it is packaged compiled."""
    return f"rust-src-{target.architecture.debian}" if target.from_source else ""


def check_rust(host: Host, target: Target) -> None:
    """NotFoundError where no root has a compiler that runs on the host."""
    known = {spec.name for spec in all_specs()}
    if missing := [name for name in rust_layers(host, target) if name not in known]:
        raise NotFoundError(
            f"there is no Rust compiler for {rust_triple(target)} on {host.name}: no root {missing[0]}",
            hint="it is there on x86_64 and aarch64",
        )


def rust_ids(host: Host, target: Target) -> dict[str, str]:
    """Name and id of each part of Rust, as locked; nothing is built."""
    source = std_source(target)
    names = (*rust_layers(host, target), *([source] if source else []))
    ids = {name: root_id(committed_lock(name), root_spec(name)) for name in names}
    return ids | ({KIND: _program_digest()} if source else {})


def _program_digest() -> str:
    return hashlib.sha256(json.dumps([RECIPE, program_text(_PROGRAM)]).encode()).hexdigest()


def std_recipe(host: Host, target: Target, *, root: Root) -> Recipe:
    """The standard library; ``root`` has the compiler and the source."""
    triple, own = rust_triple(target), host_triple(host)
    linker = f"CARGO_TARGET_{own.upper().replace('-', '_')}_LINKER"
    variables = {
        "TRIPLE": triple,
        "CARGO_HOME": "/build/home",
        "CARGO_INCREMENTAL": "0",
        "CARGO_PROFILE_DIST_DEBUG": "0",
        "CARGO_TARGET_DIR": "/build/target",
        "CARGO_TERM_COLOR": "never",
        "RUSTC_BOOTSTRAP": "1",
        "RUSTFLAGS": "-Zforce-unstable-if-unmarked --remap-path-prefix=/build/src=/rustc/library",
        linker: f"{NATIVE_PATH}/bin/cc",  # of the build scripts, which only choose features
    }
    return Recipe(
        name=f"Rust's standard library for {triple}",
        kind=KIND,
        program=_PROGRAM,
        stages=_STAGES,
        sources=(),
        variables=tuple(sorted(variables.items())),
        inputs=(str(RECIPE), root.id),
    )


def ensure_rust_layers(
    host: Host,
    target: Target,
    *,
    native_root: Root,
    toolchain: Toolchain,
    root_of: Callable[[str], Root],
    doors: CompileDoors,
) -> tuple[Root, ...]:
    """What is laid over a build's root; a standard library that is not packaged is compiled on first use.

    ``root_of``: a locked root by its name. Raises NotFoundError, FetchError, IntegrityError, BuildError.
    """
    check_rust(host, target)
    layers = tuple(root_of(name) for name in rust_layers(host, target))
    source = std_source(target)
    if not source:
        return layers
    root = ensure_layered(native_root, (*layers, root_of(source)), store=doors.store)
    recipe = std_recipe(host, target, root=root)
    tree = ensure_compiled(recipe, Workshop(root=root.path, binds=toolchain.binds()), doors)
    return (*layers, _as_root(tree))


def _as_root(tree: Path) -> Root:
    return Root(name=KIND, id=tree.name, path=tree)

"""Rust for a target: which roots the compiler and the standard library are in."""

from collections.abc import Callable

from manyloong.errors import NotFoundError
from manyloong.roots.lock import committed_lock, root_id
from manyloong.roots.model import Root
from manyloong.roots.spec import all_specs, root_spec
from manyloong.targets import Host, Target

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
    if host.debian == target.architecture.debian:
        return own
    return (*own, f"rust-std-{target.architecture.debian}")


def check_rust(host: Host, target: Target) -> None:
    """NotFoundError where no root has a compiler that runs on the host, or the target's standard library."""
    if target.from_source:
        raise NotFoundError(
            f"there is no Rust standard library for {rust_triple(target)}: Debian packages none",
            hint="ask for a glibc platform: --platform manylinux_2_36",
        )
    known = {spec.name for spec in all_specs()}
    if missing := [name for name in rust_layers(host, target) if name not in known]:
        raise NotFoundError(
            f"there is no Rust compiler for {rust_triple(target)} on {host.name}: no root {missing[0]}",
            hint="it is there on x86_64 and aarch64",
        )


def rust_ids(host: Host, target: Target) -> dict[str, str]:
    """Name and id of each part of Rust, as locked; nothing is built."""
    return {name: root_id(committed_lock(name), root_spec(name)) for name in rust_layers(host, target)}


def ensure_rust_layers(
    host: Host,
    target: Target,
    *,
    root_of: Callable[[str], Root],
) -> tuple[Root, ...]:
    """What is laid over a build's root; ``root_of``: a locked root by its name. Errors as ``check_rust``."""
    check_rust(host, target)
    return tuple(root_of(name) for name in rust_layers(host, target))

"""An image of the target: its own userland, compilers that run natively on the build machine, interpreters.

The image is the target's. Where it is emulated, the programs that take time are the build machine's: beside
``NAME`` there are ``NAME.x86_64`` and ``NAME.loongarch64``, and ``NAME`` itself starts the first that the
kernel runs (``payload/launch.c``).
"""

from collections.abc import Iterator

from manyloong.roots.images.bill import bill_members
from manyloong.roots.images.built import libc_members
from manyloong.roots.images.layer import Member, Members, directory, tree_members
from manyloong.roots.images.oci import Image, Layer
from manyloong.roots.images.parts import ImageParts, native_programs
from manyloong.roots.images.pythons import (
    configured,
    full_version,
    interpreter_members,
    python_folder,
    stale,
    tool_members,
)
from manyloong.roots.layout import TARGET_PATH, ZIG_PATH
from manyloong.targets import distribution_target

STARTER = "opt/manyloong/host/bin/python3"  # starts the compilers' wrappers
_SHARED = ("tmp", "var/tmp")
_PATH = f"{TARGET_PATH}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def target_image(parts: ImageParts) -> Image:
    """The image of a target, for its own platform."""
    target = parts.target
    policy = target.tag.removesuffix(f"_{target.architecture.name}")
    layers = (
        Layer(title=f"userland: {parts.base.name}", members=_userland(parts)),
        Layer(title=f"compilers, native on {parts.host.name}", members=_native(parts)),
        Layer(title="interpreters and tools", members=_interpreters(parts)),
    )
    return Image(
        name=target.tag,
        platform=target.architecture.oci,
        layers=layers,
        environment=(
            ("PATH", _PATH),
            ("LANG", "C.UTF-8"),
            ("AUDITWHEEL_POLICY", policy),
            ("AUDITWHEEL_ARCH", target.architecture.name),
            ("AUDITWHEEL_PLAT", target.tag),
            ("MANYLOONG_TOOLCHAIN_LOG", ""),
            ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
        ),
        command=("/bin/bash",),
        labels=_labels(parts),
        epoch=parts.epoch,
    )


def _labels(parts: ImageParts) -> tuple[tuple[str, str], ...]:
    pythons = " ".join(
        f"{python_folder(python)}={full_version(parts.tree(python), python)}" for python in parts.pythons
    )
    return (
        ("org.opencontainers.image.title", parts.target.tag),
        ("org.opencontainers.image.description", f"Build wheels tagged {parts.target.tag}"),
        ("manyloong.platform-tag", parts.target.tag),
        ("manyloong.root", f"{parts.base.name}@{parts.base.id}"),
        ("manyloong.native-root", f"{parts.native.name}@{parts.native.id}"),
        ("manyloong.toolchain", parts.toolchain.id),
        ("manyloong.pythons", pythons),
    )


def _userland(parts: ImageParts) -> Members:
    """The root, without what is replaced in later layers."""
    hidden = {name for python in parts.configured for name in stale(parts, python)}
    strange = tuple(_of_another_libc(parts))
    found = {
        name: member
        for name, member in tree_members(parts.base.path, wanted=lambda name: name not in hidden)
        if not f"{name}/".startswith(strange)
    }
    for python in parts.configured:
        prefix = f"usr/include/{python.name}/"
        found = {name: member for name, member in found.items() if not name.startswith(prefix)}
        found |= configured(parts, python)
    for name in _launched(parts):
        found[f"usr/bin/{name}.{parts.target.architecture.uname}"] = found.pop(f"usr/bin/{name}")
    return found | libc_members(parts) | dict.fromkeys(_SHARED, directory(shared=True))


def _of_another_libc(parts: ImageParts) -> Iterator[str]:
    """Of CPythons that are not the target's: headers, and all but the one that starts the tools."""
    for python in set(parts.distribution) - set(parts.configured):
        for folder in ("usr/include", f"usr/include/{distribution_target(parts.target).triplet}"):
            yield f"{folder}/{python.name}/"
        if python != parts.distribution[0]:
            yield from (f"usr/bin/{python.name}/", f"usr/lib/{python.name}/")


def _launched(parts: ImageParts) -> list[str]:
    """Programs that both roots have as files of their own."""
    roots = (parts.base.path, parts.native.path)
    paths = {name: [root / "usr/bin" / name for root in roots] for name in native_programs()}
    return [name for name, both in paths.items() if all(p.is_file() and not p.is_symlink() for p in both)]


def _native(parts: ImageParts) -> Members:
    """The build machine's programs with their libraries, and the compilers."""
    launcher = Member(source=parts.launcher, mode=0o755)
    machine, own = parts.host.name, parts.target.architecture.uname
    found = dict(tree_members(parts.native.path, wanted=lambda name: _of_host(name, parts)))
    for name in _launched(parts):
        found[f"usr/bin/{name}"] = launcher
        found[f"usr/bin/{name}.{machine}"] = _program(parts, name)
    python = parts.distribution[0]
    found[STARTER] = launcher
    found[f"{STARTER}.{machine}"] = _program(parts, python.name)
    found[f"{STARTER}.{own}"] = Member(link=python.executable)
    for name, member in tree_members(parts.toolchain.zig, f"{ZIG_PATH[1:]}/"):
        found[f"{name}.{machine}" if name == f"{ZIG_PATH[1:]}/zig" else name] = member
    found[f"{ZIG_PATH[1:]}/zig"] = launcher
    return found | dict(_toolchain(parts))


def _program(parts: ImageParts, name: str) -> Member:
    return Member(source=parts.native.path / "usr/bin" / name, mode=0o755)


def _of_host(name: str, parts: ImageParts) -> bool:
    """Libraries of the build machine: in its own folders, or with its triplet in their names."""
    triplet = parts.host.triplet
    folder = f"usr/lib/{triplet}"
    python = f"usr/lib/{parts.distribution[0].name}"
    is_module = name.startswith(f"{python}/") and triplet in name
    return name in {"usr", "usr/lib", folder, parts.host.loader[1:], f"usr{parts.host.loader}"} or (
        name.startswith(f"{folder}/") or is_module
    )


def _toolchain(parts: ImageParts) -> Iterator[tuple[str, Member]]:
    """The target's compilers; what is Python in them is started by the launcher."""
    for name, member in tree_members(parts.toolchain.target, f"{TARGET_PATH[1:]}/"):
        if member.source is None or "/bin/" not in name:
            yield name, member
            continue
        first, newline, rest = member.source.read_bytes().partition(b"\n")
        words = first.split(b" ", 1)
        if words[0].startswith(b"#!") and b"/python3" in words[0]:
            first = b" ".join([b"#!/" + STARTER.encode(), *words[1:]])
        yield name, Member(data=first + newline + rest, mode=member.mode)


def _interpreters(parts: ImageParts) -> Members:
    return interpreter_members(parts) | tool_members(parts) | bill_members(parts)

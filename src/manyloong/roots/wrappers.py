"""The files of a toolchain's ``bin/``: compilers, binutils, pkg-config; clang's configuration files. Pure."""

from collections.abc import Mapping
from importlib.resources import files

from manyloong.roots.flags import flag_rules, rule_tables
from manyloong.roots.layout import Layout
from manyloong.targets import FlagRule

CLANG_VERSION = "22.1.8"  # of the pinned zig; tests compare it
# name in bin/ -> tool of payload/compiler.py
COMPILER_NAMES = {
    "cc": ("cc", "gcc", "clang"),
    "c++": ("c++", "g++", "clang++"),
    "cpp": ("cpp",),
    "ld": ("ld", "ld.lld"),
}
ARCHIVE_NAMES = {"ar": ("ar", "gcc-ar"), "ranlib": ("ranlib", "gcc-ranlib")}
BINUTILS = ("nm", "strip", "objcopy", "objdump", "readelf", "size", "strings", "addr2line")
HIDDEN_LIBRARIES = (
    "libclang_rt.builtins.a", "libc_nonshared.a", "libstdc++.a", "libstdc++fs.a", "libsupc++.a",
)  # fmt: skip

# As GNU ld does: a version script may name symbols that are not there, a section that is only reached through
# its __start_ symbol stays. Unlike it: what nothing refers to is left out, because compiler-rt is one object,
# of which a library that needs one routine would get all.
LINKER_DEFAULTS = ("--undefined-version", "--gc-sections", "-z", "nostart-stop-gc")

# The build machine's libraries are of its root, whose C library is newer than the stubs.
NATIVE_LINKER = ("--allow-shlib-undefined",)

_START = """\
#!{python} -ISs
import sys

sys.path.insert(0, "{tree}/lib/wrappers")
from compiler import main
from settings import SETTINGS

main("{tool}", SETTINGS)
"""
_ARCHIVE = """\
#!/bin/sh
exec {zig}/zig {tool} "$@"
"""
_PKG_CONFIG = """\
#!/bin/sh
# Only what was built for this toolchain's target; never the libraries of the root it runs in.
unset PKG_CONFIG_SYSROOT_DIR
PKG_CONFIG_LIBDIR={tree}/lib/pkgconfig:{tree}/share/pkgconfig:{sysroot}/usr/lib/pkgconfig{ports}
export PKG_CONFIG_LIBDIR
exec /usr/bin/pkgconf "$@"
"""


def wrapper_scripts(layout: Layout, *, triplet_names: bool) -> Mapping[str, str]:
    """Name in ``bin/`` -> text of each executable script."""
    scripts = {}
    for tool, names in COMPILER_NAMES.items():
        text = _START.format(python=layout.python, tree=layout.tree, tool=tool)
        scripts.update(dict.fromkeys(names, text))
    for tool, names in ARCHIVE_NAMES.items():
        scripts.update(dict.fromkeys(names, _ARCHIVE.format(zig=layout.zig, tool=tool)))
    ports = f":{layout.ports}/lib/pkgconfig:{layout.ports}/share/pkgconfig" if layout.ports else ""
    pkg_config = _PKG_CONFIG.format(tree=layout.tree, sysroot=layout.sysroot, ports=ports)
    scripts.update(dict.fromkeys(("pkg-config", "pkgconf"), pkg_config))
    if triplet_names:
        scripts.update({f"{layout.triplet}-{name}": text for name, text in scripts.items()})
    return scripts


def binutils_links(layout: Layout, *, triplet_names: bool) -> Mapping[str, str]:
    """Name in ``bin/`` -> the tool of the native root it is a link to (Debian's binutils for the triplet)."""
    links = {name: f"/usr/bin/{layout.triplet}-{name}" for name in BINUTILS}
    links["gcc-nm"] = links["nm"]
    if triplet_names:
        links.update({f"{layout.triplet}-{name}": path for name, path in links.items()})
    return links


def clang_configuration(layout: Layout, flags: tuple[str, ...]) -> Mapping[str, str]:
    """The configuration file of clang's driver, in its resource directory.

    ``floor.cfg`` is written when the sysroot is built: it holds what zig defines for the C library's version.
    """
    words = (
        f"--target={layout.triplet}",
        f"--sysroot={layout.sysroot}",
        f"-resource-dir={layout.resources}",
        f"--ld-path={layout.binaries}/ld.lld",
        "--rtlib=compiler-rt",
        f"--gcc-install-dir={layout.tree}/{layout.gcc}",
        "--unwindlib=libgcc",
        "-stdlib=libstdc++",
        *flags,
        *([f"-idirafter{layout.ports}/include"] if layout.ports else []),
        "@floor.cfg",
    )
    return {"cc.cfg": "\n".join(words) + "\n"}


def wrapper_modules(
    layout: Layout, *, page_size: int | None, rewrites: tuple[FlagRule, ...], linker: tuple[str, ...] = ()
) -> Mapping[str, str]:
    """The Python modules the scripts import: the program, and the settings of this toolchain.

    ``linker`` is given at each link besides LINKER_DEFAULTS.
    """
    program = files("manyloong.roots").joinpath("payload/compiler.py").read_text("utf-8")
    settings = _settings(layout, page_size=page_size, rewrites=rewrites, linker=linker)
    lines = [f"    {name}={value!r},\n" for name, value in settings.items()]
    text = "from compiler import Settings\n\nSETTINGS = Settings(\n" + "".join(lines) + ")\n"
    return {"compiler.py": program, "settings.py": text}


def _settings(
    layout: Layout, *, page_size: int | None, rewrites: tuple[FlagRule, ...], linker: tuple[str, ...]
) -> dict[str, object]:
    names = {*wrapper_scripts(layout, triplet_names=False), *binutils_links(layout, triplet_names=False)}
    tail = [f"-L{layout.ports}/lib"] if layout.ports else []
    tail += [f"-L{layout.sysroot}/usr/lib", f"--exclude-libs={':'.join(HIDDEN_LIBRARIES)}"]
    if page_size is not None:
        tail += ["-z", f"max-page-size={page_size:#x}"]
    return {
        "compiler": (f"{layout.zig}/zig", "clang"),
        "linker": (f"{layout.zig}/zig", "ld.lld"),
        "modes": {
            "cc": layout.clang()[2:],
            "c++": layout.clang(cxx=True)[2:],
            "cpp": ("--driver-mode=cpp", *layout.clang()[2:]),
            "ld": (f"--sysroot={layout.sysroot}", *LINKER_DEFAULTS, *linker),
        },
        "rules": {
            "compiler": rule_tables(flag_rules("compiler", rewrites)),
            "linker": rule_tables(flag_rules("linker")),
        },
        "answers": {
            "triplet": layout.triplet,
            "sysroot": layout.sysroot,
            "os_directory": ".",
            "version": CLANG_VERSION,
            "binaries": layout.binaries,
        },
        "programs": tuple(sorted(names)),
        "tail": tuple(tail),
        "log": layout.log,
    }

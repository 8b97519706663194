"""What the shared libraries of a built port say of themselves, and whether the port's file said so too."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from manyloong.errors import BuildError
from manyloong.roots.ports.model import Port
from manyloong.targets import Target

_ELF = b"\x7fELF"
_SHOWN = 5  # names in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One ELF file of a tree; ``path`` is below the tree."""

    path: str
    machine: int
    flags: int
    alignment: int  # the smallest of its segments, in bytes
    soname: str
    needed: tuple[str, ...]
    search: tuple[str, ...]  # RPATH and RUNPATH
    wanted: frozenset[str] = frozenset()  # names that it asks others for, without those it can do without
    offered: frozenset[str] = frozenset()  # names that others can ask it for


def read_libraries(tree: Path) -> tuple[Library, ...]:
    """Every ELF file with a dynamic section below a tree, by path."""
    return tuple(_read(path, tree) for path in elf_files(tree))


def elf_files(tree: Path) -> Iterator[Path]:
    """Every ELF file below a tree, by path; links are not followed."""
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(4) == _ELF:
                    yield path


def _read(path: Path, tree: Path) -> Library:
    name = str(path.relative_to(tree))
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            tags = _dynamic_texts(elf)
            wanted, offered = _names(elf)
            loads = [part["p_align"] for part in elf.iter_segments() if part["p_type"] == "PT_LOAD"]
            return Library(
                path=name,
                machine=_machine(path),
                flags=elf["e_flags"],
                alignment=min(loads, default=0),
                soname=next(iter(tags.get("soname", ())), ""),
                needed=tuple(tags.get("needed", ())),
                search=tuple(tags.get("rpath", []) + tags.get("runpath", [])),
                wanted=wanted,
                offered=offered,
            )
    except ELFError as error:
        raise BuildError(f"{name} is not a whole ELF file: {error}") from error


def _dynamic_texts(elf: ELFFile) -> dict[str, list[str]]:
    """The entries of the dynamic table that name something, by the name of their tag."""
    found: dict[str, list[str]] = {}
    for part in elf.iter_sections():
        for tag in part.iter_tags() if isinstance(part, DynamicSection) else ():
            name = str(tag.entry.d_tag).removeprefix("DT_").lower()
            if name in {"soname", "needed", "rpath", "runpath"}:
                found.setdefault(name, []).append(str(getattr(tag, name)))
    return found


def _names(elf: ELFFile) -> tuple[frozenset[str], frozenset[str]]:
    """What the dynamic symbol table asks for, and what it offers."""
    table = elf.get_section_by_name(".dynsym")
    symbols = tuple(table.iter_symbols()) if isinstance(table, SymbolTableSection) else ()
    absent = [one for one in symbols if one["st_shndx"] == "SHN_UNDEF"]
    wanted = frozenset(one.name for one in absent if one.name and one["st_info"]["bind"] == "STB_GLOBAL")
    return wanted, frozenset(one.name for one in symbols if one["st_shndx"] != "SHN_UNDEF")


def _machine(path: Path) -> int:
    """``e_machine`` as a number; elftools gives the names of those it knows."""
    with path.open("rb") as stream:
        head = stream.read(20)
    return int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")


def faults(
    libraries: Iterable[Library],
    *,
    port: Port,
    target: Target,
    known: Iterable[Library],
    system: Iterable[Library],
) -> tuple[str, ...]:
    """What is not as it has to be, one line each: ``known`` are its dependencies, ``system`` the target's C
    library and what comes with the compiler.
    """
    found = []
    architecture = target.architecture
    files, others = tuple(libraries), (*known, *system)
    allowed = {one.soname for one in others} | {*port.sonames, Path(target.interpreter).name}
    for library in files:
        name = library.path
        if (library.machine, library.flags) != (architecture.elf_machine, architecture.e_flags):
            found.append(f"{name} is not for {architecture.name} (e_flags {library.flags:#x})")
        if library.alignment < architecture.page_align_build:
            wanted = f"{architecture.page_align_build:#x}"
            found.append(f"{name} is aligned to {library.alignment:#x}, not {wanted}")
        missing = [soname for soname in library.needed if soname not in allowed]
        found += [f"{name} needs {soname}, which no dependency provides" for soname in missing]
        found += [f"{name} searches for libraries in {folder}" for folder in library.search]
        found += _gaps(library, (*others, *files))
    in_lib = [library for library in files if library.path.rpartition("/")[0] == "lib"]
    built = {library.soname for library in in_lib if library.soname}
    found += [f"{soname} is in its file, and was not built" for soname in port.sonames if soname not in built]
    found += [f"{soname} was built, and is not in its file" for soname in sorted(built - set(port.sonames))]
    return tuple(found)


def _gaps(library: Library, others: Sequence[Library]) -> Iterator[str]:
    """What a library calls and neither it nor what it needs, directly or not, has."""
    known = {one.soname: one for one in others}
    linked, left = {library.soname: library}, list(library.needed)
    while left:
        name = left.pop()
        if name in known and name not in linked:
            linked[name] = known[name]
            left += known[name].needed
    missing = library.wanted.difference(*(one.offered for one in linked.values()))
    for one in others:
        if found := missing & one.offered:
            yield f"{library.path} calls {_shown(found)}, and is not linked with {one.soname or one.path}"
            missing -= found
    if missing:
        yield f"{library.path} calls what no library has: {_shown(missing)}"


def _shown(names: Iterable[str]) -> str:
    first, rest = (found := sorted(names))[:_SHOWN], len(found) - _SHOWN
    return ", ".join(first) + (f" and {rest} more" if rest > 0 else "")

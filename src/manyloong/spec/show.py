"""The specification as one document, for people and machines."""

from typing import Any

from manyloong.targets import Policy, Statement, Target, abi, judged_targets, policy


def to_json() -> dict[str, Any]:
    """Everything the specification says, each value with its source."""
    names = tuple(dict.fromkeys(row.architecture.name for row in judged_targets()))
    return {
        "architectures": {name: architecture_json(name) for name in names},
        "platforms": {row.tag: policy_json(row) for row in sorted_targets()},
    }


def sorted_targets() -> tuple[Target, ...]:
    """The platform tags, by family and floor."""
    return tuple(sorted(judged_targets(), key=lambda row: (row.family, row.floor)))


def architecture_json(name: str) -> dict[str, Any]:
    """What is common to all tags of an architecture."""
    spec = abi(name)
    return {
        "statements": {
            one.name: {"value": one.value, "says": one.says, "source": one.source} for one in spec.statements
        },
        "old_world": {
            "interpreters": list(spec.old_world.interpreters),
            "loaders": list(spec.old_world.loaders),
            "libraries": list(spec.old_world.libraries),
            "glibc_versions": [
                ".".join(map(str, v)) for v in (spec.old_world.glibc_first, spec.old_world.glibc_last)
            ],
            "source": spec.old_world.source,
        },
        "relocations": {"known": spec.relocations.known, "source": spec.relocations.source},
        "instructions": {
            one.name: {
                "says": one.says,
                "rule": one.rule,
                "masks": [[f"{mask:08x}", f"{match:08x}"] for mask, match in one.masks],
                "ranges": [[f"{first:08x}", f"{end:08x}"] for first, end in one.ranges],
            }
            for one in spec.isa
        },
    }


def policy_json(target: Target) -> dict[str, Any]:
    """What a wheel of one tag may need."""
    row = policy(target)
    return {
        "libc": target.libc,
        "floor": list(target.floor),
        "buildable": target.buildable,
        "interpreter": target.interpreter,
        "triplet": target.triplet,
        "libraries": list(row.allowed),
        "libraries_source": row.library_source,
        "absent_libraries": row.absent,
        "symbol_versions": {one.name: caps(row, one.name) for one in row.families},
        "tls_descriptors": row.tls_descriptors,
        "source": row.source,
    }


def caps(row: Policy, name: str) -> dict[str, Any]:
    """First and last version of one symbol family, and the versions that are not numbers."""
    family = row.family(name)
    if family is None:
        return {}
    return {
        "first": ".".join(map(str, family.first)),
        "last": ".".join(map(str, family.cap)),
        "named": list(family.named),
        "from_one_library": family.only_from,
        "source": family.source,
    }


def to_text() -> str:
    """The same as a page of plain text."""
    lines: list[str] = []
    for name in dict.fromkeys(row.architecture.name for row in judged_targets()):
        lines.append(name)
        lines += [f"  {one.name:22} {value_text(one):24} {one.says}" for one in abi(name).statements]
    header = ("platform tag", "GLIBC", "GLIBCXX", "CXXABI", "GCC", "ZLIB", "TLSDESC")
    rows = [header, *(_row(row) for row in sorted_targets())]
    lines += [
        "",
        *(
            "  ".join(f"{cell:27}" if n == 0 else f"{cell:8}" for n, cell in enumerate(row)).rstrip()
            for row in rows
        ),
    ]
    for target in (sorted_targets()[0], sorted_targets()[-1]):
        lines += ["", f"libraries a {target.family} wheel may need:", f"  {' '.join(policy(target).allowed)}"]
    return "\n".join([*lines, "", "sources: manyloong spec show --json"])


def value_text(one: Statement) -> str:
    """A statement's value as people write it: masks, flags and sizes of pages in hex."""
    if isinstance(one.value, bool):
        return "yes" if one.value else "no"
    if isinstance(one.value, int) and one.name.startswith(("e_flags", "page_align", "hwcap")):
        return f"{one.value:#x}"
    return str(one.value)


def _row(target: Target) -> tuple[str, ...]:
    row = policy(target)
    versions = [caps(row, name).get("last", "-") for name in ("GLIBC", "GLIBCXX", "CXXABI", "GCC", "ZLIB")]
    return (target.tag, *versions, "yes" if row.tls_descriptors else "no")

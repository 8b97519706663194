"""Tables of the specification, in Markdown and in reStructuredText."""

from collections.abc import Sequence

from manyloong.spec.show import caps, sorted_targets, value_text
from manyloong.spec.tags import check_tag
from manyloong.targets import IsaClass, abi, policy

Rows = Sequence[Sequence[str]]
FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC", "ZLIB")
_TAGS = (
    "manylinux1_{arch}",
    "manylinux2014_{arch}",
    "manylinux_2_17_{arch}",
    "manylinux_2_28_{arch}",
    "manylinux_2_35_{arch}",
    "manylinux_2_36_{arch}",
    "manylinux_2_43_{arch}",
    "musllinux_1_1_{arch}",
    "musllinux_1_2_{arch}",
    "linux_{arch}",
)


def markdown(rows: Rows) -> str:
    """A Markdown table; the first row is its head."""
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def restructured(rows: Rows) -> str:
    """A reStructuredText list-table; the first row is its head."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines)


def statement_rows(architecture: str, *, mark: str = "`") -> Rows:
    """What every ELF file is: name, value, meaning, source."""
    return [
        ("what", "value", "meaning", "source"),
        *(
            (one.name.replace("_", " "), f"{mark}{value_text(one)}{mark}", one.says, one.source)
            for one in abi(architecture).statements
        ),
    ]


def platform_rows(*, mark: str = "`") -> Rows:
    """The newest symbol versions of each tag."""
    rows: list[Sequence[str]] = [("tag", *FAMILIES, "TLS descriptors")]
    for target in sorted_targets():
        row = policy(target)
        last = [str(caps(row, name).get("last", "none")) for name in FAMILIES]
        rows.append((f"{mark}{target.tag}{mark}", *last, "yes" if row.tls_descriptors else "no"))
    return rows


def isa_rows(architecture: str, *, mark: str = "`") -> Rows:
    """Instruction classes, what becomes of them, and their masks."""
    return [
        ("class", "meaning", "in a wheel", "mask and match; range"),
        *((one.name, one.says, _allowed(one), _masks(one, mark)) for one in abi(architecture).isa),
    ]


def _allowed(one: IsaClass) -> str:
    if not one.rule:
        return "yes"
    return f"when chosen at run time ({one.rule})" if one.rule in {"ML070", "ML071"} else f"no ({one.rule})"


def _masks(one: IsaClass, mark: str) -> str:
    masks = [f"{mark}{mask:08x}/{match:08x}{mark}" for mask, match in one.masks]
    ranges = [f"{mark}[{first:08x}, {end:08x}){mark}" for first, end in one.ranges]
    return " ".join([*masks, *ranges])


def tag_rows(architecture: str) -> Rows:
    """The answer of ``check-tag`` on tags that people ask about."""
    rows = [("tag", "", "why")]
    for form in _TAGS:
        found = check_tag(form.format(arch=architecture))
        rows.append(
            (f"`{found.tag}`", "accepted" if found.accepted else f"refused, {found.rule}", found.reason)
        )
    return rows

"""docs/reference/toolchain.md lists every rule as the data has it."""

from pathlib import Path

from manyloong.roots.flags import flag_rules
from manyloong.roots.wrappers import ARCHIVE_NAMES, BINUTILS, COMPILER_NAMES
from manyloong.targets import FlagRule, all_targets

PAGE = Path(__file__).parents[3] / "docs/reference/toolchain.md"


def rule_rows(rules: tuple[FlagRule, ...]) -> str:
    """The table of some rules; those that protect a flag from a wider rule are left out."""
    lines = ["| flag | becomes | why |", "|---|---|---|"]
    shown = (rule for rule in rules if rule.give != rule.flag)
    lines += [f"| `{r.flag}` | {f'`{r.give}`' if r.give else 'dropped'} | {r.why} |" for r in shown]
    return "\n".join(lines)


def rule_text() -> str:
    """The whole section."""
    parts = ["### Compiler, every architecture\n", rule_rows(flag_rules("compiler"))]
    seen = {row.architecture.name: row.architecture for row in all_targets()}
    for name, architecture in seen.items():
        parts += [f"\n### Compiler, {name}\n", rule_rows(architecture.compiler.rewrites)]
    return "\n".join([*parts, "\n### Linker\n", rule_rows(flag_rules("linker"))]) + "\n"


def test_the_page_lists_every_rule() -> None:
    assert PAGE.read_text("utf-8").endswith(rule_text())


def test_the_page_names_every_tool() -> None:
    text = PAGE.read_text("utf-8")
    names = {name for row in (*COMPILER_NAMES.values(), *ARCHIVE_NAMES.values()) for name in row}
    shown = {"size", "strings", "addr2line"}  # few builds ask for them
    assert [name for name in sorted({*names, *BINUTILS} - shown) if name not in text] == []

"""Reference pages in Markdown, made from the data: rules, the ABI, the comparison with auditwheel."""

from collections.abc import Mapping

from manyloong.spec.compare import UNCHECKED, compare, grouped, installed_policies
from manyloong.spec.show import sorted_targets
from manyloong.spec.tables import isa_rows, markdown, platform_rows, statement_rows
from manyloong.targets import all_rules, judged_targets, policy

_MADE = "Made from `src/manyloong/targets/spec/` by `manyloong spec pages docs`; a test keeps it up to date."

_SAMPLES = """Each rule has a stable number and two samples in the conformance corpus: the smallest wheel that
trips it, and a neighbour that does not. `manyloong spec corpus FOLDER` writes them all."""


def rules_page(samples: Mapping[str, tuple[str, str]]) -> str:
    """Every rule; ``samples``: rule id to what its bad and its good sample is."""
    rows = [("rule", "severity", "kind", "title", "sample that trips it", "sample that does not")]
    for one in all_rules():
        bad, good = samples[one.id]
        rows.append((f"[{one.id}](#{one.id.lower()})", one.severity, one.kind, one.title, bad, good))
    parts = [
        "# Rules of the auditor",
        _MADE,
        _SAMPLES,
        markdown(rows),
    ]
    for one in all_rules():
        parts.append(f"## {one.id}\n**{one.title}** ({one.severity}, {one.kind})")
        parts.append(f"Why: {one.why}.\n\nWhat to do: {one.fix}.\n\nSource: {one.source}.")
    return "\n\n".join(parts) + "\n"


def abi_page() -> str:
    """The specification itself."""
    parts = ["# The ABI of loongarch64 wheels", _MADE]
    for name in dict.fromkeys(row.architecture.name for row in judged_targets()):
        parts += [f"## Every ELF file ({name})", markdown(statement_rows(name))]
        parts += ["## Instructions", markdown(isa_rows(name))]
    parts += ["## Newest symbol versions by platform tag", markdown(platform_rows())]
    rows = [("tag", "source")]
    rows += [(f"`{row.tag}`", policy(row).source) for row in sorted_targets()]
    parts += [markdown(rows)]
    for target in (sorted_targets()[0], sorted_targets()[-1]):
        row = policy(target)
        parts += [f"## Libraries a {target.family} wheel may need"]
        parts += [" ".join(f"`{name}`" for name in row.allowed), f"Source: {row.library_source}."]
        absent = [("library", "why it is not there"), *((f"`{key}`", why) for key, why in row.absent.items())]
        parts += [markdown(absent)]
    return "\n\n".join(parts) + "\n"


def auditwheel_page() -> str:
    """Each difference from the installed auditwheel, and what it does not look at."""
    version, theirs = installed_policies()
    rows = [("what", "here", f"auditwheel {version}", "why", "tags")]
    for tags, one in grouped(compare(theirs)):
        rows.append((f"`{one.what}`", one.ours, one.theirs, one.why, _shortened(tags)))
    unchecked = [("what", "rule here"), *UNCHECKED]
    parts = [
        "# Differences from auditwheel's policies",
        _MADE,
        "The caps on symbol versions are the same wherever both have a policy. The rest:",
        markdown(rows),
        f"## What auditwheel {version} does not look at",
        markdown(unchecked),
    ]
    return "\n\n".join(parts) + "\n"


def _shortened(tags: tuple[str, ...]) -> str:
    return f"`{tags[0]}`" if len(tags) == 1 else f"`{tags[0]}` to `{tags[-1]}`"

"""The PEP draft, the ABI statement and the page of answers: templates filled from the data and from evidence.

Evidence is what slow proofs left: ``{"command", "inputs", "results"}`` by name. A figure that no evidence
gives cannot be rendered, so none is made up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from manyloong.errors import InputError
from manyloong.spec.show import sorted_targets, value_text
from manyloong.spec.tables import isa_rows, markdown, platform_rows, restructured, statement_rows, tag_rows
from manyloong.targets import abi, all_rules, policy

Evidence = Mapping[str, Mapping[str, Any]]

_TEMPLATES = Path(__file__).with_name("templates")
_ARCHITECTURE = "loongarch64"
NEEDED = {
    "debian-modules": "pytest tests/tools/audit/test_debian_modules.py",
    "isa-counts": "pytest tests/tools/audit/test_debian_modules.py",
    "guard": "pytest tests/tools/audit/test_guard.py",
    "hwcap": "pytest tests/tools/audit/test_guard.py",
    "compiler-defaults": "pytest tests/tools/audit/test_compiler_defaults.py",
    "audit-speed": "python benchmarks/audit_speed.py",
    "fuzz": "python tests/fuzz/fuzz_readers.py -max_total_time=600",
}
_FOOTNOTES = {
    "debian": "debian-modules",
    "isa": "isa-counts",
    "guard": "guard",
    "hwcap": "hwcap",
    "gcc": "compiler-defaults",
    "speed": "audit-speed",
    "fuzz": "fuzz",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRow:
    """One wheel of the build records."""

    wheel: str
    accepted: bool
    tests: str
    seconds: float


def render_pep(evidence: Evidence, builds: Sequence[BuildRow] = ()) -> str:
    """The PEP draft in reStructuredText. Raises InputError where evidence is missing."""
    values = _values(evidence)
    values |= {
        "table_statements": restructured(statement_rows(_ARCHITECTURE, mark="``")),
        "table_isa": restructured(isa_rows(_ARCHITECTURE, mark="``")),
        "table_platforms": restructured(platform_rows(mark="``")),
        "builds": _builds(builds, rst=True),
        "footnotes": "\n".join(
            f".. [#{name}] ``{evidence[key]['command']}``" for name, key in _FOOTNOTES.items()
        ),
    }
    return _fill("pep.rst.in", values)


def render_statement(evidence: Evidence) -> str:
    """The one-page ABI statement in Markdown."""
    return _fill("statement.md.in", _values(evidence) | {"table_tags": markdown(tag_rows(_ARCHITECTURE))})


def render_answers(evidence: Evidence, builds: Sequence[BuildRow] = ()) -> str:
    """The four questions and their answers in Markdown."""
    return _fill("answers.md.in", _values(evidence) | {"builds": _builds(builds, rst=False)})


def _fill(name: str, values: dict[str, str]) -> str:
    return Template(_TEMPLATES.joinpath(name).read_text("utf-8")).substitute(values)


def _values(evidence: Evidence) -> dict[str, str]:
    missing = [f"{name} ({command})" for name, command in NEEDED.items() if name not in evidence]
    if missing:
        raise InputError(
            f"no evidence for {', '.join(missing)}", hint="run those commands; they write evidence/"
        )
    return _spec_values() | _measured(evidence)


def _spec_values() -> dict[str, str]:
    targets = {row.family: row for row in reversed(sorted_targets())}
    many, musl = policy(targets["manylinux"]), policy(targets["musllinux"])
    said = {one.name: value_text(one) for one in abi(_ARCHITECTURE).statements}
    return {
        "min_manylinux": ".".join(map(str, many.min_floor)),
        "min_manylinux_minor": str(many.min_floor[1]),
        "min_musllinux_minor": str(musl.min_floor[1]),
        "interpreter_glibc": many.target.interpreter,
        "interpreter_musl": musl.target.interpreter,
        "old_libraries": ", ".join(f"``{name}``" for name in abi(_ARCHITECTURE).old_world.libraries),
        "libraries_manylinux": " ".join(many.allowed),
        "libraries_musllinux": " ".join(musl.allowed),
        "e_flags": said["e_flags"],
        "baseline": said["baseline"],
        "hwcap_mask": said["hwcap_mask"],
        "rules": str(len(all_rules())),
    }


def _measured(evidence: Evidence) -> dict[str, str]:
    found = {name: one["results"] for name, one in evidence.items()}
    debian, isa, guard, hwcap = (found[key] for key in ("debian-modules", "isa-counts", "guard", "hwcap"))
    old = "manylinux_2_28_loongarch64"
    return {
        "debian_packages": str(debian["packages"]),
        "debian_modules": str(debian["modules"]),
        "debian_instructions": f"{debian['instructions']:,}",
        "debian_errors": str(debian["errors_of_abi_kind"] or "no"),
        "debian_lsx": f"{debian['by_class']['lsx']:,}",
        "debian_aligns": min(debian["smallest_p_align"], key=lambda text: int(text, 16)),
        "debian_command": evidence["debian-modules"]["command"],
        "isa_tool": isa["disassembler"],
        "isa_instructions": f"{isa['instructions']:,}",
        "isa_lsx": f"{isa['by_class']['lsx']:,}",
        "isa_lasx": f"{isa['by_class']['lasx']:,}",
        "isa_v1_1": str(isa["by_class"]["v1_1"]),
        "isa_command": evidence["isa-counts"]["command"],
        "guard_without": guard[f"{old} without guard"],
        "guard_with": guard[f"{old} with guard"],
        "guard_command": evidence["guard"]["command"],
        "hwcap_base": min(hwcap.values(), key=lambda text: int(text, 16)),
        "hwcap_full": max(hwcap.values(), key=lambda text: int(text, 16)),
        "fuzz_seconds": str(found["fuzz"]["seconds"]),
        "fuzz_runs": f"{found['fuzz']['runs']:,}",
        "speed_text": _speed(found["audit-speed"]),
    }


def _speed(results: Mapping[str, Any]) -> str:
    ratios = [f"{label} {row['ratio']:.1f} times as fast" for label, row in sorted(results["wheels"].items())]
    return f"{', '.join(ratios)}; the instruction scan reads {results['scan_mb_per_s']} MB/s"


def _builds(builds: Sequence[BuildRow], *, rst: bool) -> str:
    if not builds:
        return "No build records were given when this text was rendered."
    mark = "``" if rst else "`"
    rows = [("wheel", "audit", "tests", "seconds")]
    for one in builds:
        told = "accepted" if one.accepted else "refused"
        rows.append((f"{mark}{one.wheel}{mark}", told, one.tests, f"{one.seconds:.0f}"))
    table = restructured(rows) if rst else markdown(rows)
    told = f"from their build records; {mark}nox -s evidence{mark} makes them again"
    return f"Wheels built and tested by the reference implementation ({told}):\n\n{table}"

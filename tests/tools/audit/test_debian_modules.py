"""Fifty Debian packages: what a distribution compiled is free of ABI errors, and is counted right."""

import platform
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from evidence.digests import write_evidence
from tests.tools.audit.debian_modules import PINS, Module, disassembler, modules

from manyloong.audit import Facts, judge
from manyloong.audit.elf import read_elf
from manyloong.audit.isa import DATA
from manyloong.errors import FetchError
from manyloong.targets import judged_target, rule

pytestmark = pytest.mark.tools

NEWEST = judged_target("manylinux_2_43_loongarch64")  # Debian's own glibc
ABI_KINDS = {"file", "abi", "world", "loader"}
COMMAND = "pytest tests/tools/audit/test_debian_modules.py"
V1_1 = (
    "amcas",
    "llacq",
    "screl",
    "sc.q",
    "frecipe",
    "frsqrte",
    "vfrecipe",
    "vfrsqrte",
    "xvfrecipe",
    "xvfrsqrte",
)
PRIVILEGED = (
    "csr",
    "gcsr",
    "iocsr",
    "cacop",
    "tlb",
    "gtlb",
    "invtlb",
    "ertn",
    "idle",
    "lddir",
    "ldpte",
    "hvcl",
)


@pytest.fixture(scope="module")
def found() -> tuple[Module, ...]:
    try:
        return tuple(modules())
    except FetchError as error:
        pytest.skip(f"no Debian mirror: {error}")


def test_fifty_packages_are_pinned() -> None:
    assert len({row["name"] for row in PINS["module"]}) == 50


def test_no_errors_of_abi_kind(found: tuple[Module, ...]) -> None:
    errors: list[str] = []
    counts: Counter[str] = Counter()
    aligns: Counter[str] = Counter()
    instructions: Counter[str] = Counter()
    code = 0
    for one in found:
        elf = read_elf(one.data, path=one.path)
        code += elf.code_bytes
        instructions.update(dict(elf.isa_totals))
        aligns[f"{min(s.align for s in elf.segments if s.kind == 1):#x}"] += 1
        for finding in judge(Facts(path=one.path, elves=(elf,)), NEWEST).findings:
            counts[finding.rule] += 1
            if rule(finding.rule).kind in ABI_KINDS and finding.severity == "error":
                errors.append(f"{one.package}: {finding.rule} {finding.message}")
    assert errors == []
    assert not instructions.keys() & {"lbt", "lvz", "privileged"}
    results = {
        "packages": len(PINS["module"]),
        "modules": len(found),
        "code_bytes": code,
        "instructions": code // 4,
        "by_class": dict(sorted(instructions.items())),
        "smallest_p_align": dict(sorted(aligns.items())),
        "findings_by_rule": dict(sorted(counts.items())),
        "errors_of_abi_kind": len(errors),
    }
    write_evidence("debian-modules", command=COMMAND, results=results)


def class_of(mnemonic: str) -> str:
    """The instruction class by the disassembler's mnemonic, written down apart from the mask tables."""
    if mnemonic.startswith(V1_1) or (
        mnemonic.startswith(("amswap", "amadd")) and mnemonic.endswith((".b", ".h"))
    ):
        return "v1_1"
    if mnemonic.startswith(("xv", "vext2xv")):
        return "lasx"
    if mnemonic.startswith("v"):
        return "lsx"
    if mnemonic.startswith(PRIVILEGED):
        return "privileged"
    return ""


def test_counts_agree_with_a_disassembler(found: tuple[Module, ...], tmp_path: Path) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("the pinned disassembler is for x86_64")
    command = disassembler(tmp_path / "objdump")
    total = compared = data_words = 0
    differences = []
    largest_first = sorted(found, key=lambda one: -len(one.data))
    vectors = tuple(one for one in modules("vectors") if len(one.data) > 20_000)
    classes: Counter[str] = Counter()
    for one in (*vectors, *largest_first):
        if total >= 12_000_000:
            break
        path = tmp_path / "module.so"
        path.write_bytes(one.data)
        words, theirs = disassembled([*command, "-dz", "-M", "no-aliases", str(path)])
        ours = read_elf(one.data, path=one.path)
        counts = {name: number for name, number in ours.isa_totals if not name.endswith(DATA)}
        data_words += sum(number for name, number in ours.isa_totals if name.endswith(DATA))
        theirs.pop("privileged", None)  # words of jump tables: told apart by us, decoded by objdump
        total += words
        compared += 1
        classes.update(theirs)
        if (dict(theirs), words) != (counts, ours.code_bytes // 4):
            differences.append(
                f"{one.path}: {dict(theirs)} {words}, we {ours.isa_totals} {ours.code_bytes // 4}"
            )
    assert differences == []
    assert total >= 5_000_000
    assert {"lsx", "lasx", "v1_1"} <= classes.keys()
    results = {
        "modules": compared,
        "instructions": total,
        "by_class": dict(sorted(classes.items())),
        "differences": 0,
        "words_in_data": data_words,
        "disassembler": "binutils 2.44",
    }
    write_evidence("isa-counts", command=COMMAND, results=results)


def disassembled(command: list[str]) -> tuple[int, Counter[str]]:
    """Instructions in all, and of each class."""
    mnemonics: Counter[str] = Counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            parts = line.split("\t", 3)
            if len(parts) >= 3:
                mnemonics[parts[2].strip()] += 1
    assert process.returncode == 0
    classes: Counter[str] = Counter()
    for mnemonic, count in mnemonics.items():
        if name := class_of(mnemonic):
            classes[name] += count
    return sum(mnemonics.values()), classes

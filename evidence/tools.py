"""Builds the tools of tools.toml, which are wheels of programs, and writes tools.json: what was seen.

As linked.py; besides, what each program asks of a system: ``python -m evidence.tools [NAME...]``.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from evidence import linked

from manyloong.audit import read_facts
from manyloong.audit.facts import ElfFacts
from manyloong.audit.image import PT_LOAD

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "tools.toml", HERE / "tools.json"
SHARED = 3  # ET_DYN: a program that runs at any address


def build(entry: dict[str, Any]) -> dict[str, Any]:
    """One tool, built and tested; what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        result = linked.built(entry, Path(folder))
        wheel, record = Path(result["wheel"]), result["record"]
        found = linked.seen(record, linked.bill(wheel))
        said = [report["command_output"].splitlines()[0] for report in record["tests"]]
        downloads = [f"{one['url']}: {one['origin']}" for one in record["downloads"]]
        elves = [elf for elf in read_facts(wheel).elves if elf.interpreter]
        programs = {elf.path: asked(elf) for elf in elves}
        size = wheel.stat().st_size
        return found | {"said": said, "downloads": downloads, "programs": programs, "size_bytes": size}


def asked(elf: ElfFacts) -> dict[str, Any]:
    """What a program asks of the system that starts it."""
    return {
        "interpreter": elf.interpreter,
        "any_address": elf.file_type == SHARED,
        "alignment": min(one.align for one in elf.segments if one.kind == PT_LOAD),
        "needs": sorted(elf.needed),
    }


if __name__ == "__main__":
    linked.renew(LIST, RESULTS, build, sys.argv[1:])

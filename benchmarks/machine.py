"""What was measured on: said beside every figure, for none of them means anything alone."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import manyloong


def machine_document() -> dict[str, Any]:
    """Cores, memory, processor and kernel, and how busy it was before the run."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "manyloong": manyloong.__version__,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "processor": _processor(),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def remark(machine: dict[str, Any]) -> str:
    """The same as a sentence."""
    return (
        f"{machine['date']}: {machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB, "
        f"Linux {machine['kernel']}; load average {machine['load_before']} before the run and "
        f"{machine['load_after']} after it."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Model Name"}:
            return value.strip()
    return platform.machine()

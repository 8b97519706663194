"""What the processes of a sandbox use right now, read from the host's /proc."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Resident memory of all processes together, and how many there are."""

    memory_bytes: int
    processes: tuple[int, ...]  # process ids, as the host counts


def parse_stat(text: str) -> tuple[int, int]:
    """Parent and resident pages from /proc/PID/stat (proc_pid_stat(5), fields 4 and 24)."""
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold anything
    return int(fields[1]), int(fields[21])


def _read(name: str) -> str:
    try:
        with open(f"/proc/{name}", encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - often
            return stream.read()
    except OSError:
        return ""


def _listed(name: str) -> list[str]:
    try:
        return os.listdir(f"/proc/{name}")  # noqa: PTH208 - often, and only the names
    except OSError:
        return []


def _children(pid: int) -> list[int]:
    """The children of every thread of a process (proc_pid_task_children(5)); may miss one that ends now."""
    return [
        int(word)
        for thread in _listed(f"{pid}/task")
        for word in _read(f"{pid}/task/{thread}/children").split()
    ]


def _children_of_all() -> dict[int, list[int]]:
    """Parent -> children, from a look at every process of the host."""
    children: dict[int, list[int]] = {}
    for name in _listed(""):
        text = _read(f"{name}/stat") if name.isdigit() else ""
        if text:
            children.setdefault(parse_stat(text)[0], []).append(int(name))
    return children


def _children_door() -> Callable[[int], list[int]]:
    """How this kernel tells children: by itself (CONFIG_PROC_CHILDREN), else by looking at all processes."""
    if Path("/proc/thread-self/children").exists():
        return _children
    table = _children_of_all()
    return lambda pid: table.get(pid, [])


def usage_below(pid: int, *, page_bytes: int) -> Usage:
    """What the descendants of a process use; orphans inside a PID namespace stay descendants of its init."""
    children_of = _children_door()
    found = children_of(pid)
    for child in found:
        found += children_of(child)
    pages = sum(parse_stat(text)[1] for child in found if (text := _read(f"{child}/stat")))
    return Usage(memory_bytes=pages * page_bytes, processes=tuple(found))


def line_of(pid: int, *, generations: int) -> tuple[int, ...]:
    """A process, its first child, that one's first child: as many generations below it as there are."""
    children_of, found = _children_door(), [pid]
    while len(found) <= generations and (children := children_of(found[-1])):
        found.append(children[0])
    return tuple(found)


def proportional_bytes(pids: tuple[int, ...]) -> int | None:
    """Resident memory with shared pages counted once (Pss); None where the kernel does not tell."""
    total, told = 0, False
    for pid in pids:
        for line in _read(f"{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total, told = total + int(line.split()[1]) * 1024, True
    return total if told else None

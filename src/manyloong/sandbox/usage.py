"""What the processes of a sandbox use right now, read from the host's /proc."""

from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Resident memory of all processes together, and how many there are."""

    memory_bytes: int
    processes: tuple[int, ...]  # process ids, as the host counts


def parse_stat(text: str) -> tuple[int, int]:
    """Parent and resident pages from /proc/PID/stat (proc_pid_stat(5), fields 4 and 24)."""
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold anything
    return int(fields[1]), int(fields[21])


def _read(pid: int, name: str) -> str:
    try:
        return (_PROC / str(pid) / name).read_text("utf-8", "replace")
    except OSError:
        return ""


def _table() -> dict[int, list[tuple[int, int]]]:
    """Parent -> (child, resident pages), for every process there is."""
    children: dict[int, list[tuple[int, int]]] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        text = _read(int(entry.name), "stat")
        if text:
            parent, pages = parse_stat(text)
            children.setdefault(parent, []).append((int(entry.name), pages))
    return children


def usage_below(pid: int, *, page_bytes: int) -> Usage:
    """What the descendants of a process use; orphans inside a PID namespace stay descendants of its init."""
    children, pages, found, pending = _table(), 0, [], [pid]
    while pending:
        for child, resident in children.get(pending.pop(), ()):
            pages += resident
            found.append(child)
            pending.append(child)
    return Usage(memory_bytes=pages * page_bytes, processes=tuple(found))


def line_of(pid: int, *, generations: int) -> tuple[int, ...]:
    """A process, its first child, that one's first child: as many generations below it as there are."""
    table, found = _table(), [pid]
    while len(found) <= generations and table.get(found[-1]):
        found.append(table[found[-1]][0][0])
    return tuple(found)


def proportional_bytes(pids: tuple[int, ...]) -> int | None:
    """Resident memory with shared pages counted once (Pss); None where the kernel does not tell."""
    total, told = 0, False
    for pid in pids:
        for line in _read(pid, "smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total, told = total + int(line.split()[1]) * 1024, True
    return total if told else None

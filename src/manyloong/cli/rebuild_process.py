"""The second process of ``manyloong rebuild``: reads a request on stdin, builds, writes one answer to stdout.

Its cache is its own; what it lacks (fetched files, roots, toolchains, ports) is read from that of the first
process. Build environments and wheels are made anew.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from manyloong.cli.doors import open_outside
from manyloong.cli.rebuild_run import Again, gather
from manyloong.errors import ManyloongError
from manyloong.events import ignore
from manyloong.rebuild import read_wanted_record, run_rebuild
from manyloong.wheels.given import GivenSource

MADE_ANEW = frozenset({"environment", "wheel", "job", "made", "fallback"})  # kinds of the store


def _request(document: dict[str, Any]) -> Again:
    return Again(
        record=Path(document["record"]),
        source=document["source"],
        given=tuple(GivenSource(**row) for row in document["given"]),
        ports=tuple(map(Path, document["ports"])),
        links=tuple(map(Path, document["links"])),
        crates=tuple(map(Path, document["crates"])),
        output=None,
        offline=document["offline"],
    )


def rebuilt(document: dict[str, Any]) -> Path:
    """The wheel, in the folder that this process runs in."""
    request = _request(document)
    record, _ = read_wanted_record(request.record)
    below = Path(document["below"])
    outside = open_outside(ignore, offline=request.offline, locked=False, below=below, made_anew=MADE_ANEW)
    job, batch = gather(request, record, outside)
    with outside.doors.store.scratch("build") as place:
        path, _ = run_rebuild(job, batch, place, record)
        return Path(shutil.copy(path, Path.cwd()))


def main() -> int:
    """Answer one request."""
    try:
        answer: dict[str, Any] = {"wheel": str(rebuilt(json.load(sys.stdin)))}
    except ManyloongError as error:
        answer = {"error": {"class": type(error).__name__, "message": error.message, "hint": error.hint}}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

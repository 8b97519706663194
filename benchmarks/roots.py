"""How long the roots of this host take from warm downloads, in a store of their own, as JSON.

    python -m benchmarks.roots

Times are of the clock, and of the processors (with children); peak memory is that of this process alone.
"""

import json
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.events import Event, StageFinished, ignore
from manyloong.roots import ensure_root
from manyloong.roots.spec import needed_roots
from manyloong.sandbox import BubblewrapRunner, probe_host
from manyloong.store import HttpFetcher, Store
from manyloong.targets import host


def processor_s() -> float:
    """Of this process and its children so far."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Print the figures."""
    cache = cache_directory(os.environ)
    runner = BubblewrapRunner(probe_host(cache_dir=cache))
    names = needed_roots(host(os.uname().machine))
    mirrors = debian_mirrors(os.environ)
    stages: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, StageFinished):
            stages[f"{event.job} {event.stage}"] = round(event.seconds, 2)

    for name in names:  # so that every file is there
        warm = Store(cache)
        ensure_root(
            name, store=warm, fetcher=HttpFetcher(warm), mirrors=mirrors, runner=runner, listener=ignore
        )
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        shutil.copytree(cache / "objects", Path(folder) / "objects", copy_function=os.link)
        store = Store(Path(folder))
        fetcher = HttpFetcher(store, offline=True)
        began, processors = time.perf_counter(), processor_s()
        for name in names:
            ensure_root(name, store=store, fetcher=fetcher, mirrors=mirrors, runner=runner, listener=note)
        document = {
            "roots": names,
            "clock_s": round(time.perf_counter() - began, 2),
            "processor_s": round(processor_s() - processors, 2),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "cores": len(os.sched_getaffinity(0)),
            "load_after": os.getloadavg()[0],
            "stages_s": stages,
        }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()

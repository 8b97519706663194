"""The questions of ``manyloong doctor`` that need the network or root, asked and not judged."""

import os
import subprocess
from pathlib import Path

from manyloong.cli.progress import ProgressListener
from manyloong.config.mirrors import debian_mirrors
from manyloong.config.paths import cache_directory
from manyloong.config.registries import python_index_url, redacted
from manyloong.errors import HostError, ManyloongError
from manyloong.sandbox import HostFacts, Reached, registration_command
from manyloong.store import HttpFetcher, Store
from manyloong.targets import Architecture, all_targets, host

_TIMEOUT_S = 5.0
_TRIED = 3  # mirrors asked until one answers


def reach(cache: Path) -> tuple[Reached, ...]:
    """Whether the Debian mirrors and the Python index answer."""
    fetcher = HttpFetcher(Store(cache), attempts=1, timeout_s=_TIMEOUT_S)
    mirrors = [url for url in debian_mirrors(os.environ) if "{" not in url]
    index = python_index_url(os.environ)
    return (
        Reached(
            name="Debian mirror",
            answers=_answers(fetcher, [(url, f"{url}/dists/stable/Release") for url in mirrors[:_TRIED]]),
            fix="export MANYLOONG_DEBIAN_MIRROR=https://a.mirror.of/debian",
        ),
        Reached(
            name="Python index",
            answers=_answers(fetcher, [(redacted(index), f"{index}/pip/")]),
            fix="export MANYLOONG_INDEX_URL=https://an.index.of/simple",
        ),
    )


def _answers(fetcher: HttpFetcher, asked: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """(shown address, what went wrong) up to the first good answer."""
    found = []
    for shown, url in asked:
        try:
            fetcher.fetch_text((url,))
        except ManyloongError as error:
            found.append((shown, error.message))
        else:
            return (*found, (shown, ""))
    return tuple(found)


def _emulator(facts: HostFacts, architecture: Architecture, *, offline: bool) -> Path:
    from manyloong.roots import ensure_emulator

    store = Store(cache_directory(os.environ))
    with ProgressListener() as listener:
        return ensure_emulator(
            host(facts.machine),
            architecture,
            store=store,
            fetcher=HttpFetcher(store, offline=offline),
            mirrors=debian_mirrors(os.environ),
            listener=listener,
            locked=False,
        )


def register(facts: HostFacts, *, offline: bool) -> None:
    """Register the emulators for the whole host, or print the commands that do where we are not root."""
    for architecture in dict.fromkeys(row.architecture for row in all_targets()):
        if architecture.uname == facts.machine:
            print(f"{architecture.name} programs run here as they are")
            continue
        line = registration_command(facts, architecture, str(_emulator(facts, architecture, offline=offline)))
        if not facts.is_root:
            print(line)
            continue
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
        if done.returncode:
            raise HostError(f"{architecture.name} could not be registered: {done.stderr.strip()}", hint=line)
        print(f"{architecture.name} programs now run on this host, until it restarts")

"""The gate of a build: downloads answered inside the sandbox from files that were fetched before it.

``payload/gate.py`` is the program; this is what it is given and what it wrote down.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.sandbox import Bind, Command, Runner
from manyloong.wheels.backend import Workplace
from manyloong.wheels.cross import BUILD, TOOLS
from manyloong.wheels.declared import Digest
from manyloong.wheels.downloads import Had
from manyloong.wheels.given import GivenSource

_LOG = ".downloads.jsonl"
INDEX = "index"  # the socket beside the gate, where the package index answers
_AUTHORITY = f"{TOOLS}/gate"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"  # where programs look that no variable tells
_TRUST = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO",
          "PIP_CERT", "NODE_EXTRA_CA_CERTS", "CMAKE_TLS_CAINFO")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How commands of a build are started so that downloads are answered; empty where none is expected."""

    prefix: tuple[str, ...] = ()  # before the command's own words
    hooks: tuple[str, ...] = ()  # the same for a project's hooks, which may reach the package index
    variables: tuple[tuple[str, str], ...] = ()
    binds: tuple[Bind, ...] = ()


def open_gate(
    workplace: Workplace, served: Sequence[Had], repositories: Sequence[GivenSource], *,
    host_python: str, template: Command, runner: Runner,
) -> Gate:  # fmt: skip
    """Write what the gate needs into the build's tools, its authority made in the sandbox; BuildError."""
    folder = workplace.tools / "gate"
    folder.mkdir()
    for had in served:
        if not (folder / had.download.sha256).exists():
            _link(had.path, folder / had.download.sha256)
    program = files("manyloong.wheels.payload").joinpath("gate.py").read_text("utf-8")
    (folder / "gate.py").write_text(program, "utf-8")
    config = {
        "served": {had.download.url: f"{_AUTHORITY}/{had.download.sha256}" for had in served},
        "log": f"{BUILD}/{_LOG}",
        "authority": _AUTHORITY,
    }
    (folder / "gate.json").write_text(json.dumps(config, sort_keys=True), "utf-8")
    config["index"] = f"{_AUTHORITY}/{INDEX}"
    (folder / "hooks.json").write_text(json.dumps(config, sort_keys=True), "utf-8")
    python = (host_python, "-ISs", f"{_AUTHORITY}/gate.py")
    done = runner.run(
        Command(
            argv=(*python, "--authority", _AUTHORITY),
            root=template.root,
            log=workplace.path / "gate.log",
            environment=(("PATH", "/usr/bin:/bin"), ("HOME", "/home/builder")),
            binds=(Bind(source=workplace.tools, target=TOOLS, writable=True),),
            emulator=template.emulator,
        )
    )
    if not done.succeeded:
        raise BuildError(f"the gate for downloads could not be made:\n{done.last_lines(8)}")
    git, binds = _repositories(repositories, dict(template.environment))
    authority = f"{_AUTHORITY}/authority.pem"
    return Gate(
        prefix=(*python, f"{_AUTHORITY}/gate.json", "--"),
        hooks=(*python, f"{_AUTHORITY}/hooks.json", "--"),
        variables=(*((name, authority) for name in _TRUST), *git),
        binds=(Bind(source=folder / "authority.pem", target=_BUNDLE), *binds),
    )


def _link(source: Path, goal: Path) -> None:
    try:
        os.link(source, goal)
    except OSError:
        shutil.copyfile(source, goal)


def _repositories(
    given: Sequence[GivenSource], environment: dict[str, str]
) -> tuple[tuple[tuple[str, str], ...], tuple[Bind, ...]]:
    """Git told to take repositories from folders, which are seen below ``/tmp``."""
    count = int(environment.get("GIT_CONFIG_COUNT", "0"))
    pairs = [("protocol.file.allow", "always")] if given else []
    binds = []
    for number, one in enumerate(given):
        inside = f"/tmp/.given/{number}"  # noqa: S108 - the sandbox's own
        pairs.append((f"url.file://{inside}.insteadOf", one.url))
        binds.append(Bind(source=Path(one.path), target=inside))
    variables = [("GIT_CONFIG_COUNT", str(count + len(pairs)))]
    for number, (key, value) in enumerate(pairs, start=count):
        variables += [(f"GIT_CONFIG_KEY_{number}", key), (f"GIT_CONFIG_VALUE_{number}", value)]
    return tuple(variables) if given else (), tuple(binds)


def asked(workplace: Workplace) -> tuple[tuple[str, bool], ...]:
    """Every address that the build asked for, in order, each once, and whether it was served."""
    log = workplace.path / _LOG
    found: dict[str, bool] = {}
    if log.is_file():
        for line in log.read_text("utf-8", "replace").splitlines():
            try:
                entry = json.loads(line)
                found[str(entry["url"])] = bool(entry["served"])
            except (ValueError, KeyError, TypeError):
                continue  # the build may write here too; it can only spoil its own record
    return tuple(found.items())


def replace_digests(sources: Path, served: Sequence[Had]) -> None:
    """The working copy asks for what is served: a declared digest becomes that of the source in its place."""
    wanted = [(had.replaced, had) for had in served if had.replaced is not None]
    if not wanted:
        return
    for file in sources.rglob("*"):
        if file.is_symlink() or not file.is_file() or file.stat().st_size > 2 << 20:
            continue
        text = file.read_bytes()
        changed = text
        for digest, had in wanted:
            changed = _replaced(changed, digest, had)
        if changed != text:
            file.write_bytes(changed)


def _replaced(text: bytes, digest: Digest, had: Had) -> bytes:
    for spelling in (digest.value, digest.value.upper()):
        if spelling.encode() in text:
            found = hashlib.new(digest.algorithm, had.path.read_bytes(), usedforsecurity=False).hexdigest()
            text = text.replace(spelling.encode(), found.encode())
    return text

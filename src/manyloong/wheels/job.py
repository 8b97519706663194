"""A job: everything that decides a wheel's bytes, and the id that follows from it."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from packaging.utils import parse_wheel_filename

from manyloong.errors import BuildError, InputError
from manyloong.targets import Python
from manyloong.wheels.given import GivenSource
from manyloong.wheels.given_crates import GivenCrates
from manyloong.wheels.hooks import Hooks, TestHooks
from manyloong.wheels.identifier import Identifier
from manyloong.wheels.pinned import Pinned
from manyloong.wheels.recipe_keys import Settings
from manyloong.wheels.recipes import Recipe, merged_settings
from manyloong.wheels.source import Source

LaneName = Literal["cross", "emulated", "auto"]  # auto: cross, and emulated where that cannot be
NATIVE: Literal["native"] = "native"  # not for users: a requirement's wheel for the build machine itself
RECIPE = 2  # bump when the same job would give another wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user may say about a build beyond what is built for what."""

    config_settings: Settings = ()  # a key with several values is a list (PEP 517)
    environment: tuple[tuple[str, str], ...] = ()
    test: bool = True
    test_command: str | None = None
    test_requires: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    sources: tuple[GivenSource, ...] = ()  # files for what the build downloads
    crates: GivenCrates = field(default_factory=GivenCrates)
    compilers: tuple[str, ...] = ()  # besides those for C and C++; see compilers.py
    hooks: Hooks = field(default_factory=Hooks)  # of the project's own tables
    test_hooks: TestHooks = field(default_factory=TestHooks)
    recipe: Recipe = field(default_factory=Recipe)  # what was merged into the above, and the rest of it

    def settings(self) -> dict[str, str | list[str]]:
        """Config settings as hooks take them: a string, or a list where a key was given several times."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in self.config_settings
        }


def with_recipe(options: Options, recipe: Recipe) -> Options:
    """The options with a recipe below them: what the user says wins, lists add up."""
    return replace(
        options,
        config_settings=merged_settings(recipe.config_settings, options.config_settings),
        environment=tuple((dict(recipe.environment) | dict(options.environment)).items()),
        test_command=recipe.test_command if options.test_command is None else options.test_command,
        test_requires=tuple(dict.fromkeys((*recipe.test_requires, *options.test_requires))),
        recipe=recipe,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One wheel to make; equal ids mean that the user asked for the same.

    Build requirements are resolved when a job is built: the record names them, the id does not, so a cached
    job keeps those it was built with until ``--force``.
    """

    source: Source
    identifier: Identifier
    options: Options
    kit: tuple[tuple[str, str], ...]  # part -> id, sorted
    siblings: tuple[Python, ...] = ()  # Pythons that need no job of their own if this wheel serves them
    lane: LaneName | Literal["native"] = "cross"
    roots: tuple[tuple[str, str], ...] = ()  # what it is tested in, and built with from source -> id
    fallback: str = ""  # why it is not a cross build although that was tried; decides nothing
    notes: tuple[str, ...] = ()  # what there is to say of the options; decides nothing
    pinned: Pinned | None = None  # build requirements that are not resolved but given; not part of the id

    def document(self) -> dict[str, Any]:
        """What the id is made from."""
        options = self.options
        given: dict[str, Any] = {"sources": [[one.url, one.sha256] for one in options.sources]}
        rare = given if options.sources else {}
        rare |= options.crates.document
        rare |= {"hooks": options.hooks.document()} if options.hooks != Hooks() else {}
        rare |= {"test_hooks": options.test_hooks.document()} if options.test_hooks != TestHooks() else {}
        return rare | {
            "recipe": RECIPE,
            "source": self.source.sha256,
            "identifier": str(self.identifier),
            "platform": self.identifier.target.tag,
            "siblings": [python.tag for python in self.siblings],
            "settings": self.options.settings(),
            "environment": list(self.options.environment),
            "test": [self.options.test, self.options.test_command, list(self.options.test_requires)],
            "rules": self.options.recipe.digest,
            "kit": [list(pair) for pair in self.kit],
            "roots": [list(pair) for pair in self.roots],
            "lane": self.lane,
        }

    @property
    def id(self) -> str:
        """SHA-256 of the job's canonical JSON, in hex."""
        return _digest(self.document())

    @property
    def build_id(self) -> str:
        """As ``id``, of what decides the wheel's bytes: jobs that differ in their tests only share it."""
        document = self.document()
        for key in ("test", "siblings", "test_hooks"):
            document.pop(key, None)
        document["rules"] = self.options.recipe.build_digest
        document["roots"] = [list(pair) for pair in self.roots if pair[0] == "python"]
        return _digest(document)


def check_stable(wheel: str, job: Job) -> None:
    """BuildError where the project's selector asked for other Pythons, and this wheel does not serve them."""
    selector = job.options.hooks.stable_only
    abis = {tag.abi for tag in parse_wheel_filename(wheel)[3]}
    if selector and not abis & {"none", "abi3"}:
        raise BuildError(
            f"{job.source.label}: its selector {selector!r} names no Python that is here, and {wheel} is for "
            f"{job.identifier.python.tag} alone",
            hint=f"if that is what you want: --python {job.identifier.python.tag}",
        )


def _digest(document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse_lane(text: str) -> LaneName:
    """A lane's name; InputError that says which there are."""
    for name in get_args(LaneName):
        if text == name:
            return name  # type: ignore[no-any-return]
    raise InputError(f"--lane {text!r}: no such lane", hint=f"lanes: {', '.join(get_args(LaneName))}")

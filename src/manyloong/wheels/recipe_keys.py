"""The keys of a recipe, read strictly: faults are gathered, each with its dotted path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from manyloong.errors import InputError

Settings = tuple[tuple[str, str | tuple[str, ...]], ...]
_PAGE = "the keys: docs/reference/recipes.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Tests not to run, as the test runner names them (``*`` allowed), and why."""

    test: str
    reason: str


def near_hint(word: str, known: Sequence[str]) -> str:
    """Did you mean ...? or all there is."""
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"


class KeyReader:
    """One table of a TOML document; ``finish`` raises what was wrong with it."""

    def __init__(self, table: Mapping[str, Any], where: str, faults: list[InputError] | None = None) -> None:
        self._table = table
        self._where = where
        self._asked: list[str] = []
        self._own = faults is None
        self._faults: list[InputError] = [] if faults is None else faults

    def fault(self, key: str, text: str, *, hint: str = _PAGE) -> None:
        """Remember what is wrong with a key."""
        self._faults.append(InputError(f"{self._where}: {key}: {text}", hint=hint))

    def finish(self, foreign: Mapping[str, str] | None = None) -> None:
        """Every key was asked for: the others are not known; ``foreign`` says why some have no place here."""
        for key in self._table:
            if key in (foreign or {}):
                self.fault(key, f"has no place here: {(foreign or {})[key]}")
            elif key not in self._asked:
                self.fault(key, "unknown key", hint=near_hint(key, self._asked))
        if self._own and len(self._faults) > 1:
            raise ExceptionGroup(f"{self._where} has several faults", self._faults)
        if self._own and self._faults:
            raise self._faults[0]

    def text(self, key: str) -> str | None:
        """A string that is not empty."""
        value = self._value(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.fault(key, f"not a string with something in it: {value!r}")
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._value(key)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value):
            return tuple(value)
        self.fault(key, f"not a list of strings: {value!r}")
        return ()

    def table(self, key: str) -> "KeyReader":
        """A table below this one."""
        value = self._value(key)
        if value is not None and not isinstance(value, dict):
            self.fault(key, f"not a table: {value!r}", hint=f"write [{key}]")
        rows = value if isinstance(value, dict) else {}
        return KeyReader(rows, f"{self._where}: {key}", self._faults)

    def variables(self, key: str) -> tuple[tuple[str, str], ...]:
        """A table of strings."""
        rows = self._rows(key)
        for name, value in rows.items():
            if not isinstance(value, str):
                self.fault(f"{key}.{name}", f"not a string: {value!r}")
        return tuple((name, str(value)) for name, value in rows.items())

    def settings(self, key: str) -> Settings:
        """A table of strings and lists of strings (PEP 517)."""
        found: list[tuple[str, str | tuple[str, ...]]] = []
        for name, value in self._rows(key).items():
            if isinstance(value, str):
                found.append((name, value))
            elif isinstance(value, list) and all(isinstance(one, str) for one in value):
                found.append((name, tuple(value)))
            else:
                self.fault(f"{key}.{name}", f"neither a string nor a list of strings: {value!r}")
        return tuple(found)

    def specifiers(self, key: str) -> str:
        """A specifier set (PEP 440)."""
        text = self.text(key) or ""
        try:
            SpecifierSet(text)
        except InvalidSpecifier:
            self.fault(
                key, f"not a set of version specifiers: {text!r}", hint='for example: versions = ">=2.1,<3"'
            )
            return ""
        return text

    def requirements(self, key: str) -> tuple[str, ...]:
        """A list of requirements (PEP 508)."""
        found = self.texts(key)
        for text in found:
            try:
                Requirement(text)
            except InvalidRequirement as error:
                self.fault(key, f"{text!r} is no requirement: {str(error).splitlines()[0]}")
        return found

    def skips(self, key: str) -> tuple[Skip, ...]:
        """A list of ``{ test = ..., reason = ... }``."""
        value = self._value(key)
        found: list[Skip] = []
        for number, row in enumerate(value if isinstance(value, list) else []):
            reader = self._row(f"{key}[{number}]", row)
            test, reason = reader.text("test"), reader.text("reason")
            reader.finish()
            if test and reason:
                found.append(Skip(test=test, reason=reason))
            else:
                self.fault(f"{key}[{number}]", "a skip has a test and a reason")
        if value is not None and not isinstance(value, list):
            self.fault(key, f"not a list of tables: {value!r}")
        return tuple(found)

    def _row(self, key: str, row: object) -> "KeyReader":
        return KeyReader(row if isinstance(row, dict) else {}, f"{self._where}: {key}", self._faults)

    def _rows(self, key: str) -> dict[str, Any]:
        value = self._value(key)
        if value is not None and not isinstance(value, dict):
            self.fault(key, f"not a table: {value!r}", hint=f"write [{key}]")
        return value if isinstance(value, dict) else {}

    def _value(self, key: str) -> Any:
        self._asked.append(key)
        return self._table.get(key)

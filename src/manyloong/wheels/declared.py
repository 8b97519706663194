"""Which hash a package's sources declare for a download: Meson wraps, CMake, or a digest beside an address.

Read without running anything. CMake addresses are often put together from variables: what ``set()`` gives
them in the same sources is filled in, the rest may be anything, and the address that a build really asked for
says which declaration was meant.
"""

import configparser
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ALGORITHMS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
NEAR = 400  # characters between an address and the digest that is meant for it
_LARGEST_BYTES = 2 << 20  # larger texts declare nothing
_TEXTS = {
    ".cmake",
    ".py",
    ".toml",
    ".cfg",
    ".json",
    ".sh",
    ".mk",
    ".build",
    ".txt",
    ".in",
    ".yml",
    ".yaml",
    ".ini",
}
_CALL = re.compile(
    r"\b(?:FetchContent_Declare|FetchContent_Populate|ExternalProject_Add|CPMAddPackage|CPMFindPackage"
    r"|file)\s*\(",
    re.IGNORECASE,
)
_SET = re.compile(r"\b(?:set|option)\s*\(\s*(\w+)\s+(\"[^\"]*\"|[^\s)]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|([^\s\"()]+)")
_COMMENT = re.compile(r"(?m)^\s*#.*$|\s#[^\"\n]*$")
_DIGEST = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64}|[0-9a-fA-F]{56}"
                     r"|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9a-fA-F])")  # fmt: skip
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TRIGGERS = re.compile(
    r"FetchContent_|ExternalProject_Add|CPMAddPackage|file\s*\(\s*DOWNLOAD|urlopen|urlretrieve|requests\.get"
    r"|\bcurl\b|\bwget\b|git clone",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Digest:
    """What the bytes of a download must hash to."""

    algorithm: str  # a name of hashlib
    value: str  # lower-case hex

    def __str__(self) -> str:
        """As messages show it."""
        return f"{self.algorithm}:{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One download that the sources speak of."""

    url: re.Pattern[str]
    literal: int  # how many characters of the address are certain
    digest: Digest | None
    commit: str = ""  # of a git repository
    address: str = ""  # of a file, where all of it is certain
    where: str = ""  # file of the sources


def parse_digest(text: str) -> Digest | None:
    """A hexadecimal digest, its algorithm by its length; None for anything else."""
    if not _DIGEST.fullmatch(text):
        return None
    return Digest(algorithm=ALGORITHMS[len(text)], value=text.lower())


def speaks_of_downloads(sources: Path) -> bool:
    """Whether anything in the build files of the sources looks as if it fetched something."""
    return any(
        file.suffix == ".wrap" or _TRIGGERS.search(text) for file, text in _texts(sources, build_files=True)
    )


def find_declaration(url: str, sources: Path) -> Declaration | None:
    """The declaration that fits an address best; None where the sources say nothing of it."""
    fitting = [one for one in declarations(sources) if one.url.fullmatch(url)]
    if fitting:
        return max(fitting, key=lambda one: (one.literal, one.digest is not None))
    return _beside(url, sources)


def declarations(sources: Path) -> tuple[Declaration, ...]:
    """Everything that Meson wraps and CMake files declare."""
    texts = [(file, text) for file, text in _texts(sources, build_files=True)]
    cmake = [(file, _COMMENT.sub("", text)) for file, text in texts if _is_cmake(file)]
    variables = _variables(text for _, text in cmake)
    found: list[Declaration] = []
    for file, text in texts:
        if file.suffix == ".wrap":
            found += _wrap(text, where=str(file.relative_to(sources)))
    for file, text in cmake:
        for words in _calls(text):
            found += _call(words, variables, where=str(file.relative_to(sources)))
    return tuple(found)


def _is_cmake(file: Path) -> bool:
    return (
        file.suffix == ".cmake" or file.name.startswith("CMakeLists.txt") or file.name.endswith(".cmake.in")
    )


def _texts(sources: Path, *, build_files: bool = False) -> Iterator[tuple[Path, str]]:
    for file in sorted(sources.rglob("*")):
        kind = file.suffix == ".wrap" or _is_cmake(file) or (build_files and _is_script(file, sources))
        if not (kind or (not build_files and file.suffix in _TEXTS)) or not file.is_file():
            continue
        if file.stat().st_size <= _LARGEST_BYTES:
            yield file, file.read_text("utf-8", "replace")


def _is_script(file: Path, sources: Path) -> bool:
    """Whether it may be part of the build itself: Python, shell or make at the top or in a folder for it."""
    if file.suffix not in {".py", ".sh", ".mk"} and file.name not in {"Makefile", "meson.build"}:
        return False
    folder = file.relative_to(sources).parts[0]
    return file.parent == sources or re.search(r"build|tools|script|setup|ci|cmake", folder) is not None


# ---- Meson


def _wrap(text: str, *, where: str) -> Iterator[Declaration]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in (parser[name] for name in parser.sections()):
        for prefix in ("source", "patch"):
            digest = parse_digest(section.get(f"{prefix}_hash", ""))
            for key in (f"{prefix}_url", f"{prefix}_fallback_url"):
                if url := section.get(key):
                    yield _literal(url, digest, where=where)
        if section.name == "wrap-git" and (url := section.get("url")):
            yield _repository(url, section.get("revision", ""), where=where)


def _literal(url: str, digest: Digest | None, *, where: str) -> Declaration:
    pattern = re.compile(re.escape(url))
    return Declaration(url=pattern, literal=len(url), digest=digest, where=where, address=url)


def _repository(url: str, revision: str, *, where: str) -> Declaration:
    plain = url.removesuffix(".git")
    pattern = re.compile(re.escape(plain) + r"(?:\.git)?(?:/.*)?")
    commit = revision if _COMMIT.fullmatch(revision) else ""
    return Declaration(url=pattern, literal=len(plain), digest=None, commit=commit, where=where)


# ---- CMake


def _variables(texts: Iterator[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        for name, value in _SET.findall(text):
            if plain := value.strip('"'):
                found.setdefault(name, plain)
    return found


def _calls(text: str) -> Iterator[list[str]]:
    """The words of each call that may fetch; nested parentheses stay inside."""
    for match in _CALL.finditer(text):
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        words = [quoted or plain for quoted, plain in _WORD.findall(text[match.end() : end - 1])]
        if not match[0].lower().startswith("file") or (words and words[0].upper() == "DOWNLOAD"):
            yield words


def _call(words: list[str], variables: Mapping[str, str], *, where: str) -> Iterator[Declaration]:
    digest: Digest | None = None
    urls = [words[1]] if words[:1] == ["DOWNLOAD"] and len(words) > 1 else []
    repository = commit = ""
    for key, value in pairwise(words):
        expanded = _expanded(value, variables)
        match key.upper():
            case "URL":
                urls.append(value)
            case "URL_HASH" | "EXPECTED_HASH" | "URL_MD5" | "EXPECTED_MD5":
                digest = parse_digest(expanded.rpartition("=")[2]) or digest
            case "GIT_REPOSITORY":
                repository = expanded
            case "GIT_TAG":
                commit = expanded
    for url in urls:
        address = _expanded(url, variables)
        if "${" not in address:
            yield _literal(address, digest, where=where)
            continue
        pattern, literal = _pattern(address)
        if literal:
            yield Declaration(url=pattern, literal=literal, digest=digest, where=where)
    if repository and "${" not in repository:
        yield _repository(repository, commit, where=where)


def _expanded(text: str, variables: Mapping[str, str], depth: int = 4) -> str:
    for _ in range(depth):
        text = _VARIABLE.sub(lambda match: variables.get(match[1]) or match[0], text)
    return text


def _pattern(text: str) -> tuple[re.Pattern[str], int]:
    """An address with unknown variables as a pattern, and how many of its characters are certain."""
    parts = _VARIABLE.split(text)[::2]
    return re.compile(".*?".join(re.escape(part) for part in parts)), sum(len(part) for part in parts)


# ---- anything else


def _beside(url: str, sources: Path) -> Declaration | None:
    """The digest nearest to the address in any text that names it."""
    for file, text in _texts(sources):
        at = text.find(url)
        if at < 0:
            continue
        start = max(0, at - NEAR)
        near = [
            (abs(start + match.start() - at), digest)
            for match in _DIGEST.finditer(text[start : at + len(url) + NEAR])
            if (digest := parse_digest(match[0])) and match[0] not in url
        ]
        digest = min(near, default=(0, None), key=lambda pair: pair[0])[1]
        return _literal(url, digest, where=str(file.relative_to(sources)))
    return None

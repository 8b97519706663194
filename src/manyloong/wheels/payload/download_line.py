"""Stands for curl and wget in a project's hooks, where the root has neither: download a file, or print it.

Usage: ``download_line.py curl|wget WORDS...``. The options that download scripts use; others are refused by
name. Proxies and trust come from the variables that the gate sets.
"""

import os
import sys
import urllib.error
import urllib.request

REFUSED, FAILED = 2, 22
# Options without a value that change nothing here: redirects are followed, and a failure is one.
PLAIN = {
    "curl": "fsSLkJ#v",
    "wget": "qcnv",
}
LONG = {
    "--fail", "--silent", "--show-error", "--location", "--compressed", "--no-progress-meter",
    "--progress-bar", "--tlsv1.2", "--quiet", "--no-verbose", "--no-check-certificate", "--verbose",
    "--remote-header-name", "--http1.1", "--ipv4", "--create-dirs", "--continue", "--show-progress",
    "--fail-with-body",
}  # fmt: skip
VALUED = {"--retry", "--retry-delay", "--connect-timeout", "--max-time", "--proto", "--tries", "--timeout",
          "--retry-max-time", "--waitretry", "-m", "-t", "-T"}  # fmt: skip
OUTPUT = {"curl": {"-o", "--output"}, "wget": {"-O", "--output-document"}}
FLAGS = {"--retry-connrefused", "--retry-all-errors"}


class UnknownError(Exception):
    """A word that is not understood."""


def parse(program: str, words: "list[str]") -> "list[tuple[str, str]]":
    """Addresses, each with the file it goes to; ``-`` is standard output."""
    urls: list[str] = []
    outputs: list[str] = []
    remote = program == "wget"
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, given, value = word.partition("=")
        if program == "curl" and word in {"-O", "--remote-name", "--remote-name-all"}:
            remote = True
        elif name in OUTPUT[program] or name in VALUED:
            value = value if given else rest.pop(0)
            outputs += [value] if name in OUTPUT[program] else []
        elif word in LONG or word in FLAGS:
            continue
        elif not word.startswith("-"):
            urls.append(word)
        else:
            rest, remote = bundle(program, word, rest, remote=remote)
    names = [*outputs, *(url.rpartition("/")[2].partition("?")[0] if remote else "-" for url in urls)]
    return list(zip(urls, names, strict=False))


def bundle(program: str, word: str, rest: "list[str]", *, remote: bool) -> "tuple[list[str], bool]":
    """Short options in one word, e.g. ``-fsSLo``: what is left to read."""
    letters = word[1:]
    for number, letter in enumerate(letters):
        if letter in PLAIN[program]:
            continue
        if program == "curl" and letter == "O":
            remote = True
        elif f"-{letter}" in OUTPUT[program]:
            value = letters[number + 1 :]
            return [f"-{letter}", *([value] if value else []), *rest], remote
        else:
            raise UnknownError(word)
    if not letters or word.startswith("--"):
        raise UnknownError(word)
    return rest, remote


def fetch(url: str, name: str) -> None:
    """One address to one file."""
    address = url if "://" in url else f"https://{url}"
    with urllib.request.urlopen(address, timeout=600) as answer:  # noqa: S310 - what scripts ask for
        if name == "-":
            sys.stdout.buffer.write(answer.read())
            return
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as stream:
            while chunk := answer.read(1 << 20):
                stream.write(chunk)


def main() -> int:
    """Download what the words say; the exit status."""
    program, words = sys.argv[1], sys.argv[2:]
    if words[:1] == ["--version"]:
        sys.stdout.write(f"{program}: what stands for it in a build, for downloads only\n")
        return 0
    try:
        found = parse(program, words)
    except (UnknownError, IndexError) as error:
        sys.stderr.write(f"{program}: {error}: what stands for it here knows downloads only\n")
        return REFUSED
    for url, name in found:
        try:
            fetch(url, name)
        except (OSError, ValueError, urllib.error.URLError) as error:
            sys.stderr.write(f"{program}: {url}: {error}\n")
            return FAILED
    return 0 if found else REFUSED


if __name__ == "__main__":
    sys.exit(main())

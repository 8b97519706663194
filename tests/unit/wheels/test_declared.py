"""What sources declare for their downloads."""

from pathlib import Path

import pytest

from manyloong.wheels.declared import Digest, find_declaration, parse_digest, speaks_of_downloads

SHA = "ab" * 32
MD5 = "cd" * 16
URL = "https://example.org/releases/v1.2/zoo-1.2.tar.gz"


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return folder


def digest_of(url: str, sources: Path) -> Digest | None:
    found = find_declaration(url, sources)
    return found.digest if found else None


@pytest.mark.parametrize(
    "text",
    [
        f"FetchContent_Declare(zoo URL {URL} URL_HASH SHA256={SHA})",
        f'ExternalProject_Add(zoo\n  URL "{URL}" # a comment\n  URL_HASH "SHA256={SHA.upper()}"\n)',
        f"file(DOWNLOAD {URL} ${{CMAKE_BINARY_DIR}}/zoo EXPECTED_HASH SHA256={SHA} SHOW_PROGRESS)",
        f"CPMAddPackage(NAME zoo URL {URL} URL_HASH SHA256={SHA})",
        (
            f'set(V 1.2)\nset(H "{SHA}")\nFetchContent_Declare(zoo URL https://example.org/releases/v${{V}}/zoo-${{V}}.tar.gz'
            " URL_HASH SHA256=${H})"
        ),
        (
            f"FetchContent_Declare(zoo URL https://example.org/releases/v${{UNKNOWN}}/zoo-${{UNKNOWN}}.tar.gz"
            f" URL_HASH SHA256={SHA})"
        ),
        f'set(U "" CACHE STRING "")\nset(U {URL})\nExternalProject_Add(zoo URL ${{U}} URL_HASH SHA256={SHA})',
    ],
)
def test_cmake_declares_in_many_ways(text: str, tmp_path: Path) -> None:
    assert digest_of(URL, write(tmp_path, "CMakeLists.txt", text)) == Digest(algorithm="sha256", value=SHA)


def test_older_cmake_has_md5(tmp_path: Path) -> None:
    write(tmp_path, "cmake/zoo.cmake", f"ExternalProject_Add(zoo URL {URL} URL_MD5 {MD5})")
    assert digest_of(URL, tmp_path) == Digest(algorithm="md5", value=MD5)


def test_the_more_certain_declaration_wins(tmp_path: Path) -> None:
    other = "ef" * 32
    write(
        tmp_path,
        "CMakeLists.txt",
        f"FetchContent_Declare(any URL https://example.org/${{X}} URL_HASH SHA256={other})\n"
        f"FetchContent_Declare(zoo URL {URL} URL_HASH SHA256={SHA})",
    )
    assert digest_of(URL, tmp_path) == Digest(algorithm="sha256", value=SHA)


def test_an_address_without_a_hash_is_known_and_has_none(tmp_path: Path) -> None:
    write(tmp_path, "CMakeLists.txt", f"FetchContent_Declare(zoo URL {URL})\n# SHA256={SHA}")
    found = find_declaration(URL, tmp_path)
    assert found is not None
    assert (found.digest, found.where) == (None, "CMakeLists.txt")


def test_what_nobody_declares_is_not_found(tmp_path: Path) -> None:
    write(tmp_path, "CMakeLists.txt", f"FetchContent_Declare(a URL ${{URL_OF_A}} URL_HASH SHA256={SHA})")
    assert find_declaration(URL, tmp_path) is None


WRAP = f"""\
[wrap-file]
directory = zoo-1.2
source_url = {URL}
source_fallback_url = https://mirror.example/zoo-1.2.tar.gz
source_filename = zoo-1.2.tar.gz
source_hash = {SHA}
patch_url = https://wraps.example/zoo_1.2-1/get_patch
patch_filename = zoo_1.2-1_patch.zip
patch_hash = {"12" * 32}
"""


@pytest.mark.parametrize(
    ("url", "value"),
    [
        (URL, SHA),
        ("https://mirror.example/zoo-1.2.tar.gz", SHA),
        ("https://wraps.example/zoo_1.2-1/get_patch", "12" * 32),
    ],
)
def test_meson_wraps(url: str, value: str, tmp_path: Path) -> None:
    write(tmp_path, "subprojects/zoo.wrap", WRAP)
    assert speaks_of_downloads(tmp_path)
    assert digest_of(url, tmp_path) == Digest(algorithm="sha256", value=value)


@pytest.mark.parametrize("text", ["", "[wrap-file", "\x00\x01", "[wrap-file]\nsource_url\n"])
def test_broken_wraps_declare_nothing(text: str, tmp_path: Path) -> None:
    write(tmp_path, "subprojects/zoo.wrap", text)
    assert find_declaration(URL, tmp_path) is None


def test_a_repository_is_known_by_its_commit(tmp_path: Path) -> None:
    commit = "0123456789" * 4
    write(
        tmp_path,
        "CMakeLists.txt",
        f"FetchContent_Declare(zoo GIT_REPOSITORY https://example.org/a/zoo.git GIT_TAG {commit})",
    )
    found = find_declaration("https://example.org/a/zoo.git/info/refs?service=git-upload-pack", tmp_path)
    assert found is not None
    assert found.commit == commit


def test_a_script_has_its_digest_beside_the_address(tmp_path: Path) -> None:
    write(tmp_path, "buildutils/get.py", f'FILES = {{\n    "{URL}": "{SHA}",\n}}\nurlretrieve(FILES)\n')
    assert speaks_of_downloads(tmp_path)
    assert digest_of(URL, tmp_path) == Digest(algorithm="sha256", value=SHA)


def test_a_digest_far_away_is_not_meant(tmp_path: Path) -> None:
    write(tmp_path, "get.py", f'URL = "{URL}"\n' + "# words\n" * 100 + f'OTHER = "{SHA}"\n')
    assert digest_of(URL, tmp_path) is None


def test_plain_sources_speak_of_nothing(tmp_path: Path) -> None:
    write(tmp_path, "setup.py", "from setuptools import setup\nsetup()\n")
    write(tmp_path, "src/pkg/client.py", "from urllib.request import urlopen\n")  # run time, not build time
    assert not speaks_of_downloads(tmp_path)


@pytest.mark.parametrize("text", ["", "xyz", "ab" * 15, "ab" * 33, "g" * 64])
def test_what_is_no_digest(text: str) -> None:
    assert parse_digest(text) is None

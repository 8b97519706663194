"""Which mirrors are asked, and where the cache is."""

from pathlib import Path

import pytest

from manyloong.config.mirrors import PUBLIC_MIRRORS, SNAPSHOT, debian_mirrors
from manyloong.config.paths import cache_directory, config_file
from manyloong.errors import InputError

LAST = (*PUBLIC_MIRRORS, SNAPSHOT)
SOURCES = """# URIs: http://commented.example/debian
Types: deb
URIs: http://one.example/debian http://two.example/debian/
 http://three.example/debian
# a remark in between
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://disabled.example/debian

Types: deb
URIs: http://one.example/debian-security
Suites: bookworm-security
"""
LIST = """# deb http://commented.example/debian sid main
deb [arch=amd64 signed-by=/usr/share/key.gpg] https://four.example/ubuntu noble main
deb-src http://source.example/debian sid main
deb http://one.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "apt" / "sources.list.d").mkdir(parents=True)
    return tmp_path / "apt"


def home(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_apt_sources_then_public_mirrors(tmp_path: Path, apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(SOURCES)
    (apt / "sources.list").write_text(LIST)
    (apt / "sources.list.d" / "off.sources.disabled").write_text(SOURCES.replace("one", "off"))
    assert debian_mirrors(home(tmp_path), apt=apt) == (
        "https://four.example/ubuntu",
        "http://one.example/debian",
        "http://two.example/debian",
        "http://three.example/debian",
        *LAST,
    )


def test_host_without_apt(tmp_path: Path) -> None:
    assert debian_mirrors(home(tmp_path), apt=tmp_path / "none") == LAST


def test_variable_replaces_apt_sources(tmp_path: Path, apt: Path) -> None:
    (apt / "sources.list").write_text(LIST)
    environ = home(tmp_path) | {"MANYLOONG_DEBIAN_MIRROR": "http://my.example/debian/, file:///srv/debian"}
    assert debian_mirrors(environ, apt=apt)[:2] == ("http://my.example/debian", "file:///srv/debian")
    assert len(debian_mirrors(environ, apt=apt)) == 2 + len(LAST)


def test_configuration_file(tmp_path: Path, apt: Path) -> None:
    environ = home(tmp_path)
    path = config_file(environ)
    path.parent.mkdir(parents=True)
    path.write_text('debian-mirrors = ["http://file.example/debian"]\n')
    assert debian_mirrors(environ, apt=apt)[0] == "http://file.example/debian"
    for bad in (
        "debian-mirrors = 1",
        "debian-mirrors = [1]",
        "debian-mirrors",
        'debian-mirrors = ["ftp://x/y"]',
    ):
        path.write_text(bad)
        with pytest.raises(InputError, match=r"config\.toml"):
            debian_mirrors(environ, apt=apt)


def test_address_that_is_none(tmp_path: Path, apt: Path) -> None:
    with pytest.raises(InputError, match=r"not an http, https or file address: 'my\.example'"):
        debian_mirrors(home(tmp_path) | {"MANYLOONG_DEBIAN_MIRROR": "my.example"}, apt=apt)


def test_cache_directory() -> None:
    assert cache_directory({"MANYLOONG_CACHE_DIR": "/x/y"}) == Path("/x/y")
    assert cache_directory({"XDG_CACHE_HOME": "/c"}) == Path("/c/manyloong")
    assert cache_directory({}).name == "manyloong"
    with pytest.raises(InputError, match="not an absolute path: 'here'"):
        cache_directory({"MANYLOONG_CACHE_DIR": "here"})

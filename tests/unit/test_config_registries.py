"""The package index follows pip's and uv's own configuration."""

from pathlib import Path

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from manyloong.config.registries import python_index_ca, python_index_url, redacted
from manyloong.errors import InputError


class Machine:
    """Files and variables of an imaginary machine below a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.prefix = folder / "venv"
        self.environ = {"HOME": str(folder / "home")}
        self.home = folder / "home"

    def write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def url(self, **more: str) -> str:
        return python_index_url(self.environ | more, root=self.root, prefix=self.prefix)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_unset_is_the_client_librarys_default(machine: Machine) -> None:
    assert machine.url() == PYPI_SIMPLE_ENDPOINT.rstrip("/")


def test_variables_in_order(machine: Machine) -> None:
    variables = {
        "MANYLOONG_INDEX_URL": "https://one.example/simple/",
        "PIP_INDEX_URL": "https://two.example/simple",
        "UV_DEFAULT_INDEX": "https://three.example/simple",
        "UV_INDEX_URL": "https://four.example/simple",
    }
    machine.write(machine.root / "etc/pip.conf", "[global]\nindex-url = https://file.example/simple\n")
    for name, value in list(variables.items()):
        assert machine.url(**variables) == value.rstrip("/")
        del variables[name]
    assert machine.url() == "https://file.example/simple"


def test_empty_variables_say_nothing(machine: Machine) -> None:
    assert (
        machine.url(PIP_INDEX_URL=" ", UV_INDEX_URL="https://u.example/simple") == "https://u.example/simple"
    )


def test_uv_default_index_may_be_named(machine: Machine) -> None:
    assert machine.url(UV_DEFAULT_INDEX="mine=https://u.example/simple") == "https://u.example/simple"
    assert machine.url(UV_DEFAULT_INDEX="https://u.example/s?a=b") == "https://u.example/s?a=b"


def test_pip_files_strongest_first(machine: Machine) -> None:
    chosen = machine.write(machine.home / "chosen.conf", "[global]\nindex-url = https://chosen.example/\n")
    files = [
        machine.write(machine.prefix / "pip.conf", "[global]\nindex_url = https://venv.example/\n"),
        machine.write(machine.home / ".config/pip/pip.conf", "[global]\nindex-url = https://user.example/\n"),
        machine.write(machine.home / ".pip/pip.conf", "[global]\nindex-url = https://legacy.example/\n"),
        machine.write(machine.root / "etc/pip.conf", "[global]\nindex-url = https://etc.example/\n"),
        machine.write(machine.root / "etc/xdg/pip/pip.conf", "[global]\nindex-url = https://xdg.example/\n"),
    ]
    assert machine.url(PIP_CONFIG_FILE=str(chosen)) == "https://chosen.example"
    for path, name in zip(files, ("venv", "user", "legacy", "etc", "xdg"), strict=True):
        assert machine.url() == f"https://{name}.example"
        path.unlink()


def test_pip_config_file_replaces_the_users(machine: Machine) -> None:
    chosen = machine.write(machine.home / "chosen.conf", "[global]\ntimeout = 3\n")
    machine.write(machine.home / ".config/pip/pip.conf", "[global]\nindex-url = https://user.example/\n")
    machine.write(machine.root / "etc/pip.conf", "[global]\nindex-url = https://etc.example/\n")
    assert machine.url(PIP_CONFIG_FILE=str(chosen)) == "https://etc.example"


def test_null_device_switches_pips_files_off(machine: Machine) -> None:
    machine.write(machine.root / "etc/pip.conf", "[global]\nindex-url = https://etc.example/\n")
    assert machine.url(PIP_CONFIG_FILE="/dev/null") == PYPI_SIMPLE_ENDPOINT.rstrip("/")


def test_pip_install_section_beats_global(machine: Machine) -> None:
    text = "[global]\nindex-url = https://global.example/\n[install]\nindex-url = https://install.example/\n"
    machine.write(machine.root / "etc/pip.conf", text)
    assert machine.url() == "https://install.example"


def test_pip_xdg_places(machine: Machine) -> None:
    machine.write(machine.home / "cfg/pip/pip.conf", "[global]\nindex-url = https://xdg-home.example/\n")
    assert machine.url(XDG_CONFIG_HOME=str(machine.home / "cfg")) == "https://xdg-home.example"
    machine.write(machine.home / "b/pip/pip.conf", "[global]\nindex-url = https://b.example/\n")
    dirs = f"{machine.home / 'a'}:{machine.home / 'b'}"
    assert machine.url(XDG_CONFIG_DIRS=dirs) == "https://b.example"


@pytest.mark.parametrize(
    "text",
    [
        '[[index]]\nurl = "https://x.example/"\n[[index]]\ndefault = true\nurl = "https://uv.example/"\n',
        'index-url = "https://uv.example/"\n',
        '[pip]\nindex-url = "https://uv.example/"\n',
    ],
)
def test_uv_files(machine: Machine, text: str) -> None:
    user = machine.write(machine.home / ".config/uv/uv.toml", text)
    assert machine.url() == "https://uv.example"
    assert machine.url(UV_NO_CONFIG="1") == PYPI_SIMPLE_ENDPOINT.rstrip("/")
    machine.write(machine.root / "etc/uv/uv.toml", user.read_text().replace("uv.example", "etc.example"))
    user.unlink()
    assert machine.url() == "https://etc.example"
    other = machine.write(machine.home / "other.toml", 'index-url = "https://chosen.example"')
    assert machine.url(UV_CONFIG_FILE=str(other)) == "https://chosen.example"


def test_pip_comes_before_uv(machine: Machine) -> None:
    machine.write(machine.home / ".config/uv/uv.toml", 'index-url = "https://uv.example"')
    machine.write(machine.root / "etc/pip.conf", "[global]\nindex-url = https://pip.example/\n")
    assert machine.url() == "https://pip.example"


@pytest.mark.parametrize(
    "value", ["ftp://x.example/simple", "/srv/simple", "https://", "https://x:port/simple", "http://[::1"]
)
def test_a_useless_url_is_an_error_with_a_hint(machine: Machine, value: str) -> None:
    with pytest.raises(InputError) as caught:
        machine.url(PIP_INDEX_URL=value)
    assert "PIP_INDEX_URL" in caught.value.message
    assert caught.value.hint


def test_credentials_are_kept_and_never_shown(machine: Machine) -> None:
    assert machine.url(PIP_INDEX_URL="https://me:pw@x.example/s/") == "https://me:pw@x.example/s"
    assert redacted("https://me:pw@x.example/s") == "https://****@x.example/s"
    assert redacted("https://x.example/s") == "https://x.example/s"
    assert "pw" not in redacted("http://me:pw@[::1")
    with pytest.raises(InputError) as caught:
        machine.url(PIP_INDEX_URL="ftp://me:pw@x.example")
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(("name", "text"), [("etc/pip.conf", "index-url"), ("etc/uv/uv.toml", "= 3")])
def test_a_broken_file_is_named(machine: Machine, name: str, text: str) -> None:
    machine.write(machine.root / name, text)
    with pytest.raises(InputError, match=name.rsplit("/", maxsplit=1)[-1]):
        machine.url()


def test_a_folder_in_the_place_of_a_file_is_ignored(machine: Machine) -> None:
    (machine.root / "etc/pip.conf").mkdir(parents=True)
    (machine.root / "etc/uv/uv.toml").mkdir(parents=True)
    assert machine.url() == PYPI_SIMPLE_ENDPOINT.rstrip("/")


def test_certificates(machine: Machine) -> None:
    def ca(**more: str) -> Path | None:
        return python_index_ca(machine.environ | more, root=machine.root, prefix=machine.prefix)

    assert ca() is None
    machine.write(machine.root / "etc/pip.conf", "[global]\ncert = /etc/ca.pem\n")
    assert ca() == Path("/etc/ca.pem")
    assert ca(SSL_CERT_FILE="/b.pem", PIP_CERT="/a.pem") == Path("/a.pem")

"""Real clients against the real server: twine, uv and pip."""

import functools
import json
import os
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from manyloong.index.testing import FakeUpstream, good_wheel

if TYPE_CHECKING:
    from tests.tools.index.conftest import Running, StartServer

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
BIN = Path(sys.executable).parent
LOONG = [
    "--only-binary=:all:",
    "--platform=manylinux_2_36_loongarch64",
    "--python-version=3.13",
    "--implementation=cp",
]


def run(*command: str | Path, succeeds: bool = True, environ: dict[str, str] | None = None) -> str:
    """What a client prints; its own configuration and cache are kept out of the way."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "TWINE_"))}
    clean |= {"PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=120,
        env=clean | (environ or {}),
        check=False,
    )
    assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
    return done.stdout + done.stderr


def write_wheel(folder: Path, *args: str, **options: object) -> Path:
    filename, content = good_wheel(*args, **options)  # type: ignore[arg-type]
    path = folder / filename
    path.write_bytes(content)
    return path


def token(server: "Running", *more: str) -> str:
    return server.manyloong("token", "create", *more).splitlines()[-1]


def page(server: "Running", project: str) -> dict[str, object]:
    answer: dict[str, object] = httpx.get(
        f"{server.url}/simple/{project}/", headers=JSON, trust_env=False
    ).json()
    return answer


def twine(server: "Running", secret: str, *wheels: Path, succeeds: bool = True) -> str:
    where = ("--repository-url", f"{server.url}/legacy/", "-u", "__token__", "-p", secret)
    options = ("--non-interactive", "--disable-progress-bar", "--verbose")
    return run(BIN / "twine", "upload", *options, *where, *wheels, succeeds=succeeds)


def test_twine(start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.project("example", ["1.0"])
    wheel = write_wheel(tmp_path, "example", "1.0")
    with start_server() as server:
        secret = token(server, "--project", "example")
        assert "200 OK" in twine(server, secret, wheel)
        twine(server, secret, wheel)  # the same bytes: no error
        wheel.write_bytes(good_wheel("example", "1.0", note="changed")[1])
        assert "File already exists" in twine(server, secret, wheel, succeeds=False)
        other = write_wheel(tmp_path, "other", "1.0")
        assert "is for example, not for other" in twine(server, secret, other, succeeds=False)
        assert "invalid token" in twine(server, "pypi-nonsense", wheel, succeeds=False)
        files = page(server, "example")["files"]
        assert isinstance(files, list)
        assert files[-1]["filename"] == wheel.name


def test_uv_publish(start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.project("example", ["1.0"])
    wheel = write_wheel(tmp_path, "example", "1.0")
    with start_server() as server:
        where = ("--publish-url", f"{server.url}/legacy/", "--token", token(server), "--no-cache")
        check = ("--check-url", f"{server.url}/simple/")
        run(BIN / "uv", "publish", *where, wheel)
        assert "skipping" in run(BIN / "uv", "publish", *where, *check, wheel)
        wheel.write_bytes(good_wheel("example", "1.0", note="changed")[1])
        assert "File already exists" in run(BIN / "uv", "publish", *where, wheel, succeeds=False)


@pytest.fixture
def merged(start_server: "StartServer", upstream: FakeUpstream, tmp_path: Path) -> "tuple[StartServer, Path]":
    upstream.project("example", ["1.0", "2.0"])
    upstream.project("dependency", ["3.0"])
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "example", "1.0", requires=("dependency>=3",))
    write_wheel(wheels, "dependency", "3.0")
    return start_server, wheels


def test_pip_resolves_our_wheels_with_their_dependencies(
    merged: "tuple[StartServer, Path]", tmp_path: Path
) -> None:
    start, wheels = merged
    with start() as server:
        server.manyloong("import", wheels)
        index = ("--index-url", f"{server.url}/simple/", "--no-cache-dir")
        run(
            sys.executable, "-m", "pip", "download", "-q", *index, *LOONG, "-d", tmp_path / "got", "example<2"
        )
        assert {path.name for path in (tmp_path / "got").iterdir()} == {
            path.name for path in wheels.iterdir()
        }
        report = tmp_path / "report.json"
        dry = ("install", "-q", "--dry-run", "--ignore-installed", "--report", str(report))
        run(sys.executable, "-m", "pip", *dry, *index, *LOONG, "--target", tmp_path / "t", "example<2")
        installed = json.loads(report.read_text())["install"]
        assert {item["metadata"]["name"] for item in installed} == {"example", "dependency"}
        metadata_only = [item["download_info"]["url"] for item in installed]
        assert all(url.startswith(f"{server.url}/files/") for url in metadata_only)


def test_pip_installs_from_a_static_export(merged: "tuple[StartServer, Path]", tmp_path: Path) -> None:
    """A web server that knows nothing of indexes is enough."""
    start, wheels = merged
    exported = tmp_path / "exported"
    with start() as server:
        server.manyloong("import", wheels)
        server.manyloong("export", exported)
    handler = functools.partial(QuietFiles, directory=str(exported))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as plain:
        threading.Thread(target=plain.serve_forever, args=(0.05,), daemon=True).start()
        index = ("--index-url", f"http://127.0.0.1:{plain.server_address[1]}/simple/", "--no-cache-dir")
        got = tmp_path / "got"
        run(sys.executable, "-m", "pip", "download", "-q", *index, *LOONG, "-d", str(got), "example<2")
        assert {path.name for path in got.iterdir()} == {path.name for path in wheels.iterdir()}
        plain.shutdown()


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        del args


def test_yanked_files_are_passed_over(merged: "tuple[StartServer, Path]", tmp_path: Path) -> None:
    start, wheels = merged
    with start() as server:
        server.manyloong("import", wheels)
        name = next(wheels.glob("example*")).name
        server.manyloong("yank", name, "--reason", "bad build")
        index = ("--index-url", f"{server.url}/simple/", "--no-cache-dir", "-d", str(tmp_path / "got"))
        pip = (sys.executable, "-m", "pip", "download", "--no-deps", *index, *LOONG)
        assert "No matching distribution" in run(*pip, "example<2", succeeds=False)
        assert "bad build" in run(*pip, "example==1.0")


def test_a_changed_file_is_noticed(merged: "tuple[StartServer, Path]", tmp_path: Path) -> None:
    start, wheels = merged
    with start() as server:
        server.manyloong("import", wheels)
        stored = next((server.root / "files").rglob("example*.whl"))
        content = bytearray(stored.read_bytes())
        content[len(content) // 2] ^= 1
        stored.write_bytes(content)
        index = ("--index-url", f"{server.url}/simple/", "--no-cache-dir", "-d", str(tmp_path / "got"))
        pip = (sys.executable, "-m", "pip", "download", "--no-deps", *index, *LOONG)
        assert "DO NOT MATCH THE HASHES" in run(*pip, "example==1.0", succeeds=False)
        verdict = server.manyloong("verify", exit_code=5)
        assert "the bytes have changed" in verdict


def uv_compile(server: "Running", tmp_path: Path, requirement: str, *more: str, succeeds: bool = True) -> str:
    source = tmp_path / "requirements.in"
    source.write_text(requirement)
    options = ("--no-header", "--python-version=3.13", "--only-binary=:all:", "--no-cache", "--no-config")
    where = ("--default-index", f"{server.url}/simple/")
    platform = ("--python-platform", "loongarch64-unknown-linux-gnu")
    command: list[str | Path] = [
        BIN / "uv",
        "pip",
        "compile",
        *options,
        *where,
        *platform,
        *more,
        str(source),
    ]
    return run(*command, succeeds=succeeds)


def test_uv_resolves_our_wheels(merged: "tuple[StartServer, Path]", tmp_path: Path) -> None:
    start, wheels = merged
    with start() as server:
        server.manyloong("import", wheels)
        text = uv_compile(server, tmp_path, "example<2", "--generate-hashes")
        assert "example==1.0" in text
        assert "dependency==3.0" in text
        assert page(server, "example")["files"][-1]["hashes"]["sha256"] in text  # type: ignore[index]
        before = uv_compile(
            server, tmp_path, "example<2", "--exclude-newer", "2025-01-01T00:00:00Z", succeeds=False
        )
        assert "example" in before  # a cooldown holds for the rebuild, whatever upstream's release date


def test_names_cannot_be_captured_by_an_upload(merged: "tuple[StartServer, Path]", tmp_path: Path) -> None:
    start, _ = merged
    with start() as server:
        secret = token(server)
        evil = write_wheel(tmp_path, "example", "99.0")
        assert "upstream has no release 99.0" in twine(server, secret, evil, succeeds=False)
        unknown = write_wheel(tmp_path, "exarnple", "1.0")
        assert "upstream has no project" in twine(server, secret, unknown, succeeds=False)


def test_real_upstream_resolves_unchanged(start_server: "StartServer", tmp_path: Path) -> None:
    """pip and uv on this machine, through us to the configured upstream; the same answer as without us."""
    with start_server(upstream_url="") as server:
        index = f"{server.url}/simple/"
        report = tmp_path / "report.json"
        dry = ("-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--no-cache-dir")
        run(
            sys.executable,
            *dry,
            "--report",
            report,
            "--index-url",
            index,
            "markupsafe==3.0.3",
            "jinja2==3.1.6",
        )
        names = {item["metadata"]["name"].lower() for item in json.loads(report.read_text())["install"]}
        assert names == {"markupsafe", "jinja2"}
        source = tmp_path / "requirements.in"
        source.write_text("jinja2==3.1.6\n")
        options = ("--no-header", "--no-annotate", "--no-cache", "--generate-hashes")
        ours = run(BIN / "uv", "pip", "compile", "-q", *options, "--default-index", index, source)
        inherited = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_"))}
        direct = run(BIN / "uv", "pip", "compile", "-q", *options, source, environ=inherited)
        assert ours == direct

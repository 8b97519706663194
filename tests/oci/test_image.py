"""What people expect of an image that wheels are built in, asked of ours in podman."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.oci.engine import MUSL, PROGRAM, TAG, Podman

pytestmark = pytest.mark.system
PROJECTS = Path(__file__).parent / "projects"
PYTHONS = {
    TAG: ("cp311-cp311", "cp313-cp313", "cp313-cp313t", "cp314-cp314", "cp315-cp315"),
    MUSL: ("cp313-cp313",),
}
LIBC = {TAG: "gnu", MUSL: "musl"}
IMAGES = pytest.mark.parametrize("image", PYTHONS)
EACH = pytest.mark.parametrize(
    ("image", "tag"), [(image, tag) for image, tags in PYTHONS.items() for tag in tags]
)
REGISTRY = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""
# Modules of other systems, of libraries that no wheel may rely on, and games.
NOT_HERE = (
    "_dbm _gdbm _ios_support _msi _overlapped _pyrepl _scproxy _tkinter _winapi _wmi antigravity idlelib "
    "msilib msvcrt nt nturl2path this tkinter turtle turtledemo winreg winsound"
)
# Of those from source: what needs libraries that they are built without.
NOT_BUILT = "_crypt _uuid crypt nis"
FROM_SOURCE = {TAG: ("cp311-cp311", "cp313-cp313t"), MUSL: PYTHONS[MUSL]}


@IMAGES
def test_the_machine_and_the_promised_variables(podman: Podman, image: str) -> None:
    script = 'uname -m; echo "$AUDITWHEEL_POLICY $AUDITWHEEL_ARCH $AUDITWHEEL_PLAT"; stat -c %a /tmp'
    policy = image.removesuffix("_loongarch64")
    assert podman.run(script, tag=image).splitlines() == [
        "loongarch64",
        f"{policy} loongarch64 {image}",
        "1777",
    ]


@IMAGES
def test_the_interpreters_are_those_that_are_listed(podman: Podman, image: str) -> None:
    pythons = PYTHONS[image]
    listed = podman.run("manylinux-interpreters list; manylinux-interpreters list --format json", tag=image)
    *names, document = listed.splitlines()
    assert tuple(names) == pythons
    assert json.loads(document) == list(pythons)
    assert tuple(podman.run("ls /opt/python", tag=image).split()) == pythons
    script = "manylinux-interpreters ensure-all; manylinux-interpreters ensure " + " ".join(pythons)
    podman.run(script, tag=image)
    assert "no pp39" in podman.run("manylinux-interpreters ensure pp39-x 2>&1 || true", tag=image)


@EACH
def test_an_interpreter(podman: Podman, image: str, tag: str) -> None:
    version, name = f"3.{tag[3:5]}", f"3.{tag.partition('-')[2][3:]}"
    script = f"""
        test "$(readlink -f /opt/python/{tag} | cut -d/ -f1-3)" = /opt/_internal
        python{name} -c 'import sys; assert sys.prefix == "/opt/python/{tag}", sys.prefix'
        cd /opt/python/{tag}/bin
        ./python -c 'import sysconfig as s; print(s.get_platform(), s.get_config_var("EXT_SUFFIX"))'
        ./pip --version
        test -f "$(./python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"
    """
    said = podman.run(script, tag=image)
    assert (
        f"linux-loongarch64 .cpython-{tag.partition('-')[2][2:]}-loongarch64-linux-{LIBC[image]}.so" in said
    )
    assert f"(python {version})" in said


@EACH
def test_every_module_of_the_standard_library(podman: Podman, image: str, tag: str) -> None:
    left_out = f"{NOT_HERE} {NOT_BUILT}" if tag in FROM_SOURCE[image] else NOT_HERE
    program = f"""
import importlib, sys
left_out = set("{left_out}".split())
faults = []
for name in sorted(sys.stdlib_module_names - left_out):
    try:
        importlib.import_module(name)
    except Exception as error:
        faults.append(f"{{name}}: {{error!r}}")
assert not faults, faults
print("all")
"""
    script = f"/opt/python/{tag}/bin/python -W ignore - <<'END'\n{program}\nEND\n"
    assert podman.run(script, tag=image).split() == ["all"]


@IMAGES
def test_tls_trusts_whom_it_should(podman: Podman, image: str) -> None:
    """A handshake with a server of its own, trusted and not; the image's own authorities are there."""
    program = """
import socket, ssl, threading
assert len(ssl.create_default_context().get_ca_certs()) > 50
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain("/tmp/cert.pem", "/tmp/key.pem")

def handshake(client):
    ours, theirs = socket.socketpair()
    def serve():
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            pass
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        return client.wrap_socket(ours, server_hostname="localhost").version()
    finally:
        ours.close()
        thread.join()

print(handshake(ssl.create_default_context(cafile="/tmp/cert.pem")))
try:
    handshake(ssl.create_default_context())
except ssl.SSLCertVerificationError:
    print("refused")
"""
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/key.pem -out /tmp/cert.pem -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null"
    )
    script = f"{make}\n/opt/python/cp313-cp313/bin/python - <<'END'\n{program}\nEND\n"
    assert podman.run(script, tag=image).split() == ["TLSv1.3", "refused"]


@EACH
def test_an_extension_is_built_repaired_installed_and_run(
    podman: Podman, requirements: Path, image: str, tag: str
) -> None:
    """Without network: its build requirement is there already."""
    script = f"""
        export PATH=/opt/python/{tag}/bin:$PATH PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1
        pip install --quiet --root-user-action=ignore /requirements/setuptools-*.whl
        cp -r /project /tmp/src && cd /tmp/src
        pip wheel --quiet --no-build-isolation --no-deps --wheel-dir /tmp/raw .
        auditwheel repair --wheel-dir /tmp/out /tmp/raw/*.whl
        pip install --quiet --root-user-action=ignore /tmp/out/*.whl
        cd / && python /project/check.py
        ls /tmp/out
    """
    volumes = ("--volume", f"{PROJECTS / 'cxx'}:/project:ro", "--volume", f"{requirements}:/requirements:ro")
    said = podman.run(script, *volumes, tag=image)
    assert f"demo_cxx-1-{tag}-{image}.whl" in said


@IMAGES
def test_autotools(podman: Podman, image: str) -> None:
    script = """
        mkdir /tmp/a && cd /tmp/a
        printf '%s\\n' 'AC_INIT([demo],[1])' 'AM_INIT_AUTOMAKE([foreign])' AC_PROG_CC LT_INIT > configure.ac
        echo 'AC_CHECK_FUNCS([strlcpy qsort])' >> configure.ac
        printf '%s\\n' 'AC_CONFIG_FILES([Makefile])' AC_OUTPUT >> configure.ac
        printf 'lib_LTLIBRARIES = libdemo.la\\nlibdemo_la_SOURCES = demo.c\\n' > Makefile.am
        echo 'int demo(void) { return 7; }' > demo.c
        autoreconf --install > /dev/null 2>&1
        ./configure > log && make > make.log 2>&1
        grep -e 'host system type' -e strlcpy -e qsort log
        readelf -h .libs/libdemo.so | grep Machine
    """
    said = podman.run(script, tag=image)
    assert f"loongarch64-unknown-linux-{LIBC[image]}" in said
    assert f"strlcpy... {'yes' if image == MUSL else 'no'}" in said  # glibc has it since 2.38
    assert "qsort... yes" in said
    assert "LoongArch" in said


@IMAGES
def test_cmake_with_ninja(podman: Podman, image: str) -> None:
    script = """
        mkdir /tmp/c && cd /tmp/c
        cat > CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(demo CXX)
message(STATUS "for ${CMAKE_SYSTEM_PROCESSOR}, crossing: ${CMAKE_CROSSCOMPILING}")
add_executable(demo demo.cc)
END
        cat > demo.cc <<'END'
#include <iostream>
#include <stdexcept>
int main() {
  try { throw std::runtime_error("thrown"); } catch (const std::exception &e) { std::cout << e.what(); }
}
END
        cmake -G Ninja -B build . && cmake --build build && build/demo
    """
    said = podman.run(script, tag=image)
    assert "for loongarch64, crossing: FALSE" in said
    assert said.endswith("thrown")


@IMAGES
def test_tools(podman: Podman, image: str) -> None:
    script = (
        "for tool in auditwheel patchelf cmake ninja swig git curl; do $tool --version | head -1; done 2>&1"
    )
    script = script.replace("$tool --v", "$tool -version 2>/dev/null || $tool --v")
    assert len(podman.run(script, tag=image).splitlines()) >= 7
    script = "printf 'int main(){}' > a.c && cc a.c -o a -lm && readelf --dynamic --version-info a"
    needed = podman.run(script, tag=image)
    if image == MUSL:
        assert "[libc.musl-loongarch64.so.1]" in needed
        assert "GLIBC" not in needed
    else:
        assert "GLIBC_2.36" in needed
        assert "GLIBC_2.38" not in needed


@IMAGES
def test_the_image_says_what_it_is_made_of(podman: Podman, image: str) -> None:
    podman.load(image)
    labels = json.loads(podman.call("image", "inspect", image).stdout)[0]["Labels"]
    assert labels["manyloong.platform-tag"] == image
    pythons = [word.partition("=")[0] for word in labels["manyloong.pythons"].split()]
    assert tuple(pythons) == PYTHONS[image]
    bill = json.loads(podman.run("cat /usr/share/manyloong/sbom.cdx.json", tag=image))
    names = {row["name"] for row in bill["components"]}
    assert {"bash", "cmake", "auditwheel", "ziglang", "cpython", "openssl"} <= names
    assert ("musl" in names) is (image == MUSL)
    locks = podman.run("ls /usr/share/manyloong/locks", tag=image).split()
    assert {"image-loong64.toml", "toolchain.toml", "images.toml"} <= set(locks)


def test_it_goes_to_a_registry_and_comes_back(podman: Podman, tmp_path: Path) -> None:
    podman.load(TAG)
    config, port = tmp_path / "registry.yml", 5987
    config.write_text(REGISTRY.format(folder=tmp_path / "registry", port=port), "utf-8")
    server = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(1)
        reference = f"127.0.0.1:{port}/{TAG}:1"
        sizes = []
        for _ in range(2):
            arguments = [str(PROGRAM), "root", "publish", str(podman.layout(TAG)), reference, "--json"]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            sizes.append(json.loads(done.stdout)["sent_bytes"])
        assert sizes[1] < 10_000 < sizes[0]
        pulled = podman.call(
            "pull", "--quiet", "--tls-verify=false", "--platform", "linux/loong64", reference
        )
        assert pulled.returncode == 0, pulled.stderr
        identity = podman.call("image", "inspect", TAG, "--format", "{{.Id}}").stdout
        assert identity.strip() == pulled.stdout.split()[-1]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("name", ["c", "cxx"])
@IMAGES
def test_stock_cibuildwheel(podman: Podman, image: str, name: str, tmp_path: Path) -> None:
    """The project's own table, its tests included; build requirements come from the configured index."""
    podman.load(image)
    environ = dict(podman.environ) | {
        "CIBW_CONTAINER_ENGINE": "podman; disable_host_mount: true",
        "CIBW_BUILD": f"cp313-{image.partition('_')[0]}*",
    }
    done = subprocess.run(
        [str(PROGRAM), "cibuildwheel", name, "--output-dir", str(tmp_path)],
        cwd=PROJECTS,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    assert [path.name for path in tmp_path.iterdir()] == [f"demo_{name}-1-cp313-cp313-{image}.whl"]
    assert "Testing wheel" in done.stdout

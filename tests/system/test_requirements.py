"""Packages that compile against packages, and build requirements that exist only as sources."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system.local_index import LocalIndex, sdist, serving_index, wheel
from tests.system.manyloong_cli import Ran, manyloong

from manyloong.cli.doors import open_outside
from manyloong.events import ignore
from manyloong.targets import target
from manyloong.wheels.kit import ensure_kit

# A backend in the sources' own tree: it needs nothing of any index.
BACKEND = """
import subprocess, sysconfig, zipfile
from pathlib import Path

NAME, VERSION = "{name}", "{version}"

def pack(folder, tag, files):
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    requires = "".join(f"Requires-Dist: {{one}}\\n" for one in {requires!r})
    files, head = dict(files), f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    files[f"{{info}}/METADATA"] = (head + requires).encode()
    files[f"{{info}}/WHEEL"] = f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {{tag}}\\n".encode()
    files[f"{{info}}/RECORD"] = "".join(f"{{path}},,\\n" for path in (*files, f"{{info}}/RECORD")).encode()
    name = f"{{NAME}}-{{VERSION}}-{{tag}}.whl"
    with zipfile.ZipFile(Path(folder) / name, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2001, 1, 1, 0, 0, 0)), data)
    return name

def platform_tag():
    python = "cp" + sysconfig.get_python_version().replace(".", "")
    return f"{{python}}-{{python}}-" + sysconfig.get_platform().replace("-", "_")

def compile_extension(module, source, *more):
    out = module + sysconfig.get_config_var("EXT_SUFFIX")
    include = sysconfig.get_path("include")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", f"-I{{include}}", source, *more, "-o", out], check=True)
    return out, Path(out).read_bytes()

def build_wheel(folder, settings=None, metadata=None):
{body}
"""
MODULE = """
#include <Python.h>
{declarations}
static struct PyModuleDef definition = {{PyModuleDef_HEAD_INIT, "{name}", NULL, -1, NULL}};
PyMODINIT_FUNC PyInit_{name}(void) {{
    PyObject *module = PyModule_Create(&definition);
    if (module) PyModule_AddStringConstant(module, "machine", {value});
    return module;
}}
"""
# A library whose header and static library are made by its build: those of another machine do not serve.
BASE = """
    import platform
    machine = platform.machine()
    Path("base.c").write_text(f'const char *base_machine(void) {{ return "{machine}"; }}')
    subprocess.run(["cc", "-c", "-fPIC", "-O2", "base.c", "-o", "base.o"], check=True)
    subprocess.run(["ar", "rcs", "libbase.a", "base.o"], check=True)
    name, data = compile_extension("_base", "module.c")
    files = {
        "base/__init__.py": Path("init.py").read_bytes(),
        f"base/{name}": data,
        "base/include/base.h": f"#define BASE_{machine} 1\\n".encode(),
        "base/lib/libbase.a": Path("libbase.a").read_bytes(),
        "base/lib/pkgconfig/base.pc": Path("base.pc").read_bytes(),
    }
    return pack(folder, platform_tag(), files)
"""
USER = """
    import base
    assert base.NATIVE == "from this machine", base.NATIVE
    flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "base"], text=True)
    name, data = compile_extension("user", "module.c", *flags.split())
    return pack(folder, platform_tag(), {name: data})
"""
BASE_PC = """\
prefix=${pcfiledir}/../..
Name: base
Version: 1.0
Description: made by hand
Cflags: -I${prefix}/include
Libs: -L${prefix}/lib -lbase
"""
INIT = 'NATIVE = "built here"\n'


def project(
    name: str, body: str, *, needs: tuple[str, ...] = (), requires: tuple[str, ...] = (), **files: str
) -> dict[str, bytes]:
    system = f'[build-system]\nrequires = {list(needs)!r}\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    backend = BACKEND.format(name=name, version="1.0", requires=list(requires), body=body.strip("\n"))
    texts = {
        key.replace("_c", ".c").replace("_py", ".py").replace("_pc", ".pc"): text
        for key, text in files.items()
    }
    return sdist(name, "1.0", {"pyproject.toml": system, "backend.py": backend, **texts})


def native_base() -> dict[str, bytes]:
    """The build machine's wheel: good to import, its header and library good for nothing here."""
    machine = platform.machine()
    return wheel(
        "base", "1.0", f"cp313-cp313-manylinux_2_28_{machine}",
        {
            "base/__init__.py": 'NATIVE = "from this machine"\n',
            f"base/_base.cpython-313-{machine}-linux-gnu.so": "",
            "base/include/base.h": f"#define BASE_{machine} 1\n",
            "base/lib/libbase.a": "!<arch>\n",
            "base/lib/pkgconfig/base.pc": "Name: wrong\nVersion: 1.0\nDescription: wrong\n",
        },
    )  # fmt: skip


USER_C = MODULE.format(
    name="user",
    value="base_machine()",
    declarations="#include <base.h>\n#ifndef BASE_loongarch64\n#error the header of another machine\n#endif\n"
    "extern const char *base_machine(void);",
)
BASE_C = MODULE.format(name="_base", value='"x"', declarations="")
PURE = '    return pack(folder, "py3-none-any", {NAME + ".py": b"value = 7\\n"})\n'


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    outside = open_outside(ignore, offline=False, locked=False)
    ensure_kit(target("manylinux_2_36_loongarch64"), outside.host, doors=outside.doors)
    with serving_index() as index:
        index.files |= project("base", BASE, module_c=BASE_C, init_py=INIT, base_pc=BASE_PC) | native_base()
        index.files |= project("user", USER, needs=("base",), requires=("base",), module_c=USER_C)
        tool_user = "    import tool\n    assert tool.value == 7\n" + PURE.replace(
            'b"value = 7', 'b"value = 8'
        )
        index.files |= project("tool", PURE) | project("tooluser", tool_user, needs=("tool",))
        index.files |= project("forgetful", tool_user)
        index.files |= project("hen", PURE, needs=("egg",)) | project("egg", PURE, needs=("hen",))
        index.files |= wheel("gone", "1.0", "cp313-cp313-win_amd64", {"gone.py": ""})
        index.files |= project("goneuser", PURE, needs=("gone",))
        yield index


def build(index: LocalIndex, *arguments: str | Path, output: Path) -> Ran:
    variables = {"MANYLOONG_INDEX_URL": index.url + "/simple"}
    return manyloong("build", *arguments, "--python", "cp313", "--output", output, variables=variables)


@pytest.mark.system
def test_what_is_compiled_against_is_built_first(index: LocalIndex, tmp_path: Path) -> None:
    command = """python -c 'import user; assert user.machine == "loongarch64", user.machine'"""
    ran = build(index, "user", "--force", "--json", "--test-command", command, output=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    document = ran.json()
    (first,), (second,) = document["requirements"], document["results"]
    assert first["record"]["source"]["name"] == "base"
    assert {path.name for path in tmp_path.glob("*.whl")} == {
        f"{name}-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl" for name in ("base", "user")
    }
    assert [copy["sha256"] for copy in second["record"]["target_copies"]] == [
        first["record"]["wheel"]["sha256"]
    ]
    assert {report["outcome"] for report in second["record"]["tests"]} == {"passed"}


@pytest.mark.system
def test_no_build_deps_says_which_and_takes_one_that_is_there(index: LocalIndex, tmp_path: Path) -> None:
    ran = build(index, "user", "--force", "--no-build-deps", output=tmp_path / "out")
    assert ran.returncode == 8
    assert "user 1.0 needs base 1.0, of which there is no wheel for the target" in ran.stderr
    assert "hint: manyloong build base==1.0 --python cp313" in ran.stderr
    assert build(index, "base", output=tmp_path / "wheels").returncode == 0
    links = ("--find-links", tmp_path / "wheels")
    ran = build(index, "user", "--force", "--no-build-deps", *links, output=tmp_path / "out")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.system
def test_a_build_requirement_that_is_only_sources(index: LocalIndex, tmp_path: Path) -> None:
    ran = build(index, "tooluser", "--force", output=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "tooluser 1.0 needs tool 1.0 for this machine: it is built first" in ran.stderr


@pytest.mark.system
def test_a_build_requirement_that_its_metadata_does_not_name(index: LocalIndex, tmp_path: Path) -> None:
    ran = build(index, "forgetful", "--force", output=tmp_path / "out")
    assert ran.returncode == 8
    assert "No module named 'tool'" in ran.stderr
    recipe = tmp_path / "forgetful.toml"
    recipe.write_text('build-requires = ["tool"]\n', "utf-8")
    ran = build(index, "forgetful", "--force", "--recipe", recipe, output=tmp_path / "out")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.system
@pytest.mark.parametrize(
    ("project", "message"),
    [
        ("hen", "cyclic build requirements: hen -> egg -> hen"),
        ("goneuser", "gone 1.0 has neither a wheel for cp313 on"),
    ],
)
def test_requirements_that_cannot_be_had(
    index: LocalIndex, project: str, message: str, tmp_path: Path
) -> None:
    ran = build(index, project, "--force", output=tmp_path)
    assert ran.returncode == 8
    assert message in ran.stderr
    assert "hint:" in ran.stderr
    assert "Traceback" not in ran.stderr

"""What a wheel says of libraries it carries, who is affected, and PEP 725 names."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.roots.ports import all_ports
from manyloong.wheels.affected import find_affected, parse_query
from manyloong.wheels.external import External, external_needs
from manyloong.wheels.sbom import add_carried, carried_ports, metadata_with_licences, sbom_document

NEW = "Metadata-Version: 2.4\nName: demo\nLicense-File: LICENSE\n\nWords.\n"


def make_prefix(path: Path) -> Path:
    for name, sonames in {"libffi": ["libffi.so.8"], "zlib": ["libz.so.1"]}.items():
        description = path / "share/manyloong/ports" / f"{name}.json"
        description.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "name": name,
            "version": "3.8.0",
            "licence": "MIT",
            "purl": f"pkg:generic/{name}@3.8.0",
            "cpe": f"x:{name}" if name == "libffi" else "",
            "sonames": sonames,
            "sha256": "a" * 64,
            "patches": [],
        }
        description.write_text(json.dumps(document), "utf-8")
        licence = path / "share/licenses" / name / "LICENSE"
        licence.parent.mkdir(parents=True)
        licence.write_text(f"Licence of {name}", "utf-8")
    return path


def test_only_what_was_grafted_is_carried(tmp_path: Path) -> None:
    prefix = make_prefix(tmp_path)
    assert [port.label for port in carried_ports(prefix, ["libffi.so.8", "libm.so.6"])] == ["libffi 3.8.0"]
    assert carried_ports(prefix, []) == ()


def test_the_bill_names_version_licence_and_hash(tmp_path: Path) -> None:
    ports = carried_ports(make_prefix(tmp_path), ["libffi.so.8", "libz.so.1"])
    document = sbom_document("my_demo", "1.0", ports)
    one, two = document["components"]
    assert one["licenses"] == [{"expression": "MIT"}]
    assert one["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert one["cpe"] == "cpe:2.3:a:x:libffi:3.8.0:*:*:*:*:*:*:*"
    assert "cpe" not in two
    assert document["dependencies"][0] == {
        "ref": "pkg:pypi/my-demo@1.0",
        "dependsOn": ["pkg:generic/libffi@3.8.0", "pkg:generic/zlib@3.8.0"],
    }
    assert not {"serialNumber", "timestamp"} & {*document, *document["metadata"]}


def test_licences_travel_and_metadata_names_them(tmp_path: Path) -> None:
    info = tmp_path / "demo-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(NEW, "utf-8")
    ports = carried_ports(make_prefix(tmp_path / "prefix"), ["libffi.so.8"])
    add_carried(info, project="demo", version="1.0", ports=ports)
    assert (info / "licenses/ports/libffi/LICENSE").read_text("utf-8") == "Licence of libffi"
    text = (info / "METADATA").read_text("utf-8")
    assert "License-File: LICENSE\nLicense-File: ports/libffi/LICENSE\n\nWords.\n" in text
    assert json.loads((info / "sboms/manyloong.cdx.json").read_text("utf-8"))["bomFormat"] == "CycloneDX"


def test_older_metadata_stays_as_it_is() -> None:
    old = NEW.replace("2.4", "2.1")
    assert metadata_with_licences(old, ["ports/a/L"]) == old
    assert metadata_with_licences(NEW, ["LICENSE"]) == NEW


def make_wheel(path: Path, text: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo-1.0.dist-info/sboms/a.cdx.json", text)
    return path


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("libffi", 1),
        ("libffi<3.9", 1),
        ("LibFFI >= 3.8.0", 1),
        ("libffi<3.8.0", 0),
        ("libffi>=3.4,<3.8", 0),
        ("libffi==3.8.0", 1),
        ("libffi!=3.8.0", 0),
        ("zlib<9", 0),
    ],
)
def test_wheels_that_carry_a_library(tmp_path: Path, query: str, hits: int) -> None:
    text = json.dumps({"components": [{"name": "libffi", "version": "3.8.0"}, {"name": "no-version"}]})
    make_wheel(tmp_path / "demo-1.0-py3-none-any.whl", text)
    assert len(find_affected(parse_query(query), tmp_path)) == hits


def test_faults_of_queries_and_wheels(tmp_path: Path) -> None:
    for text in ("", "<3", "libffi<", "libffi~3", "a b<1"):
        with pytest.raises(InputError, match="not a library and versions"):
            parse_query(text)
    with pytest.raises(NotFoundError, match="no wheels in"):
        find_affected(parse_query("zlib"), tmp_path)
    (tmp_path / "broken.whl").write_bytes(b"PK no")
    with pytest.raises(IntegrityError, match=re.escape("broken.whl cannot be read")):
        find_affected(parse_query("zlib"), tmp_path)
    (tmp_path / "broken.whl").unlink()
    for text in ("{", "[]", '{"components": [3]}'):
        make_wheel(tmp_path / "a.whl", text)
        with pytest.raises(IntegrityError, match="is no CycloneDX document"):
            find_affected(parse_query("zlib"), tmp_path)


def test_external_names_become_ports() -> None:
    pyproject = """
[external]
build-requires = ["dep:virtual/compiler/c", "pkg:generic/libffi"]
host-requires = ["dep:generic/libjpeg@>=9", "dep:generic/nosuch", "dep:github/x/y"]
"""
    assert external_needs(pyproject, all_ports()) == External(
        ports=("libffi", "libjpeg-turbo"), unserved=("generic/nosuch",)
    )


@pytest.mark.parametrize("text", ["", "[external", "external = 3", "[external]\nhost-requires = 'x'"])
def test_other_external_tables_ask_for_nothing(text: str) -> None:
    assert external_needs(text, all_ports()) == External()

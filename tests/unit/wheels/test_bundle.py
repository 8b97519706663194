"""Bills of materials by the public validator, and the sources that belong to a wheel."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any, cast

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packageurl import PackageURL

from manyloong.errors import IntegrityError, NotFoundError
from manyloong.events import ignore
from manyloong.roots.libstdcxx import gcc_source
from manyloong.roots.ports import all_ports
from manyloong.store import Store
from manyloong.targets import host
from manyloong.wheels.bundle import (
    bundled_port,
    carried_components,
    is_copyleft,
    known_sources,
    plan_bundle,
    write_bundle,
)
from manyloong.wheels.doors import Doors
from manyloong.wheels.runtime import ensure_runtime, runtime_libraries
from manyloong.wheels.sbom import Carried, carried_ports, sbom_document

KNOWN = known_sources(all_ports())


def carried(*names: str) -> list[Carried]:
    ports = all_ports()
    return [
        Carried(
            name=port.name,
            version=port.version,
            licence=port.licence,
            purl=port.purl,
            cpe=port.cpe,
            source_sha256=port.source.sha256,
            texts=(),
        )
        for port in (ports[name] for name in names)
    ]


def wheel(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "demo-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo-1.0.dist-info/sboms/manyloong.cdx.json", json.dumps(document))
    return path


def test_the_bill_of_every_port_is_valid() -> None:
    document = sbom_document("my_demo", "1.0+local.1", carried(*all_ports()))
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    assert fault is None, fault
    for component in (document["metadata"]["component"], *document["components"]):
        assert PackageURL.from_string(component["purl"]).to_string() == component["purl"]
    licensing = get_spdx_licensing()
    for component in document["components"]:
        (licence,) = component["licenses"]
        assert not licensing.validate(licence["expression"]).errors, component["name"]


def test_the_validator_finds_faults() -> None:
    document = sbom_document("demo", "1.0", carried("zlib")) | {"surprise": 1}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is not None


@pytest.mark.parametrize(
    ("expression", "copyleft"),
    [
        ("MIT", False),
        ("LGPL-2.1-or-later", True),
        ("FTL OR GPL-2.0-or-later", False),
        ("LGPL-3.0-or-later OR GPL-2.0-or-later", True),
        ("LGPL-3.0-or-later WITH LGPL-3.0-linking-exception", True),
        ("BSD-3-Clause AND MPL-2.0", True),
        ("(MIT OR GPL-2.0-only) AND Zlib", True),
        ("", False),
    ],
)
def test_what_asks_for_sources(expression: str, *, copyleft: bool) -> None:
    assert is_copyleft(expression) is copyleft


def test_only_copyleft_libraries_unless_all_are_wanted(tmp_path: Path) -> None:
    found = carried_components(wheel(tmp_path, sbom_document("demo", "1.0", carried("gmp", "zlib"))))
    assert [port.name for port in plan_bundle(found, KNOWN, everything=False)] == ["gmp"]
    assert [port.name for port in plan_bundle(found, KNOWN, everything=True)] == ["gmp", "zlib"]


def test_other_sources_than_the_wheels_are_refused(tmp_path: Path) -> None:
    document = sbom_document("demo", "1.0", carried("gmp"))
    document["components"][0]["hashes"][0]["content"] = "0" * 64
    found = carried_components(wheel(tmp_path, document))
    with pytest.raises(NotFoundError, match=r"gmp .*the port here is gmp"):
        plan_bundle(found, KNOWN, everything=False)
    with pytest.raises(NotFoundError, match="no such port"):
        plan_bundle(found, {}, everything=False)


@pytest.mark.parametrize("document", [[], {"components": [1]}, {"components": [{"hashes": 1}]}])
def test_a_broken_bill_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(IntegrityError, match="no CycloneDX document"):
        carried_components(wheel(tmp_path, document))


class KeptFiles:
    """A fetcher that has everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fetch(self, files: Any, **_: Any) -> dict[str, Path]:
        for file in files:
            (self.folder / file.sha256).write_text(file.name)
        return {file.sha256: self.folder / file.sha256 for file in files}


def test_the_bundle_has_archives_patches_and_how_it_was_built(tmp_path: Path) -> None:
    class Outside:
        fetcher = KeptFiles(tmp_path)
        mirrors = ("https://mirror",)
        listener = staticmethod(ignore)

    port = all_ports()["brotli"]
    files = write_bundle([bundled_port(port)], tmp_path / "out", cast("Doors", Outside()))
    place = tmp_path / "out" / f"brotli-{port.version}"
    assert {path.relative_to(place).as_posix() for path in files} == {
        port.source.path.rpartition("/")[2],
        "patches/brotli-model.patch",
        "port.json",
    }
    for row in json.loads((tmp_path / "out/SOURCES.json").read_text()):
        data = (tmp_path / "out" / row["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]


def test_the_compilers_own_libraries_are_named_with_licences_and_have_sources(tmp_path: Path) -> None:
    licence = tmp_path / "zig/lib/libunwind/LICENSE.TXT"
    licence.parent.mkdir(parents=True)
    licence.write_text("LLVM's")
    libraries = runtime_libraries(tmp_path / "zig", host("x86_64"))
    tree = ensure_runtime(libraries, store=Store(tmp_path / "cache"))
    described = carried_ports(tree, ["libstdc++.so.6", "libgcc_s.so.1", "libm.so.6"])
    assert [one.name for one in described] == ["libstdc++", "ziglang-libunwind"]
    texts = {path.name: path.read_text("utf-8") for one in described for path in one.texts}
    assert texts["LICENSE.TXT"] == "LLVM's"
    assert "GNU GENERAL PUBLIC LICENSE" in texts["COPYING3"]
    assert "GCC RUNTIME LIBRARY EXCEPTION" in texts["COPYING.RUNTIME"]
    document = sbom_document("demo", "1.0", described)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    licensing = get_spdx_licensing()
    for component in document["components"]:
        assert PackageURL.from_string(component["purl"]).to_string() == component["purl"]
        assert not licensing.validate(component["licenses"][0]["expression"]).errors
    found = carried_components(wheel(tmp_path, document))
    (library,) = plan_bundle(found, KNOWN, everything=False)
    assert library.archives == (gcc_source(),)
    assert "libstdcxx.py" in library.texts

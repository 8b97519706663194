"""Runs auditwheel's library on one wheel, as a process of its own: it changes its working directory.

Reads a JSON object on stdin (wheel, output, tag, libc, architecture, ldpaths, ports, runtime), writes one on
stdout. Where libraries of ports, or of the compilers, are grafted, the bill of materials and licence texts go
into the wheel with them. Search paths that name places of the build are taken out.
SOURCE_DATE_EPOCH in the environment decides the times inside the wheel.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auditwheel.architecture import Architecture
from auditwheel.error import NonPlatformWheelError
from auditwheel.libc import Libc
from auditwheel.patcher import ElfPatcher
from auditwheel.repair import repair_wheel
from auditwheel.wheel_abi import WheelAbIInfo, analyze_wheel_abi
from auditwheel.wheeltools import InWheelCtx

from manyloong.wheels.sbom import Carried, add_carried, carried_ports
from manyloong.wheels.search_paths import paths_without_places, set_search_path

COMPRESSION = 6


def _grafted(abi: WheelAbIInfo, tag: str) -> list[str]:
    found: set[str] = set()
    for references in abi.full_external_refs.values():
        if tag in references:
            found.update(references[tag].libs)
    return sorted(found)


def graft(request: dict[str, Any]) -> dict[str, Any]:
    """What was grafted and where the wheel is, or why it cannot get the tag."""
    wheel = Path(request["wheel"])
    abi = analyze_wheel_abi(
        Libc[request["libc"]],
        Architecture(request["architecture"]),
        wheel,
        frozenset(),
        disable_isa_ext_check=False,
        allow_graft=True,
        args_ldpaths=request["ldpaths"],
    )
    tag = request["tag"]
    wanted = abi.policies.get_policy_by_name(tag)
    if wanted > abi.sym_policy:
        return {"error": f"its symbol versions need {abi.sym_policy.name}", "symbols": _versions(abi)}
    grafted = _grafted(abi, tag)
    described = [Path(request[key]) for key in ("ports", "runtime") if request[key]]
    carried = [one for prefix in described for one in carried_ports(prefix, grafted)]
    alone = [str(file) for file, references in abi.full_external_refs.items() if not references[tag].libs]
    paths = paths_without_places(wheel, alone)
    if carried or paths:
        wheel = _prepared(wheel, carried, paths)
    made = repair_wheel(
        abi,
        wheel,
        [tag, *wanted.aliases],
        ".libs",
        Path(request["output"]),
        update_tags=True,
        patcher=ElfPatcher.get_patcher("patchelf", tag),
        strip=False,
        zip_compression_level=COMPRESSION,
    )
    if made is None:
        return {"error": "it holds no extension module and no library"}
    labels = [port.label for port in carried]
    return {"wheel": str(made), "grafted": grafted, "carried": labels, "overall": abi.overall_policy.name}


def _prepared(wheel: Path, carried: Sequence[Carried], paths: Mapping[str, str]) -> Path:
    """A copy of the wheel that says what will be grafted into it, with these search paths in its files."""
    folder = wheel.with_name("described")
    folder.mkdir()
    with InWheelCtx(wheel) as context:
        context.out_wheel = folder / wheel.name
        info = next(context.path.glob("*.dist-info"))
        for name, path in paths.items():
            set_search_path(context.path / name, path)
        project, version = info.name.removesuffix(".dist-info").split("-")
        if carried:
            add_carried(info, project=project, version=version, ports=carried)
    return folder / wheel.name


def _versions(abi: WheelAbIInfo) -> dict[str, list[str]]:
    return {library: sorted(versions) for library, versions in abi.versioned_symbols.items()}


def main() -> int:
    """Answer one request."""
    try:
        answer = graft(json.load(sys.stdin))
    except NonPlatformWheelError as error:
        answer = {"error": str(error)}
    except ValueError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

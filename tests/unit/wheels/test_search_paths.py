"""Which search paths of a wheel's files are taken out of it."""

import zipfile
from pathlib import Path

from manyloong.corpus.elf import Elf, make_elf
from manyloong.wheels.search_paths import paths_without_places

FILES = {
    "a.so": make_elf(Elf(runpath="/opt/manyloong/ports/lib/pkgconfig/../../lib")),
    "b.so": make_elf(Elf(runpath="$ORIGIN/../a.libs:/build/src/lib:/usr/lib/demo")),
    "c.so": make_elf(Elf(rpath="/build:/opt/manyloongs")),
    "kept.so": make_elf(Elf(runpath="$ORIGIN:/usr/local/cuda/lib:/builder")),
    "none.so": make_elf(Elf()),
    "broken.so": make_elf(Elf(runpath="/build/x"))[:200],
    "text.so": b"INPUT(libx.so.1)",
}


def test_places_of_the_build_go_and_all_else_stays(tmp_path: Path) -> None:
    wheel = tmp_path / "demo.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    assert paths_without_places(wheel, FILES) == {
        "a.so": "",
        "b.so": "$ORIGIN/../a.libs:/usr/lib/demo",
        "c.so": "/opt/manyloongs",
    }
    assert paths_without_places(wheel, ["kept.so"]) == {}

"""Samples of the rules on names, tags and the libc a tag names."""

from dataclasses import replace

from manyloong.corpus.elf import Elf, Undefined
from manyloong.corpus.sample import EXTENSION, MUSL_TAG, NAME, TAG, Sample, pair, wheel_of
from manyloong.corpus.wheel import Wheel

_MUSL_EXTENSION = EXTENSION.replace("linux-gnu", "linux-musl")
_MUSL = Elf(needed=("libc.so",), undefined=(Undefined(name="malloc"),))
_ABI3_NAME = f"example-1.0-cp39-abi3-{TAG}.whl"
_STABLE = (Undefined(name="PyModule_Create2"), *Elf().undefined)
_NEWER = (Undefined(name="PyType_GetModuleByDef"), *Elf().undefined)


def _named(name: str, elf: Elf | None = None, *, extension: str = EXTENSION) -> bytes:
    return wheel_of(elf or Elf(), extension=extension, wheel=Wheel(name=name))


def _by_name(rule: str, bad: str, good: str) -> tuple[Sample, Sample]:
    first, second = pair(rule, (f"tag {bad}", b""), (f"tag {good}", b""))
    names = [f"example-1.0-cp313-cp313-{tag}.whl" for tag in (bad, good)]
    return replace(first, name=names[0], data=_named(names[0])), replace(
        second, name=names[1], data=_named(names[1])
    )


def _other_names() -> tuple[Sample, ...]:
    pure = "example-1.0-py3-none-any.whl"
    bad_name = f"example-cp313-{TAG}.whl"
    return (
        Sample(rule="ML024", trips=True, says="three parts only", name=bad_name, data=_named(NAME)),
        Sample(rule="ML024", trips=False, says="five parts", data=_named(NAME)),
        Sample(
            rule="ML027",
            trips=True,
            says="py3-none-any with an ELF file",
            name=pure,
            data=_named(pure, extension="example/_x.so"),
        ),
        Sample(
            rule="ML027",
            trips=False,
            says="py3-none-any without",
            name=pure,
            data=wheel_of(None, wheel=Wheel(name=pure)),
        ),
    )


def _musl(says: str, symbol: str, *, trips: bool) -> Sample:
    name = NAME.replace(TAG, MUSL_TAG)
    elf = replace(_MUSL, undefined=(Undefined(name=symbol),))
    data = _named(name, elf, extension=_MUSL_EXTENSION)
    return Sample(rule="ML046", trips=trips, says=says, name=name, data=data, target=MUSL_TAG)


def _abi3(says: str, elf: Elf, *, trips: bool) -> Sample:
    data = _named(_ABI3_NAME, elf, extension="example/_x.abi3.so")
    return Sample(rule="ML030", trips=trips, says=says, name=_ABI3_NAME, data=data)


TAG_SAMPLES: tuple[Sample, ...] = (
    *_by_name("ML020", "manylinux_2_28_loongarch64", "manylinux_2_36_loongarch64"),
    *_by_name("ML021", "manylinux2014_loongarch64", "manylinux_2_36_loongarch64"),
    *_by_name("ML022", "linux_loongarch64", "manylinux_2_36_loongarch64"),
    *_by_name("ML025", "manylinux_2_36_x86_64", "manylinux_2_36_loongarch64"),
    *_by_name("ML026", "manylinux_2_38_loongarch64", "manylinux_2_36_loongarch64"),
    *_other_names(),
    *pair("ML028", ("no compiled code", wheel_of(None)), ("one extension", wheel_of(Elf()))),
    *pair(
        "ML023",
        ("WHEEL says cp312", wheel_of(Elf(), wheel=Wheel(tags=(f"cp312-cp312-{TAG}",)))),
        ("WHEEL agrees", wheel_of(Elf())),
    ),
    *pair(
        "ML029",
        ("module for CPython 3.12", wheel_of(Elf(), extension=EXTENSION.replace("313", "312"))),
        ("module without a version", wheel_of(Elf(), extension="example/_x.so")),
    ),
    _abi3("PyType_GetModuleByDef (3.13) in a cp39-abi3 wheel", Elf(undefined=_NEWER), trips=True),
    _abi3("PyModule_Create2 in a cp39-abi3 wheel", Elf(undefined=_STABLE), trips=False),
    _musl("renameat2, new in musl 1.2.6", "renameat2", trips=True),
    _musl("malloc", "malloc", trips=False),
)

"""One sample of the corpus, and the good wheel that all of them are variations of."""

from dataclasses import dataclass, replace

from manyloong.corpus.elf import Elf, make_elf
from manyloong.corpus.wheel import Wheel, make_wheel

TAG = "manylinux_2_36_loongarch64"
MUSL_TAG = "musllinux_1_2_loongarch64"
NAME = f"example-1.0-cp313-cp313-{TAG}.whl"
EXTENSION = "example/_x.cpython-313-loongarch64-linux-gnu.so"
PLAIN = ("example/__init__.py", b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file that trips a rule, or a neighbour of it that does not."""

    rule: str
    trips: bool
    says: str
    data: bytes
    name: str = NAME
    target: str = TAG

    @property
    def path(self) -> str:
        """Where it is written: ``ML001/bad/NAME``."""
        return f"{self.rule}/{'bad' if self.trips else 'good'}/{self.name}"


def wheel_of(elf: Elf | None, *, extension: str = EXTENSION, wheel: Wheel | None = None) -> bytes:
    """A wheel with that extension module, and whatever else ``wheel`` says."""
    spec = wheel or Wheel()
    files = (PLAIN, (extension, make_elf(elf))) if elf else (PLAIN,)
    return make_wheel(replace(spec, files=(*files, *spec.files)))


def pair(rule: str, bad: tuple[str, bytes], good: tuple[str, bytes]) -> tuple[Sample, Sample]:
    """The two samples of a rule, under the good file name."""
    return (
        Sample(rule=rule, trips=True, says=bad[0], data=bad[1]),
        Sample(rule=rule, trips=False, says=good[0], data=good[1]),
    )

"""The conformance corpus: the smallest file that trips each rule, and the smallest that does not."""

from manyloong.corpus.elf import Elf, Undefined, make_elf
from manyloong.corpus.wheel import Wheel, make_wheel, make_zip, record_line

__all__ = ["Elf", "Undefined", "Wheel", "make_elf", "make_wheel", "make_zip", "record_line"]

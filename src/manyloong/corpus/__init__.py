"""The conformance corpus: the smallest file that trips each rule, and the smallest that does not."""

from manyloong.corpus.cases import all_samples
from manyloong.corpus.elf import Elf, Undefined, make_elf
from manyloong.corpus.sample import Sample
from manyloong.corpus.wheel import Wheel, make_wheel, record_line, wheel_entries
from manyloong.corpus.zips import Entry, write_zip

__all__ = [
    "Elf",
    "Entry",
    "Sample",
    "Undefined",
    "Wheel",
    "all_samples",
    "make_elf",
    "make_wheel",
    "record_line",
    "wheel_entries",
    "write_zip",
]

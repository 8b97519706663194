"""Which function an instruction lies in, by the symbols of the file."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from manyloong.audit.image import Image

_FUNCTION, _SHT_SYMTAB, _SHT_DYNSYM = 2, 2, 11
_SYMBOL = "IBBHQQ"
_SYMBOL_SIZE = 24
_LAST = (1 << 64) - 1  # address


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """Function symbols by address; arrays of equal length."""

    starts: Sequence[int]
    ends: Sequence[int]  # of its code, or where the next function starts
    names: Sequence[int]  # file offsets
    names_end: int

    def parts(self, address: int, words: int) -> Iterator[tuple[int, int, int]]:
        """(number, first word, end) of the functions in a section of so many words at an address."""
        end_address = address + 4 * words
        for number in range(max(0, bisect_left(self.starts, address) - 1), len(self.starts)):
            start = self.starts[number]
            if start >= end_address:
                return
            first = max(0, start - address + 3) // 4
            end = min(words, (self.ends[number] - address + 3) // 4)
            if first < end:
                yield number, first, end


_NONE = Functions(starts=(), ends=(), names=(), names_end=0)


def read_functions(image: Image) -> Functions:
    """Function symbols of .symtab when there, else .dynsym. The last of those at one address counts."""
    tables = {one.kind: one for one in image.sections if one.kind in {_SHT_SYMTAB, _SHT_DYNSYM}}
    table = tables.get(_SHT_SYMTAB, tables.get(_SHT_DYNSYM))
    if table is None or table.link >= len(image.sections) or image.elf_class != 64:
        return _NONE
    rows = image.cursor.rows(_SYMBOL, table.offset, table.size // _SYMBOL_SIZE, "symbol table")
    found = {
        value: (size, name)
        for name, info, _, section, value, size in rows
        if info & 15 == _FUNCTION and section and size
    }
    if not found:
        return _NONE
    strings = image.sections[table.link]
    image.cursor.check(strings.offset, strings.size, "symbol names")
    starts = array("Q", sorted(found))
    after = (*starts[1:], _LAST)
    return Functions(
        starts=starts,
        ends=array("Q", (min(one + found[one][0], last) for one, last in zip(starts, after, strict=True))),
        names=array("Q", (found[one][1] + strings.offset for one in starts)),
        names_end=strings.offset + strings.size,
    )

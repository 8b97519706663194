"""C++ as packages use it: the platform's libstdc++, one for all libraries of a process."""

import re
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

pytestmark = pytest.mark.tools
CAPS = {"GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13), "GCC": (7, 0, 0), "GLIBC": (2, 36)}

# What one library throws, another catches; what one makes, another recognises; thread_local is one variable.
SHARED = {
    "shared.h": """
#include <ostream>
#include <stdexcept>
#include <string>
struct Fault : std::runtime_error { using runtime_error::runtime_error; int code = 7; };
struct Shape { virtual ~Shape() = default; virtual std::string name() const { return "shape"; } };
struct Square : Shape { std::string name() const override { return "square"; } };
extern thread_local int depth;
void fail(int how);
Shape* make();
std::ostream& show(std::ostream& stream, const std::string& text);
int caught(int how);
""",
    "one.cc": """
#include "shared.h"
#include <iomanip>
#include <new>
#include <system_error>
thread_local int depth = 10;
void fail(int how) {
  depth++;
  switch (how) {
    case 1: throw Fault("fault");
    case 2: throw std::out_of_range("range");
    case 3: throw 42;
    case 4: throw std::system_error(std::make_error_code(std::errc::timed_out));
    default: throw std::bad_alloc();
  }
}
Shape* make() { return new Square; }
std::ostream& show(std::ostream& stream, const std::string& text) { return stream << std::setw(8) << text; }
""",
    "two.cc": """
#include "shared.h"
#include <system_error>
struct Guard { ~Guard() { depth--; } };
int caught(int how) {
  try { Guard guard; fail(how); }
  catch (const Fault& fault) { return fault.code; }
  catch (const std::out_of_range&) { return 2; }
  catch (int number) { return number; }
  catch (const std::system_error& error) { return error.code() == std::errc::timed_out; }
  return -1;
}
""",
    "main.cc": """
#include "shared.h"
#include <future>
#include <iostream>
#include <memory>
int main() {
  std::cout << caught(1) << ' ' << caught(2) << ' ' << caught(3) << ' ' << caught(4);
  try { caught(5); } catch (const std::bad_alloc&) { std::cout << " alloc"; }
  std::unique_ptr<Shape> shape(make());
  std::cout << ' ' << (dynamic_cast<Square*>(shape.get()) ? shape->name() : "unknown");
  depth = 1;
  std::cout << ' ' << std::async(std::launch::async, [] { return depth; }).get() << depth;
  show(std::cout, "end") << std::endl;
}
""",
}
MODERN = """
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <ranges>
#include <regex>
#include <span>
#include <sstream>
#include <thread>
#include <variant>
#include <vector>
int main() {
  std::array<char, 32> text{};
  auto [end, fault] = std::to_chars(text.data(), text.data() + text.size(), 0.1);
  double back = 0;
  std::from_chars(text.data(), end, back);
  long double wide = 0;
  std::from_chars("1.5", "1.5" + 3, wide);
  std::cout << text.data() << ' ' << (back == 0.1) << ' ' << wide << '\\n';
  std::filesystem::path place = std::filesystem::temp_directory_path() / "a" / "b";
  std::cout << place.filename().string() << ' ' << std::filesystem::exists("/usr") << '\\n';
  std::pmr::synchronized_pool_resource pool;
  std::pmr::vector<int> numbers(&pool);
  auto odd = [](int n) { return n % 2; };
  for (int n : std::views::iota(1, 11) | std::views::filter(odd)) numbers.push_back(n);
  int sum = std::accumulate(numbers.begin(), numbers.end(), 0);
  std::cout << sum << ' ' << std::span(numbers).size() << '\\n';
  std::cout << std::regex_replace("x1y22", std::regex("[0-9]+"), "#") << '\\n';
  std::mutex mutex; std::atomic<int> count{0}; std::once_flag once;
  std::vector<std::jthread> threads;
  for (int n = 0; n < 4; n++) threads.emplace_back([&] {
    std::call_once(once, [&] { count += 100; }); std::lock_guard lock(mutex); count++; });
  threads.clear();
  std::mt19937_64 engine(1);
  std::wostringstream stream; stream << std::fixed << 2.5L;
  std::cout << count << ' ' << engine() << ' ' << stream.str().size() << '\\n';
}
"""
MODERN_SAYS = "0.1 1 1.5\nb 1\n25 5\nx#y#\n104 2469588189546311528 8\n"


def needs(path: Path) -> tuple[set[str], dict[str, set[str]]]:
    """The libraries a file needs, and the versions of each."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        dynamic = elf.get_section_by_name(".dynamic")
        wanted = elf.get_section_by_name(".gnu.version_r")
        assert isinstance(dynamic, DynamicSection)
        assert isinstance(wanted, GNUVerNeedSection)
        tags: list[Any] = list(dynamic.iter_tags())
        libraries = {tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"}
        versions = {
            str(row.name): {str(entry.name) for entry in entries} for row, entries in wanted.iter_versions()
        }
        return libraries, versions


def within_caps(version: str) -> bool:
    """Not above the caps; a version without a number (CXXABI_TM_1) has none."""
    family, _, number = version.partition("_")
    numbers = number.split(".")
    return not numbers[0].isdigit() or tuple(map(int, numbers)) <= CAPS[family]


def exports(path: Path) -> dict[tuple[str, str], str]:
    """(symbol, version) -> type of all that a versioned library defines."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        table, rows = elf.get_section_by_name(".dynsym"), elf.get_section_by_name(".gnu.version")
        defined = elf.get_section_by_name(".gnu.version_d")
        assert isinstance(table, SymbolTableSection)
        assert isinstance(rows, GNUVerSymSection)
        assert isinstance(defined, GNUVerDefSection)
        names = {entry["vd_ndx"]: next(iter(auxiliary)).name for entry, auxiliary in defined.iter_versions()}
        found = {}
        for number, symbol in enumerate(table.iter_symbols()):
            index = rows.get_symbol(number)["ndx"]
            if symbol["st_shndx"] == "SHN_UNDEF" or not isinstance(index, int):
                continue
            version = names[index & 0x7FFF]
            if symbol.name != version:
                found[symbol.name, version] = symbol["st_info"]["type"]
        return found


def test_one_runtime_for_two_libraries(workshop: Any) -> None:
    workshop.write(SHARED)
    for name in ("one", "two"):
        workshop.check("c++", "-O2", "-fPIC", "-shared", f"{name}.cc", "-o", f"lib{name}.so")
    workshop.check(
        "c++", "-O2", "main.cc", "-o", "main", "-L.", "-ltwo", "-lone", "-pthread", "-Wl,-rpath,$ORIGIN"
    )
    assert workshop.emulate("main") == "7 2 42 1 alloc square 101     end\n"
    for name in ("libone.so", "libtwo.so", "main"):
        libraries, versions = needs(workshop.place / name)
        assert {"libstdc++.so.6", "libgcc_s.so.1"} <= libraries
        assert versions["libstdc++.so.6"]
        assert [v for row in versions.values() for v in row if not within_caps(v)] == []


def test_modern_cxx_works(workshop: Any) -> None:
    workshop.write({"a.cc": MODERN})
    workshop.check("c++", "-std=c++20", "-O2", "a.cc", "-o", "a", "-pthread", "-lstdc++fs")
    assert workshop.emulate("a") == MODERN_SAYS
    versions = needs(workshop.place / "a")[1]["libstdc++.so.6"]
    assert [version for version in versions if not within_caps(version)] == []


@pytest.mark.parametrize(
    "flags", ["-O0", "-O2 -flto", "-O2 -D_GLIBCXX_ASSERTIONS", "-O1 -D_GLIBCXX_USE_CXX11_ABI=0"]
)
def test_ways_to_compile(flags: str, workshop: Any) -> None:
    workshop.write({"a.cc": MODERN})
    workshop.check("c++", "-std=c++20", *flags.split(), "a.cc", "-o", "a", "-pthread")
    assert workshop.emulate("a") == MODERN_SAYS


def test_the_cxx_library_can_be_linked_statically(workshop: Any) -> None:
    workshop.write({"a.cc": MODERN})
    workshop.check(
        "c++", "-std=c++20", "-O2", "-static-libstdc++", "-static-libgcc", "a.cc", "-o", "a", "-pthread"
    )
    assert workshop.emulate("a") == MODERN_SAYS
    libraries, _ = needs(workshop.place / "a")
    assert "libstdc++.so.6" not in libraries
    assert "libgcc_s.so.1" in libraries  # the one unwinder of the process, whatever was asked


def test_static_parts_stay_inside_an_extension(workshop: Any) -> None:
    workshop.write(
        {"a.cc": '#include <iostream>\nextern "C" void entry() { std::cout << 1 << std::endl; }\n'}
    )
    workshop.check("c++", "-O2", "-fPIC", "-shared", "-static-libstdc++", "a.cc", "-o", "a.so")
    with (workshop.place / "a.so").open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        assert [s.name for s in table.iter_symbols() if s["st_shndx"] != "SHN_UNDEF"] == ["entry"]


def test_cxx_through_the_c_compiler(workshop: Any) -> None:
    """As setuptools does: the C compiler compiles, the C compiler links, the library is named or not."""
    workshop.write({"a.cc": "#include <string>\nint main() { return std::string(3, 'x').size() != 3; }\n"})
    workshop.check("cc", "-O2", "-c", "a.cc", "-o", "a.o")
    for name in ("-lstdc++", "-lsupc++ -lstdc++"):
        workshop.check("cc", "a.o", "-o", "a", *name.split())
        assert workshop.emulate("a") == ""


# clang writes no type information for decimal floating point, and names no constructor or destructor that
# its own callers have inline.
_NOT_OURS = re.compile(
    r"_ZTI(P|PK)?D[def]|_ZN(9__gnu_cxx18stdio_sync_filebuf|St15basic_stringbuf|St7__cxx1115basic_stringbuf).*D1Ev"
    r"|_ZNSt15__exception_ptr13exception_ptr[CD]1.*|_ZNSt14error_categoryC1Ev|_ZNSt13__future_base12_Result_baseC1Ev"
)
# Instantiations that clang did not inline; who uses one has its own.
_ONLY_OURS = re.compile(r"_ZN(KSs7compare|K?St7__cxx1112basic_string).*|_ZNSt8auto_ptrISt12Catalog_infoED2Ev")


def test_the_library_exports_what_the_platforms_does(workshop: Any) -> None:
    """Same symbols, same versions, as GCC's own build of a later release has up to GCC 12's last version."""
    triplet = workshop.kit.target.triplet
    ours = exports(workshop.kit.toolchain.target / "sysroot/usr/lib/libstdc++.so.6")
    theirs = exports(workshop.kit.target_root.path / "usr/lib" / triplet / "libstdc++.so.6")
    assert len(ours) > 5000
    wanted = {key: kind for key, kind in theirs.items() if within_caps(key[1])}
    assert [key for key in wanted.keys() - ours.keys() if not _NOT_OURS.fullmatch(key[0])] == []
    assert [key for key in ours.keys() - theirs.keys() if not _ONLY_OURS.fullmatch(key[0])] == []
    assert [key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]] == []


def test_the_unwinder_has_the_platforms_names(workshop: Any) -> None:
    triplet = workshop.kit.target.triplet
    ours = exports(workshop.kit.toolchain.target / "sysroot/usr/lib/libgcc_s.so.1")
    theirs = exports(workshop.kit.target_root.path / "usr/lib" / triplet / "libgcc_s.so.1")
    assert ours.keys() <= theirs.keys()
    unwinder = {key for key in theirs if key[0].startswith("_Unwind_")}
    assert {name for name, _ in unwinder - ours.keys()} <= {"_Unwind_Find_FDE"}


def test_generators_in_cxx_run_on_the_build_machine(workshop: Any) -> None:
    workshop.write({**SHARED, "b.cc": MODERN})
    for name in ("one", "two"):
        workshop.check("c++", "-O2", "-fPIC", "-shared", f"{name}.cc", "-o", f"lib{name}.so", native=True)
    command = (
        "c++",
        "-O2",
        "main.cc",
        "-o",
        "main",
        "-L.",
        "-ltwo",
        "-lone",
        "-pthread",
        "-Wl,-rpath,$ORIGIN",
    )
    workshop.check(*command, native=True)
    assert workshop.check("/build/main", native=True) == "7 2 42 1 alloc square 101     end\n"
    workshop.check("c++", "-std=c++20", "-O2", "b.cc", "-o", "b", "-pthread", "-lstdc++fs", native=True)
    assert workshop.check("/build/b", native=True) == MODERN_SAYS

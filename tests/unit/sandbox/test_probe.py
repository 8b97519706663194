import pytest

from manyloong.sandbox.probe import parse_cpu_limit, parse_kernel, parse_memory_limit, parse_version
from manyloong.sandbox.usage import parse_stat


@pytest.mark.parametrize(
    ("text", "version"),
    [("bubblewrap 0.8.0\n", (0, 8, 0)), ("bubblewrap 0.11", (0, 11, 0)), ("", (0, 0, 0))],
)
def test_parse_version(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("release", "kernel"), [("6.18.44-fc", (6, 18)), ("5.15.0-91-generic", (5, 15)), ("odd", (0, 0))]
)
def test_parse_kernel(release: str, kernel: tuple[int, int]) -> None:
    assert parse_kernel(release) == kernel


def test_parse_stat_with_a_hostile_name() -> None:
    fields = " ".join(str(number) for number in range(5, 53))
    assert parse_stat(f"42 (a) R 7 (b) S 3 {fields}") == (3, 24)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("1073741824\n", 1 << 30), ("max\n", None), ("9223372036854771712\n", None), ("", None)],
)
def test_parse_memory_limit(text: str, limit: int | None) -> None:
    assert parse_memory_limit(text) == limit


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [
        ("150000", "100000\n", 2),
        ("50000", "100000", 1),
        ("max", "100000", None),
        ("-1\n", "100000\n", None),
        ("", "", None),
    ],
)
def test_parse_cpu_limit(quota: str, period: str, cores: int | None) -> None:
    assert parse_cpu_limit(quota, period) == cores

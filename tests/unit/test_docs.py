"""The docs are read by tests: no verb, option, exit code or target may be missing from them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from manyloong.errors import error_classes
from manyloong.targets import judged_targets, known_pythons

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])


def test_the_command_line_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, str(DOCS / "generate.py"), "--check"], check=False)
    assert done.returncode == 0, "docs/reference/cli.md is stale: nox -s docs"


def test_every_exit_code_is_listed() -> None:
    page = (DOCS / "reference" / "exit-codes.md").read_text("utf-8")
    rows = {int(code): names for code, names in re.findall(r"^\| (\d+) \| (.+?) \|", page, re.MULTILINE)}
    for cls in error_classes():
        assert f"`{cls.__name__}`" in rows[cls.exit_code], f"{cls.__name__} ({cls.exit_code})"


def test_every_target_and_python_is_listed() -> None:
    page = (DOCS / "reference" / "targets.md").read_text("utf-8")
    for row in judged_targets():
        assert f"`{row.tag}`" in page
    for python in known_pythons():
        assert f"`{python.tag}`" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_registry_is_named_by_its_host(page: Path) -> None:
    hosts = [
        ".".join(words) for words in (("pypi", "org"), ("pythonhosted", "org"), ("deb", "debian", "org"))
    ]
    text = page.read_text("utf-8")
    assert not [host for host in hosts if host in text]

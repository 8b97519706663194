"""The engine of the images' tests: its folder is part of the name that podman gives an image."""

import re
from pathlib import Path

from tests.oci.engine import fresh_folder

COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"  # of a reference (distribution specification)


def test_podman_takes_the_folder_as_a_name(tmp_path: Path) -> None:
    folders = [fresh_folder(tmp_path) for _ in range(200)]
    assert len(set(folders)) == len(folders)
    for folder in folders:
        assert folder.is_dir()
        assert re.fullmatch(COMPONENT, folder.name), folder

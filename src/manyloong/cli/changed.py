"""A root built again by a process for which everything is different that must not matter."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manyloong.cli.diffoscope import diffoscope_lines
from manyloong.errors import BuildError
from manyloong.roots.compare import tar_differences, tree_differences, tree_digests
from manyloong.roots.images.oci import LAYER, read_layout

EPOCH = 0  # of the tars that are compared; a root's own time stamps are part of neither digest
OTHER_USER = 4242
_LOCALE = "tr_TR.UTF-8"  # i and I are no pair in Turkish
_ZONE = "Pacific/Kiritimati"  # 14 hours ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is changed for the second build."""

    place: Path
    user: int | None  # another user's id, where this host has user namespaces
    umask: int
    cores: tuple[int, ...]
    locale: str

    @property
    def cache(self) -> Path:
        """The second process's cache."""
        return self.place / "cache" / "manyloong"

    def __str__(self) -> str:
        user = f"user {self.user}" if self.user is not None else "the same user"
        return (
            f"{user}, umask {self.umask:04o}, {len(self.cores)} core, {self.locale}, TZ={_ZONE}, "
            "another folder and home, no network"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What two builds of one root gave."""

    name: str
    same: bool
    tree: str
    tar: str
    conditions: str
    differences: tuple[str, ...] = ()
    manifest: str = ""  # of an image: what registries know it by


def changed_conditions(place: Path) -> Conditions:
    """Conditions as different from this process's as it is allowed to make them."""
    folder = place / "an other place, with spaces"
    folder.mkdir()
    return Conditions(
        place=folder,
        user=OTHER_USER if _may_be_another() else None,
        umask=0o027 if _current_umask() != 0o027 else 0o077,
        cores=(min(os.sched_getaffinity(0)),),
        locale=_LOCALE,
    )


def _as_another(words: Sequence[str]) -> list[str]:
    """A command as another user of a user namespace of its own; the files stay readable for it."""
    return ["unshare", "--user", f"--map-user={OTHER_USER}", f"--map-group={OTHER_USER}", *words]


def _ending_with_us(words: Sequence[str]) -> list[str]:
    """A command that the kernel ends with this process, however that ends; new namespaces would unset it."""
    return [*(("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()), *words]


def _may_be_another() -> bool:
    try:
        return subprocess.run(_as_another(["true"]), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _current_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def run_under(
    conditions: Conditions, words: Sequence[str], *, text: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a Python module (``words``) in a process of its own under these conditions."""
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(conditions.place),
        "XDG_CACHE_HOME": str(conditions.place / "cache"),
        "LC_ALL": conditions.locale,
        "LANGUAGE": conditions.locale,
        "TZ": _ZONE,
        "PYTHONHASHSEED": "4242",
    }
    whole = _ending_with_us([sys.executable, "-m", *words])
    return subprocess.run(
        whole if conditions.user is None else _as_another(whole),
        input=text,
        env=environment,
        cwd=conditions.place,
        umask=conditions.umask,
        preexec_fn=lambda: os.sched_setaffinity(0, conditions.cores),
        capture_output=True,
        text=True,
        check=False,
    )


def build_under(conditions: Conditions, name: str) -> Path:
    """Build a root with ``manyloong root build`` in a process of its own; BuildError with what it said.

    It finds the downloads that are in ``conditions.cache``, and no others.
    """
    return Path(_answered(conditions, name, ("build", name))["roots"][0]["path"])


def export_under(conditions: Conditions, name: str) -> Path:
    """Write an image with ``manyloong root export`` in the same way; its folder."""
    folder = conditions.place / f"image-{name}"
    _answered(conditions, name, ("export", name, "--oci", str(folder)))
    return folder


def _answered(conditions: Conditions, name: str, words: Sequence[str]) -> dict[str, Any]:
    whole = ("manyloong", "root", *words, "--offline", "--json")
    done = run_under(conditions, whole)
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-30:])
        raise BuildError(
            f"{name}: the second build failed ({conditions}):\n{last}",
            hint=f"see whether it works as it is: manyloong root {words[0]} {name}",
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def compare_builds(name: str, first: Path, second: Path, conditions: Conditions) -> Rebuilt:
    """Whether two trees are the same, with the first differences."""
    digests = tree_digests(first, epoch=EPOCH)
    differences = tree_differences(first, second)
    files = [(first / one.path, second / one.path) for one in differences if one.offset is not None]
    return Rebuilt(
        name=name,
        same=not differences and digests == tree_digests(second, epoch=EPOCH),
        tree=digests.tree,
        tar=digests.tar,
        conditions=str(conditions),
        differences=(*map(str, differences), *diffoscope_lines(files)),
    )


def compare_images(name: str, first: Path, second: Path, conditions: Conditions) -> Rebuilt:
    """Whether two image layouts are the same, blob by blob; modes are the umask's.

    Of layers that differ, the first members are named.
    """
    for folder in (first, second):
        _plain_modes(folder)
    layouts = read_layout(first), read_layout(second)
    digests = tree_digests(first, epoch=EPOCH)
    blobs = [(old, new) for old, new in zip(*(one.blobs for one in layouts), strict=False) if old != new]
    files = [(layouts[0].path(old), layouts[1].path(new)) for old, new in blobs]
    differences = [str(one) for one in tree_differences(first, second)]
    for (old, _), pair in zip(blobs, files, strict=True):
        if old.media_type == LAYER:
            number = layouts[0].blobs.index(old)  # the configuration is the first
            differences += [f"layer {number}: {one}" for one in tar_differences(*pair)]
    return Rebuilt(
        name=name,
        same=not differences and layouts[0].manifest == layouts[1].manifest,
        tree=digests.tree,
        tar=digests.tar,
        conditions=str(conditions),
        differences=(*differences, *diffoscope_lines(files)),
        manifest=layouts[0].manifest.digest,
    )


def _plain_modes(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

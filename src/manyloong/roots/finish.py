"""What Debian's maintainer scripts would have left behind, made by us and always the same."""

from pathlib import Path

from manyloong.errors import IntegrityError
from manyloong.roots.model import RootSpec

MERGED_ALWAYS = ("bin", "lib", "sbin")
MERGED_IF_THERE = ("lib32", "lib64", "libo32", "libx32")
BUILDER = "builder:x:1000:"
_CERTIFICATES = "usr/share/ca-certificates"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


def finish_tree(tree: Path, spec: RootSpec) -> None:
    """Links of the merged /usr, mount points, users, certificates, and the files and links of the spec."""
    _merge_usr(tree)
    for name in spec.directories:
        (tree / name).mkdir(parents=True, exist_ok=True)
    _write_users(tree)
    _write_certificates(tree)
    for name, text in spec.files:
        _write(tree / name, text)
    for name, target in spec.links:
        _link(tree, name, target)


def _merge_usr(tree: Path) -> None:
    for name in (*MERGED_ALWAYS, *MERGED_IF_THERE):
        if name in MERGED_ALWAYS:
            (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
        if (tree / "usr" / name).is_dir():
            (tree / name).symlink_to(f"usr/{name}")


def _write_users(tree: Path) -> None:
    """Debian's static users and groups, from base-passwd, and one to build as."""
    masters = tree / "usr/share/base-passwd"
    users = (masters / "passwd.master").read_text("ascii").replace(":*:", ":x:")
    groups = (masters / "group.master").read_text("ascii").replace(":*:", ":x:")
    _write(tree / "etc/passwd", users + BUILDER + "1000:builder:/home/builder:/bin/bash\n")
    _write(tree / "etc/group", groups + BUILDER + "\n")


def _write_certificates(tree: Path) -> None:
    """All of Mozilla's authorities, as update-ca-certificates would put them together."""
    found = sorted((tree / _CERTIFICATES).rglob("*.crt"))
    if not found:
        raise IntegrityError(f"no certificates below /{_CERTIFICATES}; is ca-certificates in the lock?")
    _write(tree / _BUNDLE, "".join(path.read_text("ascii").rstrip() + "\n" for path in found))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text, "utf-8")


def _link(tree: Path, name: str, target: str) -> None:
    path = tree / name
    if not target.startswith(("/", "..")) and not (path.parent / target).exists():
        raise IntegrityError(f"/{name} would be a link to {target!r}, which no package brings")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)

"""Debian packages and signed archives of them, made for tests."""

import hashlib
import io
import lzma
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from pysequoia import SignatureMode, Tsk, sign
from tests.tools.mirror import Mirror

from manyloong.roots.control import PackageIndex
from manyloong.roots.model import RootLock, RootSpec
from manyloong.roots.resolve import resolve_lock

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_deb(files: Mapping[str, str]) -> bytes:
    """A .deb with these files; a text that starts with ``-> `` is a link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.mode = 0o4755 if "bin/" in name else 0o600
            if text.startswith("-> "):
                info.type, info.linkname = tarfile.SYMTYPE, text.removeprefix("-> ")
                archive.addfile(info)
            else:
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
    members = {"debian-binary": b"2.0\n", "control.tar": b"", "data.tar.xz": lzma.compress(stream.getvalue())}
    parts = [b"!<arch>\n"]
    for name, data in members.items():
        parts.append(f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data)
        parts.append(b"\n" * (len(data) % 2))
    return b"".join(parts)


BASE = {
    "etc/debian_version": "forky/sid\n",
    "usr/share/base-passwd/passwd.master": "root:*:0:0:root:/root:/bin/bash\n",
    "usr/share/base-passwd/group.master": "root:*:0:\n",
    "usr/share/ca-certificates/mozilla/B.crt": "B\n",
    "usr/share/ca-certificates/mozilla/A.crt": "A",
    "bin/tool.real": "#!/bin/sh\n",
    "usr/share/doc/base/copyright": "free",
    "usr/share/doc/base/changelog": "long",
    "usr/lib/libx.so": "-> libx.so.1",
    "etc/absolute": "-> /etc/passwd",
}


@dataclass
class Archive:
    """A Debian archive on a mirror: packages by name and version, and the key that signs its index."""

    mirror: Mirror
    architecture: str
    key: Tsk = field(default_factory=lambda: Tsk.generate("archive <archive@example.org>"))
    stanzas: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, version: str, files: Mapping[str, str], *, depends: str = "") -> str:
        """Put a package into the pool and the index; its path."""
        return self.add_bytes(name, version, make_deb(files), depends=depends)

    def add_bytes(self, name: str, version: str, data: bytes, *, depends: str = "") -> str:
        """As ``add``, for any bytes."""
        path = f"pool/main/{name[0]}/{name}/{name}_{version}_all.deb"
        self.mirror.files[f"/debian/{path}"] = data
        lines = [f"Package: {name}", f"Version: {version}", f"Filename: {path}", f"Size: {len(data)}"]
        lines += [f"SHA256: {hashlib.sha256(data).hexdigest()}"] + (
            [f"Depends: {depends}"] if depends else []
        )
        self.stanzas[name] = "\n".join(lines) + "\n"
        return path

    def publish(self, *, valid: timedelta = timedelta(days=7), codename: str = "forky") -> None:
        """Write and sign the index."""
        packages = lzma.compress("\n".join(self.stanzas.values()).encode())
        name = f"main/binary-{self.architecture}/Packages.xz"
        text = (
            f"Origin: Debian\nSuite: testing\nCodename: {codename}\n"
            f"Date: {format_datetime(DATE)}\nValid-Until: {format_datetime(DATE + valid)}\n"
            f"MD5Sum:\n {'0' * 32} 1 {name}\n"
            f"SHA256:\n {hashlib.sha256(packages).hexdigest()} {len(packages)} {name}\n"
        )
        signed = sign(self.key.signer(), text.encode(), mode=SignatureMode.CLEAR)
        self.mirror.files["/debian/dists/forky/InRelease"] = signed
        self.mirror.files[f"/debian/dists/forky/{name}"] = packages

    @property
    def url(self) -> str:
        """The mirror's base address."""
        return f"{self.mirror.url}/debian"

    def keys(self) -> tuple[bytes, ...]:
        """The public key."""
        return (str(self.key.extract_certificate()).encode(),)

    def index(self) -> PackageIndex:
        """The index as it is now, signed or not."""
        return PackageIndex("\n".join(self.stanzas.values()).encode())

    def lock(self, spec: RootSpec) -> RootLock:
        """The lock of a spec as the archive is now."""
        return resolve_lock(spec, self.index(), date=DATE)


def make_spec(architecture: str, packages: Sequence[str]) -> RootSpec:
    """A spec of a small root that has a bit of everything."""
    return RootSpec(
        name=f"native-{architecture}",
        role="native",
        architecture=architecture,
        suite="forky",
        packages=tuple(packages),
        drop=("usr/share/doc/*",),
        keep=("usr/share/doc/*/copyright",),
        links=(("usr/bin/tool", "tool.real"),),
        directories=("proc", "build", "opt/manyloong/zig"),
        files=(("etc/hosts", "127.0.0.1 localhost\n"),),
    )

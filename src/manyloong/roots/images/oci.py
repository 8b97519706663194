"""An OCI image layout: blobs by digest, configuration, manifest, index; OCI image specification 1.1."""

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.roots.images.layer import Member, tree_members, write_layer
from manyloong.store.files import write_whole

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
_REFERENCE = "org.opencontainers.image.ref.name"
_CREATED = "org.opencontainers.image.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Members and one line on what they are."""

    title: str
    members: Mapping[str, Member]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """All that decides an image's bytes."""

    name: str  # repository name, e.g. manylinux_2_36_loongarch64
    platform: str  # e.g. linux/loong64
    layers: tuple[Layer, ...]
    environment: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    epoch: int  # seconds, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob of a layout, as a manifest names it."""

    media_type: str
    sha256: str
    size_bytes: int

    @property
    def digest(self) -> str:
        """With its algorithm."""
        return f"sha256:{self.sha256}"

    def document(self) -> dict[str, Any]:
        """The descriptor."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size_bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """An image in a directory."""

    directory: Path
    name: str
    manifest: Blob
    blobs: tuple[Blob, ...]  # configuration and layers, as the manifest names them

    def path(self, blob: Blob) -> Path:
        """Where a blob's bytes are."""
        return self.directory / "blobs/sha256" / blob.sha256


def export_layout(image: Image, directory: Path) -> Layout:
    """Write an image into a directory that is empty or not there; InputError for any other."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is there and not empty", hint="name a new folder")
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True)
    layers = [_write_layer(layer, blobs, image.epoch) for layer in image.layers]
    config = _write_json(blobs, CONFIG, _config(image, layers))
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.document(),
        "layers": [layer.document() for layer in layers],
        "annotations": dict(sorted({**dict(image.labels), _CREATED: _time(image.epoch)}.items())),
    }
    manifest = _write_json(blobs, MANIFEST, document)
    write_whole(directory / "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
    system, architecture = image.platform.split("/")
    entry = {
        **manifest.document(),
        "annotations": {_REFERENCE: image.name},
        "platform": {"architecture": architecture, "os": system},
    }
    write_whole(
        directory / "index.json", _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
    )
    return Layout(directory=directory, name=image.name, manifest=manifest, blobs=(config, *layers))


def pack_layout(layout: Layout, archive: Path) -> None:
    """The layout as one tar file, which ``podman load`` and ``docker load`` take."""
    part = archive.with_name(archive.name + ".part")
    with part.open("wb") as stream:
        write_layer(stream, dict(tree_members(layout.directory)), epoch=0)
    part.replace(archive)


def read_layout(directory: Path) -> Layout:
    """A layout that is on disk; InputError where it is none, IntegrityError where its bytes are wrong."""
    index = _read_json(directory / "index.json")
    manifests = index.get("manifests", [])
    if len(manifests) != 1:
        raise InputError(
            f"{directory} has {len(manifests)} images, not one", hint="name a layout of one image"
        )
    manifest = _blob(manifests[0], directory)
    layout = Layout(
        directory=directory,
        name=str(manifests[0].get("annotations", {}).get(_REFERENCE, directory.name)),
        manifest=manifest,
        blobs=(),
    )
    document = json.loads(_checked(layout, manifest))
    rows = [document["config"], *document["layers"]]
    blobs = tuple(_blob(row, directory) for row in rows)
    for blob in blobs:
        _check(layout, blob)
    return Layout(directory=directory, name=layout.name, manifest=manifest, blobs=blobs)


def unpack_archive(archive: Path, folder: Path) -> Layout:
    """The layout in a tar of ``pack_layout``, unpacked into a folder."""
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{archive} is no image archive: {error}") from error
    return read_layout(folder)


def _checked(layout: Layout, blob: Blob) -> bytes:
    _check(layout, blob)
    return layout.path(blob).read_bytes()


def _check(layout: Layout, blob: Blob) -> None:
    try:
        with layout.path(blob).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise IntegrityError(f"{layout.directory}: {blob.digest} is not there") from error
    if found != blob.sha256:
        raise IntegrityError(
            f"{layout.directory}: the bytes of {blob.digest} have another digest",
            hint="export the image again",
        )


def _blob(row: Mapping[str, Any], directory: Path) -> Blob:
    try:
        algorithm, _, digest = str(row["digest"]).partition(":")
        blob = Blob(media_type=str(row["mediaType"]), sha256=digest, size_bytes=int(row["size"]))
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{directory} is no OCI image layout: {error!r} in a descriptor") from error
    if algorithm != "sha256" or len(digest) != 64 or not digest.isalnum():
        raise InputError(f"{directory}: {row['digest']!r} is no SHA-256 digest")
    return blob


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{path.parent} is no OCI image layout: it has no {path.name}",
            hint="make one: manyloong root export manylinux_2_36 --oci DIR",
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _config(image: Image, layers: Sequence[Blob]) -> dict[str, Any]:
    system, architecture = image.platform.split("/")
    created = _time(image.epoch)
    return {
        "architecture": architecture,
        "os": system,
        "created": created,
        "config": {
            "Env": [f"{name}={value}" for name, value in image.environment],
            "Cmd": list(image.command),
            "Labels": dict(sorted(image.labels)),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [{"created": created, "created_by": layer.title} for layer in image.layers],
    }


def _time(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_layer(layer: Layer, blobs: Path, epoch: int) -> Blob:
    part = blobs / ".part"
    with part.open("wb") as stream:
        written = write_layer(stream, layer.members, epoch=epoch)
    part.replace(blobs / written.sha256)
    return Blob(media_type=LAYER, sha256=written.sha256, size_bytes=written.size_bytes)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("utf-8")


def _write_json(blobs: Path, media_type: str, document: Mapping[str, Any]) -> Blob:
    data = _json(document)
    digest = hashlib.sha256(data).hexdigest()
    write_whole(blobs / digest, data)
    return Blob(media_type=media_type, sha256=digest, size_bytes=len(data))

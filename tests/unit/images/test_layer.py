"""Layers and layouts: equal inputs, equal bytes; what is read back is checked."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from manyloong.errors import InputError, IntegrityError, NotFoundError
from manyloong.roots.images.layer import Member, directory, text_file, tree_members, write_layer
from manyloong.roots.images.oci import Image, Layer, export_layout, pack_layout, read_layout, unpack_archive

EPOCH = 1_700_000_000


def made_tree(folder: Path) -> Path:
    (folder / "b").mkdir(parents=True)
    (folder / "b/program").write_text("#!/bin/sh\n", "utf-8")
    (folder / "b/program").chmod(0o775)
    (folder / "a").write_text("text", "utf-8")
    (folder / "link").symlink_to("b/program")
    return folder


def image(tree: Path) -> Image:
    members = dict(tree_members(tree)) | {"tmp": directory(shared=True), "x/y": text_file("ours\n")}
    return Image(
        name="demo",
        platform="linux/loong64",
        layers=(Layer(title="all", members=members),),
        environment=(("PATH", "/usr/bin"),),
        command=("/bin/sh",),
        labels=(("k", "v"),),
        epoch=EPOCH,
    )


def test_a_layer_is_sorted_owned_by_root_and_of_one_time(tmp_path: Path) -> None:
    stream = io.BytesIO()
    members = dict(tree_members(made_tree(tmp_path / "t"), "usr/")) | {"tmp": directory(shared=True)}
    written = write_layer(stream, members, epoch=EPOCH)
    data = stream.getvalue()
    assert (written.sha256, written.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = archive.getmembers()
    assert [member.name for member in found] == ["tmp", "usr", "usr/a", "usr/b", "usr/b/program", "usr/link"]
    assert {(member.uid, member.gid, member.mtime) for member in found} == {(0, 0, EPOCH)}
    modes = {member.name: member.mode for member in found}
    assert (modes["tmp"], modes["usr/a"], modes["usr/b/program"]) == (0o1777, 0o644, 0o755)


def test_an_image_follows_from_its_content_alone(tmp_path: Path) -> None:
    first = export_layout(image(made_tree(tmp_path / "one")), tmp_path / "first")
    other = made_tree(tmp_path / "two")
    os.utime(other / "a", (1, 1))
    before = os.umask(0o077)
    try:
        second = export_layout(image(other), tmp_path / "second")
    finally:
        os.umask(before)
    assert first.manifest == second.manifest
    (other / "a").write_text("changed", "utf-8")
    assert export_layout(image(other), tmp_path / "third").manifest != first.manifest


def test_a_layout_is_what_the_specification_says(tmp_path: Path) -> None:
    layout = export_layout(image(made_tree(tmp_path / "t")), tmp_path / "layout")
    index = json.loads((layout.directory / "index.json").read_text("utf-8"))
    assert index["manifests"][0]["platform"] == {"architecture": "loong64", "os": "linux"}
    manifest = json.loads(layout.path(layout.manifest).read_text("utf-8"))
    config = json.loads(layout.path(layout.blobs[0]).read_text("utf-8"))
    assert config["rootfs"]["diff_ids"] == [row["digest"] for row in manifest["layers"]]
    assert config["created"] == "2023-11-14T22:13:20Z"
    for blob in (layout.manifest, *layout.blobs):
        data = layout.path(blob).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (blob.sha256, blob.size_bytes)
    pack_layout(layout, tmp_path / "image.tar")
    assert unpack_archive(tmp_path / "image.tar", tmp_path / "again").blobs == layout.blobs


def test_a_layout_with_other_bytes_is_refused(tmp_path: Path) -> None:
    layout = export_layout(image(made_tree(tmp_path / "t")), tmp_path / "layout")
    assert read_layout(layout.directory).blobs == layout.blobs
    config = layout.path(layout.blobs[0])
    config.write_bytes(config.read_bytes().replace(b"/usr/bin", b"/usr/bim"))
    with pytest.raises(IntegrityError, match="another digest"):
        read_layout(layout.directory)
    config.unlink()
    with pytest.raises(IntegrityError, match="is not there"):
        read_layout(layout.directory)


def test_a_layer_with_other_bytes_is_refused_when_read(tmp_path: Path) -> None:
    layout = export_layout(image(made_tree(tmp_path / "t")), tmp_path / "layout")
    layer = layout.path(layout.blobs[1])
    layer.write_bytes(layer.read_bytes().replace(b"ours", b"sour"))
    with pytest.raises(IntegrityError, match="another digest"):
        read_layout(layout.directory)


@pytest.mark.parametrize("text", ["", "[]", '{"manifests": []}', '{"manifests": [{"digest": "md5:1"}]}'])
def test_what_is_no_layout_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text, "utf-8")
    with pytest.raises(InputError):
        read_layout(tmp_path)
    with pytest.raises(NotFoundError, match="no OCI image layout"):
        read_layout(tmp_path / "none")
    with pytest.raises(InputError, match="no image archive"):
        unpack_archive(tmp_path / "index.json", tmp_path / "x")


def test_a_folder_that_is_in_use_is_not_written_into(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not empty"):
        export_layout(image(made_tree(tmp_path / "t")), tmp_path)
    assert Member(link="x").mode == 0o644

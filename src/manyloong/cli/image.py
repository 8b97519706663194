"""``manyloong root export|publish``: container images of roots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manyloong.cli.options import AsJson, Mirror, Offline

if TYPE_CHECKING:
    from manyloong.cli.doors import Outside
    from manyloong.roots.images.oci import Image, Layout


def export(
    name: Annotated[str, typer.Argument(help="A platform tag, with or without its architecture.")],
    oci: Annotated[
        Path | None, typer.Option("--oci", metavar="DIR", help="Write an OCI image layout into a new folder.")
    ] = None,
    tar: Annotated[
        Path | None, typer.Option("--tar", metavar="FILE", help="Write one file, as `podman load` takes it.")
    ] = None,
    cross: Annotated[
        bool,
        typer.Option(
            "--cross", help="The image for this machine, in which wheels are cross-built and not run."
        ),
    ] = False,
    offline: Offline = False,
    mirror: Mirror = None,
    as_json: AsJson = False,
) -> None:
    """Write the container image in which other tools build wheels of a platform tag.

    The same roots, toolchain and program give the same bytes, and so the same digest, on any machine.
    """
    from manyloong.cli import terminal
    from manyloong.cli.doors import open_outside
    from manyloong.cli.progress import ProgressListener
    from manyloong.errors import InputError

    if (oci is None) == (tar is None):
        raise InputError("say where the image goes", hint="one of: --oci DIR, --tar FILE")
    with ProgressListener(quiet=as_json) as listener:
        outside = open_outside(listener, offline=offline, locked=False, mirror=mirror)
        layout = _written(find_image(name, outside, cross=cross), oci, tar, outside)
    place = oci or tar
    if as_json:
        rows = [{"digest": blob.digest, "size_bytes": blob.size_bytes} for blob in layout.blobs]
        terminal.print_json(
            {"image": layout.name, "manifest": layout.manifest.digest, "path": str(place), "blobs": rows}
        )
        return
    size = sum(blob.size_bytes for blob in layout.blobs)
    print(f"{layout.name} {layout.manifest.digest}  {size / 1e6:.0f} MB in {place}")


def find_image(name: str, outside: "Outside", *, cross: bool = False) -> "Image":
    """The image of a platform tag; what it is made of is fetched and built first."""
    from manyloong.roots.images.assemble import target_image
    from manyloong.wheels.cross_image import cross_image
    from manyloong.wheels.image_parts import ensure_parts, image_target

    parts = ensure_parts(image_target(name), outside.host, doors=outside.doors, cross=cross)
    return cross_image(parts) if cross else target_image(parts)


def _written(image: "Image", oci: Path | None, tar: Path | None, outside: "Outside") -> "Layout":
    from manyloong.roots.images.oci import export_layout, pack_layout

    if oci is not None:
        return export_layout(image, oci)
    assert tar is not None  # noqa: S101 - one of both is given
    with outside.doors.store.scratch("image") as folder:
        layout = export_layout(image, folder / "layout")
        pack_layout(layout, tar)
    return layout


def publish(
    image: Annotated[Path, typer.Argument(help="A folder or file that `root export` wrote.")],
    reference: Annotated[str, typer.Argument(metavar="REGISTRY/NAME:TAG", help="Where it goes.")],
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Speak HTTP to the registry; on loopback that is the default.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send an exported image to a container registry; what is there already is not sent again.

    Name and password, where the registry asks for them: MANYLOONG_REGISTRY_USER, MANYLOONG_REGISTRY_PASSWORD.
    """
    import os
    import tempfile

    from manyloong.cli import terminal
    from manyloong.roots.images.oci import read_layout, unpack_archive
    from manyloong.roots.images.push import Credentials, parse_reference, push

    goal = parse_reference(reference, insecure=insecure)
    user = os.environ.get("MANYLOONG_REGISTRY_USER", "")
    credentials = Credentials(user=user, password=os.environ.get("MANYLOONG_REGISTRY_PASSWORD", ""))
    with tempfile.TemporaryDirectory() as folder:
        layout = unpack_archive(image, Path(folder)) if image.is_file() else read_layout(image)
        sent = push(layout, goal, credentials if user else None)
    if as_json:
        terminal.print_json({"reference": reference, "digest": layout.manifest.digest, "sent_bytes": sent})
        return
    print(f"{reference}@{layout.manifest.digest}  {sent / 1e6:.0f} MB sent")

"""``manyloong provenance`` and ``manyloong verify``: say where a wheel or a root comes from, and check it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manyloong.cli.options import Offline

if TYPE_CHECKING:
    from manyloong.provenance import Checked, Subject, Trust

VERIFY_EPILOG = "Example: manyloong verify wheelhouse/demo.whl --key builder.pem"
EPILOG = "Example: manyloong provenance wheelhouse/demo.whl --key private.pem"

Thing = Annotated[str, typer.Argument(help="A wheel with its record beside it, or the name of a root.")]


def provenance(
    thing: Thing,
    key: Annotated[
        Path | None, typer.Option(help="Private key (PEM) that signs, instead of the configured signer.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it, instead of beside the wheel.")
    ] = None,
    offline: Offline = False,
) -> None:
    """Write the provenance of a wheel or a root: an in-toto statement with SLSA provenance v1.

    It is signed with the key, or as MANYLOONG_SIGNING_KEY says, or else left unsigned.
    """
    import os

    from manyloong.cli.signing import configured_signer
    from manyloong.cli.verify_things import statement_about
    from manyloong.config.signing import signing
    from manyloong.provenance import format_statement
    from manyloong.store import write_whole

    statement, place = statement_about(thing, offline=offline, builder=signing(os.environ).builder)
    text = format_statement(statement)
    signer = configured_signer(os.environ, key)
    path = output or place
    write_whole(path, signer.sign(text) if signer else text + b"\n")
    print(f"{path}: {'signed' if signer else 'unsigned'}")


def verify(
    thing: Annotated[str, typer.Argument(help="A wheel, or the name or folder of a root.")],
    provenance: Annotated[
        Path | None, typer.Option(help="The provenance file, where it is not beside the wheel.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Public key (PEM) whose signature is believed.")] = None,
    identity: Annotated[
        str | None, typer.Option(help="Sigstore identity (mail address or URI) that is believed.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="OpenID issuer that vouches for the identity.")] = None,
    trusted_root: Annotated[
        Path | None, typer.Option(help="Sigstore trusted root (JSON), instead of the public instance's.")
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Believe an unsigned statement that agrees with the record.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the statement and its signer.")] = False,
) -> None:
    """Check that a wheel or a root is what its provenance is about, and who says so.

    The record beside a wheel is checked too. Exit code 5 where a signature does not hold or a byte of the
    wheel, the record or the provenance was changed.
    """
    from manyloong.cli import terminal
    from manyloong.cli.verify_things import checked_record, default_place, subject_of, unsigned_about

    path = provenance or default_place(thing)
    subject, file = subject_of(thing)
    data = _read(path)
    trust = _trust(key, identity, issuer, trusted_root, unsigned=unsigned)
    checked = (
        unsigned_about(data, thing, subject, path) if trust is None else _signed(data, subject, trust, path)
    )
    record = checked_record(file, checked)
    if as_json:
        terminal.print_json(
            {
                "subject": subject.name,
                "signer": checked.signer,
                "record": record,
                "statement": checked.statement,
            }
        )
        return
    _print(subject, checked, record=record)


def _read(path: Path) -> bytes:
    from manyloong.errors import NotFoundError

    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"no provenance {path}: {error.strerror}", hint="name it: --provenance FILE"
        ) from None


def _signed(data: bytes, subject: "Subject", trust: "Trust", path: Path) -> "Checked":
    from manyloong.provenance import check_provenance

    return check_provenance(data, subject, trust, where=str(path))


def _trust(
    key: Path | None, identity: str | None, issuer: str | None, trusted_root: Path | None, *, unsigned: bool
) -> "Trust | None":
    from manyloong.errors import InputError
    from manyloong.provenance import IdentityTrust, KeyTrust

    ways = [key is not None, identity is not None, unsigned]
    if sum(ways) != 1:
        raise InputError(
            "say whom to believe: one of --key, --identity (with --issuer) and --unsigned",
            hint="the key that signed: --key FILE",
        )
    if key is not None:
        return KeyTrust(key)
    if unsigned:
        return None
    if not identity or not issuer:
        raise InputError("--identity needs --issuer", hint="such as --issuer https://accounts.example.org")
    return IdentityTrust(identity, issuer, trusted_root)


def _print(subject: "Subject", checked: "Checked", *, record: bool) -> None:
    definition: Any = checked.statement["predicate"].get("buildDefinition", {})
    inputs = definition.get("resolvedDependencies", []) if isinstance(definition, dict) else []
    print(f"{subject.name}: as its provenance says")
    for name, digest in subject.digests.items():
        print(f"  {name:8} {digest}")
    print(f"  signed   {checked.signer or 'by nobody; it agrees with the record'}")
    print(f"  record   {'the one that the provenance names' if record else 'none to check'}")
    print(f"  inputs   {len(inputs)}, each by digest (--json lists them)")

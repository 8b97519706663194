"""Where a wheel or a root comes from: in-toto statements with SLSA provenance, signed and verified."""

from manyloong.provenance.built import BuiltFrom, floor_built_from
from manyloong.provenance.identity import IdentityTrust
from manyloong.provenance.parts import root_statement, root_subject
from manyloong.provenance.signing import KeySigner, Signer, SigstoreSigner
from manyloong.provenance.statement import LOCAL, format_statement, provenance_path, wheel_statement
from manyloong.provenance.verify import (
    Checked,
    KeyTrust,
    Subject,
    Trust,
    check_provenance,
    said_builder,
    unsigned_statement,
)

__all__ = [
    "LOCAL",
    "BuiltFrom",
    "Checked",
    "IdentityTrust",
    "KeySigner",
    "KeyTrust",
    "Signer",
    "SigstoreSigner",
    "Subject",
    "Trust",
    "check_provenance",
    "floor_built_from",
    "format_statement",
    "provenance_path",
    "root_statement",
    "root_subject",
    "said_builder",
    "unsigned_statement",
    "wheel_statement",
]

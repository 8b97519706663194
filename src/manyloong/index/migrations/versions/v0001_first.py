"""The first tables; the ledger refuses updates and deletes in the database itself."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NAME = sa.String(255)
_TIME = sa.String(32)
_HASH = sa.String(64)

_SQLITE_GUARDS = tuple(
    f"CREATE TRIGGER ledger_no_{verb} BEFORE {verb.upper()} ON ledger "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("update", "delete")
)
_POSTGRES_GUARDS = (
    """CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$""",
    """CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_append_only()""",
    """CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()""",
)


def upgrade() -> None:
    """Make every table of version 1."""
    _make_projects_and_files()
    _make_documents()
    _make_accounts()
    guards = _SQLITE_GUARDS if op.get_bind().dialect.name == "sqlite" else _POSTGRES_GUARDS
    for statement in guards:
        op.execute(statement)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _make_projects_and_files() -> None:
    op.create_table(
        "projects",
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("local", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    names = [sa.Column(name, _NAME, nullable=False) for name in ("version", "python", "abi", "platform")]
    op.create_table(
        "files",
        sa.Column("filename", _NAME, primary_key=True),
        sa.Column("project", _NAME, sa.ForeignKey("projects.name"), nullable=False),
        *names,
        sa.Column("build", _HASH, nullable=False),
        sa.Column("sha256", _HASH, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        _text("state_reason"),
        sa.Column("yanked", sa.Boolean, nullable=False),
        _text("yanked_reason"),
        sa.Column("uploaded_at", _TIME, nullable=False),
        sa.Column("released_at", _TIME, nullable=False),
        _text("summary"),
        _text("entry"),
    )
    op.create_index("ix_files_project", "files", ["project", "uploaded_at", "filename"])
    op.create_index("ix_files_uploaded_at", "files", ["uploaded_at"])


def _make_documents() -> None:
    op.create_table(
        "attachments",
        sa.Column("filename", _NAME, sa.ForeignKey("files.filename"), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", _NAME, primary_key=True),
        _text("text"),
    )
    op.create_table(
        "components",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("filename", _NAME, sa.ForeignKey("files.filename"), nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("version", _NAME, nullable=False),
    )
    op.create_index("ix_components_filename", "components", ["filename"])
    op.create_index("ix_components_name", "components", ["name"])
    op.create_table(
        "upstream",
        sa.Column("project", _NAME, primary_key=True),
        _text("source"),
        sa.Column("checked_at", sa.Float, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        _text("etag"),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def _make_accounts() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", _TIME, primary_key=True),
        sa.Column("digest", _HASH, nullable=False),
        _text("note"),
        _text("projects"),
        *(sa.Column(name, _TIME, nullable=False) for name in ("created_at", "expires_at", "revoked_at")),
    )
    op.create_table(
        "ledger",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", _HASH, nullable=False),
        sa.Column("action", _TIME, nullable=False),
        sa.Column("subject", _NAME, nullable=False),
        _text("detail"),
        sa.Column("previous", _HASH, nullable=False),
        sa.Column("hash", _HASH, nullable=False),
    )

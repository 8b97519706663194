"""The tables, the same on SQLite and PostgreSQL. Times are RFC 3339 text in UTC, which sorts."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

projects = Table(
    "projects",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("local", Boolean, nullable=False, default=False),
    Column("revision", Integer, nullable=False, default=0),
)

files = Table(
    "files",
    metadata,
    Column("filename", String(255), primary_key=True),
    Column("project", ForeignKey("projects.name"), nullable=False),
    Column("version", String(255), nullable=False),
    Column("build", String(64), nullable=False),
    Column("python", String(255), nullable=False),
    Column("abi", String(255), nullable=False),
    Column("platform", String(255), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_reason", Text, nullable=False, default=""),
    Column("yanked", Boolean, nullable=False),
    Column("yanked_reason", Text, nullable=False),
    Column("uploaded_at", String(32), nullable=False),
    Column("released_at", String(32), nullable=False),
    Column("summary", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Index("ix_files_project", "project", "uploaded_at", "filename"),  # a page in its order
    Index("ix_files_uploaded_at", "uploaded_at"),
    Index("ix_files_version", "project", "state", "version"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("filename", ForeignKey("files.filename"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("text", Text, nullable=False),
)

components = Table(  # what the SBOMs of a wheel name
    "components",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("filename", ForeignKey("files.filename"), nullable=False, index=True),
    Column("name", String(255), nullable=False, index=True),
    Column("version", String(255), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Column("projects", Text, nullable=False),  # JSON list; empty: every project
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("revoked_at", String(32), nullable=False, default=""),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

upstream = Table(  # a cache; may be emptied at any time
    "upstream",
    metadata,
    Column("project", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),  # of the page, uncompressed
    Column("checked_at", Float, nullable=False),  # seconds since the epoch
    Column("etag", Text, nullable=False),
    Column("releases", Text, nullable=False),  # stored_page.UpstreamReleases as JSON
    Column("body", LargeBinary, nullable=False),  # zstd of stored_page.StoredPage's content
)

limits = Table(  # buckets of permits; those that are full again are removed
    "limits",
    metadata,
    Column("bucket", String(255), primary_key=True),
    Column("permits", Float, nullable=False),
    Column("at", Float, nullable=False),  # seconds since the epoch
)

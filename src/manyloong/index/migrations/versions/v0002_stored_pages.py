"""The cache of upstream's pages holds finished pages; what was in it is asked for again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the cache anew."""
    op.create_index("ix_files_version", "files", ["project", "state", "version"])
    op.drop_table("upstream")
    op.create_table(
        "upstream",
        sa.Column("project", sa.String(255), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("checked_at", sa.Float, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("releases", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )

"""Rate limits are in the database."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "limits",
        sa.Column("bucket", sa.String(255), primary_key=True),
        sa.Column("permits", sa.Float, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )

"""`instruction_of_link` begins with the link too; beside it, an index of links alone is taken where it does worse."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

_INDEX = "cem_service_instruction_link_id_b85e6f29"


class Migration(migrations.Migration):
    """Dropped beside those who write: nobody waits for it."""

    atomic = False

    dependencies: ClassVar = [("cem_service", "0007_forecasts")]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                # It waits for the transactions that are open, and nobody waits behind it.
                migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {_INDEX} ON cem_service_instruction (link_id)",
                ),
                migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
            ],
            state_operations=[
                migrations.AlterField(
                    "instruction",
                    "link",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="instructions",
                        to="devices.link",
                    ),
                )
            ],
        )
    ]

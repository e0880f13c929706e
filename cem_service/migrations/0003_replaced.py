from django.db import migrations, models

_STATUSES = [
    ("ISSUED", "issued"),
    ("UNDELIVERED", "not delivered"),
    ("REFUSED", "refused before sending"),
    ("NEW", "new"),
    ("ACCEPTED", "accepted"),
    ("REJECTED", "rejected"),
    ("REVOKED", "revoked"),
    ("STARTED", "started"),
    ("SUCCEEDED", "succeeded"),
    ("ABORTED", "aborted"),
    ("REPLACED", "replaced by a newer one"),
]


class Migration(migrations.Migration):
    """One more word for what became of an instruction; the column stays as it is."""

    dependencies = [("cem_service", "0002_isolation")]

    operations = [
        migrations.AlterField(
            model_name="instruction",
            name="status",
            field=models.CharField(choices=_STATUSES, default="ISSUED", max_length=16),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Collate, Lower

_INDEXES = [
    models.Index(fields=["-at"], name="audit_recent"),
    models.Index(fields=["action", "-at"], name="audit_by_action"),
    models.Index(fields=["object_id", "-at"], name="audit_by_object_id"),
    models.Index(condition=models.Q(actor_id__gt=""), fields=["actor_id", "-at"], name="audit_by_actor"),
    models.Index(condition=models.Q(ip__isnull=False), fields=["ip", "-at"], name="audit_by_address"),
    models.Index(condition=models.Q(trace_id__gt=""), fields=["trace_id"], name="audit_by_trace"),
    models.Index(Collate(Lower("object_name"), "C"), name="audit_by_object_name"),
    models.Index(Collate(Lower("actor_name"), "C"), name="audit_by_actor_name"),
]


class Migration(migrations.Migration):
    """Built beside those who write: nobody waits for it, however long the trail is."""

    atomic = False

    dependencies = [("tenants", "0003_audit_origin")]

    operations = [
        # Each index waits for the transactions that are open, and nobody waits behind it.
        migrations.RunSQL("SET lock_timeout = 0", "RESET lock_timeout"),
        *(AddIndexConcurrently(model_name="auditentry", index=index) for index in _INDEXES),
        RemoveIndexConcurrently(model_name="auditentry", name="audit_by_object"),
        migrations.RunSQL("RESET lock_timeout", "SET lock_timeout = 0"),
    ]

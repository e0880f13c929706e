from django.core.validators import MaxValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0012_erasure")]

    operations = [
        migrations.AddField(
            model_name="quota",
            name="invitations_per_day",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Mails that invite somebody, those that are sent again included, in the last 24 hours.",
                null=True,
                validators=[MaxValueValidator(1000000000)],
                verbose_name="invitations a day",
            ),
        ),
    ]

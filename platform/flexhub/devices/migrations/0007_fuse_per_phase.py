import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0006_household"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="fuse_limit_per_phase_w",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="The most that each of three phases may carry, such as 5750 for 25 A. Empty: only their sum counts.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="fuse limit of each phase (W)",
            ),
        ),
    ]

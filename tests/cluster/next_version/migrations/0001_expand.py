"""A column with a default, and a table: the one before knows nothing of them."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("trimming", "0001_initial")]
    operations: ClassVar = [
        migrations.CreateModel("Novelty", [("id", models.BigAutoField(primary_key=True))]),
        migrations.RunSQL(
            "ALTER TABLE trimming_trimjob ADD COLUMN novelty integer NOT NULL DEFAULT 7",
            "ALTER TABLE trimming_trimjob DROP COLUMN novelty",
        ),
    ]

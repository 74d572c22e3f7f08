"""The four roles, as groups.  Their permissions come from the apps, after each migrate."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from config.roles import ROLES


def make_groups(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the groups that are missing."""
    groups = apps.get_model("auth", "Group").objects
    for role in ROLES:
        groups.get_or_create(name=role)


class Migration(migrations.Migration):
    """Groups; going back leaves them, because people may be in them."""

    dependencies = [
        ("config", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]

"""Events of before are chained as they are: from here on nobody changes them unseen."""

from typing import Any

from django.db import migrations

from config.chain import chain_anew, keys


def chain(apps: Any, schema_editor: Any) -> None:
    """Seal and link what there is, and make the head."""
    chain_anew(
        apps.get_model("config", "AuditEvent"), apps.get_model("config", "AuditHead"), keys()
    )


class Migration(migrations.Migration):
    compatible_because = (
        "It fills only what the version before does not know.  Events that one writes afterwards "
        "have no seal, so the check of the chain names them until it is sealed anew."
    )
    dependencies = [("config", "0004_audit_chain")]

    operations = [migrations.RunPython(chain, migrations.RunPython.noop)]

"""Django settings.  So far only commands run: there is no database and no server."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
INSTALLED_APPS = ["trimming"]
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Strategies beside the built-in ones and those of installed packages: name to "module:Class".
TRIMMING_STRATEGIES: dict[str, str] = {}

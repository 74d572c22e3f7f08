"""Static files: named by their content, compressed, cached for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped library
    """Also names the modules that a module imports by their content."""

    support_js_module_import_aggregation = True

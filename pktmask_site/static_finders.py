"""Static files that come with a package instead of lying in the repository."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

PLOTLY: Final = "vendor/plotly.min.js"


class PlotlyFinder(BaseFinder):
    """Finds the chart library in the package ``plotly``, which is never imported for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        found = find_spec("plotly")
        places = [] if found is None else list(found.submodule_search_locations or [])
        self.folder = Path(places[0]) / "package_data" if places else None

    def check(self, **kwargs: Any) -> list[Any]:
        """Nothing can be set wrong."""
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return where the library lies when ``path`` is its address."""
        file = None if self.folder is None else self.folder / Path(PLOTLY).name
        found = [str(file)] if file is not None and path == PLOTLY and file.is_file() else []
        return found if find_all else (found[0] if found else [])

    def list(self, ignore_patterns: Any) -> Iterator[Any]:
        """Give the one file with the storage that reads it."""
        if self.folder is None:
            return
        folder, name = Path(PLOTLY).parts
        storage = FileSystemStorage(location=self.folder)
        storage.prefix = folder  # type: ignore[attr-defined]  # collectstatic puts it in front
        yield name, storage

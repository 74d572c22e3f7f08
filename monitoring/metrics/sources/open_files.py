"""An example of a metric that is added: the files that this process holds open.

Nothing else names it: being registered is enough to be sampled, rolled up, drawn and exported.
"""

from __future__ import annotations

import psutil
from django.utils.translation import gettext_lazy as _

from monitoring.metrics.registry import Kind, Metric, Values, Window, registry


def open_files(window: Window) -> Values:
    """Count the open files of the monitor."""
    return {"monitor_open_files": psutil.Process().num_fds()}


registry.register(
    open_files,
    Metric("monitor_open_files", "files", Kind.GAUGE, _("files that the monitor holds open")),
)

"""What reports add to the service: settings, and the parts of this app."""

from monitoring.reports import (  # noqa: F401 - importing registers
    alerts,
    capacity,
    captures,
    changes,
    conf,
    health,
    traffic,
)

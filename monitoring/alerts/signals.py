"""Facts for the live feed.  Losing one costs time, not data."""

from django.dispatch import Signal

# alerts, or what is told of them, changed; no argument
alerts_changed = Signal()

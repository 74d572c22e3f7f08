"""Facts for the apps above and for the live feed.  Losing one costs time, not data."""

from django.dispatch import Signal

# a sample is stored; argument: at
sample_taken = Signal()
# a health report is stored; argument: report_id
health_checked = Signal()

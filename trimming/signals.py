"""Facts for the apps above, sent on commit with ids only.  Losing one costs time, not data."""

from django.dispatch import Signal

# a job's state or progress changed; argument: job_id (UUID)
job_changed = Signal()
# a capture appeared or was deleted; arguments: capture_id (UUID), owner_id
capture_changed = Signal()
# a routing policy is in force; argument: version
policy_published = Signal()
# a comparison in the background came to its end; argument: shadow_id (UUID)
shadow_ended = Signal()

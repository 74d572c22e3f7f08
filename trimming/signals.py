"""Facts for the apps above, sent on commit with ids only.  Losing one costs time, not data."""

from django.dispatch import Signal

# a job's state or progress changed; argument: job_id (UUID)
job_changed = Signal()
# an attempt came to its end, whichever: its row has its outcome; argument: run_id
run_ended = Signal()
# a capture appeared or was deleted, or its result went into quarantine or came out of it;
# arguments: capture_id (UUID), owner_id
capture_changed = Signal()
# a routing policy is in force; argument: version
policy_published = Signal()
# a comparison in the background came to its end; argument: shadow_id (UUID)
shadow_ended = Signal()

"""Facts for the apps above and for the live feed, with ids only, sent on commit."""

from django.dispatch import Signal

# a decision is stored; argument: decision_id
decision_made = Signal()
# a request for approval was made or decided; argument: approval_id
approval_changed = Signal()
# a look was kept; argument: evaluation_id
evaluation_kept = Signal()

"""The rows of the composition root."""

from pktmask_site.api.models import ApiToken
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.sign_in.models import SignInTry
from pktmask_site.tour.models import TourEnd

__all__ = ["ApiToken", "SignInTry", "TourEnd", "UpkeepRun"]

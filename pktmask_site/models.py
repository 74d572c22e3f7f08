"""The rows of the composition root."""

from pktmask_site.api.models import ApiToken
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.sign_in.models import SignInTry

__all__ = ["ApiToken", "SignInTry", "UpkeepRun"]

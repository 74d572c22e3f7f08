"""The next version of the service: the same code, with another number and a newer database."""

from pktmask_site.settings import *  # noqa: F403 - all of them are the same

INSTALLED_APPS = [*INSTALLED_APPS, "tests.cluster.next_version"]  # noqa: F405 - see above
VERSION = "next"

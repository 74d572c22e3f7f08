"""All addresses."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView
from django.views.i18n import set_language

from monitoring.views import overview
from pktmask_site import badge
from pktmask_site.second_factor.views import CodeView, FirstView, OwnView
from pktmask_site.sign_in.views import OwnPasswordView, SignInView
from trimming.views import proofs

urlpatterns = [
    path("", overview.page, name="home"),
    path("", include("monitoring.urls")),
    path("proof-keys.json", proofs.keys, name="proof_keys"),
    path("badge.svg", badge.picture, name="badge"),
    path("sign-in/", SignInView.as_view(), name="login"),
    path("sign-in/code/", CodeView.as_view(), name="second_factor_code"),
    path("sign-in/second-factor/", FirstView.as_view(), name="second_factor_first"),
    path("second-factor/", OwnView.as_view(), name="second_factor"),
    path("password/", OwnPasswordView.as_view(), name="own_password"),
    # the admin has a page for that as well, which counts no tries
    path("admin/password_change/", RedirectView.as_view(pattern_name="own_password")),
    path("language/", require_POST(set_language), name="language"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("captures/", include("trimming.urls")),
    path("routing/", include("trimming.routing_urls")),
    path("offline-tests/", include("trimming.offline_urls")),
    path("alerts/", include("monitoring.alerts.urls")),
    path("reports/", include("monitoring.reports.urls")),
    path("rollout/", include("migration.urls")),
    path("configuration/", include("config.urls")),
    path("maintenance/", include("pktmask_site.recovery.urls")),
    path("audit/", include("pktmask_site.audit_log.urls")),
    path("demo/", include("pktmask_site.demo.urls")),
    path("help/", include("pktmask_site.help.urls")),
    path("tour/", include("pktmask_site.tour.urls")),
    path("tokens/", include("pktmask_site.api.token_urls")),
    path("api/", include("pktmask_site.api.urls")),
    path("style/", include("pktmask_site.style.urls")),
    path("admin/", admin.site.urls),
]
handler500 = "pktmask_site.errors.server_error"

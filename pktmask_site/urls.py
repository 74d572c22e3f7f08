"""All addresses."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from monitoring.views import overview

urlpatterns = [
    path("", overview.page, name="home"),
    path("", include("monitoring.urls")),
    path("sign-in/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("captures/", include("trimming.urls")),
    path("routing/", include("trimming.routing_urls")),
    path("offline-tests/", include("trimming.offline_urls")),
    path("configuration/", include("config.urls")),
    path("admin/", admin.site.urls),
]

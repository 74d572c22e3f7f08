"""Addresses of the pages about alerts."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from monitoring.views import alert_rules, alerts, channels, silences

to_document = RedirectView.as_view(pattern_name="help:document", http_method_names=["get", "head"])
app_name = "alerts"
urlpatterns = [
    path("", alerts.page, name="list"),
    path("data/", alerts.data, name="data"),
    path("acknowledge/", alerts.acknowledge, name="acknowledge"),
    path("acknowledge/<str:token>/", alerts.acknowledge_link, name="acknowledge_link"),
    path("dead-letters/", alerts.dead_letters, name="dead_letters"),
    # messages that were sent lead here; a browser keeps the section
    path("runbook/", to_document, {"document": "runbook"}, name="runbook"),
    path("silences/", silences.page, name="silences"),
    path("silences/<int:pk>/end/", silences.end, name="end_silence"),
    path("channels/", channels.page, name="channels"),
    path("channels/data/", channels.data, name="channels_data"),
    path("channels/<str:channel>/test/", channels.test, name="test_channel"),
    path("channels/<str:channel>/dead-letters/", channels.letters, name="channel_letters"),
    path("channels/<str:channel>/preview/", channels.preview, name="preview"),
    path("channels/<str:channel>/preview/mail/", channels.mail, name="preview_mail"),
    path("rules/", alert_rules.page, name="rules"),
    path("rules/<int:pk>/", alert_rules.rule, name="rule"),
    path("rules/<int:pk>/mode/", alert_rules.mode, name="rule_mode"),
    path("<str:key>/", alerts.alert, name="alert"),
]

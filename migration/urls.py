"""Addresses of the pages about rollouts."""

from __future__ import annotations

from django.urls import path

from migration.views import acting, limits, replaying, rollout, starting, suspects

app_name = "migration"
urlpatterns = [
    path("", rollout.page, name="page"),
    path("start/", starting.page, name="start"),
    path("decisions/<int:number>/replay/", replaying.again, name="replay"),
    path("<int:number>/", rollout.page, name="rollout"),
    path("<int:number>/data/", rollout.data, name="data"),
    path("<int:number>/act/", acting.act, name="act"),
    path("<int:number>/limits/", limits.page, name="limits"),
    path("<int:number>/limits/<int:version>/approve/", limits.approve, name="approve_limits"),
    path("<int:number>/suspects/", suspects.page, name="suspects"),
    path("<int:number>/suspects/rerun/", suspects.rerun, name="rerun"),
    path("<int:number>/suspects/<int:suspect_id>/release/", suspects.release, name="release"),
]

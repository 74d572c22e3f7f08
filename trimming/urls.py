"""Addresses of captures and what can be done to them."""

from __future__ import annotations

from django.urls import path

from trimming.views import actions, capture_page, downloads, looking, many, pages, proofs, upload

app_name = "trimming"
urlpatterns = [
    path("", pages.captures, name="captures"),
    path("upload/", upload.upload, name="upload"),
    path("export/", pages.export, name="export"),
    path("many/", many.many, name="many"),
    path("archive/", downloads.archive, name="archive"),
    path("<uuid:capture_id>/", capture_page.capture, name="capture"),
    path("<uuid:capture_id>/row/", pages.row, name="row"),
    path("<uuid:capture_id>/download/", downloads.download, name="download"),
    path("<uuid:capture_id>/proof/", proofs.page, name="proof"),
    path("<uuid:capture_id>/proof.json", proofs.file, name="proof_file"),
    path("<uuid:capture_id>/messages/", looking.messages, name="messages"),
    path("<uuid:capture_id>/packets/", looking.packets, name="packets"),
    path("<uuid:capture_id>/cancel/", actions.cancel, name="cancel"),
    path("<uuid:capture_id>/retry/", actions.retry, name="retry"),
    path("<uuid:capture_id>/run-again/", actions.run_again, name="run_again"),
    path("<uuid:capture_id>/delete/", actions.delete, name="delete"),
    path("<uuid:capture_id>/delete-original/", actions.delete_original, name="delete_original"),
]

"""The "?" of each page: the table is complete, and each of its sections is there."""

from __future__ import annotations

import pytest
from django.test import Client

from config.documents import TRANSLATED, document
from config.roles import VIEWER
from pktmask_site.help.pages import DOCUMENTS, SECTIONS, section_of
from pktmask_site.help.views import address_of, in_html
from tests.attacks.access_table import ADMIN_ROWS, MODELS, NEVER, NEVER_PUBLIC, ROWS
from tests.factories import make_user

# answers that are no page with the frame of the console: data, files, ways to another page
NO_PAGE = frozenset(
    {
        *("monitoring:healthz", "monitoring:readyz", "monitoring:metrics", "proof_keys", "badge"),
        *("monitoring:overview_data", "monitoring:health_data", "monitoring:trends_data"),
        *("alerts:data", "alerts:channels_data", "alerts:preview_mail", "alerts:runbook"),
        *("trimming:row", "trimming:download", "trimming:proof_file", "offline_tests:picture"),
        *("reports:html", "reports:json", "migration:data", "config:processes", "audit:export"),
        *("demo:data", "help:picture", "admin/password_change/"),
        # before a sign-in nobody reads documents
        *("login", "second_factor_code", "second_factor_first"),
    }
)
PAGES = {
    name
    for name, row in ROWS.items()
    if row.get not in (NEVER, NEVER_PUBLIC) and name.partition(":")[0] != "api"
} - NO_PAGE


def test_every_page_has_a_section_or_is_a_document_and_every_row_a_page() -> None:
    models = {f"admin:{label.replace('.', '_')}" for label in MODELS}
    of_console = {name for name in SECTIONS if name.partition(":")[0] != "admin"}
    assert of_console == PAGES - set(DOCUMENTS)
    assert set(DOCUMENTS) <= PAGES
    assert set(SECTIONS) - of_console <= models | {"admin"}


@pytest.mark.parametrize("language", ["en", *TRANSLATED])
@pytest.mark.parametrize("target", sorted(set(SECTIONS.values())))
def test_every_section_is_there_in_each_language(target: str, language: str) -> None:
    name, _, section = target.partition("#")
    found = document(name, language)
    assert found is not None
    anchors = in_html(name, found.language).anchors
    assert not section or section in anchors


def test_pages_of_the_administration_have_the_section_of_their_model_or_of_all() -> None:
    assert section_of("admin:trimming_profile_changelist").endswith("#profiles")
    assert section_of("admin:trimming_breaker_change").endswith("#the-administration")
    for name in ADMIN_ROWS:
        assert section_of(name) in SECTIONS.values() or name.startswith("admin/")


def test_what_has_no_section_leads_to_the_start_of_the_documentation() -> None:
    assert address_of(section_of("help:document")) == "/help/"
    assert address_of(section_of("")) == "/help/"


@pytest.mark.django_db
def test_a_page_shows_the_way_to_its_section() -> None:
    client = Client()
    client.force_login(make_user(VIEWER))
    said = client.get("/captures/").content.decode()
    assert f'href="{address_of(SECTIONS["trimming:captures"])}"' in said

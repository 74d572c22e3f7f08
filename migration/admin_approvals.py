"""Requests for approval in the admin: a queue, the evidence on the page, approve and reject.

Who may decide, and what turns a request down, is asked by approvals.py alone.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.admin_rows import ReadOnlyAdmin, chip, moment, stored
from migration.approval_page import (
    APPROVAL_LOOKS,
    QUEUE,
    WAITING_FIRST,
    judged_now,
    next_phase,
    queue,
    shown,
    verdict_of,
)
from migration.choices import GATE_LOOKS, ApprovalState, PhaseName
from migration.forms import why_too_long
from migration.gate_rows import LABELS
from migration.models import Approval
from trimming.quantities import duration

MAX_REASON_CHARACTERS: Final = Approval._meta.get_field("reason").max_length or 500
# what was asked for cannot be done; nothing was changed
REFUSED: Final = 422
REASON = stored("reason", _("reason"))
REQUESTED = moment("requested_at", _("requested"))
DECIDED = moment("decided_at", _("decided"))
# of a row's rollout, phase and step
CONTEXT: Final = "step__phase__attempt__rollout"


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    """Requests: those that wait first."""

    list_display = (
        "what",
        "state_chip",
        "evidence_now",
        "expires_in",
        "asked_by",
        REQUESTED,
        "decided_by",
        DECIDED,
        REASON,
    )
    list_filter = ("state", "step__phase__name", "requested_at")
    search_fields = (
        "step__phase__attempt__rollout__name",
        "requested_by__username",
        "decided_by__username",
        "reason",
    )
    search_help_text = _("Name of the rollout, who asked or decided, or reason")
    date_hierarchy = "requested_at"
    list_select_related = (CONTEXT, "requested_by", "decided_by")
    ordering = (WAITING_FIRST, "-requested_at")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        """Bring the rollout along, and leave the evidence out of lists: it is large."""
        found = super().get_queryset(request).select_related(*self.list_select_related)
        is_list = request.resolver_match is not None and "object_id" not in (
            request.resolver_match.kwargs
        )
        return found.defer("situation", "results") if is_list else found

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a request; a POST approves or rejects it."""
        approval = self.get_object(request, object_id)
        if not self.has_view_permission(request, approval):
            raise PermissionDenied
        if approval is None:
            raise Http404
        if request.method != "POST":
            return self._page(request, approval)
        refusal = _decide(request, approval)
        if not refusal:
            return HttpResponseRedirect(request.path)
        messages.error(request, f"{refusal} {gettext('Nothing was changed.')}")
        approval = self.get_object(request, object_id) or approval
        return self._page(request, approval, status=REFUSED)

    def _page(self, request: HttpRequest, approval: Approval, status: int = 200) -> HttpResponse:
        now = timezone.now()
        context = {
            "opts": self.opts,
            "original": approval,
            "title": _title(approval),
            "shown": shown(approval, request.user, now),
            "state_look": APPROVAL_LOOKS[ApprovalState(approval.state)],
            "rollout": approval.step.phase.attempt.rollout,
            "queue": [
                (each, APPROVAL_LOOKS[ApprovalState(each.state)], _what(each))
                for each in queue()[:QUEUE]
            ],
            "reason": request.POST.get("reason", ""),
            "max_reason": MAX_REASON_CHARACTERS,
        }
        template = "admin/migration/approval/change_form.html"
        return TemplateResponse(request, template, context, status=status)

    @admin.display(description=_("what"))
    def what(self, approval: Approval) -> str:
        """Show the rollout and what begins."""
        rollout = approval.step.phase.attempt.rollout
        return f"{rollout.name}: {_what(approval)}"

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, approval: Approval) -> SafeString:
        """Show the state."""
        return chip(APPROVAL_LOOKS[ApprovalState(approval.state)], approval.get_state_display())

    @admin.display(description=_("requested by"), ordering="requested_by__username")
    def asked_by(self, approval: Approval) -> str:
        """Show who asked."""
        who = approval.requested_by
        return gettext("the rollout itself") if who is None else who.get_username()

    @admin.display(description=_("expires in"), ordering="expires_at")
    def expires_in(self, approval: Approval) -> str:
        """Show how long a request that waits holds."""
        if approval.state != ApprovalState.WAITING:
            return ""
        left = (approval.expires_at - timezone.now()).total_seconds()
        return duration(left) if left > 0 else gettext("expired")

    @admin.display(description=_("evidence now"))
    def evidence_now(self, approval: Approval) -> SafeString | str:
        """Show the verdict of the evidence as it is now, of a request that waits."""
        results = judged_now(approval, timezone.now())
        if results is None:
            return ""
        verdict = verdict_of(results)
        return chip(GATE_LOOKS[verdict], LABELS[verdict])


def _what(approval: Approval) -> str:
    behind = next_phase(PhaseName(approval.step.phase.name))
    return str(behind.label) if behind else approval.step.phase.get_name_display()


def _title(approval: Approval) -> str:
    if approval.state == ApprovalState.WAITING:
        return gettext("Approve %(phase)s?") % {"phase": _what(approval)}
    return _what(approval)


def _decide(request: HttpRequest, approval: Approval) -> str:
    """Approve or reject as asked; return why not, or nothing."""
    from migration import approvals, operations

    now, reason = timezone.now(), request.POST.get("reason", "").strip()
    if refusal := why_too_long(reason):
        return refusal
    try:
        match request.POST.get("decide"):
            case "approve":
                if refusal := approvals.why_not(approval, request.user):
                    return refusal
                rollout = approval.step.phase.attempt.rollout
                situation = operations.looked_at(rollout, now)
                approvals.approve(approval, situation, request.user, reason)
            case "reject":
                approvals.reject(approval, request.user, reason, now)
            case _:
                return gettext("Choose to approve or to reject.")
    except approvals.ApprovalRefusedError as refused:
        return str(refused)
    said = gettext("%(state)s: %(what)s.")
    messages.success(
        request, said % {"state": approval.get_state_display(), "what": _what(approval)}
    )
    return ""

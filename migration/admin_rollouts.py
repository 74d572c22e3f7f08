"""Rollouts in the admin: history, and buttons that go through operations.py with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.admin_rows import ReadOnlyAdmin, chip, link_to, moment
from migration.acts import ABORT, ACTS, BY_NAME, DRILL, OPERATE, Act, acts_for, is_possible
from migration.choices import ROLLOUT_LOOKS, Move, RolloutState
from migration.forms import why_too_long
from migration.models import Rollout
from migration.moves import MoveRefusedError, row_of

REFUSED: Final = 422
MAX_REASON_CHARACTERS: Final = 500
CREATED = moment("created_at", _("made"))
STARTED = moment("started_at", _("started"))
FINISHED = moment("finished_at", _("ended"))
# what belongs to a rollout, and the lookup that finds it in its list
RELATED: Final = (
    ("attempt", "rollout__id__exact", _("Attempts")),
    ("decision", "rollout__id__exact", _("Decisions")),
    ("evaluation", "attempt__rollout__id__exact", _("Evaluations")),
    ("limitsversion", "rollout__id__exact", _("Versions of limits")),
    ("suspect", "attempt__rollout__id__exact", _("Suspects")),
    ("rollbackdrill", "attempt__rollout__id__exact", _("Drills")),
)


def _action(act: Act) -> Callable[..., HttpResponse | None]:
    """Return the action of the list that leads to the page which asks for the reason."""

    def chosen(
        model_admin: RolloutAdmin, request: HttpRequest, queryset: QuerySet[Rollout]
    ) -> HttpResponse | None:
        rows = list(queryset[:2])
        if len(rows) != 1:
            messages.error(request, gettext("Choose one rollout. Nothing was changed."))
            return None
        return HttpResponseRedirect(address_of(rows[0], act))

    chosen.__name__ = str(act.name)
    permission = act.permission.rpartition(".")[2]
    return admin.action(description=act.confirm, permissions=[permission])(chosen)


def address_of(rollout: Rollout, act: Act) -> str:
    """Return where a thing is done to a rollout."""
    return reverse("admin:migration_rollout_act", args=[rollout.pk, act.name])


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    """Rollouts, with what can be done to them."""

    list_display = ("name", "state_chip", "created_by", CREATED, STARTED, FINISHED)
    list_filter = ("state", "created_at")
    search_fields = ("name", "=id")
    search_help_text = _("Name or number")
    date_hierarchy = "created_at"
    list_select_related = ("created_by",)
    actions: Any = tuple(_action(act) for act in ACTS)
    rows = (
        ("name", "state_chip"),
        ("created_by", CREATED),
        (STARTED, FINISHED),
        "related",
        "report",
    )

    def has_operate_rollout_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission of operations.py."""
        return request.user.has_perm(OPERATE)

    def has_abort_rollout_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission of operations.py."""
        return request.user.has_perm(ABORT)

    def get_urls(self) -> list[Any]:
        """Add the page that asks for the reason."""
        page = self.admin_site.admin_view(self.act)
        name = "migration_rollout_act"
        return [path("<int:rollout_id>/act/<slug:act_name>/", page, name=name), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a rollout, with a button for each thing that this person may do now."""
        rollout = self.get_object(request, object_id)
        buttons = []
        permissions = [each for each in (OPERATE, ABORT) if request.user.has_perm(each)]
        if rollout is not None:
            buttons = [
                (address_of(rollout, act), act)
                for act in acts_for(RolloutState(rollout.state), permissions)
            ]
        return super().change_view(request, object_id, form_url, {"buttons": buttons})

    def act(self, request: HttpRequest, rollout_id: int, act_name: str) -> HttpResponse:
        """Ask for the reason; a POST does it and leads back to the rollout."""
        act = BY_NAME.get(act_name)
        rollout = Rollout.objects.filter(pk=rollout_id).first()
        if act is None or rollout is None:
            raise Http404
        if not (self.has_view_permission(request) and request.user.has_perm(act.permission)):
            raise PermissionDenied
        if request.method != "POST":
            return self._ask(request, rollout, act, _why_not(act, rollout))
        refusal = _done(request, rollout, act)
        if refusal:
            rollout.refresh_from_db()
            return self._ask(request, rollout, act, refusal, status=REFUSED)
        said = gettext("Done: %(what)s. The rollout is %(state)s.")
        words = {"what": act.confirm, "state": rollout.get_state_display().lower()}
        messages.success(request, said % words)
        return HttpResponseRedirect(reverse("admin:migration_rollout_change", args=[rollout.pk]))

    def _ask(
        self, request: HttpRequest, rollout: Rollout, act: Act, refusal: str, status: int = 200
    ) -> HttpResponse:
        context = {
            "opts": self.opts,
            "original": rollout,
            "title": act.confirm,
            "act": act,
            "is_possible": is_possible(act, RolloutState(rollout.state)),
            "refusal": refusal,
            "reason": request.POST.get("reason", ""),
            "max_reason": MAX_REASON_CHARACTERS,
            "look": ROLLOUT_LOOKS[RolloutState(rollout.state)],
        }
        return TemplateResponse(request, "admin/migration/rollout/act.html", context, status=status)

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, rollout: Rollout) -> SafeString:
        """Show the state."""
        return chip(ROLLOUT_LOOKS[RolloutState(rollout.state)], rollout.get_state_display())

    @admin.display(description=_("belongs to it"))
    def related(self, rollout: Rollout) -> SafeString:
        """Link to what belongs to it."""
        found = []
        for model, lookup, label in RELATED:
            listed = reverse(f"admin:migration_{model}_changelist")
            found.append((link_to(rollout, label, f"{listed}?{lookup}={rollout.pk}"),))
        return format_html_join(" · ", "{}", found)

    @admin.display(description=_("final report"))
    def report(self, rollout: Rollout) -> SafeString | str:
        """Link to the final report."""
        return link_to(getattr(rollout, "final_report", None), _("Open the final report"))


def _why_not(act: Act, rollout: Rollout) -> str:
    """Return why the rollout's state does not allow it; nothing where it does."""
    if is_possible(act, RolloutState(rollout.state)):
        return ""
    if act.name == DRILL:
        return gettext("A rollback is rehearsed while a rollout runs.")
    try:
        row_of(Move(act.name), RolloutState(rollout.state))
    except MoveRefusedError as refused:
        return str(refused)
    return gettext("The rollout is aborted already.")


def _done(request: HttpRequest, rollout: Rollout, act: Act) -> str:
    """Do it; return why it was refused, or nothing."""
    from migration import drills, operations
    from trimming.policy import PolicyRefusedError

    reason = request.POST.get("reason", "").strip()
    if refusal := why_too_long(reason):
        return refusal
    if act.word and request.POST.get("word", "").strip().lower() != act.word:
        return gettext("Type the word %(word)s to confirm.") % {"word": act.word}
    done: Callable[..., Any] = (
        drills.hold_drill if act.name == DRILL else getattr(operations, act.name)
    )
    try:
        done(rollout, request.user, reason, timezone.now())
    except (operations.RefusedError, drills.DrillRefusedError, PolicyRefusedError) as refused:
        return str(refused)
    return ""

"""A change that somebody asks for in the form, and what it would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext_noop as _

from config.comparison import Difference, compared
from config.edits import Edits, read_edits
from config.forms import ReasonForm
from config.in_force import InForce
from config.languages.told import told
from config.layers import ConfigurationError
from config.meanwhile import Meanwhile, since
from config.sections import registry
from config.setting_rows import names_in

# where values stand that somebody gives in the console
PLACE: Final = _("version %(number)d by %(typed_name)s")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong, and the settings that it is about."""

    sentence: str
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Input, and what would come of it; empty where nothing was asked for."""

    form: ReasonForm | None = None
    edits: Edits = field(default_factory=lambda: Edits({}))
    differences: Sequence[Difference] = ()
    wrong: Sequence[Wrong] = ()
    meanwhile: Meanwhile | None = None

    @property
    def can_be_applied(self) -> bool:
        """Whether something would change, nothing is wrong, and nobody was faster."""
        return bool(self.differences) and not self.wrong and self.meanwhile is None

    @property
    def changes_nothing(self) -> bool:
        """Whether the input is what is in force."""
        return self.form is not None and self.edits.is_empty

    def problems(self) -> dict[str, str]:
        """Return what is wrong by settings; a rule stands beside both that it is about."""
        return {name: each.sentence for each in self.wrong for name in each.names}


def asked(found: InForce, form: ReasonForm, posted: Mapping[str, str], who: str) -> Asked:
    """Return what a form asks for on top of what is in force."""
    place = PLACE % {"number": found.number + 1, "typed_name": who}
    edits = read_edits(registry, found.configuration, found.console, posted, place)
    meanwhile = since(form.base_number, found.number)
    if edits.problems:
        wrong = [Wrong(sentence, [name]) for name, sentence in edits.problems.items()]
        return Asked(form, edits, wrong=wrong, meanwhile=meanwhile)
    try:
        differences = compared(found.configuration, found.with_console(edits.console))
    except ConfigurationError as error:
        sentences = [problem.sentence for problem in error.problems]
        wrong = [Wrong(told(each), names_in(each, registry)) for each in sentences]
        return Asked(form, edits, wrong=wrong, meanwhile=meanwhile)
    return Asked(form, edits, differences, meanwhile=meanwhile)

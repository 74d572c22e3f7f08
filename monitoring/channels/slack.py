"""The channel ``slack``: Block Kit by the official SDK."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from django.utils.translation import gettext_noop as _
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient

from config.secret_references import secret
from monitoring.alerts.message import Message
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import SlackSettings, is_web_address
from monitoring.channels.failures import as_channel_errors, patience
from monitoring.channels.guarded_names import guarded
from monitoring.channels.slack_blocks import blocks, fallback

API: Final = "https://slack.com/api/"
EVENT: Final = "pktmask_alert"
# the same key gives the same id, in whatever process
_NAMESPACE: Final = uuid.UUID("8f0f4a54-9f0c-5d0e-9d6f-2f5d0c6f3c55")
_CODE: Final = re.compile("[a-z][a-z0-9_]{1,60}")
# what a person must mend first, and how.  All other answers may be different next time.
REFUSALS: Final[Mapping[str, str]] = {
    "account_inactive": _("the bot or its workspace was switched off"),
    "action_prohibited": _("an administrator of the workspace forbids it"),
    "channel_is_archived": _("the channel is archived"),
    "channel_not_found": _("there is no such channel, or the bot is not in it; invite it"),
    "ekm_access_denied": _("an administrator of the workspace suspended it"),
    "invalid_arguments": _("Slack does not accept the message"),
    "invalid_auth": _("the token is not valid; make a new one"),
    "invalid_blocks": _("Slack does not accept the message"),
    "invalid_payload": _("Slack does not accept the message"),
    "invalid_token": _("the webhook is not valid; make a new one"),
    "is_archived": _("the channel is archived"),
    "messages_tab_disabled": _("the bot takes part in no direct messages"),
    "metadata_too_large": _("Slack does not accept the message"),
    "missing_scope": _("the bot lacks the scope chat:write"),
    "msg_too_long": _("Slack does not accept the message"),
    "no_permission": _("the bot may not post there"),
    "no_service": _("the webhook was removed or switched off; make a new one"),
    "no_team": _("the workspace of the webhook is gone"),
    "no_text": _("Slack does not accept the message"),
    "not_allowed_token_type": _("the token is of a kind that may not post; take the bot's token"),
    "not_authed": _("there is no token"),
    "not_in_channel": _("the bot is not in the channel; invite it"),
    "posting_to_general_channel_denied": _("the workspace lets few post there"),
    "restricted_action": _("an administrator of the workspace forbids it"),
    "team_access_not_granted": _("the bot may not post in this workspace"),
    "team_not_found": _("the workspace of the webhook is gone"),
    "token_expired": _("the token has expired; make a new one"),
    "token_revoked": _("the token was withdrawn; make a new one"),
    "two_factor_setup_required": _("an administrator of the workspace forbids it"),
}
MEND_FIRST: Final = frozenset({400, 401, 403, 404, 410})


def _quiet() -> logging.Logger:
    """Return a logger that writes nothing: the SDK's lines would quote what was sent."""
    logger = logging.getLogger("pktmask.slack_sdk")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """Posts to a channel of Slack."""

    settings: SlackSettings
    api: str = API

    def send(self, message: Message) -> str:
        """Post it; raises ChannelError."""
        with as_channel_errors("Slack"), guarded(allow_private=True):
            return self._by_token(message) if self.settings.token else self._by_webhook(message)

    def preview(self, message: Message) -> Mapping[str, str]:
        """Return the blocks, as Slack's Block Kit Builder takes them, and the notification."""
        shown = json.dumps({"blocks": blocks(message)}, ensure_ascii=False, indent=2)
        return {"application/json": shown, "text/plain": fallback(message)}

    def _by_token(self, message: Message) -> str:
        channel = channel_of(self.settings, message.level)
        if not channel:
            raise ChannelError(_("slack.channel names no channel; set it to the id of one."))
        client = WebClient(
            token=secret(self.settings.token),
            base_url=self.api,
            timeout=self._timeout(),
            logger=_quiet(),
            retry_handlers=[],  # the outbox tries again
        )
        try:
            client.chat_postMessage(
                channel=channel,
                text=fallback(message),
                blocks=blocks(message),
                metadata=_metadata(message),
                unfurl_links=False,
                unfurl_media=False,
                client_msg_id=str(uuid.uuid5(_NAMESPACE, message.key)),
            )
        except SlackApiError as error:
            raise _refused(error.response) from None
        return _("Slack took it for %(channel)s.") % {"channel": channel}

    def _by_webhook(self, message: Message) -> str:
        if not self.settings.webhook:
            raise ChannelError(_("Neither slack.token nor slack.webhook is set; set one of them."))
        address = secret(self.settings.webhook)
        if not is_web_address(address):
            raise ChannelError(_("What slack.webhook leads to is no address on the web."))
        client = WebhookClient(address, timeout=self._timeout(), logger=_quiet(), retry_handlers=[])
        answer = client.send(
            text=fallback(message),
            blocks=blocks(message),
            metadata=_metadata(message),
            unfurl_links=False,
            unfurl_media=False,
        )
        said = str(answer.body)
        if answer.status_code == 200 and said == "ok":
            return _("Slack took it for the channel of the webhook.")
        raise _failed(answer.status_code, said, answer.headers)

    def _timeout(self) -> int:
        # the SDK hands it to urlopen, which takes fractions
        return cast(int, self.settings.timeout_seconds)


def channel_of(settings: SlackSettings, level: int) -> str:
    """Return the channel of a support level; a level without one has that of the level below."""
    by_level = (settings.channel, settings.level_2_channel, settings.level_3_channel)
    return next((each for each in reversed(by_level[: max(1, level)]) if each), "")


def _metadata(message: Message) -> dict[str, Any]:
    payload = {"key": message.key, "kind": message.kind.value, "severity": message.severity.value}
    return {"event_type": EVENT, "event_payload": payload}


def _refused(answer: Any) -> ChannelError:
    data = answer.data if isinstance(answer.data, dict) else {}
    return _failed(answer.status_code, str(data.get("error", "")), answer.headers)


def _failed(status: int, code: str, headers: Mapping[str, str]) -> ChannelError:
    """Return what an answer means; words of the answer stand in it only when they are a code."""
    if status == 429 or code in ("ratelimited", "rate_limited", "message_limit_exceeded"):
        return ChannelError(
            _("Slack asks for patience: too many messages."), retry_after_seconds=patience(headers)
        )
    if code in REFUSALS:
        said = _("Slack refused it (%(code)s): %(why)s.")
        return ChannelError(said % {"code": code, "why": REFUSALS[code]}, permanent=True)
    if _CODE.fullmatch(code):
        return ChannelError(
            _("Slack did not take it (%(code)s).") % {"code": code},
            permanent=status in MEND_FIRST,
            retry_after_seconds=patience(headers),
        )
    return ChannelError(
        _("What answered with HTTP %(status)d does not speak as Slack does.") % {"status": status},
        permanent=status in MEND_FIRST,
        retry_after_seconds=patience(headers),
    )

"""Posts each alert to a web address, signed if there is a key."""

import hashlib
import hmac

from ..config.outputs import WebhookConfig
from ..config.webhooks import WebhookAccess, read_webhook
from ..errors import ConfigError
from ..mqtt.messages import AlertMessage
from ..phone.destination import Destination
from ..phone.formats import Request, request_for
from ..phone.texts import alert_text
from .driver import Failure

SIGNATURE = "X-Maskwatch-Signature-256"
"""The header with ``sha256=`` and the HMAC-SHA256 of the body in hexadecimal digits."""


class Webhook:
    """A web address as the recipient of alerts. Belongs to the thread ``output-NAME``, except ``close``."""

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._destination: Destination | None = None
        self._read: WebhookAccess | None = None
        self._closed = False

    def deliver(self, payload: bytes) -> Failure | None:
        """Posts an alert. Address, token and key are read anew, so that a correction needs no restart."""
        try:
            webhook = read_webhook(self._config)
            destination = self._open(webhook)
            request = self._request(payload)
        except ConfigError as fault:
            return Failure(str(fault), retry=True)
        except ValueError as fault:  # of the payload
            return Failure(str(fault), retry=False)
        if self._closed:
            return Failure("maskwatch ends", retry=True)
        headers = request.headers | (signature(webhook.key, request.body) if webhook.key else {})
        if (failure := destination.post(headers, request.body)) is None:
            return None
        self._read = None  # opened anew, the next attempt sees other certificates of authorities too
        return Failure(f"{destination.server} {failure.reason}", failure.retry, failure.pause)

    def _open(self, webhook: WebhookAccess) -> Destination:
        """Returns where to post; after a success the same as before, because reading all certificates takes long."""
        if self._destination is None or self._read != webhook:
            option = f"outputs.{self._config.name}.url"
            self._destination = Destination(
                webhook.url, webhook.token, option=option, login_advice=_login_advice(self._config)
            )
            self._read = webhook
        return self._destination

    def close(self) -> None:
        self._closed = True
        if self._destination:
            self._destination.end()

    def _request(self, payload: bytes) -> Request:
        """Returns the request for an alert. Raises ``ValueError`` for a payload that is none."""
        if self._config.format == "alert":
            return Request({"Content-Type": "application/json"}, payload)
        return request_for(alert_text(AlertMessage.decode(payload), None), self._config.format, "")


def _login_advice(config: WebhookConfig) -> str:
    if not config.secret_file:
        return "check the login or token"
    return f"check login, token and key (outputs.{config.name}.secret_file)"


def signature(key: bytes, body: bytes) -> dict[str, str]:
    """Returns the header that proves who has sent a body."""
    return {SIGNATURE: f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"}

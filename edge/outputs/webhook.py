"""Posts each alert to a web address, signed if there is a key."""

import hashlib
import hmac

from ..config.outputs import WebhookConfig
from ..config.webhooks import read_webhook
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
        self._closed = False

    def deliver(self, payload: bytes) -> Failure | None:
        """Posts an alert. Address, token and key are read anew, so that a correction needs no restart."""
        option = f"outputs.{self._config.name}.url"
        try:
            webhook = read_webhook(self._config)
            self._destination = Destination(
                webhook.url, webhook.token, option=option, login_advice="check the login or token"
            )
        except ConfigError as fault:
            return Failure(str(fault), retry=True)
        if self._closed:
            return Failure("maskwatch ends", retry=True)
        try:
            request = self._request(payload)
        except ValueError as fault:
            return Failure(str(fault), retry=False)
        headers = request.headers | (signature(webhook.key, request.body) if webhook.key else {})
        failure = self._destination.post(headers, request.body)
        reason = f"{self._destination.server} {failure.reason}" if failure else ""
        return Failure(reason, failure.retry, failure.pause) if failure else None

    def close(self) -> None:
        self._closed = True
        if self._destination:
            self._destination.end()

    def _request(self, payload: bytes) -> Request:
        """Returns the request for an alert. Raises ``ValueError`` for a payload that is none."""
        if self._config.format == "alert":
            return Request({"Content-Type": "application/json"}, payload)
        return request_for(alert_text(AlertMessage.decode(payload), None), self._config.format, "")


def signature(key: bytes, body: bytes) -> dict[str, str]:
    """Returns the header that proves who has sent a body."""
    return {SIGNATURE: f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"}

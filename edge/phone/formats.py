"""Puts a text into an HTTP request, as the service at the other end understands it."""

import base64
import json
from dataclasses import dataclass

from ..config.phone import PostFormat
from .texts import Text


@dataclass(frozen=True, slots=True)
class Request:
    """Headers and body of a POST."""

    headers: dict[str, str]
    body: bytes


def request_for(text: Text, form: PostFormat, link: str) -> Request:
    """Returns the request for a text; ``link`` is what a tap on the text opens, or empty."""
    if form == "json":
        values = {"title": text.title, "message": text.message, "priority": text.priority, "device": text.device}
        values |= {"click": link} if link else {}
        return Request({"Content-Type": "application/json"}, json.dumps(values).encode())
    plain = {"Content-Type": "text/plain; charset=utf-8"}
    if form == "plain":
        return Request(plain, text.message.encode())
    headers = {"Title": _header(text.title), "Priority": str(text.priority), "Tags": text.tag}
    headers |= {"Click": _header(link)} if link else {}
    if text.picture is None:
        return Request(headers | plain, text.message.encode())
    # the body is the attachment, so the text goes into a header
    attachment = {"Message": _header(text.message), "Filename": "snapshot.jpg", "Content-Type": "image/jpeg"}
    return Request(headers | attachment, text.picture)


def _header(value: str) -> str:
    """Returns a value as a header may contain it: RFC 2047 for what is not ASCII, which ntfy decodes."""
    if value.isascii() and "=?" not in value:
        return value
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="

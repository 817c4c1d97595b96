"""Takes retained messages back: publishes an empty one on each topic, which makes the broker delete what it keeps."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .announced import Announcement
from .events import Acknowledged, Connected, Disconnected, Received
from .link import Link
from .mailbox import Mailbox

PATIENCE = 10.0
"""Seconds that a connection, and each acknowledgement, may take."""
LOOKING = 1.0
"""Seconds in which a broker names what it keeps. It does so at once."""


@dataclass(slots=True)
class Outcome:
    """What became of the topics. ``refused`` has the reason per topic, ``unreachable`` why there is no connection."""

    cleared: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    unreachable: str = ""

    @property
    def reason(self) -> str:
        """Returns why topics are left; empty if none is, or another camera has them."""
        return next(iter(self.refused.values()), self.unreachable)


def take_back(
    old: Announcement,
    client_id: str,
    *,
    with_credential: bool,
    everything: bool = False,
    still: Callable[[], bool] = lambda: True,
) -> Outcome:
    """Clears the topics of an announcement, one after the other; ends early once ``still()`` is false.

    ``client_id`` should be that of the camera itself if that is gone. A broker has one connection per client id, so the
    camera's last will, if its connection was cut and the broker has not noticed, is published before the messages are
    cleared, and never after. ``with_credential`` allows the password of systemd's credential, which only the configured
    broker may see. ``everything`` also clears all other messages that the broker keeps below the camera's own topic:
    those of other versions, and commands that somebody has retained.
    """
    outcome, problem = Outcome(), [""]

    def report(text: str | None) -> None:
        problem[0] = text or ""

    mailbox = Mailbox[None]()
    try:
        link = Link(old.broker, client_id, mailbox, report=report, name="forget", with_credential=with_credential)
    except (ValueError, OSError, RuntimeError) as error:  # a password or TLS file that is gone
        outcome.unreachable = str(error)
        return outcome
    try:
        _clear_all(link, mailbox, old.topics, outcome, still)
        if everything:
            _clear_all(link, mailbox, _kept(link, mailbox, old.root), outcome, still)
        if not link.connected and still():
            outcome.unreachable = _reason(problem[0], link)
    finally:
        link.close()
    return outcome


def _clear_all(
    link: Link, mailbox: Mailbox[None], topics: Iterable[str], outcome: Outcome, still: Callable[[], bool]
) -> None:
    for topic in topics:
        if not still() or not _connected(link, mailbox):
            break
        if reason := _clear(link, mailbox, topic):
            outcome.refused[topic] = reason
        else:
            outcome.cleared.append(topic)


def _connected(link: Link, mailbox: Mailbox[None]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not link.connected and time.monotonic() < deadline:
        if isinstance(mailbox.next(link, 0.1), Connected):
            return True
    return link.connected


def _clear(link: Link, mailbox: Mailbox[None], topic: str) -> str:
    """Clears one topic; returns why not, or an empty text. One at a time, so that a broker that hangs up names it."""
    try:
        mid = link.send(topic, b"", qos=1, retain=True)
    except ValueError as error:  # a topic that MQTT or the broker does not allow: the file may have been edited
        return str(error)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        match mailbox.next(link, 0.1):
            case Acknowledged(number, reason) if number == mid:
                return str(reason) if reason.is_failure else ""
            case Disconnected(reason):
                return f"the connection ended: {reason}"
    return f"no acknowledgement for {PATIENCE:.0f} s"


def _kept(link: Link, mailbox: Mailbox[None], root: str) -> list[str]:
    """Returns the topics below ``root`` on which the broker still keeps a message, as far as it lets us know."""
    topics: dict[str, None] = {}
    if link.connected:
        link.subscribe(f"{root}/#")
        deadline = time.monotonic() + LOOKING
        while link.connected and time.monotonic() < deadline:
            match mailbox.next(link, 0.1):
                case Received(topic, payload, True) if payload:
                    topics[topic] = None
    return list(topics)


def _reason(problem: str, link: Link) -> str:
    text = problem.removesuffix("; retrying") or f"the broker {link.where} does not answer"
    return text.replace(f"cannot reach the broker at {link.where}:", f"the broker {link.where} cannot be reached:")

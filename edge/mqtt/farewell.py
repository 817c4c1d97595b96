"""Says ``offline`` at the end of the publisher, so that the broker need not say it."""

import time

from .delivery import Delivery
from .events import Acknowledged
from .link import Link
from .mailbox import Mailbox
from .outgoing import Outgoing
from .requests import Request


def say_offline(link: Link, mailbox: Mailbox[Request], delivery: Delivery, topic: str) -> None:
    """Publishes ``offline``, waits for its acknowledgement, and closes the link.

    A socket that is closed over unread answers is reset. Then the broker may never read the DISCONNECT behind them,
    and publishes the last will too.
    """
    status = delivery.limits.admit(Outgoing(topic, b"offline", retain=True))
    if link.connected and status is not None:
        mid = link.send(status.topic, status.payload, qos=1, retain=status.retain)
        deadline = time.monotonic() + 1
        while link.connected and time.monotonic() < deadline:
            event = mailbox.next(link, 0.1)
            if isinstance(event, Acknowledged):
                if event.mid == mid:
                    break
                delivery.acknowledged(event.mid, event.reason)
    link.close(1.0)

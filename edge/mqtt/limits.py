"""Knows what the broker does not take of one camera, leaves it out, and says so in one sentence for ``health``."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from paho.mqtt.reasoncodes import ReasonCode

from .outgoing import Outgoing
from .refusals import is_final

log = logging.getLogger(__name__)

LEFT_OUT = 3600.0
"""Seconds after which a message that was left out is tried once more: somebody may have changed the broker's rules."""
SMALLEST_SHRUNK = 16 * 1024
"""Bytes from which a smaller message of the same kind is tried once; the reason for a smaller one is not its size."""
SHRINK = 4
NO_REASON = ("Unspecified error", "Normal disconnection", "Protocol error")
"""What paho says at the end of a connection without a reason from the broker."""
UNSPECIFIED = 128
ADVICE = "allow it in the broker's access rights (ACL) of this camera's user"


class Limits:
    """What the broker does not take. Belongs to the publisher's thread; ``largest`` may be read by any thread.

    ``report`` receives the sentence on each change, and None when the broker takes everything.
    """

    def __init__(self, report: Callable[[str | None], None]) -> None:
        self._report = report
        self._reported: str | None = None
        self._refused: dict[str, ReasonCode] = {}
        self._left_out: dict[str, float] = {}
        self._texts: dict[str, str] = {}
        self._unretained: set[str] = set()
        self._largest: dict[str, int] = {}
        self._again: set[str] = set()

    def largest(self, topic: str) -> int | None:
        """Returns how many bytes of a payload on this topic the broker has seemed to take; None if as many as any."""
        return self._largest.get(topic)

    def admit(self, message: Outgoing) -> Outgoing | None:
        """Returns the message as it may be sent; None if it is left out."""
        since = self._left_out.get(message.key)
        if since is not None:
            if time.monotonic() - since < LEFT_OUT:
                return None
            self._try_once_more(message.key)
        if message.retain and (message.key in self._unretained or len(self._unretained - self._again) > 1):
            # the second topic shows that it is retaining that the broker does not allow, not the topic
            message = replace(message, retain=False)
        return None if len(message.payload) > self._largest.get(message.key, len(message.payload)) else message

    def try_again(self) -> None:
        """Lets everything that is left out be tried once more: the broker was away, and may have other rules now."""
        for key in list(self._left_out):
            self._try_once_more(key)

    def on_trial(self, message: Outgoing) -> bool:
        """Returns whether an earlier or a larger message of this kind was guilty, and this one was not tried yet."""
        return message.key in self._again

    def answered(self, message: Outgoing, reason: ReasonCode) -> None:
        """Takes the broker's answer to a message that is not an alert."""
        self._again.discard(message.key)
        if reason.is_failure:
            self._refused[message.key] = reason
        else:
            self._refused.pop(message.key, None)
            self.say(f"size of {message.key}", None)
            self.say(f"{message.key} is left out", None)

    def guilty(self, message: Outgoing, reason: object) -> Outgoing | None:
        """Takes a message on which the broker hangs up; returns another form of it to try, if there is one now."""
        first, size = message.key not in self._again, len(message.payload)
        self._again.add(message.key)
        if first and message.retain:
            self._unretained.add(message.key)
            self._say_unretained()
            return replace(message, retain=False)
        if first and size >= SMALLEST_SHRUNK:
            self._largest[message.key] = size // SHRINK
            self._say(message, f"{hangs_up(f'{message.key} of {_size(size)}', reason)}; "
                               f"more than {_size(size // SHRINK)} are left out")  # fmt: skip
            return None
        what = f"the {message.key}" if message.subscribes else message.key
        self._again.discard(message.key)
        self._unretained.discard(message.key)  # that was not the reason
        self._say_unretained()
        self._left_out[message.key] = time.monotonic()
        self.say(message.key, None)
        self.say(f"{message.key} is left out", f"{hangs_up(what, reason)}; it is left out{advice(reason)}")
        return None

    def _say_unretained(self) -> None:
        what = f"retained messages on {', '.join(sorted(self._unretained))}"
        text = f"{hangs_up(what, '')}; they are sent without being retained: who connects later does not see them"
        self.say("unretained", text if self._unretained else None)

    def too_large(self, message: Outgoing, largest: int) -> None:
        """Takes a message that is larger than the broker's announced limit."""
        size, limit = _size(len(message.payload)), _size(largest)
        text = f"{message.key} ({size}) is larger than the {limit} that the broker takes; it is left out"
        self.say(f"size of {message.key}", text)

    def hopeless(self, reason: object) -> None:
        """Says that the broker answers nothing."""
        self.say("everything", f"{hangs_up('anything from this camera', reason)}{advice(reason)}")
        self.tell()

    def say(self, subject: str, text: str | None) -> None:
        """Takes another limit of the broker, or None when it is over."""
        if text is None:
            self._texts.pop(subject, None)
        else:
            self._texts[subject] = text

    def _say(self, message: Outgoing, text: str) -> None:
        self._texts[message.key] = text

    def _try_once_more(self, key: str) -> None:
        del self._left_out[key]
        self._largest.pop(key, None)
        self._again.add(key)

    def tell(self) -> None:
        """Reports what has changed."""
        by_reason: dict[str, tuple[ReasonCode, list[str]]] = {}
        for key, reason in self._refused.items():
            by_reason.setdefault(str(reason), (reason, []))[1].append(key)
        refusals = [_refusal(reason, keys) for reason, keys in by_reason.values()]
        text = "; ".join([*refusals, *self._texts.values()]) or None
        if text != self._reported:
            self._reported = text
            self._report(text)


def hangs_up(what: str, reason: object) -> str:
    """Says on what the broker hangs up, with its reason if it gives one."""
    given = "" if not str(reason) or str(reason) in NO_REASON else f" ({reason})"
    return f"the broker closes the connection when it gets {what}{given}"


def advice(reason: object) -> str:
    """Returns what to do about the end of a connection, to follow other words: nothing where it may pass by itself."""
    passing = getattr(reason, "value", 0) > UNSPECIFIED and isinstance(reason, ReasonCode) and not is_final(reason)
    return "" if passing else f"; {ADVICE}"


def _refusal(reason: ReasonCode, keys: list[str]) -> str:
    subscriptions = [key for key in keys if " " in key]
    others = [key for key in keys if " " not in key]
    what = ", ".join([*others, *(f"the {key}" for key in subscriptions)])
    # the reason in a SUBACK of MQTT 3.1.1 is always "unspecified": there, rights are the likeliest
    passing = not is_final(reason) and (reason.value != UNSPECIFIED or not subscriptions)
    return f"the broker refuses {what} ({reason}){' for now; it is sent again' if passing else f': {ADVICE}'}"


def _size(count: int) -> str:
    """Returns a number of bytes for a sentence."""
    return f"{count} bytes" if count < 1000 else f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"

"""What the embedded broker keeps, all of it bounded: subscriptions and messages of each client, retained messages."""

from collections import deque

from .broker_packets import Message

MAX_FILTERS = 32
"""Subscriptions per client; a phone service has five."""
MAX_WAITING, MAX_WAITING_BYTES = 5000, 4 * 2**20
"""Messages that wait for one client, and their size. The oldest ones give way."""
WINDOW = 20
"""Messages on their way to a client without an acknowledgement."""
MAX_RETAINED, MAX_RETAINED_BYTES = 256, 8 * 2**20
"""Retained messages, and their size; a camera has six and those of eight days, 10 KB each."""


class Session:
    """What is kept of one client. ``lasting`` outlives the connection; ``own`` has logged in with the password.

    ``away_since`` is when its last connection ended (monotonic seconds), None while it is connected.
    """

    def __init__(self, *, lasting: bool, own: bool) -> None:
        self.lasting = lasting
        self.own = own
        self.filters: dict[str, int] = {}
        self.away_since: float | None = None
        self._waiting: deque[Message] = deque()
        self._waiting_bytes = 0
        self._unacknowledged: dict[int, Message] = {}
        self._number = 0

    def subscribe(self, topic: str, qos: int) -> bool:
        """Adds a subscription. Returns False if the client has too many."""
        if topic not in self.filters and len(self.filters) >= MAX_FILTERS:
            return False
        self.filters[topic] = qos
        return True

    def qos_for(self, topic: str) -> int | None:
        """Returns the QoS in which the client wants messages on a topic; None if it wants none."""
        return max((qos for wanted, qos in self.filters.items() if matches(wanted, topic)), default=None)

    def put(self, message: Message) -> None:
        """Adds a message that must be acknowledged."""
        self._waiting.append(message)
        self._waiting_bytes += message.size
        while len(self._waiting) > MAX_WAITING or (self._waiting_bytes > MAX_WAITING_BYTES and len(self._waiting) > 1):
            self._waiting_bytes -= self._waiting.popleft().size

    def next(self) -> tuple[int, Message] | None:
        """Returns the next message to send, with its number; None if none may be sent now."""
        if not self._waiting or len(self._unacknowledged) >= WINDOW:
            return None
        message = self._waiting.popleft()
        self._waiting_bytes -= message.size
        self._number = self._number % 65535 + 1  # no more than WINDOW of them are in use
        self._unacknowledged[self._number] = message
        return self._number, message

    def acknowledge(self, number: int) -> None:
        """Notes that the client has taken a message."""
        self._unacknowledged.pop(number, None)

    @property
    def unacknowledged(self) -> list[tuple[int, Message]]:
        """Returns what was sent and not acknowledged, to be sent again at the next connection."""
        return list(self._unacknowledged.items())


class Retained:
    """The last message on each topic whose sender asked for that."""

    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}

    def keep(self, message: Message) -> bool:
        """Keeps a message, or forgets the topic if the message is empty. Returns False if there is no room."""
        others = {topic: kept for topic, kept in self._messages.items() if topic != message.topic}
        if message.payload:
            size = sum(kept.size for kept in others.values()) + message.size
            if len(others) >= MAX_RETAINED or size > MAX_RETAINED_BYTES:
                return False
            others[message.topic] = message
        self._messages = others
        return True

    def on(self, wanted: str) -> list[Message]:
        """Returns the messages on the topics that match a filter."""
        return [message for topic, message in self._messages.items() if matches(wanted, topic)]


def matches(wanted: str, topic: str) -> bool:
    """Returns whether a topic matches a filter."""
    if wanted == topic:
        return True
    levels, names = wanted.split("/"), topic.split("/")
    for position, level in enumerate(levels):
        if level == "#":
            return True
        if position >= len(names) or level not in ("+", names[position]):
            return False
    return len(levels) == len(names)

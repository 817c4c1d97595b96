"""Remembers what this camera announces, and takes back what an earlier configuration of it announced."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ..config.schema import Config
from ..files import replace as replace_file
from ..listening import is_same_host
from ..mqtt.announced import Announced, Announcement, announcement
from ..mqtt.taking_back import Outcome, take_back
from ..paths import read_bytes
from .state import StateFiles, identity, is_claimed, running_health, state_files

log = logging.getLogger("maskwatch")
LONGEST_PATH = 4096


class Announcing:
    """Takes back the messages of another name, prefix, discovery or broker, each time the broker is reached.

    It stands between the publisher and ``health``, because the publisher's report that the broker has no problem means
    that there is a new connection. Owns the thread ``mqtt-forget`` while something is to be taken back. Another
    broker than the configured one is tried once per start. ``lasting`` tells whether the broker outlives this process,
    and keeps what this camera announces now.
    """

    def __init__(
        self, config: Config, announced: Announced, health: Callable[[str, str | None], None], *, lasting: bool = True
    ) -> None:
        self._now = announcement(config, discovery=config.homeassistant.discovery)
        self._announced = announced
        self._health = health
        self._lasting = lasting
        self._tried_elsewhere = False
        self._thread: threading.Thread | None = None
        if lasting:
            announced.add(self._now)

    def report(self, part: str, problem: str | None) -> None:
        """Passes a part's problem on, and takes back what is stale when there is a connection. For any thread."""
        self._health(part, problem)
        connected = part == "broker" and problem is None
        if connected and self._announced.stale(self._now) and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._run, name="mqtt-forget", daemon=True)
            self._thread.start()

    # Everything below runs in the thread ``mqtt-forget``.

    def _run(self) -> None:
        self._follow_the_broker()
        refused: dict[str, str] = {}
        for old in self._announced.stale(self._now):
            here = old.at_broker_of(self._now)
            if self._is_of_another(old) or (here and not self._lasting):
                self._announced.remove(old)  # the messages are that camera's own by now, or that broker has gone
            elif here:
                refused |= self._take_back(old).refused
            elif not self._tried_elsewhere:
                self._take_back(old)
        self._tried_elsewhere = True
        self._health("old messages", refusal(refused) if refused else None)

    def _follow_the_broker(self) -> None:
        """Notes the broker's present name, if only that has changed: its messages are not stale then."""
        now = self._now.broker
        for old in self._announced.stale(self._now):
            renamed = not old.at_broker_of(self._now) and old.broker.port == now.port
            if renamed and is_same_host(old.broker.host, now.host):
                self._announced.add(replace(old, broker=replace(now, prefix=old.broker.prefix)))
                self._announced.remove(old)

    def _is_of_another(self, old: Announcement) -> bool:
        return old.key != self._now.key and is_claimed(identity(old.broker, old.device))

    def _take_back(self, old: Announcement) -> Outcome:
        # a client id can be connected only once, and the publisher has this camera's
        client_id = f"{old.client_id}-forget" if old.key == self._now.key else old.client_id
        outcome = take_back(
            old,
            client_id,
            with_credential=old.may_see_password_of(self._now),
            still=lambda: not self._is_of_another(old),
        )
        self._announced.remove(old.only(outcome.cleared))
        if outcome.cleared:
            log.info(
                "removed from the broker at %s what is no longer announced: %s", old.where, listed(outcome.cleared)
            )
        if kept := old.without(outcome.cleared).topics:
            log.warning(
                "earlier messages stay at the broker %s (%s): %s; stop this camera and run maskwatch forget",
                old.where, outcome.reason or "another camera has this name now", listed(kept),
            )  # fmt: skip
        return outcome


def follow_renaming(config: Config, file: Path | None) -> None:
    """Takes over what this camera has announced under an earlier name. ``file`` is the configuration that names it.

    A state folder that nobody has chosen has the name of the camera, so that a new name means a new folder. The same
    configuration file shows that it is the same camera. With ``--device`` one file may serve several cameras.
    """
    if file is None or not file.is_file() or config.state.folder or "STATE_DIRECTORY" in os.environ:
        return
    own, named_by = state_files(config), os.fsencode(os.path.realpath(file))
    try:
        for other in sorted(own.folder.parent.glob(f"*/{own.configuration.name}")):
            earlier = StateFiles(other.parent)
            if other != own.configuration and _names(other) == named_by and running_health(other.parent) is None:
                Announced(own.announced).take_over(earlier.announced)
                other.unlink()
        if _names(own.configuration) != named_by:
            own.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(own.configuration, named_by, durable=False)
    except OSError as error:
        log.warning("an earlier name of this camera cannot be looked up: %s", error)


def _names(configuration: Path) -> bytes:
    """Returns the path of the configuration file that a state folder belongs to; empty if none is noted."""
    try:
        return read_bytes(configuration, LONGEST_PATH)
    except OSError:
        return b""


def refusal(refused: Mapping[str, str]) -> str:
    """Says which messages a broker does not delete, and what to do."""
    topics, reason = listed(refused), next(iter(refused.values()))
    return f"the broker keeps earlier messages on {topics} ({reason}): allow this camera's user to publish there"


def listed(topics: Iterable[str]) -> str:
    """Returns topics for a sentence."""
    return ", ".join(topics)

"""Lets every client of this machine into the embedded broker; amqtt loads it by its name."""

from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session


class LocalClients(BaseAuthPlugin):  # type: ignore[misc]
    """Accepts every login.

    Unlike amqtt's own plugin it marks no client as anonymous: of anonymous clients amqtt keeps no session, so that a
    phone that is away for a moment would miss what is raised meanwhile.
    """

    async def authenticate(self, *, session: Session) -> bool:
        """Returns True."""
        return True

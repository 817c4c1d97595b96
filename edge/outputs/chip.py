"""Drives the pins of this machine by lgpio, as gpiozero does, but without its surprises.

gpio.py imports it when a pin is configured, after it has loaded lgpio.
"""

from typing import Any

import lgpio
from gpiozero import PinUnknownPi
from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin

ANY_PI = 0xA02082
"""Revision of a Raspberry Pi 3B, whose pins are GPIO 0 to 27 of the first chip."""


class ChipPin(LGPIOPin):  # type: ignore[misc]
    """A pin that goes from one level to the other without a third in between, and is left as it was when closed.

    gpiozero's own makes an input of each pin that it opens, then an output that is low, and sets its level only then: a
    relay that is on while its pin is low would open the door at each start. It makes an input again at the end.
    """

    def __init__(self, factory: Any, info: Any) -> None:
        super(LGPIOPin, self).__init__(factory, info)
        self._pwm: tuple[float, float] | None = None
        self._bounce = None
        self._callback = None
        self._edges = lgpio.BOTH_EDGES
        self._claimed = False

    def output_with_state(self, state: bool) -> None:
        lgpio.gpio_claim_output(self.factory._handle, self._number, int(state))
        self._claimed = True

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        self._claimed = True

    def _set_state(self, value: float) -> None:
        if self._pwm is None:
            lgpio.gpio_write(self.factory._handle, self._number, int(value))
        else:  # gpiozero cuts the share of time to whole percents: a servo would know six positions
            self._pwm = (self._pwm[0], value * 100)
            lgpio.tx_pwm(self.factory._handle, self._number, *self._pwm)

    def close(self) -> None:
        """Gives the pin back to the kernel. Whether it keeps its level then is the kernel's choice."""
        if self._claimed and self.factory._handle is not None:
            self.frequency = None
            self.when_changed = None
            lgpio.gpio_free(self.factory._handle, self._number)
        self._claimed = False


class Chip(LGPIOFactory):  # type: ignore[misc]
    """The pins of the chip that gpiozero would choose; of the first chip, by its line numbers, on a board of others."""

    def __init__(self) -> None:
        super().__init__()
        self.pin_class = ChipPin

    def user_of(self, number: int) -> str | None:
        """Returns who holds a pin, as the kernel names it, or None. Takes nothing."""
        _, _, flags, _, user = lgpio.gpio_get_line_info(self._handle, number)
        return str(user) or "the kernel" if flags & ChipPin.GPIO_IS_KERNEL else None

    def _get_revision(self) -> int:
        try:
            return int(super()._get_revision())
        except (PinUnknownPi, OSError):
            return ANY_PI

"""Drives LED, buzzer, relay and servo at GPIO pins, and reads the emergency release (extra ``gpio``)."""

import math
import time
from contextlib import suppress
from typing import Any

from ..config.outputs import PinConfig, RelayConfig, ServoConfig, Situation, is_interlock
from ..errors import OutputError
from .gpio import Pin

SERVO_SECONDS = 0.5
"""What a servo takes for 180 degrees (0.2 s to 0.4 s by the data sheets of small ones)."""


class PinOutput:
    """An LED, buzzer or relay. It begins off, and an interlock in its ``fail`` state."""

    def __init__(self, config: PinConfig) -> None:
        self._config = config
        self._interlock = config if is_interlock(config) else None
        self._pin = Pin(config.pin)
        with suppress(OutputError):  # the first call of set tells it
            self.set(self._interlock is not None and self._interlock.fail == "open", "unknown")

    def set(self, on: bool, situation: Situation) -> None:
        def write(device: Any) -> None:
            device.value = on

        self._pin.use(lambda factory: self._open(factory, on), write)

    def close(self) -> None:
        try:
            if self._interlock is None:
                self.set(False, "unknown")
        finally:
            self._pin.close()

    def _open(self, factory: Any, on: bool) -> Any:
        import gpiozero

        high = self._config.active == "high"
        return gpiozero.OutputDevice(self._config.pin, active_high=high, initial_value=on, pin_factory=factory)


class ServoOutput:
    """A servo that turns to one angle or the other."""

    def __init__(self, config: ServoConfig) -> None:
        self._config = config
        self._angle = math.nan
        self._arrived_at = 0.0  # when it will have turned (monotonic seconds)
        self._pin = Pin(config.pin)
        with suppress(OutputError):
            self.set(False, "unknown")

    def set(self, on: bool, situation: Situation) -> None:
        angle = self._config.on if on else self._config.off

        def turn(device: Any) -> None:
            device.angle = angle

        self._pin.use(lambda factory: self._open(factory, angle), turn)
        if angle != self._angle:
            self._angle, self._arrived_at = angle, time.monotonic() + SERVO_SECONDS

    def close(self) -> None:
        """Turns it off. Waits for that, up to half a second: without pulses it would stop on the way."""
        try:
            self.set(False, "unknown")
            time.sleep(max(0.0, self._arrived_at - time.monotonic()))
        finally:
            self._pin.close()

    def _open(self, factory: Any, angle: float) -> Any:
        import gpiozero

        return gpiozero.AngularServo(self._config.pin, initial_angle=angle, pin_factory=factory)


class ReleaseInput:
    """The emergency release: a contact between its pin and ground, which the board pulls up.

    ``release_active = "low"`` is a contact that closes to release. ``"high"`` is one that opens to release, so that a
    broken wire releases too.
    """

    def __init__(self, config: RelayConfig) -> None:
        self._config = config
        self._pin = Pin(config.release_pin)

    def active(self) -> bool:
        high = bool(self._pin.use(self._open, lambda device: device.pin.state))
        return high == (self._config.release_active == "high")

    def close(self) -> None:
        self._pin.close()

    def _open(self, factory: Any) -> Any:
        import gpiozero

        return gpiozero.DigitalInputDevice(self._config.release_pin, pull_up=True, pin_factory=factory)

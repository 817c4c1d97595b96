"""Drives LED, buzzer, relay and servo at GPIO pins, and reads the emergency release (extra ``gpio``)."""

import glob
import importlib.util
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from ..config.outputs import PinConfig, RelayConfig, ServoConfig, Situation
from ..errors import ConfigError, OutputError

T = TypeVar("T")
SERVO_SECONDS = 0.5
"""What a servo takes for 180 degrees (0.2 s to 0.4 s by the data sheets of small ones)."""
NEEDED = "GPIO pins need the extra gpio ({} is missing): .venv/bin/pip install -e '.[gpio]'"


class PinOutput:
    """An LED, buzzer or relay. It begins off, and an interlock in its ``fail`` state."""

    def __init__(self, config: PinConfig) -> None:
        self._config = config
        self._interlock = config if isinstance(config, RelayConfig) and config.open_when else None
        self._pin = _Pin(config.pin)
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
        self._pin = _Pin(config.pin)
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
        self._changed: Callable[[], None] | None = None
        self._pin = _Pin(config.release_pin)

    def watch(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        with suppress(OutputError):  # active tells it, and opens the pin later
            self._pin.use(self._open, self._notify)

    def active(self) -> bool:
        high = bool(self._pin.use(self._open, lambda device: device.pin.state))
        return high == (self._config.release_active == "high")

    def close(self) -> None:
        self._pin.close()

    def _open(self, factory: Any) -> Any:
        import gpiozero

        device = gpiozero.DigitalInputDevice(self._config.release_pin, pull_up=True, pin_factory=factory)
        if self._changed is not None:
            self._notify(device)
        return device

    def _notify(self, device: Any) -> None:
        device.when_activated = device.when_deactivated = self._changed


class _Pin:
    """A gpiozero device at a pin. It is opened when it is used, and again after a fault.

    The constructor raises ``ConfigError`` if gpiozero or its driver is not installed.
    """

    def __init__(self, number: int) -> None:
        _check_packages()
        self._number = number
        self._device: Any = None
        self._lock = threading.Lock()

    def use(self, open_device: Callable[[Any], Any], act: Callable[[Any], T]) -> T:
        """Opens the device if it is not open, and acts on it. Raises ``OutputError`` if the hardware does not do it."""
        try:
            with self._lock:
                if self._device is None:
                    self._device = open_device(factory())
                return act(self._device)
        except Exception as error:  # lgpio's own is no narrower, and each pin factory has others
            reason = _reason(self._number, error)
        # outside of the except clause: the error holds a device that is half open, and with it the pin
        with suppress(Exception):
            self.close()
        raise OutputError(reason)

    def close(self) -> None:
        """Gives the pin back."""
        with self._lock:
            device, self._device = self._device, None
            if device is not None:
                device.close()


def user_of(number: int) -> str | None:
    """Returns who holds a pin, as the kernel names it (``lg`` is lgpio, which maskwatch uses), or None. Takes nothing.

    Only lgpio can tell. Raises ``OutputError`` if the chip does not answer, ``ConfigError`` if a package is missing.
    """
    _check_packages()
    try:
        chip = factory()
        return chip.user_of(number) if hasattr(chip, "user_of") else None
    except Exception as error:
        reason = _reason(number, error)
    raise OutputError(reason)


def _check_packages() -> None:
    for name in ("gpiozero", "lgpio") if _by_lgpio() else ("gpiozero",):
        if importlib.util.find_spec(name) is None:
            hint = " and, with Python 3.13, apt install python3-lgpio" if name == "lgpio" else ""
            raise ConfigError(NEEDED.format(name) + hint)


def factory() -> Any:
    """Returns gpiozero's pin factory: lgpio, or what the environment names. Raises whatever that raises."""
    from gpiozero import Device

    if Device.pin_factory is None and _by_lgpio():
        # not gpiozero's choice: after lgpio it would try to write to registers of the board
        _load_lgpio()
        from .chip import Chip

        Device.pin_factory = Chip()
    Device.ensure_pin_factory()
    return Device.pin_factory


def _by_lgpio() -> bool:
    return os.environ.get("GPIOZERO_PIN_FACTORY", "lgpio").lower() == "lgpio"


def _load_lgpio() -> None:
    """Imports lgpio in any working directory, which stays what it was.

    It makes a pipe in the folder ``LG_WD``, goes into that folder and stays there. Without that variable, it leaves the
    pipe in the working directory, and fails where nobody may write (``/`` in a service).
    """
    if "lgpio" in sys.modules:
        return
    before = os.open(".", os.O_PATH)
    with tempfile.TemporaryDirectory(prefix="maskwatch-") as folder:
        os.environ["LG_WD"] = folder
        try:
            import lgpio  # noqa: F401
        finally:
            del os.environ["LG_WD"]
            os.fchdir(before)
            os.close(before)


def _reason(number: int, error: Exception) -> str:
    """Says in one sentence why a pin cannot be used, and what to do."""
    import gpiozero

    text = str(error).strip("'\"") or type(error).__name__
    match error:
        case gpiozero.GPIOPinInUse():
            return f"pin {number} is used by another output"
        case gpiozero.PinInvalidPin():
            return f"this board has no pin {number}"
        case gpiozero.PinPWMUnsupported():
            return f"pin {number} cannot drive a servo by this pin factory: use lgpio"
    if "busy" in text.lower():
        return f"pin {number} is in use by another program, or by an overlay of the system (gpioinfo names it)"
    return f"pin {number} cannot be used: {_chip_problem() if 'gpiochip' in text else text}"


def _chip_problem() -> str:
    """Says why no GPIO chip could be opened: lgpio does not."""
    chips = sorted(glob.glob("/dev/gpiochip*"))
    if not chips:
        return "this machine has no GPIO chip (/dev/gpiochip0)"
    try:
        os.close(os.open(chips[0], os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        who = "the service needs install.sh --gpio, a user the group gpio"
        return f"{chips[0]} cannot be opened ({error.strerror}): {who}"
    return "its chip cannot be opened"

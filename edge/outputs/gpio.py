"""Opens GPIO pins by gpiozero and lgpio (extra ``gpio``), and says in one sentence why one cannot be used."""

import glob
import importlib.util
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import OutputError

T = TypeVar("T")
NEEDED = (
    "GPIO pins need the extra gpio ({} is missing): the service needs install.sh --gpio, a checkout "
    ".venv/bin/pip install -e '.[gpio]'"
)


class Pin:
    """A gpiozero device at a pin. It is opened when it is used, and again after a fault."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._device: Any = None
        self._lock = threading.Lock()

    def use(self, open_device: Callable[[Any], Any], act: Callable[[Any], T]) -> T:
        """Opens the device if it is not open, and acts on it.

        Raises ``OutputError`` if the hardware does not do it, or if gpiozero or its driver is not installed.
        """
        try:
            with self._lock:
                _check_packages()
                if self._device is None:
                    self._device = open_device(factory())
                return act(self._device)
        except OutputError:
            raise
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

    Only lgpio can tell. Raises ``OutputError`` if the chip does not answer, or if a package is missing.
    """
    _check_packages()
    try:
        chip = factory()
        return chip.user_of(number) if hasattr(chip, "user_of") else None
    except Exception as error:
        reason = _reason(number, error)
    raise OutputError(reason)


def _check_packages() -> None:
    if fault := fault_of_packages():
        raise OutputError(fault)


def fault_of_packages() -> str:
    """Returns which package is missing that GPIO pins need, and how to install it; an empty text if none is."""
    for name in ("gpiozero", "lgpio") if _by_lgpio() else ("gpiozero",):
        if importlib.util.find_spec(name) is None:
            hint = " and, with Python 3.13, apt install python3-lgpio" if name == "lgpio" else ""
            return NEEDED.format(name) + hint
    return ""


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

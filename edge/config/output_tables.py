"""Reads the tables of the outputs, ``[outputs.NAME]``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from ..addresses import shown, shown_name
from .option import checked, shown_value
from .outputs import DRIVER, DRIVERS, MOST_OUTPUTS, OutputConfig
from .section import nearest, with_options

NAME = re.compile(r"[a-z0-9_-]{1,32}")


def with_outputs(
    outputs: Sequence[OutputConfig], tables: Mapping[str, Any], where: str, faults: list[str]
) -> tuple[OutputConfig, ...]:
    """Returns the outputs with those of another layer, in order; appends a line per fault to ``faults``.

    A table of a known output changes it, unless it names another driver: such an output begins anew.
    """
    known = {output.name: output for output in outputs}
    for name, values in tables.items():
        place = f"{where}.{shown_name(name)}"
        if not isinstance(values, Mapping):
            faults.append(f"{place}: must be a table of one output, for example [outputs.lamp] with driver and pin")
        elif not NAME.fullmatch(name):
            place = f"{where}.{shown(name)[:40]!r}"
            faults.append(
                f"{place}: not usable as the name of an output (allowed: 1 to 32 of a-z 0-9 _ -, for example "
                "[outputs.front_lamp])"
            )
        elif output := _output_of(name, values, known.get(name), place, faults):
            options = {key: value for key, value in values.items() if key != "driver"}
            known[name] = with_options(output, options, place, faults, partial(_meant, type(output)))
    if len(known) > MOST_OUTPUTS:
        faults.append(f"{where}: {len(known)} outputs; at most {MOST_OUTPUTS} are allowed")
    return tuple(known.values())


def _meant(kind: type[OutputConfig], key: str) -> str:
    others = [driver for driver, other in DRIVERS.items() if key in (part.name for part in fields(other))]
    if others and key != "name":
        return f"only for driver {', '.join(others)}"
    return nearest(key, ["driver", *(part.name for part in fields(kind) if part.name != "name")])


def _output_of(
    name: str, values: Mapping[str, Any], earlier: OutputConfig | None, place: str, faults: list[str]
) -> OutputConfig | None:
    """Returns the output with the defaults of its driver, or as an earlier layer has it; None if it has no driver."""
    driver = values.get("driver", name)
    if "driver" not in values and (earlier or name not in DRIVERS):
        if earlier is None:
            faults.append(f"{place}.driver: must say what this output is (allowed: {DRIVER})")
        return earlier
    try:
        kind = DRIVERS[checked(driver, str, DRIVER)]
    except ValueError as fault:
        faults.append(f"{place}.driver{shown_value(driver, DRIVER)}: {fault} (allowed: {DRIVER})")
        return None
    return earlier if type(earlier) is kind else kind(name=name)

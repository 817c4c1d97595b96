"""Opens the counts of a door."""

from contextlib import ExitStack
from functools import partial

from ..clock import clock_synced
from ..config.identity import config_id
from ..config.schema import Config
from ..record.recorder import Recorder
from .auditing import Auditing
from .daily import DailyCounts
from .health import HealthMonitor
from .outlet import Outlet


def open_record(config: Config, model: str, health: HealthMonitor, outlet: Outlet, stack: ExitStack) -> Recorder:
    """Opens the counts of this door, which go to the broker too; ``stack`` closes them.

    A first try has no state folder, and keeps no file.
    """
    path = outlet.files.record if outlet.state is not None else None
    record = Recorder(
        path,
        detector=config.detect.detector,
        model=model,
        report=partial(health.report, "counts"),
        clock_synced=clock_synced,
        notice=partial(health.report, "counts file"),
    )
    stack.callback(record.close)
    audit = outlet.audit
    if audit is not None:
        record.followers.append(audit.days_changed)
    if outlet.days is not None:
        detector, in_use = config.detect.detector, partial(_config_in_use, config, audit)
        DailyCounts(record, outlet.days, detector=detector, model=model, config=in_use, clock_synced=clock_synced)
    return record


def _config_in_use(config: Config, audit: Auditing | None) -> str:
    return config_id(audit.config if audit is not None else config)

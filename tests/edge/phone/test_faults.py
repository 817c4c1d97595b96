"""Which door must be told: faults that last, once each, and their end."""

from edge.phone.faults import SETTLED, Faults


class Told(dict[str, str]):
    def __call__(self, device: str) -> str:
        return self.get(device, "")


def due(faults: Faults, now: float) -> list[tuple[str, str]]:
    return [(device, condition) for device, condition, at in faults.pending() if now >= at]


def test_a_fault_is_told_when_it_lasts_and_its_end_when_it_is_over() -> None:
    told = Told()
    faults = Faults(60, told)
    faults.status("porch", True, 0)
    assert due(faults, 1000) == []
    faults.status("porch", False, 1000)
    assert due(faults, 1059) == [] and due(faults, 1060) == [("porch", "offline")]
    told["porch"] = "offline"
    assert due(faults, 2000) == []
    faults.status("porch", True, 2000)
    assert due(faults, 2000) == [] and due(faults, 2000 + SETTLED) == [("porch", "ok")]


def test_a_blip_is_not_told() -> None:
    faults = Faults(60, Told())
    for now in range(0, 600, 100):
        faults.status("porch", False, now)
        faults.camera("back", "lost", now)
        faults.status("porch", True, now + 50)
        faults.status("back", True, now + 50)
        faults.camera("back", "ok", now + 55)
        assert due(faults, now + 99) == []


def test_a_camera_counts_only_while_its_door_is_online() -> None:
    told = Told()
    faults = Faults(60, told)
    faults.camera("porch", "lost", 0)
    assert faults.pending() == [], "a retained health of a door of which nothing else is known"
    faults.status("porch", True, 1)
    assert due(faults, 61) == [("porch", "lost")]
    told["porch"] = "lost"
    faults.camera("porch", "frozen", 100)
    assert due(faults, 160) == [("porch", "frozen")]
    faults.camera("porch", "dark", 170)
    assert due(faults, 180) == [("porch", "ok")], "the night is no fault"
    faults.status("porch", False, 200)
    assert due(faults, 260) == [("porch", "offline")]


def test_a_restart_and_a_lost_connection_tell_nothing_anew() -> None:
    told = Told(porch="lost")
    faults = Faults(60, told)
    faults.status("porch", True, 0)
    faults.camera("porch", "lost", 0.1)  # its health arrives a moment after its status
    faults.status("gone", False, 0)
    assert due(faults, 59) == []
    faults.unknown()
    assert due(faults, 1000) == []
    faults.status("gone", False, 1000)
    assert due(faults, 1059) == [] and due(faults, 1060) == [("gone", "offline")]
    faults.forget("gone")
    assert due(faults, 2000) == []

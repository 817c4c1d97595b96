"""Tests which V4L2 nodes are cameras, and how a replugged camera is recognized, on a made-up /dev and /sys."""

from pathlib import Path

import pytest
from support.cameras import picture

from edge.camera.frames import Picture
from edge.camera.usb import UsbCamera, identity, same_camera, usb_nodes
from edge.config.schema import SourceConfig
from edge.errors import SourceError


class Machine:
    """A folder that looks like /dev and /sys; ``plug`` adds a camera's nodes, ``unplug`` removes those of a port."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.broken: set[str] = set()
        self.opened: list[str] = []
        for folder in ("dev", "sys/class/video4linux", "sys/devices"):
            (root / folder).mkdir(parents=True)

    def plug(self, port: str, name: str, *numbers: int) -> None:
        device = self.root / "sys/devices" / port
        device.mkdir(exist_ok=True)
        for number in numbers:
            (self.root / f"dev/video{number}").touch()
            entry = self.root / f"sys/class/video4linux/video{number}"
            entry.mkdir()
            (entry / "name").write_text(f"{name}\n")
            (entry / "device").symlink_to(device)

    def unplug(self, port: str) -> None:
        for entry in (self.root / "sys/class/video4linux").iterdir():
            if (entry / "device").resolve().name == port:
                (entry / "device").unlink()
                (entry / "name").unlink()
                entry.rmdir()
                (self.root / "dev" / entry.name).unlink()

    def node(self, number: int) -> Path:
        return self.root / f"dev/video{number}"

    def camera(self, number: int) -> UsbCamera:
        return UsbCamera(
            self.node(number), SourceConfig(), self.root, lambda address, config: RecordingDriver(self, address)
        )


class RecordingDriver:
    """A driver that records which node it opened; raises ``SourceError`` for a node that is missing or broken."""

    def __init__(self, machine: Machine, address: str) -> None:
        self.name = address
        if not Path(address).exists() or Path(address).name in machine.broken:
            raise SourceError(f"{address} cannot be opened")
        machine.opened.append(Path(address).name)

    def read(self) -> Picture | None:
        return Picture(picture(0))

    def close(self) -> None:
        """Does nothing."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nodes_are_in_numerical_order_without_the_pis_own(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 10, 2)
    machine.plug("soc", "bcm2835-codec-decode", 11)
    machine.plug("isp", "pispbe-input", 20)
    machine.plug("csi", "unicam-image", 0)
    (machine.root / "dev/video-of-holidays").touch()
    assert [node.name for node in usb_nodes(machine.root)] == ["video2", "video10"]


def test_an_identity_is_name_and_port(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 0)
    assert identity(machine.node(0), machine.root) == ("HD Webcam", str(machine.root / "sys/devices/1-1"))
    assert identity(machine.node(7), machine.root) == ("", "")
    assert same_camera(("", ""), machine.root) == []


def test_a_camera_replugged_at_the_same_port_is_found_under_another_number(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 0, 1)
    camera = machine.camera(0)
    camera()
    machine.unplug("1-1")
    with pytest.raises(SourceError, match="was 'HD Webcam', and that is not plugged in"):
        camera()
    machine.plug("1-1", "HD Webcam", 4, 5)
    camera()
    assert machine.opened == ["video0", "video4"]


def test_the_only_camera_of_a_name_is_found_at_another_port_and_then_belongs_there(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 0)
    camera = machine.camera(0)
    camera()
    machine.unplug("1-1")
    machine.plug("1-4", "HD Webcam", 1)
    camera()
    machine.plug("1-1", "HD Webcam", 0)
    camera()
    assert machine.opened == ["video0", "video1", "video1"], "the new one at the old port is another camera"


def test_two_cameras_of_one_name_are_never_mixed_up(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 0)
    machine.plug("1-2", "HD Webcam", 1)
    front, back = machine.camera(0), machine.camera(1)
    front(), back()
    machine.unplug("1-1")
    machine.unplug("1-2")
    machine.plug("1-2", "HD Webcam", 0)
    machine.plug("1-1", "HD Webcam", 1)
    front(), back()
    assert machine.opened == ["video0", "video1", "video1", "video0"]


def test_of_two_cameras_of_one_name_at_other_ports_neither_is_used(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 0)
    camera = machine.camera(0)
    camera()
    machine.unplug("1-1")
    machine.plug("1-2", "HD Webcam", 0)
    machine.plug("1-3", "HD Webcam", 1)
    with pytest.raises(SourceError, match="not plugged in"):
        camera()
    assert machine.opened == ["video0"]


def test_another_camera_with_the_same_number_is_not_used(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 0)
    camera = machine.camera(0)
    camera()
    machine.unplug("1-1")
    machine.plug("1-2", "Document Camera", 0)
    with pytest.raises(SourceError, match="after an exchange for another camera, restart"):
        camera()
    assert machine.opened == ["video0"]


def test_a_broken_node_is_skipped_for_the_next_of_the_same_camera(machine: Machine) -> None:
    machine.plug("1-1", "HD Webcam", 0, 1)
    camera = machine.camera(0)
    camera()
    machine.unplug("1-1")
    machine.plug("1-1", "HD Webcam", 2, 3)
    machine.broken = {"video2"}
    camera()
    assert machine.opened == ["video0", "video3"]
    machine.broken = {"video2", "video3"}
    with pytest.raises(SourceError, match="video3 cannot be opened"):
        camera()


def test_a_camera_that_is_absent_at_first_is_opened_when_it_appears(machine: Machine) -> None:
    camera = machine.camera(0)
    with pytest.raises(SourceError, match="video0 cannot be opened"):
        camera()
    machine.plug("1-1", "HD Webcam", 0)
    camera()
    machine.unplug("1-1")
    machine.plug("1-1", "HD Webcam", 3)
    camera()
    assert machine.opened == ["video0", "video3"]


def test_a_node_without_an_identity_is_opened_as_named(machine: Machine) -> None:
    (machine.root / "dev/video8").touch()
    camera = machine.camera(8)
    camera(), camera()
    assert machine.opened == ["video8", "video8"]

"""The audit trail of a running door: what page, MQTT, maskwatch set and an editor do, in one file."""

from contextlib import closing
from pathlib import Path
from typing import Any

from support.browsing import Watched
from support.commands import maskwatch as command

from edge.record.audit_reading import entries, faults_of_chain, read_lines

PASSWORD = "correct horse"


def test_what_is_done_to_a_running_door(maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    path = tmp_path / "state" / "maskwatch" / "entrance" / "audit.jsonl"
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "STATE_DIRECTORY": ""}

    def trail() -> list[dict[str, Any]]:
        lines = read_lines(path)
        assert list(faults_of_chain(lines)) == []
        return list(entries(lines))

    with closing(Watched(maskwatch, tmp_path, "", "--broker", broker.address)) as door:
        received = subscriber(broker.port)
        door.until(lambda: [line["what"] for line in trail()] == ["start"], "the start")
        assert trail()[0]["options"]["web.enabled"] is True
        assert door.client.post("/api/settings", {"detect": {"min_face": 60}}).status == 200
        door.client.post("/api/pause", {"paused": True})
        door.until(lambda: len(trail()) == 3, "the change and the pause")
        received.publish("maskwatch/entrance/enabled/set", b"ON")
        door.until(lambda: len(trail()) == 4, "the resume")
        answer = door.client.post("/api/password", {"current": "", "new": PASSWORD})
        assert answer.status == 200
        door.client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
        done = command("set", "--config", str(door.file), "decide.frames=5", env=environ)
        assert done.returncode == 0 and b"audit" not in done.stdout, done.stderr

        def edit() -> None:
            door.file.write_text(door.file.read_text() + "[track]\nforget = 4.0\n")

        door.again(edit)
        door.until(lambda: len(trail()) == 7, "the second start")
        start, face, pause, resume, password, frames, second = trail()
        assert (face["option"], face["old"], face["new"], face["by"]) == ("detect.min_face", 48, 60, "127.0.0.1")
        assert (pause["what"], pause["by"]) == ("pause", "on the page by 127.0.0.1")
        assert (resume["what"], resume["by"]) == ("resume", "over MQTT")
        assert (password["option"], password["new"], password["via"]) == ("web.password_hash", "(secret)", "page")
        assert (frames["option"], frames["new"], frames["via"]) == ("decide.frames", 5, "set")
        assert second["edited"] == [{"option": "track.forget", "old": 3.0, "new": 4.0}]
        assert second["model"] == start["model"] and second["config"] != start["config"]
        door.again()
        done = command("audit", "--verify", "--config", str(door.file), env=environ)
        assert done.returncode == 0 and done.stdout.startswith(b"7 lines and"), done.stdout
        assert PASSWORD not in path.read_text() and "scrypt" not in path.read_text()

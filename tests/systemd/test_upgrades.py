"""Upgrades, further cameras, the phone and the removal of the service that test_installed.py has installed."""

import re

from support.brokers import Subscriber, free_port
from support.browsing import Client
from support.phone import Server
from systemd.machine import LIKE_A_CAMERA, MARKS, SECRET, UNIT, Machine

pytestmark = MARKS
BEGAN = "ActiveEnterTimestampMonotonic"
FORM = "application/x-www-form-urlencoded"

OLD_BROKER = """
import json
path = "/var/lib/maskwatch/back/announced.json"
kept = json.load(open(path))
broker = {**kept["announced"][0]["broker"], "port": 1, "user": ""}
kept["announced"].append({"broker": broker, "device": "back", "topics": ["maskwatch/hall/status"]})
json.dump(kept, open(path, "w"))
"""
"""Lets the camera ``back`` remember a message at a broker that cannot be reached."""


def test_a_second_installation_keeps_version_and_configuration(machine: Machine) -> None:
    machine.run("maskwatch set decide.cool_down=7.5")
    before, version = machine.run("cat /etc/maskwatch/maskwatch.toml"), machine.run("readlink /opt/maskwatch/current")
    done = machine.install()
    assert done.returncode == 0, done.stdout
    assert "is already installed" in done.stdout and "maskwatch.toml is kept" in done.stdout
    assert machine.run("cat /etc/maskwatch/maskwatch.toml") == before and "cool_down = 7.5" in before
    assert machine.run("readlink /opt/maskwatch/current") == version
    assert machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def test_an_upgrade_that_fails_leaves_the_old_version_running(machine: Machine) -> None:
    version, pid = machine.run("readlink /opt/maskwatch/current"), machine.pid()
    init = machine.source / "edge" / "__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "99.'))
    done = machine.install(wheels="/nowhere")
    assert done.returncode != 0
    assert machine.run("readlink /opt/maskwatch/current") == version and machine.pid() == pid
    assert len(machine.run("ls -d /opt/maskwatch/*Z").split()) == 1, "no incomplete version is left"


def test_an_upgrade_replaces_the_program_and_keeps_the_settings(machine: Machine) -> None:
    before, pid = machine.run("cat /etc/maskwatch/maskwatch.toml"), machine.pid()
    done = machine.install("--no-start")
    assert done.returncode == 0 and machine.pid() == pid, done.stdout
    assert len(machine.run("ls -d /opt/maskwatch/*Z").split()) == 2, "the old version is still running and installed"
    done = machine.install()
    assert done.returncode == 0, done.stdout
    assert machine.run("maskwatch --version").startswith("maskwatch 99.")
    assert len(machine.run("ls -d /opt/maskwatch/*Z").split()) == 1, "the old version is deleted"
    assert machine.run("cat /etc/maskwatch/maskwatch.toml") == before
    assert machine.pid() != pid and machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def test_the_version_before_is_kept_when_the_new_one_does_not_start(machine: Machine) -> None:
    version = machine.run("readlink /opt/maskwatch/current").strip()
    command = machine.source / "edge" / "cli" / "run.py"
    good = command.read_text()
    bad = good.replace("    settings = open_settings(args)\n", "    raise SystemExit(2)\n")
    assert bad != good
    command.write_text(bad)
    done = machine.install()
    assert done.returncode == 1 and "maskwatch.service does not start" in done.stdout
    command.write_text(good)
    back = next(line for line in done.stdout.splitlines() if line.startswith("back to the version before: "))
    assert version in back
    machine.run(back.partition(": ")[2].replace("sudo ", ""))
    assert machine.run("readlink /opt/maskwatch/current").strip() == version
    assert machine.show(UNIT, "ActiveState")["ActiveState"] == "active"


def test_alerts_are_sent_to_a_phone(machine: Machine) -> None:
    phone = Server().start()
    try:
        machine.run("maskwatch set phone.burst=0; umask 077; printf 'token-canary\\r\\n' > /root/token")
        done = machine.install("--phone", phone.url, "--phone-token-file", "/root/token")
        assert done.returncode == 0, done.stdout
        began = [int(machine.show(unit, BEGAN)[BEGAN]) for unit in ("maskwatch-phone@maskwatch.service", UNIT)]
        assert began == sorted(began), "the phone has subscribed when the camera sends what waited"
        machine.until(lambda: phone.texts, "a text", timeout=90)
        assert phone.texts[0][0] == "/secret-door" and phone.texts[0][1].startswith("entrance: no mask, ")
        assert machine.run("stat -c %a /etc/maskwatch/maskwatch.phone").strip() == "600"
        assert phone.accepted[0].headers["Authorization"] == "Bearer token-canary"
        assert machine.run("maskwatch watch --test") == "127.0.0.1 has accepted the test\n"
        count = len(phone.texts)
        machine.run("systemctl restart broker maskwatch")
        machine.until(lambda: len(phone.texts) >= count + 4, "4 more texts", timeout=90)
        texts = [text for text in phone.messages if "a test" not in text]
        assert len(set(texts)) == len(texts), "no alert rings twice, and no two have the same second"
        assert not re.search("secret-door|token-canary", machine.run("ps -eo args; journalctl --no-pager"))
    finally:
        phone.stop()


def test_the_page_is_set_up_in_one_step(machine: Machine) -> None:
    port, password = free_port(), "page-canary-31c7"
    machine.run(f"maskwatch set web.port={port}; umask 077; printf '{password}\r\n' > /root/page")
    done = machine.install("--web-password-file", "/root/page")
    assert done.returncode == 0, done.stdout
    page = Client(port)
    machine.until(lambda: page.ask("/healthz").status == 200, "the page", timeout=60)
    assert page.ask("/api/now").status == 401
    assert page.ask("/login", "POST", f"password={password}".encode(), Content_Type=FORM).text == "logged in"
    assert f":{port}/" in done.stdout and "0.0.0.0" not in done.stdout, "an address that can be opened"
    assert password not in done.stdout + machine.run("ps -eo args; journalctl --no-pager; cat /etc/maskwatch/*.toml")
    before = machine.run("cat /etc/maskwatch/maskwatch.toml")
    again = machine.try_run("/src/systemd/install.sh --web --no-start </dev/null")
    assert again.returncode == 0 and "keeps its password" in again.stdout, again.stdout
    assert machine.run("cat /etc/maskwatch/maskwatch.toml") == before
    machine.run("maskwatch set web.enabled=false; systemctl restart maskwatch")


def test_two_cameras_on_one_machine(machine: Machine, received: Subscriber) -> None:
    address = f"mqtt://door@127.0.0.1:{machine.port}"
    done = machine.install(
        "--camera", "porch", "--camera", "back", "--source", "demo", "--broker", address, "--no-start"
    )
    assert done.returncode == 0, done.stdout
    for name in ("porch", "back"):
        machine.run(f"maskwatch set --device {name} {LIKE_A_CAMERA}")
        machine.run(f"printf {SECRET} > /etc/maskwatch/{name}.password; systemctl start maskwatch@{name}")
    for name in ("porch", "back", "entrance"):
        received.wait_for(f"maskwatch/{name}/alert", timeout=90)
    assert sorted(machine.run("ls /var/lib/maskwatch").split()) == ["back", "maskwatch", "porch"]
    assert "FAIL" not in machine.run("maskwatch doctor --device porch", check=False)
    assert "0 alerts wait" in machine.run("maskwatch outbox --device back")
    done = machine.try_run("maskwatch outbox --device nowhere")
    assert done.returncode == 2 and "back" in done.stdout and "porch" in done.stdout


def test_uninstall_keeps_the_settings_and_purge_deletes_them(machine: Machine) -> None:
    shown = machine.try_run("/src/systemd/install.sh --uninstall --dry-run").stdout
    assert "would run: maskwatch forget\n" in shown and "would run: maskwatch forget --device porch\n" in shown, shown
    machine.run("systemctl stop maskwatch@back; python3 - <<'END'\n" + OLD_BROKER + "END")
    done = machine.install("--uninstall")
    assert done.returncode == 0, done.stdout
    assert "the broker 127.0.0.1:1 cannot be reached" in done.stdout, "what stays there is named, with the command"
    assert "\n  mosquitto_pub -h 127.0.0.1 -p 1 -r -n -t maskwatch/hall/status\n" in done.stdout
    for name in ("entrance", "porch", "back"):
        assert f"removed device '{name}'" in done.stdout and f"maskwatch/{name}/status" in done.stdout, done.stdout
    later = Subscriber(machine.port, user="watcher", password="w")
    later.publish("end", b"")
    later.wait_for("end")
    later.close()
    assert [topic for topic, _, retained in later.messages if retained] == [], "nothing is left at the broker"
    assert machine.run("systemctl list-unit-files 'maskwatch*' --no-legend", check=False).strip() == ""
    assert machine.run("find /etc/systemd/system -name 'maskwatch*'") == "", "no right is left either"
    assert machine.run("ls -d /opt/maskwatch /usr/local/bin/maskwatch 2>/dev/null", check=False) == ""
    assert machine.try_run("id maskwatch").returncode != 0
    assert "cool_down = 7.5" in machine.run("cat /etc/maskwatch/maskwatch.toml")
    done = machine.install("--uninstall", "--purge")
    assert done.returncode == 0, done.stdout
    assert machine.run("ls -d /etc/maskwatch /var/lib/maskwatch 2>/dev/null", check=False) == ""


def test_a_32_bit_system_is_refused(machine: Machine) -> None:
    machine.write("/usr/local/bin/dpkg", "#!/bin/sh\necho armhf\n", "755")
    done = machine.install()
    assert done.returncode == 2 and "64-bit" in done.stdout

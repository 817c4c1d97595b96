"""edge.config.shifts: the shifts of reports, and each fault in them as one sentence."""

import pytest

from edge.config.load import apply, build
from edge.config.schema import Config
from edge.config.shifts import MAX_SHIFTS, Shift, read_shifts
from edge.errors import ConfigError


def read(*texts: str) -> list[Shift]:
    return read_shifts(build(("file", {"report": {"shifts": list(texts)}})).report)


def test_names_and_times_are_read() -> None:
    assert read() == []
    assert read("early 06:00-14:00", "spät am Tag 14:00-22:15", "  night   22:15-06:00 ") == [
        ("early", 360, 840),
        ("spät am Tag", 840, 1335),
        ("night", 1335, 1800),
    ]
    assert read("evening 18:00-00:00") == [("evening", 1080, 1440)], "it ends at midnight, and does not pass it"


def test_one_shift_may_be_text() -> None:
    assert build(("file", {"report": {"shifts": "early shift 06:00-14:00"}})).report.shifts == (
        "early shift 06:00-14:00",
    )


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["06:00-14:00"], "'06:00-14:00' is no shift: write a name, a space and two times, for example"),
        ([""], "'' is no shift: write a name"),
        (["early 6-14"], "'early 6-14': must have two digits for each hour and minute"),
        (["early 06:00 - 14:00"], "'early 06:00 - 14:00': must have two digits"),
        (["late 14:00-24:00"], "'late 14:00-24:00': no times of day: hours are 00 to 23"),
        (["early 06:10-14:00"], "'early 06:10-14:00': shifts begin and end at quarters of an hour: minutes are 00, 15"),
        (["day 06:00-06:00"], "'day 06:00-06:00': the two times are the same"),
        (["Outside shifts 06:00-07:00"], "the name must have 1 to 40 visible characters, and must not be 'outside"),
        (["x" * 41 + " 06:00-07:00"], "the name must have 1 to 40 visible characters"),
        (["a\u202eb 06:00-07:00"], "the name must have 1 to 40 visible characters"),
        (["a 06:00-14:00", "A 14:00-15:00"], "two shifts are named 'A'; give each a name of its own"),
        (["a 06:00-14:00", "b 13:45-22:00"], "'a' and 'b' overlap at 13:45; a time may belong to one shift only"),
        (["night 22:00-06:00", "early 05:00-06:00"], "'night' and 'early' overlap at 05:00"),
        (["night 22:00-06:00", "all 23:00-22:00"], "'night' and 'all' overlap at 00:00"),
        ([f"{n} {n:02}:00-{n + 1:02}:00" for n in range(MAX_SHIFTS + 1)], "13 shifts; at most 12 are allowed"),
    ],
)
def test_a_fault_is_one_sentence(texts: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(*texts)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith("file: report.shifts: ") and sentence in str(caught.value)


@pytest.mark.parametrize(
    "value", ["[early 06:00-14:00]", " [early 06:00-14:00, late 14:00-22:00]", "[ward:4 06:00-14:00]"]
)
def test_a_list_without_quotes_is_told_how_to_write_it(value: str) -> None:
    faults: list[str] = []
    apply(Config(), [("file", {"report": {"shifts": value}})], faults)
    (fault,) = faults
    assert "each text of the list in double quotes" in fault and "the whole of it in single quotes" in fault


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [("sign", "languages", "[de, en]"), ("web", "allowed_hosts", "[door.lan]"), ("detect", "zones", "[door]")],
)
def test_every_list_of_texts_is_told_so(section: str, option: str, value: str) -> None:
    faults: list[str] = []
    apply(Config(), [("file", {section: {option: value}})], faults)
    assert len(faults) == 1 and ("in double quotes" in faults[0] or "a list of polygons" in faults[0])


def test_an_address_in_brackets_is_no_list() -> None:
    faults: list[str] = []
    config = apply(Config(), [("file", {"web": {"allowed_hosts": "[::1], [fe80::1]"}})], faults)
    assert not faults and config.web.allowed_hosts == ("[::1]", "[fe80::1]")


def test_each_faulty_shift_has_its_line() -> None:
    with pytest.raises(ConfigError) as caught:
        read("a 6-7", "b", "c 06:00-07:00")
    assert len(str(caught.value).splitlines()) == 2

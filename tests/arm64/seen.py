"""What two machines saw, side by side: every way in which they differ is one sentence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Look = dict[str, Any]
Alert = dict[str, Any]


@dataclass(slots=True)
class Record:
    """One run of look.py: what ran, what it saw on each picture, its alerts and how many pictures each came after."""

    machine: dict[str, str]
    looks: list[Look]
    alerts: list[Alert]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far two machines may be apart: a box's edges in pixels, a probability, an alert's moment in pictures.

    Somebody who is seen a picture later has walked on: up to ``walk`` pixels a picture.
    """

    pixels: int
    score: float
    pictures: int = 0
    walk: int = 0


def read(text: str) -> Record:
    """The record that look.py has printed."""
    first, *rest = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    record = Record(first, [], [])
    for each in rest:
        if "event_type" in each:
            record.alerts.append(each | {"picture": len(record.looks)})
        else:
            record.looks.append(each)
    return record


def alerts_apart(one: Record, other: Record, bounds: Bounds) -> list[str]:
    """Alerts of another type, at another moment, or further apart than the bounds."""
    if len(one.alerts) != len(other.alerts):
        return [f"{len(one.alerts)} alerts and {len(other.alerts)}"]
    found = []
    for a, b in zip(one.alerts, other.alerts, strict=True):
        after = f"alert after picture {a['picture']}"
        for key in ("event_type", "frame_size", "model"):
            if a[key] != b[key]:
                found.append(f"{after}: {key} {a[key]} and {b[key]}")
        later = abs(a["picture"] - b["picture"])
        if later > bounds.pictures or (not later and a["seen_s"] != b["seen_s"]):
            found.append(f"{after}: picture {b['picture']}, seen for {a['seen_s']} s and {b['seen_s']} s")
        elif (
            box_apart(a["box"], b["box"]) > bounds.pixels + later * bounds.walk
            or abs(a["score"] - b["score"]) > bounds.score
        ):
            found.append(f"{after}: {a['box']} {a['score']} and {b['box']} {b['score']}")
    return found


def looks_apart(one: Record, other: Record, bounds: Bounds) -> list[str]:
    """Pictures in which other boxes were found, or other faces, further apart than the bounds."""
    if len(one.looks) != len(other.looks):
        return [f"{len(one.looks)} pictures and {len(other.looks)}"]
    found = []
    for number, (a, b) in enumerate(zip(one.looks, other.looks, strict=True)):
        if len(a["boxes"]) != len(b["boxes"]) or any(d > bounds.pixels for d in boxes_apart(a, b)):
            found.append(f"picture {number}: boxes {a['boxes']} and {b['boxes']}")
        elif len(a["faces"]) != len(b["faces"]) or any(d > bounds.score for d in scores_apart(a, b)):
            found.append(f"picture {number}: faces {a['faces']} and {b['faces']}")
    return found


def box_apart(one: list[int], other: list[int]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def boxes_apart(one: Look, other: Look) -> Iterator[int]:
    """Pixels between the edges of each box; both lists run from left to right."""
    return (box_apart(a, b) for a, b in zip(one["boxes"], other["boxes"], strict=True))


def scores_apart(one: Look, other: Look) -> Iterator[float]:
    """Largest difference of each face's probabilities."""
    for a, b in zip(one["faces"], other["faces"], strict=True):
        yield max(abs(a["probabilities"][name] - b["probabilities"][name]) for name in a["probabilities"])


def summary(one: Record, other: Record) -> str:
    """What was measured, bounds aside."""
    pairs = [(a, b) for a, b in zip(one.looks, other.looks, strict=True) if len(a["boxes"]) == len(b["boxes"])]
    alike = [(a, b) for a, b in pairs if len(a["faces"]) == len(b["faces"])]
    pixels = [d for a, b in pairs for d in boxes_apart(a, b)]
    scores = [d for a, b in alike for d in scores_apart(a, b)]
    light = [abs(m - n) for a, b in pairs for m, n in zip(a["mean"], b["mean"], strict=True)]
    return (
        f"{len(one.looks)} pictures, {len(scores)} faces, {len(one.alerts)} alerts; as many boxes in {len(pairs)} and "
        f"faces in {len(alike)}; boxes at most {max(pixels, default=0)} pixels apart ({sum(d > 0 for d in pixels)} of "
        f"{len(pixels)} moved), probabilities {max(scores, default=0):.4f}, mean light {max(light, default=0):.2f}"
    )

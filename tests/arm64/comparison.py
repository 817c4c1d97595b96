"""Compares the records of two machines; every difference is one sentence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ImageRecord = dict[str, Any]
AlertRecord = dict[str, Any]


@dataclass(slots=True)
class Record:
    """The output of one run of record.py. An alert's ``image`` is the number of images before it."""

    machine: dict[str, str]
    images: list[ImageRecord]
    alerts: list[AlertRecord]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest accepted differences: box edges in pixels, probabilities, and the time of an alert in images.

    A person whose alert comes later has moved on in the meantime, by up to ``walk`` pixels per image.
    """

    pixels: int
    score: float
    images: int = 0
    walk: int = 0


def read(text: str) -> Record:
    """Reads the output of record.py."""
    first, *rest = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    record = Record(first, [], [])
    for line in rest:
        if "event_type" in line:
            record.alerts.append(line | {"image": len(record.images)})
        else:
            record.images.append(line)
    return record


def alert_differences(one: Record, other: Record, bounds: Bounds) -> list[str]:
    """Alerts of another type, at another time, or with differences beyond the bounds."""
    if len(one.alerts) != len(other.alerts):
        return [f"{len(one.alerts)} alerts and {len(other.alerts)}"]
    differences = []
    for a, b in zip(one.alerts, other.alerts, strict=True):
        after = f"alert after image {a['image']}"
        for key in ("event_type", "frame_size", "model"):
            if a[key] != b[key]:
                differences.append(f"{after}: {key} {a[key]} and {b[key]}")
        later = abs(a["image"] - b["image"])
        if later > bounds.images or (not later and a["seen_s"] != b["seen_s"]):
            differences.append(f"{after}: image {b['image']}, seen for {a['seen_s']} s and {b['seen_s']} s")
        elif (
            box_difference(a["box"], b["box"]) > bounds.pixels + later * bounds.walk
            or abs(a["score"] - b["score"]) > bounds.score
        ):
            differences.append(f"{after}: {a['box']} {a['score']} and {b['box']} {b['score']}")
    return differences


def image_differences(one: Record, other: Record, bounds: Bounds) -> list[str]:
    """Images with other numbers of boxes or faces, or with differences beyond the bounds."""
    if len(one.images) != len(other.images):
        return [f"{len(one.images)} images and {len(other.images)}"]
    differences = []
    for number, (a, b) in enumerate(zip(one.images, other.images, strict=True)):
        if len(a["boxes"]) != len(b["boxes"]) or any(d > bounds.pixels for d in box_differences(a, b)):
            differences.append(f"image {number}: boxes {a['boxes']} and {b['boxes']}")
        elif len(a["faces"]) != len(b["faces"]) or any(d > bounds.score for d in score_differences(a, b)):
            differences.append(f"image {number}: faces {a['faces']} and {b['faces']}")
    return differences


def box_difference(one: list[int], other: list[int]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def box_differences(one: ImageRecord, other: ImageRecord) -> Iterator[int]:
    """Pixels between the edges of each box; both lists run from left to right."""
    return (box_difference(a, b) for a, b in zip(one["boxes"], other["boxes"], strict=True))


def score_differences(one: ImageRecord, other: ImageRecord) -> Iterator[float]:
    """The largest difference of each face's probabilities."""
    for a, b in zip(one["faces"], other["faces"], strict=True):
        yield max(abs(a["probabilities"][name] - b["probabilities"][name]) for name in a["probabilities"])


def summary(one: Record, other: Record) -> str:
    """The measured differences as text, whatever the bounds are."""
    pairs = [(a, b) for a, b in zip(one.images, other.images, strict=True) if len(a["boxes"]) == len(b["boxes"])]
    alike = [(a, b) for a, b in pairs if len(a["faces"]) == len(b["faces"])]
    pixels = [d for a, b in pairs for d in box_differences(a, b)]
    scores = [d for a, b in alike for d in score_differences(a, b)]
    light = [abs(m - n) for a, b in pairs for m, n in zip(a["mean"], b["mean"], strict=True)]
    return (
        f"{len(one.images)} images, {len(scores)} faces, {len(one.alerts)} alerts; as many boxes in {len(pairs)} and "
        f"faces in {len(alike)}; boxes at most {max(pixels, default=0)} pixels apart ({sum(d > 0 for d in pixels)} of "
        f"{len(pixels)} moved), probabilities {max(scores, default=0):.4f}, mean light {max(light, default=0):.2f}"
    )

"""The commands ``evaluate-scenes`` and ``evaluate-clips`` of ``maskwatch-convert``."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

from edge.config.schema import DetectConfig, DetectorName

from ..arguments import add_with_default, positive, say
from ..data.conditions import CONDITIONS
from ..data.drawings import LABEL_OF_DRAWING
from ..data.files import write_json
from ..data.readable import readable
from . import clip_report, clips, scene_report, scene_table, scenes
from .commands import add_model
from .device import DeviceParts, configure, open_parts


def add_evaluate_scenes(command: argparse.ArgumentParser) -> None:
    add_model(command)
    text = "tab-separated list: file, source, label, x0, y0, x1, y1"
    command.add_argument("list", type=Path, metavar="LIST", help=text)
    command.add_argument(
        "--draw",
        choices=list(LABEL_OF_DRAWING),
        default="",
        help="measure the bare faces only, with this drawn on them",
    )
    _add_device(command, min_face=scenes.MIN_FACE)


def add_evaluate_clips(command: argparse.ArgumentParser) -> None:
    add_model(command)
    command.add_argument("list", type=Path, metavar="LIST", help="clips.json: what happens when in each video")
    command.add_argument(
        "--every-picture", action="store_true", help="search the whole of every picture (detect.gate = false)"
    )
    command.add_argument("--sweep", action="store_true", help="try other thresholds too, and print the cost of each")
    _add_device(command, min_face=DetectConfig().min_face)


def _add_device(command: argparse.ArgumentParser, min_face: int) -> None:
    """Adds the options that both commands take."""
    add_with_default(command, "--min-face", "smallest face in pixels", min_face, type=positive, metavar="PIXELS")
    add_with_default(command, "--detector", "face detector", DetectConfig().detector, choices=get_args(DetectorName))
    text = "change the pictures as a camera at a door may (default plain: no change)"
    command.add_argument("--condition", nargs="+", choices=list(CONDITIONS), default=["plain"], help=text)
    text = "set an option of the device, such as detect.scale_step=1.2; may be repeated"
    command.add_argument("--set", action="append", default=[], metavar="SECTION.OPTION=VALUE", help=text)
    command.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures there")


def run_evaluate_scenes(args: argparse.Namespace) -> None:
    config = configure(args.detector, args.min_face, args.set, {"detect", "classify"})
    truth, device = readable(scenes.read_scenes(args.list)), open_parts(config, args.model)
    conditions = {name: _evaluate_condition(truth, device, name, args.draw) for name in args.condition}
    figures = {"model": device.classifier.card.id, "detector": config.detect.detector, "drawing": args.draw}
    _write(figures | {"conditions": conditions}, args.out)


def _evaluate_condition(
    truth: list[scenes.LabelledScene], device: DeviceParts, name: str, drawing: str
) -> dict[str, Any]:
    """Prints and returns the figures of all scenes under one condition."""
    detect, results, seconds = device.config.detect, [], 0.0
    for detections in scenes.detect_scenes(truth, device.detector, name, drawing, detect.network):
        results.append(scenes.classify_scene(detections, device.classifier, detect.min_face))
        seconds += detections.seconds
    report = scene_report.SceneReport(results, reject=device.config.classify.reject)
    detect_ms = 1000 * seconds / len(truth)
    drawn = f" with {drawing} drawn on bare ones" if drawing else ""
    title = f"{device.title}, {name}, faces from {detect.min_face} px{drawn}, detection {detect_ms:.1f} ms per picture"
    say(scene_table.table(report, title) + "\n")
    return scene_report.summary(report) | {"detect_ms": round(detect_ms, 2)}


def run_evaluate_clips(args: argparse.Namespace) -> None:
    sections = {"source", "detect", "classify", "track", "decide"}
    config = configure(args.detector, args.min_face, args.set, sections)
    if args.every_picture:
        config = replace(config, detect=replace(config.detect, gate=False))
    device = open_parts(config, args.model)
    counted = [clip for clip in clips.read_clips(args.list) if clip.expected is not None]
    faces = [clips.detect_clip(clip, device, name) for name in args.condition for clip in counted]
    outcomes = [clip_report.score_clip(one, clips.raise_alerts(one, config)) for one in faces]
    say(f"{device.title}\n{clip_report.table(outcomes)}")
    figures: dict[str, Any] = {"model": device.classifier.card.id, "detector": config.detect.detector}
    figures |= {"gate": config.detect.gate, "outcomes": [outcome.entry() for outcome in outcomes]}
    if args.sweep:
        trials = clip_report.sweep_thresholds(faces, config)
        figures |= {"false_cost_s": clip_report.FALSE_COST, "thresholds": [asdict(trial) for trial in trials]}
        say(f"\n{clip_report.sweep_table(trials, config.decide.threshold)}")
    _write(figures, args.out)


def _write(figures: dict[str, Any], out: Path | None) -> None:
    if out:
        write_json(out, figures)
        say(f"wrote {out}")

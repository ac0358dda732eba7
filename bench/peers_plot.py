#!/usr/bin/env python3
"""Draws what bench/peers has measured: docs/performance/cost.svg, processor time per packet against the audience.

Usage: peers_plot.py [RESULTS]     (build/peers/results.json, of a run with G3)
"""

import json
import math
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 360, 60, 40, 130, 46
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600 } .grid { stroke: #d1d9e0; stroke-dasharray: 2 3 }
  path { fill: none; stroke-width: 1.6 } .ours { stroke: #0969da } .janus-tuned { stroke: #bc4c00 } .janus-default { stroke: #8250df }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #3d444d }
    .ours { stroke: #58a6ff } .janus-tuned { stroke: #f0883e } .janus-default { stroke: #ab7df8 } }
"""


def draw(curve):
    """Both axes are logarithmic; a stroke is the spread, the line goes through the medians."""
    points = {name: {} for name in curve}
    for name, runs in curve.items():
        for one in (one for run in runs for one in run if one["goodput"] > 0.99):
            points[name].setdefault(one["viewers"], []).append(one["us"])
    every = [value for of in points.values() for values in of.values() for value in values]
    audiences = [viewers for of in points.values() for viewers in of]
    low, high = math.floor(math.log2(min(every))), math.ceil(math.log2(max(every)))
    first, last = min(audiences), max(audiences)

    def x(viewers):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(viewers / first) / math.log(last / first)

    def y(us):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log2(us) - low) / (high - low)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"><style>{STYLE}</style>',
             f'<text class="title" x="{LEFT}" y="20">Processor time per forwarded packet of 1200 bytes, µs</text>',
             f'<text x="{LEFT}" y="{HEIGHT - 8}">viewers of one publisher, 2.5 Mbit/s each</text>']
    for power in range(low, high + 1):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(2 ** power):.1f}" y2="{y(2 ** power):.1f}"/>'
                     f'<text x="{LEFT - 8}" y="{y(2 ** power) + 4:.1f}" text-anchor="end">{2 ** power:g}</text>')
    for viewers in sorted(set(audiences)):
        parts.append(f'<text x="{x(viewers):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{viewers}</text>')
    for name, of in points.items():
        medians = [(x(viewers), y(statistics.median(of[viewers]))) for viewers in sorted(of)]
        if not medians:
            continue
        parts.append(f'<path class="{name}" d="M' + " L".join(f"{a:.1f} {b:.1f}" for a, b in medians) + '"/>')
        for viewers, values in of.items():
            parts.append(f'<path class="{name}" d="M{x(viewers):.1f} {y(min(values)):.1f} V{y(max(values)) - 0.5:.1f}"/>')
        parts.append(f'<text x="{medians[-1][0] + 8:.1f}" y="{medians[-1][1] + 4:.1f}">{name}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def main():
    results = json.loads(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/peers/results.json").read_text())
    to = ROOT / "docs/performance/cost.svg"
    to.parent.mkdir(exist_ok=True)
    to.write_text(draw(results["curve"]))
    print(to.relative_to(ROOT))


if __name__ == "__main__":
    main()

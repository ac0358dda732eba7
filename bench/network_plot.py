#!/usr/bin/env python3
"""Draws what bench/network has measured, and writes its table into docs/network.md.

Usage: bench/network_plot.py --from FOLDER --as simulator|chromium

FOLDER has a JSON file for each network. Networks of one kind become the columns of one picture, docs/network/KIND.svg; of Chromium,
docs/network/chromium-KIND.svg. The table replaces what stands between the two marks of docs/network.md that name who measured.
"""

import argparse
import html
import json
import pathlib
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

# Pictures, and which networks are in each, by the beginnings of their names.
PICTURES = {
    "steps": ["step_2500_600", "step_2500_600_one", "step_4000_500", "step_2500_600_shaky"],
    "steps-delay": ["step_2500_600_20ms", "step_2500_600_100ms", "step_2500_600_300ms"],
    "loss": ["loss_5", "loss_10", "loss_30", "bursts"],
    "delay": ["delay_20", "delay_100", "delay_300", "jitter"],
    "repair": ["repair_5", "uplink_10", "uplink_30"],
    "tcp": ["tcp", "tcp_one", "tcp_deep"],
}

WIDTH, GAP, LEFT, TOP, BOTTOM = 270, 34, 58, 58, 34
STEP = 0.25  # s: what is finer is not seen

STYLE = """
  text { font: 11px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .small { fill: #59636e } .axis { stroke: #d1d9e0 } .grid { stroke: #d1d9e0; stroke-dasharray: 2 3 }
  .line { fill: none; stroke-width: 1.4; stroke-linejoin: round }
  .capacity { stroke: #818b98; stroke-width: 1.2 } .estimate { stroke: #0969da } .delivered { stroke: #1a7f37 } .other { stroke: #bc4c00 }
  .queue { fill: #8250df; fill-opacity: .75 } .peak { stroke: #8250df; stroke-width: .7; opacity: .6 } .frozen { fill: #cf222e; fill-opacity: .75 }
  .limit { stroke: #cf222e; stroke-dasharray: 4 3 } .lost { fill: #bc4c00 } .repaired { fill: #0969da }
  .l0 { fill: #cf222e } .l1 { fill: #c2dcff } .l2 { fill: #9cc8ff } .l3 { fill: #6cb0ff } .l4 { fill: #3c8ff0 } .l5 { fill: #1f6fd0 } .l6 { fill: #0b4f9e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .axis, .grid { stroke: #3d444d }
    .capacity { stroke: #9198a1 } .estimate { stroke: #58a6ff } .delivered { stroke: #3fb950 } .other { stroke: #f0883e }
    .queue { fill: #ab7df8 } .peak { stroke: #ab7df8 } .frozen { fill: #f85149 } .limit { stroke: #f85149 }
    .lost { fill: #f0883e } .repaired { fill: #58a6ff }
    .l0 { fill: #f85149 } .l1 { fill: #10305a } .l2 { fill: #14417c } .l3 { fill: #1a57a5 } .l4 { fill: #2a74d0 } .l5 { fill: #5a9cf0 } .l6 { fill: #a5cdff }
  }
"""


def escape(text):
    return html.escape(str(text), quote=True)


def nice(most):
    """A round number not below `most`."""
    step = 1
    while True:
        for factor in (1, 2, 2.5, 5):
            if factor * step * 2 >= most:
                return factor * step * 2
        step *= 10


def thin(samples):
    """One sample for each STEP: means of rates, the worst of the rest."""
    bins = {}
    for sample in samples:
        bins.setdefault(int(sample["time"] / STEP - 1e-9), []).append(sample)
    result = []
    for key in sorted(bins):
        group = bins[key]
        one = dict(group[-1], time=(key + 1) * STEP)
        for name in ("estimate", "delivered", "other"):
            one[name] = sum(sample.get(name, 0) for sample in group) / len(group)
        for name in ("queue", "queue_peak", "frozen"):
            one[name] = max(sample.get(name, 0) for sample in group)
        for name in ("lost", "repaired"):
            one[name] = sum(sample.get(name, 0) for sample in group)
        result.append(one)
    return result


class Panel:
    """One drawing of one column: x from 0 to `end` seconds, y from 0 to `most`."""

    def __init__(self, x, y, height, end, most):
        self.x, self.y, self.height, self.end, self.most = x, y, height, end, most
        self.parts = []

    def at(self, time, value):
        x = self.x + WIDTH * min(time, self.end) / self.end
        y = self.y + self.height * (1 - min(value, self.most) / self.most)
        return f"{x:.1f} {y:.1f}"

    def frame(self, unit, with_numbers):
        bottom = self.y + self.height
        for share in (0.5, 1):
            y = bottom - self.height * share
            self.parts.append(f'<path class="grid" d="M{self.x} {y:.1f}h{WIDTH}"/>')
            if with_numbers:
                self.parts.append(f'<text class="small" x="{self.x - 5}" y="{y + 4:.1f}" text-anchor="end">{self.most * share:g}</text>')
        if with_numbers:
            self.parts.append(f'<text class="small" x="{self.x - 5}" y="{bottom + 4}" text-anchor="end">{escape(unit)}</text>')
        self.parts.append(f'<path class="axis" d="M{self.x} {bottom}h{WIDTH}"/>')

    def line(self, name, points, steps=False):
        if not points:
            return
        path = "M" + self.at(*points[0])
        last = points[0][1]
        for time, value in points[1:]:
            if steps and value != last:
                path += "L" + self.at(time, last)
            if not steps or value != last:
                path += "L" + self.at(time, value)
            last = value
        if steps:
            path += "L" + self.at(points[-1][0], last)
        self.parts.append(f'<path class="line {name}" d="{path}"/>')

    def area(self, name, points):
        if not any(value for _, value in points):
            return
        path = "M" + self.at(points[0][0], 0) + "".join("L" + self.at(*point) for point in points) + "L" + self.at(points[-1][0], 0) + "Z"
        self.parts.append(f'<path class="{name}" d="{path}"/>')

    def limit(self, value):
        if value <= self.most:
            self.parts.append(f'<path class="limit" d="M{self.at(0, value)}L{self.at(self.end, value)}"/>')

    def strips(self, samples):
        """A strip for each picture, as dark as it has layers."""
        tiles = max((len(sample["layers"]) for sample in samples), default=0)
        for tile in range(tiles):
            height = self.height / tiles
            begin, level = samples[0]["time"] - STEP, None
            for sample in samples + [None]:
                now = None if sample is None else (sample["layers"][tile] if tile < len(sample["layers"]) else 0)
                if sample is not None and now == level:
                    continue
                time = samples[-1]["time"] if sample is None else sample["time"] - STEP
                if level is not None:
                    x, width = WIDTH * begin / self.end, WIDTH * (time - begin) / self.end
                    self.parts.append(
                        f'<rect class="l{level}" x="{self.x + x:.1f}" y="{self.y + tile * height:.1f}" width="{width:.1f}" height="{height - 2:.1f}"/>')
                begin, level = time, now

    def bars(self, name, points, shift):
        width = max(0.6, WIDTH * STEP / self.end / 2)
        path = ""
        for time, value in points:
            if value:
                x = self.x + WIDTH * (time - STEP) / self.end + shift * width
                height = self.height * min(value, self.most) / self.most
                path += f"M{x:.1f} {self.y + self.height:.1f}v{-height:.1f}h{width:.1f}v{height:.1f}z"
        if path:
            self.parts.append(f'<path class="{name}" d="{path}"/>')


def legend(x, y, entries):
    parts = []
    for name, shape, text in entries:
        if shape == "line":
            parts.append(f'<path class="line {name}" d="M{x} {y - 4}h16"/>')
        else:
            parts.append(f'<rect class="{name}" x="{x}" y="{y - 9}" width="14" height="9"/>')
        parts.append(f'<text class="small" x="{x + 20}" y="{y}">{escape(text)}</text>')
        x += 32 + 6.1 * len(text)
    return parts


def draw(cells, title):
    columns = []
    for cell in cells:
        samples = thin(cell["samples"])
        if samples:
            columns.append((cell, samples))
    if not columns:
        return None
    of_all = [sample for _, samples in columns for sample in samples]
    widest = max(s["capacity"] for s in of_all)
    most_rate = max(max(s["capacity"], s["estimate"] if s["capacity"] else 0, s["delivered"], s["other"]) for s in of_all)
    # A page that was late counts what it missed at once.
    most_rate = nice(min(most_rate, 1.5 * widest) if widest else most_rate)
    most_queue = nice(min(400, max(60, max(s["queue_peak"] for s in of_all))))
    most_frozen = nice(min(2000, max(320, max(s["frozen"] for s in of_all))))
    most_lost = nice(max(4, max(max(s["lost"], s["repaired"]) for s in of_all)))
    with_tcp = any(s["other"] for s in of_all)
    rows = [("Rates, kbit/s", "kbit/s", 110, most_rate), ("Queue of the link, ms", "ms", 60, most_queue), ("Layers of each picture", "", 54, 1),
            ("Time since the latest picture, ms", "ms", 60, most_frozen), ("Packets lost and repeated in a quarter of a second", "", 44, most_lost)]
    width = max(600, LEFT + len(columns) * (WIDTH + GAP))  # and the legend
    parts = []
    for index, (cell, samples) in enumerate(columns):
        x = LEFT + index * (WIDTH + GAP)
        end = samples[-1]["time"]
        for row, words in enumerate(textwrap.wrap(cell["tells"], 42)):
            parts.append(f'<text class="title" x="{x}" y="{15 + 14 * row}">{escape(words)}</text>')
        y = TOP
        for row, (name, unit, height, most) in enumerate(rows):
            panel = Panel(x, y, height, end, most)
            if index == 0:
                parts.append(f'<text class="small" x="{x}" y="{y - 6}">{escape(name)}</text>')
            if row != 2:
                panel.frame(unit, index == 0)
            if row == 0:
                if any(s["capacity"] for s in samples):
                    panel.line("capacity", [(0, samples[0]["capacity"])] + [(s["time"] - STEP, s["capacity"]) for s in samples] +
                               [(end, samples[-1]["capacity"])], steps=True)
                if any(s["capacity"] for s in samples):
                    panel.line("estimate", [(s["time"], s["estimate"]) for s in samples])
                panel.line("delivered", [(s["time"], s["delivered"]) for s in samples])
                if any(s["other"] for s in samples):
                    panel.line("other", [(s["time"], s["other"]) for s in samples])
            elif row == 1:
                panel.area("queue", [(s["time"], s["queue"]) for s in samples])
                panel.line("peak", [(s["time"], s["queue_peak"]) for s in samples])
                panel.limit(50)
            elif row == 2:
                panel.strips(samples)
            elif row == 3:
                panel.area("frozen", [(s["time"], s["frozen"]) for s in samples])
                panel.limit(300)
            else:
                panel.bars("lost", [(s["time"], s["lost"]) for s in samples], 0)
                panel.bars("repaired", [(s["time"], s["repaired"]) for s in samples], 1)
            parts += panel.parts
            y += height + 26
        for second in range(0, int(end) + 1, 20 if end > 30 else 5):
            parts.append(f'<text class="small" x="{x + WIDTH * second / end:.1f}" y="{y - 10}" text-anchor="middle">{second} s</text>')
        bottom = y
    entries = [("capacity", "line", "capacity"), ("estimate", "line", "estimate"), ("delivered", "line", "media delivered")]
    if with_tcp:
        entries.append(("other", "line", "TCP"))
    parts += legend(LEFT, bottom + 12, entries)
    parts += legend(LEFT, bottom + 30, [("queue", "box", "queue that stands"), ("frozen", "box", "no new picture"), ("lost", "box", "lost"),
                                        ("repaired", "box", "repeated")])
    parts += legend(LEFT, bottom + 48, [("l0", "box", "nothing shown"), ("l2", "box", "180 lines"), ("l4", "box", "360 lines"),
                                        ("l6", "box", "720 lines; lighter: half of the frames")])
    height = bottom + 48 + BOTTOM - 12
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
            f"<title>{escape(title)}</title><style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n")


def number(value):
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.1f}"


def unit(figure):
    return f" {figure['unit']}" if figure["unit"] else ""


def tables(cells):
    seeds = max(cell["seeds"] for cell in cells)
    worst = f"worst of {seeds}" if seeds > 1 else "measured"
    rows = [f"| network | figure | median | {worst} | target | |", "|---|---|---:|---:|---:|---|"]
    rest = [f"| network | figure | median | {worst} |", "|---|---|---:|---:|"]
    met = missed = 0
    for cell in cells:
        for figure in cell["figures"]:
            values = f"{number(figure['median'])}{unit(figure)} | {number(figure['worst'])}{unit(figure)}"
            if figure["target"] is None:
                rest.append(f"| {cell['tells']} | {figure['name']} | {values} |")
                continue
            met += figure["met"]
            missed += not figure["met"]
            sign = "≤" if figure["at_most"] else "≥"
            verdict = "met" if figure["met"] else "**missed**"
            rows.append(f"| {cell['tells']} | {figure['name']} | {values} | {sign} {number(figure['target'])}{unit(figure)} | {verdict} |")
    return (f"{met} figures are met, {missed} are missed.\n\n" + "\n".join(rows) +
            "\n\n<details><summary>What has no target</summary>\n\n" + "\n".join(rest) + "\n\n</details>")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="folder", required=True, type=pathlib.Path)
    parser.add_argument("--as", dest="who", required=True, choices=["simulator", "chromium"])
    options = parser.parse_args()
    cells = {}
    for path in sorted(options.folder.glob("*.json")):
        cell = json.loads(path.read_text())
        cells[cell["cell"]] = cell
    if not cells:
        raise SystemExit(f"network_plot: there is nothing in {options.folder}")
    (DOCS / "network").mkdir(exist_ok=True)
    prefix = "chromium-" if options.who == "chromium" else ""
    pictures = []
    for name, members in PICTURES.items():
        svg = draw([cells[member] for member in members if member in cells], name)
        if svg is None:
            continue
        (DOCS / "network" / f"{prefix}{name}.svg").write_text(svg)
        pictures.append(f"![{name}](network/{prefix}{name}.svg)")
    order = [member for members in PICTURES.values() for member in members]
    known = sorted(cells.values(), key=lambda cell: (order.index(cell["cell"]) if cell["cell"] in order else len(order), cell["cell"]))
    page = DOCS / "network.md"
    begin, end = f"<!-- {options.who}: begin -->", f"<!-- {options.who}: end -->"
    text = page.read_text()
    before, after = text.split(begin)[0], text.split(end)[1]
    page.write_text(before + begin + "\n" + tables(known) + "\n\n" + "\n\n".join(pictures) + "\n" + end + after)


if __name__ == "__main__":
    main()

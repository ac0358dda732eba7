#!/usr/bin/env python3
"""Draws a flame graph out of what `perf script` prints.

Usage: perf record -e cpu-clock -F 997 -g -p PID -- sleep 10 && perf script | bench/flame.py TITLE > flame.svg
"""

import html
import re
import sys

WIDTH, ROW, LEAST = 1200, 16, 0.003  # frames below this share are left out


def stacks(lines):
    """Each sample as its frames, the outermost first."""
    frames = []
    for line in lines:
        if line.strip() and not line[0].isspace():
            frames = [line.split()[0]]  # the thread
        elif line.strip():
            found = re.match(r"\s*[0-9a-f]+ (.*) \(([^)]*)\)$", line)
            if found:
                name = re.sub(r"\+0x[0-9a-f]+$", "", found.group(1))
                frames.insert(1, name if name != "[unknown]" else found.group(2).rsplit("/", 1)[-1])
        elif frames:
            yield frames
            frames = []
    if frames:
        yield frames


def tree(samples):
    root = {"count": 0, "below": {}}
    for frames in samples:
        at = root
        at["count"] += 1
        for name in frames:
            at = at["below"].setdefault(name, {"count": 0, "below": {}})
            at["count"] += 1
    return root


def depth(node, least):
    return 1 + max((depth(below, least) for below in node["below"].values() if below["count"] >= least), default=0)


def draw(node, name, x, row, scale, least, parts):
    width = node["count"] * scale
    short = re.sub(r"\(.*|<.*|liaison::", "", name) or name
    hue = 20 + sum(name.encode()) % 35
    parts.append(f'<g><title>{html.escape(name)}: {100 * width / WIDTH:.1f} %</title>'
                 f'<rect x="{x:.1f}" y="{row}" width="{max(width - 0.5, 0.5):.1f}" height="{ROW - 1}" fill="hsl({hue} 85% 65%)"/>'
                 + (f'<text x="{x + 3:.1f}" y="{row + 12}">{html.escape(short[:int(width / 6.5)])}</text>' if width > 30 else "") + "</g>")
    for below, of in sorted(node["below"].items()):
        if of["count"] >= least:
            draw(of, below, x, row - ROW, scale, least, parts)
            x += of["count"] * scale


def main():
    root = tree(stacks(sys.stdin))
    if not root["count"]:
        sys.exit("flame: no samples; was perf recording with -g?")
    least = LEAST * root["count"]
    height = ROW * depth(root, least) + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
             '<style>text { font: 11px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 13px; fill: #808080 }</style>',
             f'<text class="title" x="4" y="16">{html.escape(sys.argv[1] if len(sys.argv) > 1 else "")}</text>']
    draw(root, f"{root['count']} samples", 0, height - ROW, WIDTH / root["count"], least, parts)
    print("\n".join(parts) + "\n</svg>")


if __name__ == "__main__":
    main()

"""Cost against rows: the slope on log-log, and an SVG with a panel for each engine."""

import math
import statistics
from xml.sax.saxutils import escape

from report import median, print_table

WIDTH, HEIGHT = 800, 460
LEFT, RIGHT, TOP, BOTTOM = 80, 230, 50, 60
# Told apart by the colour-blind, too (Okabe and Ito).
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
DASHES = ["", "6 3", "2 3"]


def lines_of(results, engine):
    """{contender: [(rows, seconds)]} of one engine, by rows."""
    lines = {}
    for result in sorted((r for (name, case), r in results.items() if name == engine and case.startswith("crm ")),
                         key=lambda result: result.rows):
        for contender, runs in result.runs.items():
            if runs:
                lines.setdefault(contender, []).append((result.rows, median(runs)))
    return lines


def slope(points):
    """Least squares on log-log: 1 is proportional to the rows."""
    if len(points) < 2:
        return None
    logs = [(math.log10(rows), math.log10(seconds)) for rows, seconds in points]
    return statistics.linear_regression(*zip(*logs)).slope


def print_slopes(results):
    for engine in sorted({name for name, case in results if case.startswith("crm ")}):
        lines = {contender: points for contender, points in lines_of(results, engine).items() if len(points) > 1}
        if lines:
            print_table(f"{engine}: slope of seconds against rows on log-log, least squares; of the two largest sizes",
                        [["", "slope", "at the end"]] + [[contender, f"{slope(points):.2f}", f"{slope(points[-2:]):.2f}"]
                                                         for contender, points in lines.items()])


def write_svg(path, results):
    engines = sorted({name for name, case in results if case.startswith("crm ")})
    panels = [panel(engine, lines_of(results, engine), n * HEIGHT) for n, engine in enumerate(engines)]
    with open(path, "w") as svg:
        svg.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT * len(panels)}"'
                  f' viewBox="0 0 {WIDTH} {HEIGHT * len(panels)}" font-family="sans-serif" font-size="12">\n'
                  '<rect width="100%" height="100%" fill="white"/>\n' + "".join(panels) + "</svg>\n")


def panel(engine, lines, top):
    points = [point for line in lines.values() for point in line]
    x = axis([rows for rows, _ in points], LEFT, WIDTH - RIGHT)
    y = axis([seconds for _, seconds in points], HEIGHT - BOTTOM, TOP)
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts = [f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - RIGHT - LEFT}" height="{HEIGHT - BOTTOM - TOP}"'
             ' fill="none" stroke="#888888"/>',
             text(middle, 28, f"{engine}: time to delete one organization", 'text-anchor="middle" font-size="15"'),
             text(middle, HEIGHT - 16, "rows of the organization", 'text-anchor="middle"'),
             text(0, 0, "seconds, whole process (median)",
                  f'text-anchor="middle" transform="translate(22 {HEIGHT / 2}) rotate(-90)"')]
    for power in x.powers:
        parts.append(line_between(x(10**power), TOP, x(10**power), HEIGHT - BOTTOM))
        parts.append(text(x(10**power), HEIGHT - BOTTOM + 18, f"{10**power:,}", 'text-anchor="middle"'))
    for power in y.powers:
        parts.append(line_between(LEFT, y(10**power), WIDTH - RIGHT, y(10**power)))
        parts.append(text(LEFT - 8, y(10**power) + 4, f"{10.0**power:g}", 'text-anchor="end"'))
    # The legend is in the order in which the lines end.
    by_end = sorted(lines.items(), key=lambda item: (-item[1][-1][0], -item[1][-1][1]))
    colours = {contender: n for n, contender in enumerate(lines)}
    for position, (contender, points) in enumerate(by_end):
        n = colours[contender]
        style = f'stroke="{COLOURS[n % len(COLOURS)]}" stroke-width="2" fill="none" stroke-dasharray="{DASHES[n % 3]}"'
        path = " ".join(f"{x(rows):.1f},{y(seconds):.1f}" for rows, seconds in points)
        parts.append(f'<polyline points="{path}" {style}/>')
        parts += [f'<circle cx="{x(rows):.1f}" cy="{y(seconds):.1f}" r="3" fill="{COLOURS[n % len(COLOURS)]}"/>'
                  for rows, seconds in points]
        height = TOP + 12 + position * 20
        parts.append(f'<polyline points="{WIDTH - RIGHT + 12},{height} {WIDTH - RIGHT + 42},{height}" {style}/>')
        parts.append(text(WIDTH - RIGHT + 48, height + 4, contender, ""))
    return f'<g transform="translate(0 {top})">\n' + "\n".join(parts) + "\n</g>\n"


def axis(values, start, end):
    """Maps a value to its place between two ends, logarithmically, with the powers of ten in between."""
    low, high = math.log10(min(values)) - 0.15, math.log10(max(values)) + 0.15

    def place(value):
        return start + (math.log10(value) - low) / (high - low) * (end - start)

    place.powers = range(math.ceil(low), math.floor(high) + 1)
    return place


def line_between(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def text(x, y, content, attributes):
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(content)}</text>'

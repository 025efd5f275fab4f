"""Tables, in Markdown: one of each case, and at the end the bars."""

import statistics


def ratio(over, under, what="seconds"):
    """Median of the ratios round by round: a slow minute of the machine is the same for both."""
    pairs = [(getattr(run, what), getattr(other, what)) for run, other in zip(over, under)]
    if not pairs or any(not other for _, other in pairs):
        return None
    return statistics.median(run / other for run, other in pairs)


def median(runs):
    return statistics.median(run.seconds for run in runs)


def print_result(title, result, statements=None):
    runs, rows = result.runs, result.rows
    first = next(iter(runs.values()))
    table = [["", "rounds", "median", "least", "most", "ratio", "CPU", "CPU ratio", "rows/s", "peak MB"]
             + (["statements"] if statements else [])]
    for contender, results in runs.items():
        seconds = [run.seconds for run in results]
        processor = [run.processor for run in results]
        more = "> " if any(run.cancelled for run in results) else ""
        table.append([
            contender, str(len(results)), f"{more}{median(results):.3f} s", f"{min(seconds):.3f}",
            f"{max(seconds):.3f}", more + number(ratio(results, first)),
            "-" if None in processor else f"{statistics.median(processor):.2f} s",
            more + number(ratio(results, first, "processor")), "-" if more else f"{rows / median(results):,.0f}",
            f"{max(run.peak for run in results):.0f}",
        ] + ([str(statements[contender])] if statements else []))
    print_table(title, table)


def print_table(title, lines, left=1):
    """The first `left` columns are text."""
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    print(f"\n{title}\n")
    for position, line in enumerate(lines):
        cells = [cell.ljust(width) if n < left else cell.rjust(width)
                 for n, (cell, width) in enumerate(zip(line, widths))]
        print("| " + " | ".join(cells) + " |")
        if position == 0:
            print("|" + "|".join("-" * (width + 1) + ("-" if n < left else ":") for n, width in enumerate(widths)) + "|")
    print(flush=True)


def number(value):
    return "-" if value is None else f"{value:.2f}"

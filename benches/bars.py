"""The bars that orgsweep has to clear, each with what was measured."""

from collections import namedtuple

from cases import (CASCADE, CLEAN_ARCHIVED, CLEAN_ENGINE, CLEAN_INDEXED, CLEAN_SET, DJANGO, ENGINE_CREATING,
                   ENGINE_INDEXED, FLOOR, HAND, PREVIEW, RESTORE)
from plot import lines_of, slope
from report import print_table, ratio

PG, LITE, MARIA = "PostgreSQL", "SQLite", "MariaDB"

# `over` / `under` in one case; the bar is the most, or where it says so the least.
Bar = namedtuple("Bar", "engine work case over under limit at_least", defaults=[False])
RATIOS = [
    Bar(PG, "1M rows, privileged: clean / hand-written", "crm 1m", CLEAN_SET, HAND, 0.40),
    Bar(PG, "1M rows, privileged: clean / floor", "crm 1m", CLEAN_SET, FLOOR, 1.4),
    Bar(PG, "1M rows, unprivileged: clean / hand-written", "crm 1m", CLEAN_ENGINE, HAND, 1.1),
    Bar(PG, "1M rows: native ON DELETE CASCADE / clean, privileged", "crm 1m", CASCADE, CLEAN_SET, 4, True),
    Bar(PG, "100k rows: Django's collector / clean", "crm 100k", DJANGO, CLEAN_SET, 6, True),
    Bar(PG, "1M rows: Django's collector / clean", "crm 1m", DJANGO, CLEAN_SET, 12, True),
    Bar(PG, "created_by unindexed, privileged: clean / with the index", "unindexed", CLEAN_SET, CLEAN_INDEXED, 1.3),
    Bar(PG, "created_by unindexed, engine's checks: creating the index / with it", "unindexed", ENGINE_CREATING,
        ENGINE_INDEXED, 4),
    Bar(PG, "1M rows: preview / hand-written", "crm 1m", PREVIEW, HAND, 0.18),
    Bar(PG, "1M rows: clean with archive / without", "archive 1m", CLEAN_ARCHIVED, CLEAN_SET, 1.4),
    Bar(PG, "1M rows: restore / clean with archive", "archive 1m", RESTORE, CLEAN_ARCHIVED, 2),
    Bar(LITE, "1M rows: clean / hand-written", "crm 1m", CLEAN_SET, HAND, 0.55),
    Bar(LITE, "1M rows: preview / hand-written", "crm 1m", PREVIEW, HAND, 0.18),
    Bar(LITE, "1M rows: clean with archive / without", "archive 1m", CLEAN_ARCHIVED, CLEAN_SET, 1.4),
    Bar(LITE, "1M rows: restore / clean with archive", "archive 1m", RESTORE, CLEAN_ARCHIVED, 2),
    Bar(MARIA, "1M rows: clean / hand-written joins", "crm 1m", CLEAN_SET, HAND, 0.75),
    Bar(MARIA, "1M rows: preview / hand-written joins", "crm 1m", PREVIEW, HAND, 0.3),
    Bar(MARIA, "1M rows: clean with archive / without", "archive 1m", CLEAN_ARCHIVED, CLEAN_SET, 1.4),
    Bar(MARIA, "1M rows: restore / clean with archive", "archive 1m", RESTORE, CLEAN_ARCHIVED, 2),
    *(Bar(engine, f"{title}: clean / the recursive query by hand", shape, CLEAN_SET, HAND, 2)
      for engine in (PG, LITE) for shape, title in (("tree", "tree of 200 x 500"), ("chain", "chains of 2,000 levels"))),
    Bar(PG, "small organization: clean / hand-written", "small", CLEAN_SET, HAND, 1.5),
    Bar(LITE, "small organization: clean / hand-written", "small", CLEAN_SET, HAND, 1.3),
    Bar(MARIA, "small organization: clean / hand-written", "small", CLEAN_SET, HAND, 2.5),
    Bar(PG, "1,000 tables, 20 rows: clean / hand-written", "wide", CLEAN_SET, HAND, 10),
]
OURS = [CLEAN_SET, CLEAN_ENGINE, PREVIEW]


def print_bars(results, writers):
    lines = [ratio_line(bar, results) for bar in RATIOS]
    for engine in (PG, LITE):
        lines += [slope_line(engine, results), memory_line(engine, results)]
    lines.append(memory_line(MARIA, results))
    lines += writer_lines(writers)
    lines.append([PG, "writers at every statement gap: dangling rows", "0", "-", "tests/it/races.rs"])
    print_table("Bars", [["engine", "work", "bar", "measured", ""], *lines], left=2)


def print_measured(results):
    """Those of `RATIOS` that a quick run has measured, at 100k rows; returns them."""
    quick = [bar._replace(work=bar.work.replace("1M rows", "100k rows"), case=bar.case.replace(" 1m", " 100k"))
             for bar in RATIOS]
    values = {bar: measured(bar, results) for bar in quick}
    known = {bar: value for bar, value in values.items() if value is not None}
    lines = [line(bar.engine, bar.work, value, bar.limit, bar.at_least) for bar, value in known.items()]
    print_table("Bars", [["engine", "work", "bar", "measured", ""], *lines], left=2)
    return {f"{bar.engine}, {bar.work}": round(value, 3) for bar, value in known.items()}


def measured(bar, results):
    result = results.get((bar.engine, bar.case))
    return ratio(result.runs.get(bar.over, []), result.runs.get(bar.under, [])) if result else None


def ratio_line(bar, results):
    return line(bar.engine, bar.work, measured(bar, results), bar.limit, bar.at_least)


def slope_line(engine, results):
    """Of all that orgsweep does the steepest."""
    lines = lines_of(results, engine)
    reach = max((points[-1][0] / points[0][0] for points in lines.values()), default=0)
    steepest = max((slope(lines[ours]) for ours in OURS), default=None) if reach > 500 else None
    return line(engine, "cost against rows, 1k to 1M: slope on log-log", steepest, 1.05)


def memory_line(engine, results):
    result = results.get((engine, "crm 1m"))
    peak = max(run.peak for ours in OURS for run in result.runs[ours]) if result else None
    return line(engine, "1M rows: peak memory of the process, MB", peak, 120 if engine == LITE else 50)


def writer_lines(writers):
    """`writers`: of each contender the share of the rate that writers keep, and the strongest lock held."""
    lines = []
    for ours in (CLEAN_SET, CLEAN_ENGINE):
        kept, lock = writers.get(ours, (None, None))
        lines.append(line(PG, f"100k rows, {ours}: other organizations' writers keep", kept, 0.8, True))
        verdict = "not measured" if lock is None else "met" if lock == "RowExclusiveLock" else "NOT MET"
        lines.append([PG, f"100k rows, {ours}: strongest lock", "RowExclusiveLock", lock or "-", verdict])
    return lines


def line(engine, work, value, limit, at_least=False):
    bar = f"{'>=' if at_least else '<='} {limit:g}"
    if value is None:
        return [engine, work, bar, "-", "not measured"]
    met = value >= limit if at_least else value <= limit
    return [engine, work, bar, f"{value:.2f}", "met" if met else "NOT MET"]

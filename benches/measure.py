"""Whole processes, measured in turn on fresh copies of the same data."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field


@dataclass
class Contender:
    name: str
    command: list
    source: str  # The prepared data that it gets a copy of.
    changes_nothing: bool = False
    rounds: int = sys.maxsize
    says: str = ""  # What it has to tell on stderr.
    seconds_at_most: int = 0  # PostgreSQL: a statement that takes longer is cancelled, and that is the result.


@dataclass
class Run:
    seconds: float
    processor: float | None  # Seconds, the server's included.
    peak: float  # MB
    cancelled: bool = False


@dataclass
class Result:
    """One case's outcome; the first contender is the one that the others are compared with."""

    rows: int
    runs: dict = field(default_factory=dict)


def compare(engine, contenders, rounds, tables, title):
    """Runs everyone in every round, and checks the rows left: of each clean the same, of a preview all."""
    before = engine.counts(contenders[0].source, tables)
    runs = {contender.name: [] for contender in contenders}
    left = None
    for round_ in range(rounds):
        for contender in in_turn(contenders, round_):
            results = runs[contender.name]
            if round_ >= contender.rounds or any(run.cancelled for run in results):
                continue
            engine.copy(contender.source)
            results.append(measured(engine, contender))
            after = engine.counts("copy", tables)
            if contender.changes_nothing or results[-1].cancelled:
                assert after == before, f"{contender.name} changed something"
            else:
                left = left or after
                assert after == left, f"{contender.name} left {after} instead of {left}"
            say(f"{title} {round_ + 1}/{rounds} {contender.name}: {results[-1].seconds:.3f} s")
    return Result(sum(map(int, before)) - sum(map(int, left)), runs)


def in_turn(contenders, round_):
    """A B C, then B C A: nobody always runs after the same one."""
    shift = round_ % len(contenders)
    return contenders[shift:] + contenders[:shift]


def measured(engine, contender):
    limit = contender.seconds_at_most
    options = {"PGOPTIONS": f"-c statement_timeout={limit}s"} if limit else {}
    before = engine.processor_time()
    start = time.monotonic()
    process = subprocess.Popen(contender.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=environment(**options))
    peak = 0
    status_file = f"/proc/{process.pid}/status"
    while True:
        # wait4's ru_maxrss counts what this process had before exec; VmHWM is the program's own.
        peak = max(peak, high_water_mark(status_file))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        passed = time.monotonic() - start
        time.sleep(0.0005 if passed < 0.2 else 0.002 if passed < 1 else 0.02)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    errors = process.stderr.read().decode()
    process.stderr.close()
    cancelled = process.returncode != 0 and bool(limit) and "statement timeout" in errors
    if process.returncode != 0 and not cancelled:
        sys.exit(f"benches/run: {' '.join(contender.command)}: exit {process.returncode}\n{errors}")
    assert contender.says in errors, f"{contender.name} does not say {contender.says!r}:\n{errors}"
    after = engine.processor_time()
    processor = None if None in (before, after) else after - before + usage.ru_utime + usage.ru_stime
    return Run(seconds, processor, (peak or usage.ru_maxrss) / 1024, cancelled)


def high_water_mark(status_file):
    try:
        with open(status_file) as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def environment(**more):
    """No .env, no PG* variables of whoever runs this."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG") and key != "DATABASE_URL"}
    return {**kept, "XDG_STATE_HOME": os.path.join(tempfile.gettempdir(), "orgsweep-bench-state"), **more}


def logged_statements(engine, command):
    """How many statements the server saw from one process; nobody else talks to it."""
    start = engine.log.stat().st_size
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=environment(PGOPTIONS="-c log_statement=all"))
    with open(engine.log) as log:
        log.seek(start)
        return sum("|LOG:  statement: " in line or "|LOG:  execute " in line for line in log)


def say(text):
    print(f"benches/run: {text}", file=sys.stderr, flush=True)

"""What writers of other organizations notice of a clean: the rate that they keep, and its strongest lock."""

import pathlib
import statistics
import subprocess
import time

import crm
from cases import CLEAN_ENGINE, CLEAN_SET, HAND, SIZES
from measure import environment, in_turn, say
from report import number, print_table

CLIENTS = 2
WARM_UP, ALONE = 1.0, 3.0  # Seconds.
FIRST_ID = 1_000_000_000

# 10,000 deals of others, where no foreign key and no clean looks.
PREPARE = [
    "CREATE SCHEMA writers",
    f"CREATE SEQUENCE writers.ids START {FIRST_ID}",
    "CREATE TABLE writers.deals (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, deal bigint, author bigint)",
    "INSERT INTO writers.deals (deal, author) SELECT deals.id, deals.created_by FROM deals"
    " JOIN clients ON clients.id = client_id WHERE org_id <> 1 ORDER BY random() LIMIT 10000",
    "ANALYZE writers.deals",
]
TRANSACTION = """\\set n random(1, 10000)
BEGIN;
INSERT INTO comments SELECT nextval('writers.ids'), deal, author, 'meanwhile', clock_timestamp()
  FROM writers.deals WHERE n = :n;
UPDATE deals SET amount = amount + 1 FROM writers.deals AS mine WHERE mine.n = :n AND deals.id = mine.deal;
COMMIT;
"""

# What any other process takes from the writers where processors are few.
CONTROL = "a loop that touches no data"
LOOP = "DO $$ BEGIN FOR i IN 1..40000000 LOOP END LOOP; END $$"

LOCKS = ["AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
         "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]
WATCH = """SELECT DISTINCT mode FROM pg_locks JOIN pg_stat_activity USING (pid)
 WHERE application_name IN ('orgsweep', 'contender') AND locktype = 'relation'
   AND relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) \\watch 0.1
"""


def run_writers(bench):
    engine, source = bench.engine, bench.prepare_crm("writers", "plain", SIZES["100k"])
    engine.run(source, PREPARE)
    by_set, by_engine, _ = bench.ours(source, crm.NAME)
    commands = [(CONTROL, [*engine.psql("copy"), "-c", LOOP]),
                (HAND, engine.hand_written("hand-written.sql", crm.HAND_WRITTEN)),
                (CLEAN_SET, by_set.command), (CLEAN_ENGINE, by_engine.command)]
    runs = {name: [] for name, _ in commands}
    rounds = bench.rounds or 7
    for round_ in range(rounds):
        for name, command in in_turn(commands, round_):
            engine.copy(source)
            runs[name].append(watched(engine, command))
            left = engine.value("copy", "SELECT count(*) FROM clients WHERE org_id = 1")
            assert name == CONTROL or left == "0", f"{name} left {left} clients"
            alone, during, seconds, _ = runs[name][-1]
            say(f"writers {round_ + 1}/{rounds} {name}: {alone:.0f}/s alone, {during:.0f}/s during {seconds:.2f} s")
    lines = [["", "seconds", "writes/s alone", "writes/s during", "kept", "strongest lock"]]
    for name, results in runs.items():
        alone, during, seconds, locks = zip(*results)
        kept = statistics.median(d / a for d, a in zip(during, alone))
        lock = max((mode for modes in locks for mode in modes), key=LOCKS.index, default=None)
        bench.kept[name] = (kept, lock)
        lines.append([name, f"{statistics.median(seconds):.2f}", f"{statistics.median(alone):.0f}",
                      f"{statistics.median(during):.0f}", number(kept), lock or "-"])
    print_table(f"{engine.name} {engine.version}: {CLIENTS} writers of other organizations while one of 100k rows goes"
                f" ({rounds} rounds)", lines)


def watched(engine, command):
    """The writers' rates alone and while the command runs, its seconds, the locks that it held."""
    script = engine.work / "writers.sql"
    script.write_text(TRANSACTION)
    pgbench = [pathlib.Path(engine.bin) / "pgbench", "-n", "-h", "127.0.0.1", "-p", str(engine.port), "-U", "postgres",
               "-M", "prepared", "-c", str(CLIENTS), "-T", "600", "-f", script, "copy"]
    writers = subprocess.Popen(pgbench, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    watcher = subprocess.Popen(engine.psql("copy"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        watcher.stdin.write(WATCH)
        watcher.stdin.flush()
        time.sleep(WARM_UP)
        start = time.time()
        time.sleep(ALONE)
        middle = time.time()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=environment(PGAPPNAME="contender"))
        end = time.time()
        alive = writers.poll() is None
    finally:
        for process in (writers, watcher):
            process.terminate()
    locks = {line for line in watcher.communicate()[0].split() if line.endswith("Lock")}
    writers.wait()
    assert alive, "the writers failed"
    return (rate(engine, start, middle), rate(engine, middle, end), end - middle, locks)


def rate(engine, start, end):
    return int(engine.value("copy", f"SELECT count(*) FROM comments WHERE id >= {FIRST_ID} AND created_at >="
                                    f" to_timestamp({start}) AND created_at < to_timestamp({end})")) / (end - start)

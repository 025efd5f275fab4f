"""What is measured: each case prepares its data, compares the contenders and prints the table."""

import pathlib
import tempfile
from dataclasses import dataclass, field

import crm
import shapes
import wide
from measure import Contender, compare, logged_statements, measured, say
from report import print_result

SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1m": 1_000_000}
# The faster a run, the more it takes to tell it from noise.
ROUNDS = {"1k": 15, "10k": 9, "100k": 7, "1m": 3}
# These take many times longer than the others.
SLOW_ROUNDS = {"1k": 15, "10k": 9, "100k": 3, "1m": 1}

HAND = "hand-written SQL"
FLOOR = "floor"
CASCADE = "native ON DELETE CASCADE"
DJANGO = "Django's collector"
CLEAN_SET = "clean, set"
CLEAN_ENGINE = "clean, engine"
CLEAN_ARCHIVED = "clean, set, archived"
RESTORE = "restore"
CLEAN_INDEXED = "clean, set, with the index"
ENGINE_INDEXED = "clean, engine, with the index"
ENGINE_CREATING = "clean, engine, creating the index"
PREVIEW = "preview"
HAND_FEW = "the same, tables with rows only"

# With what every organization has at least, these are about 50 rows.
SMALL, SMALL_AMONG = 15, 10_000
# An unindexed reference may take minutes; a statement may not.
UNINDEXED_SECONDS = 60


@dataclass
class Bench:
    engine: object
    binary: str
    python: str | None
    sizes: list
    rounds: int | None
    results: dict = field(default_factory=dict)  # {(engine, case): Result}
    kept: dict = field(default_factory=dict)  # What writers.py found.

    @property
    def django(self):
        """Django's collector can be measured: MariaDB's driver for Python is not worth building for it."""
        return self.python and hasattr(self.engine, "django")

    def orgsweep(self, *arguments):
        return [self.binary, "--database-url", self.engine.url("copy"), *arguments]

    def ours(self, source, organization, *options, slow_seconds=0):
        """orgsweep in all its ways."""
        name = ["--org-name", organization, "--force", *options]
        clean = ["clean", *name, "--yes", "--no-archive", "--reference-checks"]
        return [
            Contender(CLEAN_SET, self.orgsweep(*clean, "set"), source),
            Contender(CLEAN_ENGINE, self.orgsweep(*clean, "engine"), source, seconds_at_most=slow_seconds),
            Contender(PREVIEW, self.orgsweep("preview", *name), source, changes_nothing=True),
        ]

    def prepare_crm(self, source, variant, *rows):
        self.say(f"generating {source}")
        before, after = crm.build(self.engine, variant)
        self.engine.prepare(source, before, crm.generate(*rows), after)
        return source

    def finish(self, case, contenders, rounds, tables, title, statements=None):
        result = compare(self.engine, contenders, rounds, tables, f"{self.engine.name} {case}")
        self.results[self.engine.name, case] = result
        print_result(f"{self.engine.name} {self.engine.version}: {result.rows:,} rows of one organization, {title}",
                     result, statements)

    def say(self, text):
        say(f"{self.engine.name} {self.engine.version}: {text}")


def run_crm(bench):
    for size in bench.sizes:
        rounds, slow = bench.rounds or ROUNDS[size], SLOW_ROUNDS[size]
        sources = {variant: bench.prepare_crm(f"crm_{size}_{variant}", variant, SIZES[size])
                   for variant in ["plain", "floor", "cascade"] + ["django"] * bool(bench.django)}
        command = bench.engine.hand_written
        contenders = [
            Contender(HAND, command("hand-written.sql", crm.hand_written(bench.engine)), sources["plain"]),
            *bench.ours(sources["plain"], crm.NAME),
            Contender(FLOOR, command("floor.sql", crm.hand_written(bench.engine)), sources["floor"]),
            Contender(CASCADE, command("cascade.sql", crm.HAND_WRITTEN[-1:]), sources["cascade"], rounds=slow),
        ]
        if bench.django:
            script = pathlib.Path(__file__).with_name("django_delete.py")
            django = [bench.python, str(script), *bench.engine.django()]
            contenders.append(Contender(DJANGO, django, sources["django"], rounds=slow))
        bench.finish(f"crm {size}", contenders, rounds, crm.TABLES,
                     f"of about twice as many in {len(crm.TABLES)} tables")
        for source in sources.values():
            bench.engine.drop(source)


def run_archive(bench):
    """What it costs to keep all that goes, and to put it back."""
    for size in bench.sizes:
        source = bench.prepare_crm(f"archive_{size}", "plain", SIZES[size])
        # Now: MariaDB's server leaves its copy for the rows that it counts.
        before = bench.engine.counts(source, crm.TABLES)
        with tempfile.TemporaryDirectory(prefix="orgsweep-archives.") as archives:
            without, *_ = bench.ours(source, crm.NAME)
            kept = [word for word in without.command if word != "--no-archive"] + ["--archive-dir", archives]
            contenders = [without, Contender(CLEAN_ARCHIVED, kept, source)]
            rounds = bench.rounds or ROUNDS[size]
            result = compare(bench.engine, contenders, rounds, crm.TABLES, f"{bench.engine.name} archive {size}")
            archive = max(pathlib.Path(archives).glob("*.tar.zst"))
            restore = Contender(RESTORE, bench.orgsweep("restore", str(archive)), source)
            # The last copy is the one that this archive is of.
            result.runs[RESTORE] = [measured(bench.engine, restore)]
            assert bench.engine.counts("copy", crm.TABLES) == before, "something did not come back"
            megabytes = archive.stat().st_size / 1e6
        bench.results[bench.engine.name, f"archive {size}"] = result
        print_result(f"{bench.engine.name} {bench.engine.version}: {result.rows:,} rows of one organization, "
                     f"archive of {megabytes:.1f} MB", result)
        bench.engine.drop(source)


def run_small(bench):
    source = bench.prepare_crm("small", "plain", SMALL, SMALL_AMONG)
    hand = bench.engine.hand_written("hand-written.sql", crm.hand_written(bench.engine))
    bench.finish("small", [Contender(HAND, hand, source), *bench.ours(source, crm.NAME)], bench.rounds or 15,
                 crm.TABLES, f"among {SMALL_AMONG:,} of others")


def run_unindexed(bench):
    """The engine looks through all deals for every user that goes."""
    indexed = bench.prepare_crm("indexed", "plain", SIZES["100k"])
    source = bench.prepare_crm("unindexed", "unindexed", SIZES["100k"])
    hand = bench.engine.hand_written("hand-written.sql", crm.hand_written(bench.engine))
    by_set, by_engine, preview = bench.ours(source, crm.NAME, slow_seconds=UNINDEXED_SECONDS)
    # Warned before the first row goes, with what it will cost and where the cure is.
    by_engine.says = "no index finds the rows of deals.created_by"
    creating = [*by_engine.command, "--create-missing-indexes"]
    contenders = [
        Contender(HAND, hand, source, seconds_at_most=UNINDEXED_SECONDS),
        Contender(CLEAN_INDEXED, by_set.command, indexed),
        Contender(ENGINE_INDEXED, by_engine.command, indexed),
        Contender(ENGINE_CREATING, creating, source, says="created for good: CREATE INDEX"),
        by_set, by_engine, preview,
    ]
    bench.finish("unindexed", contenders, bench.rounds or 5, crm.TABLES, "deals.created_by without its index")


def run_shape(bench, name):
    shape = shapes.SHAPES[name]
    bench.say(f"generating {name}")
    before, after = shape.build(bench.engine)
    bench.engine.prepare(name, before, shape.generate(), after)
    # PostgreSQL: with 4 MB the recursive query builds its hash table anew for every level, and takes ten times longer.
    memory = [] if bench.engine.name == "SQLite" else ["SET LOCAL work_mem = '64MB'"]
    hand = bench.engine.hand_written(f"{name}.sql", memory + shape.hand_written)
    bench.finish(name, [Contender(HAND, hand, name), *bench.ours(name, shapes.NAME, *shape.options)],
                 bench.rounds or 5, shape.tables, shape.title)


def run_wide(bench):
    bench.say(f"generating {wide.TABLES} tables")
    bench.engine.prepare("wide", wide.postgres_before_load(), wide.generate(), wide.postgres_after_load())
    all_tables = bench.engine.hand_written("all.sql", wide.hand_written(range(1, wide.TABLES + 1)))
    few_tables = bench.engine.hand_written("few.sql", wide.hand_written(wide.with_rows()))
    contenders = [Contender(HAND, all_tables, "wide"), Contender(HAND_FEW, few_tables, "wide"),
                  *bench.ours("wide", wide.NAME)]
    statements = {}
    for contender in contenders:
        bench.engine.copy("wide")
        statements[contender.name] = logged_statements(bench.engine, contender.command)
    bench.finish("wide", contenders, bench.rounds or 7, [wide.name(n) for n in range(wide.TABLES + 1)],
                 f"{wide.TABLES:,} tables", statements)

"""The databases under test: a throw-away PostgreSQL server, SQLite files. Each copies prepared data."""

import getpass
import glob
import os
import pathlib
import pwd
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

# No data to keep, so no durability: it would measure the disk, and the same for everyone.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_locks_per_transaction = 4096
shared_buffers = 1GB
max_wal_size = 8GB
checkpoint_timeout = 1h
work_mem = 4MB
maintenance_work_mem = 256MB
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
log_line_prefix = '%a|'
"""


class Postgres:
    """A throw-away server, set up as tests/run does it."""

    name = "PostgreSQL"

    def __init__(self):
        self.bin = server_programs()
        self.owner = None
        if os.geteuid() == 0:
            known = {entry.pw_name for entry in pwd.getpwall()}
            self.owner = "postgres" if "postgres" in known else "nobody"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="orgsweep-bench."))
        if self.owner:
            shutil.chown(self.work, self.owner)
        self.log = self.work / "server.log"
        self.data = self.work / "data"

    def __enter__(self):
        self.own("initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-A", "trust")
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write(SETTINGS)
        self.port = free_port()
        self.own("pg_ctl", "-D", self.data, "-l", self.log, "-o", f"-p {self.port}", "-w", "-s", "start")
        self.version = self.value("postgres", "SHOW server_version")
        return self

    def __exit__(self, *_):
        self.own("pg_ctl", "-D", self.data, "-m", "immediate", "-s", "stop", check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def own(self, program, *arguments, check=True):
        command = [f"{self.bin}/{program}", *map(str, arguments)]
        if self.owner:
            command = ["runuser", "-u", self.owner, "--", *command]
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if check and done.returncode != 0:
            sys.exit(f"benches/run: {program} failed: {done.stderr}")

    def django(self):
        """What benches/django_delete.py wants to know."""
        return ["postgresql", "copy", str(self.port)]

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def psql(self, database):
        return ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]

    def run(self, database, statements):
        subprocess.run(self.psql(database), input="".join(f"{s};\n" for s in statements), text=True, check=True)

    def value(self, database, query):
        return subprocess.run([*self.psql(database), "-c", query], capture_output=True, text=True,
                              check=True).stdout.strip()

    def prepare(self, database, before, data, after):
        """Creates the data that copies are made of."""
        self.run("postgres", [f"CREATE DATABASE {database}"])
        self.run(database, before)
        with subprocess.Popen(self.psql(database), stdin=subprocess.PIPE, text=True) as psql:
            for table, rows in data:
                psql.stdin.write(f"COPY {table} FROM STDIN;\n")
                for row in rows:
                    psql.stdin.write("\t".join("\\N" if v is None else str(v) for v in row) + "\n")
                psql.stdin.write("\\.\n")
            psql.stdin.close()
            if psql.wait() != 0:
                sys.exit("benches/run: the data could not be loaded")
        self.run(database, after)
        self.run(database, ["VACUUM (FREEZE, ANALYZE)", "CREATE EXTENSION IF NOT EXISTS pg_prewarm", "CHECKPOINT"])

    def drop(self, database):
        self.run("postgres", [f"DROP DATABASE {database}"])

    def copy(self, source):
        """A fresh copy, read into the cache as a whole."""
        strategy = " STRATEGY FILE_COPY" if int(self.version.split(".")[0]) >= 15 else ""
        self.run("postgres", ["SET client_min_messages = error", "DROP DATABASE IF EXISTS copy",
                              f"CREATE DATABASE copy TEMPLATE {source}{strategy}"])
        self.value("copy", "SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relkind IN ('r', 'i')"
                           " AND relnamespace = 'public'::regnamespace")
        self.run("postgres", ["CHECKPOINT"])
        return "copy"

    def hand_written(self, name, statements):
        """The command that runs the statements in one transaction on the copy."""
        return [*self.psql("copy"), "-f", write_script(self.work / name, ["BEGIN", *statements, "COMMIT"])]

    def processor_time(self):
        """Seconds of all backends that have ended; None where /proc does not tell."""
        time.sleep(0.3)  # A backend outlives its client by a moment.
        try:
            postmaster = (self.data / "postmaster.pid").read_text().split()[0]
            fields = pathlib.Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return None
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def counts(self, database, tables):
        return self.value(database, "SELECT " + ", ".join(f"(SELECT count(*) FROM {t})" for t in tables)).split("|")


class Sqlite:
    """Database files in a temporary directory; journal, cache and durability as SQLite has them by default."""

    name = "SQLite"

    def __enter__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="orgsweep-bench."))
        self.shell = shutil.which("sqlite3")
        self.version = sqlite3.sqlite_version
        if self.shell:
            self.version = subprocess.run([self.shell, "-version"], capture_output=True, text=True).stdout.split()[0]
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.work, ignore_errors=True)

    def django(self):
        """What benches/django_delete.py wants to know."""
        return ["sqlite3", str(self.work / "copy"), ""]

    def url(self, database):
        return f"sqlite:{self.work / database}"

    def prepare(self, database, before, data, after):
        with sqlite3.connect(self.work / database, isolation_level=None) as db:
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA cache_size = -400000")
            db.execute("BEGIN")
            for statement in before:
                db.execute(statement)
            for table, rows in data:
                width = len(db.execute(f"SELECT * FROM {table}").description)
                db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)
            for statement in after:
                db.execute(statement)
            db.execute("COMMIT")
            db.execute("ANALYZE")
        db.close()

    def drop(self, database):
        (self.work / database).unlink()

    def copy(self, source):
        target = self.work / "copy"
        for leftover in self.work.glob("copy*"):
            leftover.unlink()
        shutil.copyfile(self.work / source, target)
        # On the disk, and in the page cache.
        with open(target, "rb+") as file:
            os.fsync(file.fileno())
            while file.read(1 << 20):
                pass
        return "copy"

    def hand_written(self, name, statements):
        script = write_script(self.work / name, ["PRAGMA foreign_keys = ON", "BEGIN", *statements, "COMMIT"])
        if self.shell:
            return [self.shell, "-bail", str(self.work / "copy"), f".read {script}"]
        program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())"
        return [sys.executable, "-c", program, str(self.work / "copy"), script]

    def processor_time(self):
        return 0.0

    def counts(self, database, tables):
        db = sqlite3.connect(self.work / database)
        counts = [str(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in tables]
        db.close()
        return counts


def write_script(path, statements):
    path.write_text("".join(f"{s};\n" for s in statements))
    return str(path)


def server_programs():
    """The directory of PostgreSQL's server programs; Debian keeps them off the PATH."""
    if shutil.which("initdb") and shutil.which("pg_ctl"):
        return os.path.dirname(os.path.realpath(shutil.which("initdb")))
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if not found or not shutil.which("psql"):
        sys.exit("benches/run: PostgreSQL's server programs and psql are needed (tests/run installs them)")
    return os.path.dirname(max(found, key=lambda path: int(path.split("/")[4])))


def free_port():
    for _ in range(20):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    sys.exit("benches/run: no free port")

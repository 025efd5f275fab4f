"""A throw-away MariaDB server. A fresh copy of the data is a copy of the server's files: InnoDB knows no templates."""

import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

from engines import free_port, write_script

# No durability, for the same reason as PostgreSQL's; the redo log holds a whole run.
SETTINGS = ["--no-defaults", "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0",
            "--innodb-buffer-pool-dump-at-shutdown=0", "--innodb-buffer-pool-load-at-startup=0", "--skip-log-bin",
            "--character-set-server=utf8mb4", "--sql-mode=STRICT_ALL_TABLES"]
DATABASE = "bench"


class MariaDb:
    name = "MariaDB"

    def __enter__(self):
        if not shutil.which("mariadbd"):
            sys.exit("benches/run: MariaDB's server is needed (tests/run installs it)")
        self.owner = None
        if os.geteuid() == 0:
            known = {entry.pw_name for entry in pwd.getpwall()}
            self.owner = "mysql" if "mysql" in known else "nobody"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="orgsweep-bench."))
        if self.owner:
            shutil.chown(self.work, self.owner)
        self.data, self.server = self.work / "data", None
        self.port = free_port()
        # A server that starts removes the temporary tables of all that share its directory for them.
        self.environment = {**os.environ, "TMPDIR": str(self.work)}
        self.spent = 0.0  # Processor time of the servers that ran before this one.
        self.own("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                 "--auth-root-authentication-method=normal")
        self.start()
        self.version = self.value("SELECT version()").removesuffix("-MariaDB").split("-")[0]
        self.stop()
        self.data.rename(self.work / "empty")
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def as_owner(self, command):
        return ["setpriv", "--reuid", self.owner, "--clear-groups", "--regid", self.owner_group(), "--",
                *command] if self.owner else command

    def owner_group(self):
        return str(pwd.getpwnam(self.owner).pw_gid)

    def own(self, *command):
        done = subprocess.run(self.as_owner(list(map(str, command))), cwd="/", stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=self.environment)
        if done.returncode != 0:
            sys.exit(f"benches/run: {command[0]} failed: {done.stderr}")

    def start(self):
        with open(self.work / "server.log", "a") as log:
            self.server = subprocess.Popen(
                self.as_owner(["mariadbd", *SETTINGS, f"--datadir={self.data}", f"--port={self.port}",
                               f"--socket={self.work}/socket", f"--pid-file={self.work}/pid"]),
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        for _ in range(600):
            if self.client("-e", "SELECT 1", check=False).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit(f"benches/run: MariaDB did not start, see {self.work}/server.log")

    def stop(self):
        self.client("-e", "SET GLOBAL innodb_fast_shutdown = 1; SHUTDOWN")
        self.server.wait()
        self.server = None

    def client(self, *arguments, check=True, **options):
        command = ["mariadb", "--no-defaults", f"--socket={self.work}/socket", "--user=root", "--batch",
                   "--skip-column-names", "--local-infile", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check, **options)

    def value(self, query, database=""):
        return self.client(*([database] if database else []), "-e", query).stdout.strip()

    def url(self, _):
        return f"mysql://root@127.0.0.1:{self.port}/{DATABASE}"

    def use(self, files):
        if self.server:
            self.spent += self.server_time()
            self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.own("cp", "-a", "--sparse=always", self.work / files, self.data)
        self.start()

    def prepare(self, database, before, data, after):
        """Creates the files that copies are made of."""
        self.use("empty")
        self.value(f"CREATE DATABASE {DATABASE}")
        self.value(";".join(before), DATABASE)
        for table, rows in data:
            with tempfile.NamedTemporaryFile("w", dir=self.work) as file:
                for row in rows:
                    fields = ("\\N" if v is None else str(int(v) if isinstance(v, bool) else v) for v in row)
                    file.write("\t".join(fields) + "\n")
                file.flush()
                self.value(f"SET unique_checks = 0; LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {table}", DATABASE)
        self.value(";".join(after), DATABASE)
        tables = self.value(f"SELECT group_concat(table_name) FROM information_schema.tables"
                            f" WHERE table_schema = '{DATABASE}'")
        self.value(f"ANALYZE TABLE {tables}", DATABASE)
        self.stop()
        self.data.rename(self.work / database)

    def drop(self, database):
        shutil.rmtree(self.work / database)

    def copy(self, source):
        """A fresh copy, read into the buffer pool as a whole."""
        self.use(source)
        indexes = self.value("SELECT concat('SELECT count(*) FROM ', table_name, ' FORCE INDEX (`', index_name, '`)')"
                             f" FROM information_schema.statistics WHERE table_schema = '{DATABASE}'"
                             " AND seq_in_index = 1").splitlines()
        tables = self.value("SELECT concat('CHECKSUM TABLE ', table_name) FROM information_schema.tables"
                            f" WHERE table_schema = '{DATABASE}'").splitlines()
        self.value(";".join(indexes + tables), DATABASE)
        return "copy"

    def hand_written(self, name, statements):
        script = write_script(self.work / name, ["START TRANSACTION", *statements, "COMMIT"])
        return ["mariadb", "--no-defaults", f"--socket={self.work}/socket", "--user=root", DATABASE, "-e",
                f"source {script}"]

    def server_time(self):
        fields = pathlib.Path(f"/proc/{self.server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def processor_time(self):
        return self.spent + self.server_time()

    def counts(self, database, tables):
        if database != "copy":
            self.use(database)
        return self.value("SELECT " + ", ".join(f"(SELECT count(*) FROM {t})" for t in tables), DATABASE).split("\t")

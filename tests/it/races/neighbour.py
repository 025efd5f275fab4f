"""Another process on an SQLite file: opens it anew for all that it does, until its stdin ends, and says so after each COMMIT."""

import select
import sqlite3
import sys

WORKS = [
    "SELECT count(*) FROM organizations",
    "INSERT INTO other (about) VALUES (hex(zeroblob(1500)))",
    "PRAGMA wal_checkpoint(TRUNCATE)",
]

print("ready", flush=True)
turn = 0
while not select.select([sys.stdin], [], [], 0.002)[0]:
    work = WORKS[turn % len(WORKS)]
    turn += 1
    connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
    try:
        connection.execute(work).fetchall()
        if work.startswith("INSERT"):
            print("committed", flush=True)
    except sqlite3.OperationalError as error:
        # Anything but being locked out is a failure.
        if "locked" not in str(error):
            raise
    finally:
        connection.close()

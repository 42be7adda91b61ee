"""A service that keeps its data in SQLite: a process of its own that does what a test tells it to, and can be killed."""

import hashlib
import json
import os
import subprocess
import sys

from harness import DEADLINE

PROGRAM = """
import json, sqlite3, sys, time
connections = {}
def connection(name):
    if name not in connections:
        connections[name] = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=float(sys.argv[2]))
    return connections[name]
def write_for(seconds):
    c, count, longest, end = connection("main"), 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        c.execute("INSERT INTO orders(status, amount) VALUES('open', 1)")
        longest = max(longest, time.monotonic() - began)
        count += 1
    return [count, longest]
for line in sys.stdin:
    order = json.loads(line)
    try:
        if "close" in order:
            connections.pop(order["close"]).close()
            answer = None
        elif "write_for" in order:
            answer = write_for(order["write_for"])
        else:
            answer = connection(order["by"]).execute(order["sql"]).fetchall()
        print(json.dumps({"answer": answer}), flush=True)
    except sqlite3.Error as error:
        print(json.dumps({"error": str(error)}), flush=True)
"""


class SqliteError(Exception):
    pass


class Service:
    """`mode` is the journal mode; `patience` how long it waits for a lock, in seconds; `user` who runs it."""

    def __init__(self, path, mode="wal", patience=5.0, rows=0, user=None):
        self.path = path
        self.mode = mode
        self.patience = patience
        self.user = user
        self.start()
        self.sql(f"PRAGMA journal_mode={mode}")
        self.sql("PRAGMA synchronous=OFF")
        self.sql("CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, status TEXT, amount REAL)")
        for _ in range(rows):
            self.sql("INSERT INTO orders(status, amount) VALUES('open', 1)")

    def start(self):
        python = "/usr/bin/python3" if self.user else sys.executable  # that every user may run
        self.process = subprocess.Popen([python, "-c", PROGRAM, self.path, str(self.patience)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        user=self.user, group=self.user, extra_groups=[] if self.user else None)
        return self

    def tell(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self):
        told = json.loads(self.process.stdout.readline())
        if "error" in told:
            raise SqliteError(told["error"])
        return told["answer"]

    def sql(self, text, by="main"):
        """All rows. `by`: one of its connections, which is made when it is first named."""
        self.tell({"sql": text, "by": by})
        return self.answer()

    def write_for(self, seconds):
        """One row per transaction, as fast as it can: (how many, the longest that one took)."""
        self.tell({"write_for": seconds})
        return self.answer()

    def close(self, by="main"):
        self.tell({"close": by})
        self.answer()

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdin.close()
        self.process.stdout.close()

    def stop(self):
        if self.process.poll() is None:
            self.kill()


def state_of(path):
    """Of the database and the files beside it: content, times, owner and mode."""
    state = {}
    for name in (path, path + "-wal", path + "-shm", path + "-journal"):
        try:
            status = os.stat(name)
        except FileNotFoundError:
            continue
        with open(name, "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
        state[os.path.basename(name)] = (content, status.st_mtime_ns, status.st_uid, status.st_gid, status.st_mode)
    return state

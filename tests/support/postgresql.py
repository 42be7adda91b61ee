"""A PostgreSQL server of Debian's on a temporary directory, and sessions that a test holds open in it."""

import glob
import os
import signal
import subprocess
import threading

from harness import DEADLINE, wait_until
from servers import Server

PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]

# Passwords over TCP, none for the test's own administrator.
ACCESS = """
local all postgres trust
local replication postgres trust
host all postgres 127.0.0.1/32 trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""

SETTINGS = {
    "fsync": "off",
    "autovacuum": "off",
    "deadlock_timeout": "100ms",
    "wal_level": "logical",
    "max_prepared_transactions": "5",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
}


class Postgresql(Server):
    user = "postgres"

    def __init__(self, directory, **settings):
        super().__init__(directory)
        os.chmod(os.path.dirname(directory), 0o711)  # the server's user has to come through
        self.data = os.path.join(directory, "data")
        self.settings = dict(SETTINGS, **settings)

    def make(self):
        self.run([f"{PROGRAMS}/initdb", "--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8",
                  "--locale=C", "-D", self.data], check=True, capture_output=True)
        self.allow(ACCESS)
        return self

    def allow(self, rules):
        """pg_hba.conf; a server that runs has to be reloaded."""
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as access:
            access.write(rules)

    def command(self):
        settings = dict(self.settings, port=str(self.port), listen_addresses="127.0.0.1",
                        unix_socket_directories=self.directory)
        return [f"{PROGRAMS}/postgres", "-D", self.data,
                *(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))]

    def stop(self, how=signal.SIGINT):
        """Without waiting for the sessions to end."""
        super().stop(how)

    def is_ready(self):
        return self.psql("SELECT 1", check=False).returncode == 0

    def arguments(self, database="postgres", user="postgres", host=None):
        return [f"{PROGRAMS}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", host or self.directory, "-p",
                str(self.port), "-U", user, "-d", database]

    def psql(self, sql, database="postgres", check=True):
        # One -c each: several statements in one would be one transaction.
        statements = [sql] if isinstance(sql, str) else sql
        commands = [word for statement in statements for word in ("-c", statement)]
        answer = self.run(self.arguments(database) + commands, capture_output=True, text=True)
        if check and answer.returncode != 0:
            raise AssertionError(f"psql: {answer.stderr}")
        return answer

    def sql(self, sql, database="postgres"):
        """What it answers, as psql prints it unaligned."""
        return self.psql(sql, database).stdout.strip()

    def session(self, database="postgres", user="postgres"):
        return Session(self, database, user)


class Session:
    """A connection that stays: what it is told runs while the test goes on."""

    def __init__(self, server, database, user):
        self.process = subprocess.Popen(server.arguments(database, user), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.marks = 0
        try:
            self.run("SELECT 1")
        except AssertionError:
            self.close()
            raise

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def send(self, sql):
        """Without waiting for its end."""
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()

    def run(self, sql):
        self.send(sql)
        self.marks += 1
        self.process.stdin.write(f"\\echo done {self.marks}\n")
        self.process.stdin.flush()
        wait_until(lambda: f"done {self.marks}" in self.lines or self.process.poll() is not None,
                   f"the end of {sql}; so far {self.lines}", DEADLINE)
        if f"done {self.marks}" not in self.lines:
            raise AssertionError(f"the session ended: {self.lines}")

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(DEADLINE)
        self.process.stdout.close()

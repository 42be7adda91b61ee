"""MariaDB for tests: a server of its own in a directory, asked through its client program as root over its socket."""

import os
import subprocess

from harness import DEADLINE
from servers import Server

MARIADBD = "/usr/sbin/mariadbd"


class MariaDb(Server):
    user = "mysql"

    def __init__(self, directory, *options):
        super().__init__(directory)
        self.options = options
        self.data = os.path.join(directory, "data")
        self.socket = os.path.join(directory, "s")  # a socket's path is short
        if not os.path.exists(self.data):
            self.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--auth-root-authentication-method=normal",
                      "--skip-test-db", "--skip-name-resolve"],
                     check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self):
        return [MARIADBD, "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
                "--bind-address=127.0.0.1", f"--pid-file={self.directory}/pid", "--skip-name-resolve",
                "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0",
                "--performance-schema=off", "--max-connections=40", *self.options]

    def client(self, *arguments, user="root", password=None):
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", f"--user={user}", *arguments]
        if password is not None:
            command.append(f"--password={password}")
        return command

    def is_ready(self):
        answer = subprocess.run(self.client("-e", "SELECT 1"), stdin=subprocess.DEVNULL, capture_output=True,
                                timeout=DEADLINE)
        return answer.returncode == 0

    def sql(self, text, database=None):
        """What the statements answer: a list of rows, each a list of texts."""
        command = self.client("--batch", "--skip-column-names", "-e", text, *([database] if database else []))
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * DEADLINE)
        if answer.returncode != 0:
            raise AssertionError(f"{text}: {answer.stderr}")
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def value(self, text):
        return self.sql(text)[0][0]

    def session(self, database=None, user="root", password=None):
        return Session(self, database, user, password)


class Session:
    """A client that stays connected: statements are written to it, and it answers each with a line of its own."""

    def __init__(self, server, database, user, password):
        command = server.client("--batch", "--skip-column-names", "--unbuffered", "--force",
                                *([database] if database else []), user=user, password=password)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)

    def send(self, text):
        """Not waited for."""
        self.process.stdin.write(text + ";\n")
        self.process.stdin.flush()

    def sql(self, text):
        """The lines that the statement answers with, errors too."""
        self.send(text + "; SELECT '--done--'")
        lines = []
        for line in self.process.stdout:
            if line.strip() == "--done--":
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the session ended: {lines}")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

"""MariaDB for tests: a server of its own in a directory, asked through its client program as root over its socket; and
an agent that watches it.
"""

import os
import subprocess
import unittest

from exposition import Page
from harness import DEADLINE, Agent, temporary_directory, wait_until
from servers import Server

MARIADBD = "/usr/sbin/mariadbd"

# Several of them at once, on a machine that has not much for each.
FRUGAL = ["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-use-native-aio=0"]


class MariaDb(Server):
    user = "mysql"

    def __init__(self, directory, *options):
        super().__init__(directory)
        self.options = options
        self.data = os.path.join(directory, "data")
        self.socket = os.path.join(directory, "s")  # a socket's path is short
        if not os.path.exists(self.data):
            made = self.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                             "--auth-root-authentication-method=normal", "--skip-name-resolve", *FRUGAL],
                            capture_output=True, text=True)
            if made.returncode != 0:
                raise AssertionError(f"mariadb-install-db: {made.stdout[-3000:]}{made.stderr[-1000:]}")

    def command(self):
        return [MARIADBD, "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
                "--bind-address=127.0.0.1", f"--pid-file={self.directory}/pid", "--skip-name-resolve",
                *FRUGAL, "--innodb-flush-log-at-trx-commit=0", "--performance-schema=off", "--max-connections=40", *self.options]

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
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # what was not sent yet
        self.process.stdout.close()


GRANTS = """
CREATE USER sidewatch@'127.0.0.1' IDENTIFIED BY 'first';
GRANT PROCESS, SLAVE MONITOR ON *.* TO sidewatch@'127.0.0.1';
GRANT REFERENCES ON *.* TO sidewatch@'127.0.0.1';
"""


def page(agent):
    return Page(agent.request("/metrics")[2].decode())


def wait_for_value(agent, accepts, name, **labels):
    """The first value of the series that `accepts` takes."""
    found = []

    def look():
        found[:] = page(agent).matching(name, **labels)
        return len(found) == 1 and accepts(found[0])

    try:
        wait_until(look, f"{name} {labels}", pause=0.1)
    except AssertionError as failure:
        raise AssertionError(f"{failure}; it is {found}; the log:\n{agent.log()[-2000:]}") from None
    return found[0]


def collectors(*instances):
    return ("agent: {interval: 300ms}\nhttp: {listen: '127.0.0.1:0'}\ncollectors:\n  mysql:\n" +
            "".join(f"    - {{{instance}}}\n" for instance in instances))


class WithServer(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.directory_guard = temporary_directory()
        cls.directory = cls.directory_guard.name
        os.chmod(cls.directory, 0o755)
        cls.addClassCleanup(cls.directory_guard.cleanup)
        cls.server = MariaDb(os.path.join(cls.directory, "db"), *cls.options)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.server.sql(GRANTS)
        cls.password_file = os.path.join(cls.directory, "password")
        cls.set_password("first")

    @classmethod
    def set_password(cls, password):
        with open(cls.password_file, "w") as file:
            file.write(password + "\n")

    def instance(self, more=""):
        return (f'name: main, address: "127.0.0.1:{self.server.port}", user: sidewatch, '
                f'password: "${{file:{self.password_file}}}", timeout: 1s{more}')

    def start_agent(self, *instances):
        directory = os.path.join(self.directory, self.id().rsplit(".", 1)[1])
        os.makedirs(directory)
        agent = Agent(collectors(*instances), directory)
        self.addCleanup(agent.stop)
        agent.start()
        return agent

    def kill_connection(self):
        """The agent's connection is ended by the server; its next one is another."""
        for (number,) in self.server.sql("SELECT id FROM information_schema.processlist WHERE user = 'sidewatch'"):
            self.server.sql(f"KILL {number}")

    def open_session(self, database=None):
        session = self.server.session(database)
        self.addCleanup(session.close)
        return session

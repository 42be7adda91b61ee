"""Servers that a test starts for itself: on a temporary directory and a free port, ready within a deadline, stopped by
pid. What is particular to one engine (its command line, when it is ready, how it is asked) stands in a file of its own.
"""

import os
import pwd
import signal
import socket
import subprocess

from harness import DEADLINE, wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def descendants(pid):
    """`pid` and all processes below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry))
            except (OSError, IndexError):
                pass  # it ended meanwhile
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        queue.extend(children.get(one, []))
    return found


class Server:
    """A process with everything that a fault needs: start, stop, kill, freeze, thaw.

    A subclass gives `command()` and `is_ready()`; `user` is who runs it (databases refuse to run as root).
    """

    user = None
    environment = None

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.process = None
        self.frozen = []
        os.makedirs(directory, exist_ok=True)
        if self.user and os.getuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.chown(directory, entry.pw_uid, entry.pw_gid)

    def command(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def run(self, command, **keywords):
        """A command of the server's own user, in its directory."""
        user = self.user if os.getuid() == 0 else None
        return subprocess.run(command, user=user, group=user, extra_groups=[] if user else None, cwd=self.directory,
                              env=self.environment, stdin=subprocess.DEVNULL, timeout=2 * DEADLINE, **keywords)

    def start(self):
        user = self.user if os.getuid() == 0 else None
        with open(os.path.join(self.directory, "server.log"), "ab") as log:
            self.process = subprocess.Popen(self.command(), user=user, group=user, extra_groups=[] if user else None,
                                            cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        wait_until(self.ready_or_dead, f"{type(self).__name__} to answer", deadline=2 * DEADLINE)
        return self

    def ready_or_dead(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{type(self).__name__} ended: {self.log()[-2000:]}")
        return self.is_ready()

    def log(self):
        with open(os.path.join(self.directory, "server.log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def freeze(self):
        """Every process of it stops; its sockets still take connections."""
        self.frozen = descendants(self.process.pid)
        for pid in self.frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.frozen:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.frozen = []

    def kill(self):
        """kill -9 of all of it."""
        for pid in descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(DEADLINE)

    def stop(self, how=signal.SIGTERM):
        if self.process is None or self.process.poll() is not None:
            return
        self.thaw()
        self.process.send_signal(how)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()

    def restart(self):
        self.stop()
        return self.start()

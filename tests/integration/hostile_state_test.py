"""The real agent with logs that nobody takes, and disks and files of its state that fail."""

import fcntl
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Agent, Receiver, wait_until  # noqa: E402
from hostile import configuration, HostileTest  # noqa: E402


class Logs(HostileTest):
    def test_closed_standard_streams_do_not_make_the_log_overwrite_the_state(self):
        agent = self.launch(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
        agent.process.send_signal(signal.SIGHUP)  # something to log
        wait_until(lambda: [a for a in agent.alerts("Running") if a["state"] == "firing"], "the alert")
        for number in ("0", "1", "2"):
            self.assertEqual(os.readlink(f"/proc/{agent.process.pid}/fd/{number}"), "/dev/null")
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0)
        for name, content in self.state_files():
            self.assertNotIn(b"level=info", content, name)

    def test_a_log_that_nobody_reads_holds_nothing_up(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        agent = self.launch(stdout=subprocess.DEVNULL, stderr=writing)
        os.close(writing)
        end = time.monotonic() + 20
        while agent.metrics()["sidewatch_log_lines_dropped_total"] == 0:
            self.assertLess(time.monotonic(), end, "no line was dropped")
            for _ in range(50):
                agent.request("/-/reload", "POST")
        self.goes_on(agent)
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0)

    def test_a_log_on_a_full_disk_is_counted_and_holds_nothing_up(self):
        with open("/dev/full", "wb") as full:
            agent = self.launch(stdout=full, stderr=full)
        wait_until(lambda: agent.metrics()["sidewatch_log_write_failures_total"] > 0, "the failures to be counted")
        self.goes_on(agent)
        self.assertLess(agent.terminate(), 3.0)
        self.assertEqual(agent.process.returncode, 0)


class State(HostileTest):
    def setUp(self):
        super().setUp()
        self.agent = Agent(configuration(), self.directory.name)
        self.addCleanup(self.agent.stop)
        self.database = os.path.join(self.state, "outbox.db")

    def ran_before(self):
        self.agent.start()
        self.agent.terminate()

    def remove_database(self):
        for name in os.listdir(self.state):
            if name.startswith("outbox.db"):
                os.unlink(os.path.join(self.state, name))

    def test_a_second_agent_on_the_same_state_is_refused_and_the_first_goes_on(self):
        self.agent.start()
        self.refused(f"locked by pid {self.agent.process.pid}")
        self.goes_on(self.agent)

    def test_what_is_no_database_is_named_and_left_alone(self):
        self.ran_before()
        self.remove_database()
        with open(self.database, "w") as file:
            file.write("hello world\n")
        self.refused("outbox.db: is not a database")
        with open(self.database) as file:
            self.assertEqual(file.read(), "hello world\n")
        os.unlink(self.database)
        os.mkdir(self.database)
        self.refused("outbox.db: is a directory")
        os.rmdir(self.database)
        os.mkfifo(self.database)
        self.refused("outbox.db: is not a regular file")

    def test_a_symbolic_link_in_place_of_the_database_is_not_followed(self):
        self.ran_before()
        self.remove_database()
        precious = os.path.join(self.directory.name, "precious")
        with open(precious, "w") as file:
            file.write("precious\n")
        os.symlink(precious, self.database)
        self.refused("outbox.db: is a symbolic link")
        with open(precious) as file:
            self.assertEqual(file.read(), "precious\n")

    def test_a_full_disk_costs_nothing_once_there_is_room_again(self):
        os.mkdir(self.state, 0o700)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "none", self.state],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=True)
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        self.agent.write_config(configuration(receivers=f'  - {{name: hook, webhook: {{url: "{receiver.url}"}}}}',
                                              threshold=5))
        self.agent.start()
        self.addCleanup(self.agent.stop)
        filler = os.path.join(self.state, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        threshold = 5

        def change_the_rule():
            nonlocal threshold
            threshold = 5 - threshold
            self.agent.write_config(self.agent_config(receiver, threshold))
            self.assertEqual(self.agent.request("/-/reload", "POST")[0], 200)
            with open(filler, "ab", buffering=0) as file:  # also what the ballast gave
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            return self.agent.metrics()["sidewatch_outbox_degraded"] == 1
        wait_until(change_the_rule, "the disk to refuse a commit", pause=0.1)
        self.goes_on(self.agent)
        os.unlink(filler)
        self.agent.write_config(self.agent_config(receiver, 5))
        self.assertEqual(self.agent.request("/-/reload", "POST")[0], 200)
        wait_until(lambda: self.agent.metrics()["sidewatch_outbox_degraded"] == 0, "everything to be on disk")
        wait_until(lambda: not self.agent.alerts("Running"), "the alert to end")
        wait_until(lambda: self.agent.metrics()['sidewatch_notifications_pending{receiver="hook"}'] == 0,
                   "everything to be sent")
        taken = receiver.taken()
        self.assertGreaterEqual(len(taken), 1)
        keys = [request["headers"]["idempotency-key"] for request in taken]
        self.assertEqual(len(keys), len(set(keys)), "nothing is sent twice")
        self.assertLess(self.agent.terminate(), 3.0)
        self.agent.start()
        self.assertEqual(self.agent.metrics()["sidewatch_outbox_missing_messages"], 0)
        self.agent.terminate()

    def agent_config(self, receiver, threshold):
        return configuration(receivers=f'  - {{name: hook, webhook: {{url: "{receiver.url}"}}}}', threshold=threshold)


if __name__ == "__main__":
    unittest.main(verbosity=2)

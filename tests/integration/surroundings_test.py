#!/usr/bin/env python3
"""What stands around the agent: signals at any time, interrupted calls, a bare environment, a clock that was never set."""

import glob
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support.harness import BINARY, Agent, Receiver, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 200ms, state_dir: {state}}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  process:
    - {{name: me, match: {{pid: self}}}}
rules:
  - {{alert: Running, expr: namedprocess_namegroup_num_procs, warning: "> 0"}}
receivers:
{receivers}
"""


class SurroundingsTest(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.state = os.path.join(self.directory.name, "state")
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        self.agent = Agent(self.config(), self.directory.name)
        self.addCleanup(self.agent.stop)

    def config(self):
        return CONFIG.format(state=self.state, receivers=f'  - {{name: hook, webhook: {{url: "{self.receiver.url}"}}}}')

    def start_behind(self, before, program=BINARY, **options):
        """The agent as `before` starts it: the process is the agent itself."""
        self.agent._log_start = 0
        environment = options.pop("env", dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))  # no leak search under ptrace
        with open(self.agent.log_path, "wb") as log:
            self.agent.process = subprocess.Popen([*before, program, "run", "--config", self.agent.config_path],
                                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                                  **options)
        wait_until(self.agent.find_port, "the agent to serve")

    def works(self):
        """It samples, judges, delivers and serves."""
        self.receiver.wait_for(1, "the message")
        passes = 'sidewatch_collector_passes_total{collector="process"}'
        before = self.agent.metrics()[passes]
        wait_until(lambda: self.agent.metrics()[passes] >= before + 3, "further passes")
        self.assertEqual(self.agent.request("/-/healthy")[0], 200)


class Signals(SurroundingsTest):
    def test_sigint_ends_it_as_sigterm_does(self):
        self.agent.start()
        self.receiver.wait_for(1, "the message")
        began = time.monotonic()
        self.agent.process.send_signal(signal.SIGINT)
        self.assertEqual(self.agent.process.wait(timeout=30), 0)
        self.assertLess(time.monotonic() - began, 3.0)

    def test_a_broken_pipe_does_not_end_it(self):
        self.agent.start()
        for _ in range(10):
            self.agent.process.send_signal(signal.SIGPIPE)
        self.works()

    def test_the_end_may_come_at_any_instant_of_the_start(self):
        for moment in range(20):
            self.agent.start(wait=False)
            try:
                self.agent.process.wait(timeout=moment * 0.004)  # nothing else is to happen in that time
                self.fail("the agent ended by itself")
            except subprocess.TimeoutExpired:
                pass
            self.assertLess(self.agent.terminate(), 3.0)
            self.assertIn(self.agent.process.returncode, (0, -signal.SIGTERM), self.agent.log_since_start())
        self.agent.start()
        self.works()
        self.assertEqual(len({request["headers"]["idempotency-key"] for request in self.receiver.taken()}), 1,
                         "one incident over all these starts")


class Calls(SurroundingsTest):
    @unittest.skipUnless(shutil.which("strace"), "strace makes the faults")
    def test_interrupted_calls_are_made_again(self):
        calls = "epoll_wait,poll,pread64,write,recvfrom,sendto,accept4"
        self.start_behind(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls},read",
                           "-e", f"inject={calls}:error=EINTR:when=3+3",
                           "-e", "inject=read:error=EINTR:when=200+3"])  # the loader of libraries does not bear it
        self.works()
        self.assertNotIn("collector failed", self.agent.log())
        self.assertEqual(len({request["headers"]["idempotency-key"] for request in self.receiver.taken()}), 1)
        self.assertLess(self.agent.terminate(), 5.0)


def sanitizer_settings():
    """What a build with a sanitizer must be told; no program that users have looks at it."""
    return [f"{name}={value}" for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")]


class Environment(SurroundingsTest):
    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_no_variables_no_home_no_name_and_no_folder_of_its_own(self):
        nobody = 54321  # stands in no passwd file
        program = os.path.join(self.directory.name, "sidewatch")
        shutil.copy(BINARY, program)
        os.chmod(program, 0o755)
        os.chmod(self.directory.name, 0o755)
        os.mkdir(self.state)
        os.chown(self.state, nobody, nobody)
        self.start_behind(["/usr/bin/setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups",
                           "/usr/bin/env", "-i", "-C", "/proc", *sanitizer_settings()], program)
        self.works()
        self.assertLess(self.agent.terminate(), 3.0)
        self.assertEqual(self.agent.process.returncode, 0, self.agent.log())


    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_where_too_few_threads_are_allowed_it_says_what_allows_more(self):
        lonely = 54322  # has no other process
        config = os.path.join(self.directory.name, "many.yaml")
        with open(config, "w") as file:
            file.write("http: {listen: '127.0.0.1:0'}\nreceivers: [{name: log, log: {}}]\ncollectors:\n  scrape:\n" + "".join(
                f"    - {{job: job{number}, url: 'http://127.0.0.1:1/'}}\n" for number in range(40)))
        os.chmod(config, 0o644)
        program = shutil.copy(BINARY, os.path.join(self.directory.name, "sidewatch"))
        os.chmod(program, 0o755)
        os.chmod(self.directory.name, 0o755)
        answer = subprocess.run(["/usr/bin/setpriv", f"--reuid={lonely}", f"--regid={lonely}", "--clear-groups",
                                 "/usr/bin/prlimit", "--nproc=20", program, "run", "--config", config],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertRegex(answer.stderr, r"(?m)^sidewatch: cannot start a thread: .*\bTasksMax= of the unit, or ulimit -u\b")


class Clock(SurroundingsTest):
    def test_a_clock_that_was_never_set_and_then_is(self):
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        environment = dict(os.environ, FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME="@1970-01-01 00:05:00",
                           LD_PRELOAD="".join(library[:1]))
        if not library or subprocess.run([BINARY, "--version"], env=environment, capture_output=True).returncode != 0:
            self.skipTest("needs faketime, which does not go with a sanitizer")
        self.start_behind([], env=environment)
        self.works()
        alert = self.receiver.taken()[0]["body"]["alerts"][0]
        self.assertTrue(alert["startsAt"].startswith("1970-01-01T"), alert["startsAt"])
        self.agent.terminate()

        self.agent.start()  # half a century later
        wait_until(lambda: [a for a in self.agent.alerts("Running") if a["state"] == "firing"], "the alert")
        self.agent.write_config(self.config().replace("Running", "Renamed"))
        self.agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.receiver.taken()) >= 2, "the end of the first alert")
        ended = [request["body"]["alerts"][0] for request in self.receiver.taken()
                 if request["body"]["alerts"][0]["status"] == "resolved"]
        self.assertEqual([alert["labels"]["alertname"] for alert in ended], ["Running"])
        self.assertGreaterEqual(ended[0]["durationSeconds"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The real agent among files that are none, machines that stop, descriptors that run out, names that deceive."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, Agent, wait_until  # noqa: E402
from hostile import configuration, HostileTest  # noqa: E402


class Configuration(HostileTest):
    def test_check_takes_the_configuration_as_run_does(self):
        Agent(configuration(), self.directory.name)  # writes the configuration
        said = [subprocess.run([BINARY, "check", *arguments, "sidewatch.yaml"], cwd=self.directory.name, timeout=30,
                               capture_output=True, text=True) for arguments in ((), ("--config",), ("-c",))]
        for ended in said:
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertIn("Running: warning > 0", ended.stdout)
            self.assertEqual(ended.stdout, said[0].stdout)

    def test_a_configuration_that_is_no_file_any_more_changes_nothing_and_a_swapped_link_is_taken(self):
        agent = self.start()
        wait_until(lambda: agent.alerts("Running"), "the alert")
        path = agent.config_path
        for make, words in ((os.mkfifo, "is a named pipe"), (os.mkdir, "is a directory"),
                            (lambda p: os.symlink("/dev/zero", p), "is a device"),
                            (lambda p: os.symlink("nowhere", p), "there is no such file")):
            os.unlink(path)
            make(path)
            status, _, body = agent.request("/-/reload", "POST")
            self.assertEqual(status, 500)
            self.assertIn(words, body.decode())
            if os.path.isdir(path):
                os.rmdir(path)
                os.symlink("nowhere", path)
        wait_until(lambda: agent.metrics()["sidewatch_config_last_reload_successful"] == 0, "the metric to tell")
        self.assertTrue(agent.alerts("Running"), "the old configuration goes on")

        # As Kubernetes swaps a ConfigMap: the directory behind the link is another one at once.
        for name, threshold in (("one", 0), ("two", 5)):
            os.mkdir(os.path.join(self.directory.name, name))
            with open(os.path.join(self.directory.name, name, "c.yaml"), "w") as file:
                file.write(configuration(threshold=threshold))
        data = os.path.join(self.directory.name, "..data")
        os.symlink("one", data)
        os.unlink(path)
        os.symlink("..data/c.yaml", path)
        self.assertEqual(agent.request("/-/reload", "POST")[0], 200)
        os.symlink("two", data + ".new")
        os.replace(data + ".new", data)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not agent.alerts("Running"), "the new threshold to count")

    def test_a_storm_of_hangups_leaves_nothing_behind(self):
        agent = self.start()
        self.goes_on(agent)
        descriptors = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
        threads = len(os.listdir(f"/proc/{agent.process.pid}/task"))
        for number in range(1000):
            agent.process.send_signal(signal.SIGHUP)
            if number == 500:
                agent.write_config(configuration(threshold=5))
            time.sleep(0.001)
        wait_until(lambda: not agent.alerts("Running"), "the last content to win")
        self.goes_on(agent)
        self.assertLessEqual(len(os.listdir(f"/proc/{agent.process.pid}/fd")), descriptors + 2)
        self.assertLessEqual(len(os.listdir(f"/proc/{agent.process.pid}/task")), threads)
        agent.process.send_signal(signal.SIGTERM)
        agent.process.send_signal(signal.SIGHUP)
        agent.process.send_signal(signal.SIGTERM)
        agent.process.wait(timeout=10)
        self.assertEqual(agent.process.returncode, 0)


class Machine(HostileTest):
    def test_a_pause_of_the_machine_makes_one_pass_and_raises_no_alert(self):
        agent = self.start(configuration(threshold=5))
        self.goes_on(agent)
        before = self.passes(agent)
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(4)  # twenty intervals
        agent.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        after = self.passes(agent)
        self.assertLessEqual(after - before, 3 + (time.monotonic() - began) / 0.2, "what was missed is not made up for")
        self.goes_on(agent)
        self.assertNotIn("alert fired", agent.log())

    def test_few_descriptors_and_many_clients(self):
        agent = self.launch(["prlimit", "--nofile=120"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        clients = []
        for _ in range(150):
            client = socket.create_connection(("127.0.0.1", agent.port), timeout=5)
            self.addCleanup(client.close)
            clients.append(client)
        self.goes_on(agent)
        ticks = self.cpu_ticks(agent)
        time.sleep(1)
        self.assertLess(self.cpu_ticks(agent) - ticks, 30, "the agent spins")
        for client in clients:
            client.close()
        self.goes_on(agent)
        self.assertEqual(agent.metrics()['sidewatch_collector_success{collector="process"}'], 1)

    @staticmethod
    def cpu_ticks(agent):
        with open(f"/proc/{agent.process.pid}/stat") as file:
            return sum(map(int, file.read().rpartition(") ")[2].split()[11:13]))

    @unittest.skipUnless(shutil.which("strace"), "strace makes the faults")
    def test_a_machine_without_threads_to_spare_is_told_in_a_sentence(self):
        Agent(configuration(), self.directory.name)  # writes the configuration
        for first in range(1, 6):  # the first thread that cannot be had
            ended = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=clone,clone3", "-e",
                 f"inject=clone,clone3:error=EAGAIN:when={first}+", BINARY, "run", "--config", "sidewatch.yaml"],
                cwd=self.directory.name, capture_output=True, text=True, timeout=30,
                env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))  # which does not work under strace
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertRegex(ended.stderr, r"(?m)^sidewatch: cannot start")
            self.assertNotIn("terminate called", ended.stderr)


class Processes(HostileTest):
    NAMES = r"""
import ctypes, sys, time
ctypes.CDLL(None).prctl(15, b'a) R "\\\n\xff\xc3', 0, 0, 0)
print("ready", flush=True)
time.sleep(1000)
"""

    def disguised(self, *arguments):
        process = subprocess.Popen([sys.executable, "-c", self.NAMES, "sidewatch-disguised", *arguments],
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_names_that_deceive_and_processes_that_come_and_go(self):
        plain = self.disguised('x"}\n y 1', b"\xff\xfe")
        self.disguised(*["y" * 100_000] * 15)  # a command line of 1.5 MB
        garbage = os.path.join(self.directory.name, "garbage.pid")
        with open(garbage, "w") as file:
            file.write("not a pid 99999999999999999999\n")
        listener = socket.socket(socket.AF_INET6)
        self.addCleanup(listener.close)
        listener.bind(("::1", 0))
        listener.listen(1)
        agent = self.start(configuration(threshold=5, groups=(
            '    - {name: disguised, match: {cmdline: sidewatch-disguised}}\n'
            f'    - {{name: garbage, match: {{pid_file: {garbage}}}}}\n'
            '    - {name: endless, match: {pid_file: /dev/zero}}\n'
            f'    - {{name: ipv6, match: {{port: {listener.getsockname()[1]}}}, children: false}}\n')))

        def count(group):
            return agent.metrics().get(f'namedprocess_namegroup_num_procs{{groupname="{group}"}}')
        wait_until(lambda: count("disguised") == 2, "both disguised processes")
        self.assertEqual(count("garbage"), 0)
        self.assertEqual(count("endless"), 0)
        self.assertEqual(count("ipv6"), 1)
        self.assertIn("garbage.pid: holds no PID", agent.log())
        agent.request("/metrics")[2].decode("utf-8", errors="strict")

        plain.send_signal(signal.SIGSTOP)
        stopped = 'namedprocess_namegroup_states{groupname="disguised",state="Other"}'
        wait_until(lambda: agent.metrics()[stopped] == 1, "the stopped process to be shown as such")
        plain.kill()
        wait_until(lambda: agent.metrics()[stopped] == 0, "the killed process not to be shown as stopped")

        storm = subprocess.Popen(["sh", "-c", "i=0; while [ $i -lt 3000 ]; do /bin/true & i=$((i+1)); done; wait"])
        self.addCleanup(storm.wait)
        self.addCleanup(storm.kill)
        wait_until(lambda: storm.poll() is not None, "3 000 short processes")
        self.goes_on(agent)
        wait_until(lambda: agent.metrics()['sidewatch_collector_success{collector="process"}'] == 1, "a good pass")
        self.assertLess(agent.terminate(), 3.0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

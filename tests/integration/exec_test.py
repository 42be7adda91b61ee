#!/usr/bin/env python3
"""Programs run by the real agent: Debian's Nagios plugins, scripts of every format, and those that misbehave."""

import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, Receiver, temporary_directory, wait_until  # noqa: E402

PLUGINS = "/usr/lib/nagios/plugins"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):  # it may go while it is looked at
        return False


class Exec(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        os.chmod(self.directory, 0o755)

    def script(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path + ".new", 0o755)
        os.replace(path + ".new", path)
        return path

    def start(self, entries, more="", times="interval: 1s, timeout: 900ms"):
        lines = "".join(f"    - {{{times}, {entry}}}\n" for entry in entries)
        self.agent = Agent(f"agent: {{interval: 200ms}}\nhttp: {{listen: 127.0.0.1:0}}\ncollectors:\n  exec:\n{lines}{more}",
                           self.directory)
        self.addCleanup(self.agent.stop)
        self.agent.start()

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def wait_for(self, value, metric, **labels):
        wait_until(lambda: self.page().matching(metric, **labels) == [value], f"{metric} {labels} to be {value}")

    def read_pid(self, name):
        path = os.path.join(self.directory, name)
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, name)
        with open(path, encoding="ascii") as file:
            return int(file.read())

    @unittest.skipUnless(os.path.exists(f"{PLUGINS}/check_load"), "needs monitoring-plugins-basic")
    def test_plugins_of_debian_are_understood(self):
        self.start([f"name: load, command: [{PLUGINS}/check_load, -w, '900,900,900', -c, '999,999,999']",
                    f"name: disk, command: [{PLUGINS}/check_disk, -w, '0%', -c, '0%', -p, /]",
                    f"name: procs, command: [{PLUGINS}/check_procs, -w, '0:0', -c, '~:99999']"])
        self.wait_for(0, "exec_status", name="load")
        self.wait_for(0, "exec_status", name="disk")
        self.wait_for(1, "exec_status", name="procs")
        page = self.page()
        self.assertEqual(page.value("exec_perfdata_warn", name="load", label="load15", bound="high"), 900)
        total = os.statvfs("/").f_frsize * os.statvfs("/").f_blocks
        measured = page.matching("exec_perfdata_max", name="disk", label="/")[0]
        self.assertAlmostEqual(measured / total, 1, delta=0.1)
        self.assertGreater(page.value("exec_perfdata_value", name="procs", label="procs"), 1)
        self.assertEqual([sample for sample in page.matching("exec_success")], [1, 1, 1])
        self.assertIn("PROCS WARNING", self.agent.request("/metrics")[2].decode())

    def test_every_format_gives_its_series(self):
        page = self.script("page", 'printf "# TYPE jobs gauge\\njobs{queue=\\"a\\"} 3\\nnode_load1 99\\n"\n')
        json = self.script("json", 'echo "{\\"queue\\": {\\"depth\\": 7}, \\"secret\\": \\"$TOKEN\\", \\"ok\\": true}"\n')
        value = self.script("value", 'test "$TOKEN" = s3cret && test "$PWD" = /usr && echo 42\n')
        self.start([f"name: page, command: [{page}], format: prometheus",
                    f"name: json, command: [{json}], format: json",
                    f"name: value, command: [{value}], format: value, environment: {{TOKEN: s3cret}}, directory: /usr"])
        self.wait_for(3, "jobs", queue="a")
        self.wait_for(7, "queue_depth", name="json")
        self.wait_for(1, "ok", name="json")
        self.wait_for(42, "exec_value", name="value")
        self.assertEqual(self.page().matching("node_load1"), [])
        self.assertIn("wrote node_load1, which is one of the agent's own metrics", self.agent.log())
        self.assertNotIn("s3cret", self.agent.log() + self.agent.request("/metrics")[2].decode())

    def test_programs_that_misbehave_cost_only_themselves(self):
        child = os.path.join(self.directory, "child")
        hang = self.script("hang", f"sleep 1000 & echo $! > {child}; wait\n")
        self.start([f"name: hang, command: [{hang}]",
                    f"name: flood, command: [{self.script('flood', 'yes')}], format: value, max_output: 10KiB",
                    f"name: broken, command: [{self.script('broken', 'echo no database >&2; exit 7')}]",
                    f"name: missing, command: [{self.directory}/missing]",
                    f"name: good, command: [/bin/echo, '1'], format: value"])
        self.wait_for(1, "exec_value", name="good")
        wait_until(lambda: self.page().matching("exec_timeouts_total", name="hang")[:1] >= [1], "the timeout")
        self.wait_for(1, "exec_output_cut", name="flood")
        self.wait_for(7, "exec_exit_code", name="broken")
        self.wait_for(3, "exec_status", name="broken")
        page = self.page()
        for name in ("hang", "flood", "broken", "missing"):
            self.assertEqual(page.matching("exec_success", name=name), [0], name)
        self.assertEqual(page.matching("exec_status", name="hang"), [])
        log = self.agent.log()
        self.assertIn("took longer than 900ms and was ended", log)
        self.assertIn("wrote more than 10KiB (max_output) and was ended", log)
        self.assertIn("it said: no database", log)
        self.assertIn("missing: cannot be run: No such file or directory", log)
        os.remove(os.path.join(self.directory, "hang"))  # so that no new one comes
        pid = self.read_pid("child")
        wait_until(lambda: not alive(pid), "the child of the one that hangs to be gone")
        children = subprocess.run(["ps", "--ppid", str(self.agent.process.pid), "-o", "stat="], capture_output=True, text=True,
                                  check=False).stdout.split()
        self.assertFalse([state for state in children if state.startswith("Z")], "zombies")

    def test_a_killed_agent_leaves_no_program_running(self):
        hang = self.script("hang", f"echo $$ > {self.directory}/self; exec sleep 1000\n")
        self.start([f"name: hang, command: [{hang}]"], times="interval: 1m, timeout: 50s")
        pid = self.read_pid("self")
        os.kill(self.agent.process.pid, signal.SIGKILL)
        self.agent.process.wait()
        wait_until(lambda: not alive(pid), "the program to die with the agent")

    def test_an_agent_that_is_stopped_waits_for_no_program_and_leaves_none(self):
        hang = self.script("hang", f"trap '' TERM; echo $$ > {self.directory}/self; while :; do sleep 0.1; done\n")
        self.start([f"name: hang, command: [{hang}]"], times="interval: 1m, timeout: 50s")
        pid = self.read_pid("self")
        self.assertLess(self.agent.terminate(), 5)
        self.assertEqual(self.agent.process.returncode, 0)
        wait_until(lambda: not alive(pid), "the program to die with the agent")

    def test_a_reload_ends_what_runs_before_it_is_run_anew(self):
        hang = self.script("hang", f"trap '' TERM; cd {self.directory}; echo $$ > new; mv new self; while :; do sleep 0.1; done\n")
        self.start([f"name: hang, command: [{hang}]"], times="interval: 1m, timeout: 50s")
        first = self.read_pid("self")
        with open(self.agent.config_path, encoding="utf-8") as file:
            config = file.read()
        self.agent.write_config(config.replace("50s", "40s"))
        self.agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.read_pid("self") != first, "the entry to be run anew")
        wait_until(lambda: not alive(first), "the first run to be over", deadline=5)
        self.agent.write_config(config[:config.index("collectors:")] + "collectors: {}\n")
        second = self.read_pid("self")
        self.agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not alive(second), "the program of the entry that is gone to be ended", deadline=10)

    def test_a_plugin_that_turns_critical_becomes_a_message_with_what_it_said(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        plugin = self.script("raid", "echo 'RAID OK'; exit 0\n")
        self.start([f"name: raid, command: [{plugin}]"],
                   "shipped_rules: [exec]\nrule_changes: [{alert: ExecProblem, for: 0s}]\n"
                   f"receivers: [{{name: hook, webhook: {{url: \"{receiver.url}\"}}}}]\n")
        self.wait_for(0, "exec_status", name="raid")
        self.script("raid", "echo 'RAID CRITICAL - sdb is gone'; exit 2\n")
        alert = receiver.wait_for(1, "that the RAID is broken")[0]["body"]["alerts"][0]
        self.assertEqual((alert["annotations"]["summary"], alert["level"]), ("raid is critical", "critical"))
        self.assertIn("it said: RAID CRITICAL - sdb is gone.", alert["annotations"]["description"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_another_user_has_only_its_own_rights(self):
        who = self.script("who", "id -u\n")
        self.start([f"name: who, command: [{who}], format: value, user: nobody"])
        self.wait_for(65534, "exec_value", name="who")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_an_agent_without_root_says_that_it_cannot_become_another(self):
        os.chmod(self.directory, 0o777)
        entry = "interval: 1s, timeout: 900ms, name: who, command: [/usr/bin/id, -u], format: value, user: root"
        self.agent = Agent(f"agent: {{interval: 200ms}}\nhttp: {{listen: 127.0.0.1:0}}\ncollectors: {{exec: [{{{entry}}}]}}\n",
                           self.directory, wrapper=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        self.addCleanup(self.agent.stop)
        self.agent.start()
        self.wait_for(0, "exec_success", name="who")
        wait_until(lambda: re.search("does not run as root and so cannot become the user 'root'", self.agent.log()), "the reason")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""The package and its units under a real systemd: started, killed, hung, upgraded and purged, and the agent beside a service
that crashes.

tests/support/systemd_machine.py is the machine. integration.systemd holds what the units shut against what the agent sees.
"""

import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import debian_root, prerequisites, systemd_machine  # noqa: E402
from support.harness import BINARY, DEADLINE, Receiver, wait_until  # noqa: E402
from support.packed import later_package, packages  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

SERVICE = """
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/tail -f /dev/null
Restart=on-failure
"""

with open(os.path.join(ROOT, "docs", "install.md")) as page:
    INSTALL = page.read()

# The shipped one, in quick.
QUICK = {"interval: 5s": "interval: 200ms",
         "shipped_rules: [process, container]": "shipped_rules: [process]\n"
                                                "rule_changes: [{alert: ProcessAbsent, for: 1s}]"}


WITH_CREDENTIAL = """
agent: {{interval: 200ms, state_dir: "${{STATE_DIRECTORY:-/var/lib/sidewatch}}"}}
http: {{listen: "{listen}"}}
collectors: {{host: {{}}}}
rules:
  - {{alert: AlwaysTrue, expr: node_load1, warning: ">= 0"}}
receivers:
  - {{name: oncall, webhook: {{url: "${{file:{place}}}"}}}}
"""

ADDED_RULE = """
rules:
  - {alert: AlwaysTrue, expr: node_load1, warning: ">= 0"}
"""


def sanitized():
    with open(BINARY, "rb") as file:
        return b"__asan_init" in file.read()


def sanitizer_options():
    return {**{key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")},
            "ASAN_OPTIONS": "detect_leaks=0"}


def setUpModule():
    prerequisites.need(systemd_machine.reason_against(debian_root.packages_of(BINARY)))
    if lack := systemd_machine.lack_of_cgroups():
        raise unittest.SkipTest(lack)
    _, deb, _ = packages()
    Booted.machine = systemd_machine.Machine(debian_root.packages_of(BINARY))
    unittest.addModuleCleanup(Booted.machine.stop)
    if sanitized():
        for unit in ("sidewatch", "sidewatch@"):
            Booted.machine.write(f"/usr/local/lib/systemd/system/{unit}.service.d/sanitizer.conf",
                                 "[Service]\nMemoryMax=1G\nCPUQuota=\n")
    Booted.machine.boot(sanitizer_options())
    Booted.install(deb)


def load_tests(loader, tests, pattern):
    """All on one machine, and last the test that purges the package."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Agent, Instance, Life))


class Booted(unittest.TestCase):
    machine = None

    @classmethod
    def install(cls, deb):
        shutil.copy(deb, cls.machine.inside("/package.deb"))
        return cls.machine.run("dpkg", "--force-confdef", "--force-confold", "--install", "/package.deb").stdout

    def systemctl(self, *words, check=True):
        answer = self.machine.run("systemctl", *words, check=False)
        if check and answer.returncode != 0:
            log = self.machine.run("journalctl", "--no-pager", "--output=cat", "--lines=30").stdout
            raise AssertionError(f"systemctl {' '.join(words)}: {answer.stdout}\n{log}")
        return answer.stdout.strip()

    def is_active(self, unit):
        return self.systemctl("is-active", unit, check=False) == "active"

    def main_process(self, unit):
        """Its number in the machine; 0 while there is none."""
        return int(self.machine.show(unit, "MainPID"))

    def ask(self, expression, listen="127.0.0.1:9766"):
        return self.machine.run("sidewatch", "query", "--csv", "--url", f"http://{listen}", expression, check=False).stdout

    def drop_in(self, unit, lines):
        """Lines of [Service] until the test is over; it is started with them."""
        folder = f"/etc/systemd/system/{unit}.service.d"
        self.machine.write(f"{folder}/test.conf", f"[Service]\n{lines}\n")

        def take_back():
            shutil.rmtree(self.machine.inside(folder))
            self.systemctl("daemon-reload")
            self.systemctl("restart" if unit == "sidewatch" else "stop", unit)

        self.addCleanup(take_back)
        self.systemctl("daemon-reload")
        self.systemctl("restart", unit)

    def add_service(self, name):
        """A service that is started again when it crashes."""
        self.machine.write(f"/etc/systemd/system/{name}.service", SERVICE)
        self.systemctl("daemon-reload")

    def add_instance(self, name, listen):
        with open(os.path.join(ROOT, "config", "packaged", "instance.yaml")) as file:
            config = file.read()
        for words, others in QUICK.items():
            self.assertIn(words, config)
            config = config.replace(words, others)
        self.machine.write(f"/etc/sidewatch/{name}.yaml", config)
        self.machine.write(f"/etc/default/sidewatch-{name}",
                           f"SIDEWATCH_LISTEN={listen}\nSIDEWATCH_CONFIG=/etc/sidewatch/{name}.yaml\n")
        self.machine.run("chown", "root:sidewatch", f"/etc/sidewatch/{name}.yaml")
        self.systemctl("enable", f"sidewatch@{name}")


class Agent(Booted):
    def test_installed_it_runs_and_says_that_it_watches(self):
        self.assertEqual(self.systemctl("is-active", "sidewatch"), "active")
        self.assertEqual(self.systemctl("is-enabled", "sidewatch"), "enabled")
        self.assertEqual(self.machine.show("sidewatch", "StatusText"), "watching")
        self.assertIn("node_load1", self.ask("node_load1"))
        number = self.main_process("sidewatch")
        status = self.machine.run("cat", f"/proc/{number}/status").stdout
        user = self.machine.run("id", "--user", "sidewatch").stdout.strip()
        self.assertRegex(status, rf"Uid:\t{user}\t{user}\t{user}\t{user}\n")
        self.assertRegex(status, r"CapEff:\t0+\nCapBnd:\t0+\n")
        self.assertRegex(status, r"NoNewPrivs:\t1\nSeccomp:\t2\n")
        self.assertEqual(self.systemctl("--failed", "--plain", "--no-legend"), "")

    @unittest.skipIf(sanitized(), "a sanitizer needs more than the unit allows, and is given it")
    def test_the_kernel_holds_it_to_the_limits_of_its_unit(self):
        number = self.main_process("sidewatch")
        found = {name: self.limit_of(number, name) for name in ("memory", "pids", "cpu")
                 if name in self.machine.cgroups.controllers}
        if not found:
            self.skipTest("the cgroups here have no controllers")
        self.assertEqual(found, {name: value for name, value in {"memory": 128 << 20, "pids": 256, "cpu": 0.5}.items()
                                 if name in found})

    def test_cgroups_of_v2_hold_systemd_below_them_and_so_can_pass_limits_on(self):
        folder = self.machine.cgroups.folders.get(systemd_machine.UNIFIED)
        if folder is None:
            self.skipTest("no cgroups of v2 are mounted here")
        with open(os.path.join(folder, "cgroup.procs")) as file:
            self.assertEqual(file.read(), "")
        with open(os.path.join(folder, "init.scope", "cgroup.procs")) as file:
            self.assertIn(str(self.machine.systemd), file.read().split())

    def limit_of(self, number, controller):
        """As the cgroup of the process has it; the CPU in cores."""
        places = dict(line.split(":", 2)[1:] for line in self.machine.run("cat", f"/proc/{number}/cgroup").stdout.split())
        folder = "/sys/fs/cgroup" + (f"/{controller}{places[controller]}" if controller in places else places[""])
        for names in {"memory": ["memory.limit_in_bytes", "memory.max"], "pids": ["pids.max"],
                      "cpu": ["cpu.cfs_quota_us cpu.cfs_period_us", "cpu.max"]}[controller]:
            answer = self.machine.run("cat", *(f"{folder}/{name}" for name in names.split()), check=False)
            if answer.returncode == 0:
                words = [int(word) for word in answer.stdout.split()]
                return words[0] / words[1] if controller == "cpu" else words[0]
        return None

    def wait_for_another(self, before, deadline=DEADLINE):
        wait_until(lambda: self.main_process("sidewatch") not in (0, before) and self.is_active("sidewatch"),
                   "another agent", deadline=deadline, pause=0.2)

    def test_killed_it_is_started_again(self):
        before, restarts = self.main_process("sidewatch"), int(self.machine.show("sidewatch", "NRestarts"))
        self.machine.run("kill", "-KILL", str(before))
        self.wait_for_another(before)
        self.assertEqual(int(self.machine.show("sidewatch", "NRestarts")), restarts + 1)
        self.assertIn("node_load1", self.ask("node_load1"))

    def test_hung_it_is_ended_and_started_again(self):
        self.drop_in("sidewatch", "WatchdogSec=2")
        before = self.main_process("sidewatch")
        self.machine.run("kill", "-STOP", str(before))
        self.wait_for_another(before, deadline=2 * DEADLINE)
        self.assertIn("Watchdog timeout", self.machine.journal("sidewatch"))

    def test_a_reload_takes_in_a_changed_configuration_and_refuses_a_wrong_one(self):
        shipped = self.machine.root.read("/etc/sidewatch/sidewatch.yaml")
        self.addCleanup(self.systemctl, "reload", "sidewatch")
        self.addCleanup(self.machine.write, "/etc/sidewatch/sidewatch.yaml", shipped)
        number = self.main_process("sidewatch")
        self.machine.write("/etc/sidewatch/sidewatch.yaml", shipped + ADDED_RULE)
        self.systemctl("reload", "sidewatch")
        wait_until(lambda: "AlwaysTrue" in self.ask("ALERTS"), "the alert of the new rule", pause=0.2)
        self.machine.write("/etc/sidewatch/sidewatch.yaml", shipped + "nonsense: 1\n")
        self.systemctl("reload", "sidewatch")
        wait_until(lambda: "unknown key 'nonsense'" in self.machine.journal("sidewatch"), "the mistake", pause=0.2)
        self.assertEqual(self.main_process("sidewatch"), number)

    def test_it_can_be_restarted_as_often_as_one_likes(self):
        for _ in range(8):
            self.systemctl("restart", "sidewatch")
        self.assertTrue(self.is_active("sidewatch"))

    def test_a_secret_in_its_variables_reaches_the_agent_and_whoever_tries_the_receiver(self):
        receiver = self.machine.within_its_network(Receiver)
        self.addCleanup(receiver.stop)
        shipped = self.machine.root.read("/etc/default/sidewatch")
        self.addCleanup(self.systemctl, "restart", "sidewatch")
        self.addCleanup(self.machine.write, "/etc/default/sidewatch", shipped)
        write, try_it = re.search(r"(?m)^    (echo 'WEBHOOK_URL=.*)\n    sudo (sh -c .*)$", INSTALL).groups()
        for line in (write.replace("https://example.org/hook", receiver.url).replace("sudo ", ""), try_it):
            self.machine.run("sh", "-c", line)
        receiver.wait_for(1, "the message that is made up")
        self.systemctl("restart", "sidewatch")
        surroundings = self.machine.run("cat", f"/proc/{self.main_process('sidewatch')}/environ").stdout
        self.assertIn(f"WEBHOOK_URL={receiver.url}\0", surroundings)
        self.assertEqual(self.machine.run("stat", "--format=%a %U", "/etc/default/sidewatch").stdout.split(), ["600", "root"])

    def test_a_credential_is_for_the_agent_alone_and_holds_whom_to_tell(self):
        for unit, listen in (("sidewatch", "127.0.0.1:9766"), ("sidewatch@shop", "127.0.0.1:9767")):
            with self.subTest(unit):
                receiver = self.machine.within_its_network(Receiver)
                self.addCleanup(receiver.stop)
                self.machine.write("/root/webhook_url", receiver.url)
                os.chmod(self.machine.inside("/root/webhook_url"), 0o600)
                place = f"/run/credentials/{unit}.service/webhook_url"
                self.machine.write("/etc/sidewatch/credential.yaml",
                                   WITH_CREDENTIAL.format(listen=listen, place=place))
                self.drop_in(unit, "LoadCredential=webhook_url:/root/webhook_url\nExecStart=\n"
                                   "ExecStart=/usr/bin/sidewatch run --config /etc/sidewatch/credential.yaml")
                receiver.wait_for(1, "AlwaysTrue")
                mode, owner = self.machine.run("stat", "--format=%a %U", place).stdout.split()
                self.assertEqual((mode[-2:], owner), ("00", "sidewatch"))
                # What docs/install.md lets the administrator do while it runs.
                said = self.machine.run("sidewatch", "check", "/etc/sidewatch/credential.yaml").stdout
                self.assertIn(f"oncall: webhook http://127.0.0.1:{receiver.port}/...", said)


class Instance(Booted):
    """sidewatch@NAME.service, whose one reason is to be there when NAME.service is not."""

    def crash(self, name):
        """Kills the service's process, and waits until systemd has started another."""
        before = self.main_process(name)
        self.machine.run("kill", "-KILL", str(before))
        wait_until(lambda: self.main_process(name) not in (0, before), f"{name} to be started again")

    def test_it_is_started_with_its_service_and_watches_it(self):
        self.add_service("bakery")
        self.add_instance("bakery", "127.0.0.1:9771")
        self.assertFalse(self.is_active("sidewatch@bakery"))
        self.systemctl("start", "bakery")
        wait_until(lambda: self.is_active("sidewatch@bakery"), "the instance", pause=0.2)
        wait_until(lambda: self.ask('namedprocess_namegroup_num_procs{groupname="bakery.service"} == 1', "127.0.0.1:9771"),
                   "the service's process", pause=0.2)

    def test_it_stands_beside_one_of_several_of_a_template(self):
        self.machine.write("/etc/systemd/system/stall@.service", SERVICE)
        name = "stall@15-main"  # as Debian's PostgreSQL is called
        self.add_instance(name, "127.0.0.1:9775")
        self.systemctl("start", name)
        processes = f'namedprocess_namegroup_num_procs{{groupname="{name}.service"}} == 1'
        wait_until(lambda: self.ask(processes, "127.0.0.1:9775"), "the service's process", pause=0.2)
        self.assertTrue(self.machine.root.exists(f"/var/lib/sidewatch@{name}"))

    def test_it_outlives_every_crash_of_its_service_and_counts_them(self):
        self.add_service("shop")
        self.add_instance("shop", "127.0.0.1:9772")
        self.systemctl("start", "shop")
        wait_until(lambda: self.is_active("sidewatch@shop"), "the instance", pause=0.2)
        agent = self.main_process("sidewatch@shop")
        restarts = 'namedprocess_namegroup_restarts_total{groupname="shop.service"}'
        wait_until(lambda: "shop" in self.ask(restarts, "127.0.0.1:9772"), "the service's process", pause=0.2)
        for _ in range(8):  # more than systemd's limit of starts within ten seconds
            self.crash("shop")
        wait_until(lambda: self.ask(f"{restarts} >= 1", "127.0.0.1:9772"), "a restart to be counted", pause=0.2)
        self.assertEqual(self.main_process("sidewatch@shop"), agent, self.machine.journal("sidewatch@shop"))
        self.assertEqual(int(self.machine.show("shop", "NRestarts")), 8)

    def test_it_tells_that_its_service_does_not_run_until_both_are_stopped(self):
        self.add_service("kiosk")
        self.add_instance("kiosk", "127.0.0.1:9773")
        self.systemctl("start", "kiosk")
        wait_until(lambda: self.is_active("sidewatch@kiosk"), "the instance", pause=0.2)
        fires = 'ALERTS{alertname="ProcessAbsent", alertstate="firing"}'
        wait_until(lambda: self.ask("namedprocess_namegroup_num_procs == 1", "127.0.0.1:9773"), "its process", pause=0.2)
        self.systemctl("stop", "kiosk")
        wait_until(lambda: "kiosk" in self.ask(fires, "127.0.0.1:9773"), "the alert", pause=0.2)
        self.assertTrue(self.is_active("sidewatch@kiosk"))
        self.systemctl("restart", "kiosk")
        wait_until(lambda: "kiosk" not in self.ask(fires, "127.0.0.1:9773"), "its end", pause=0.2)
        words = re.search(r"sudo systemctl (stop nginx sidewatch@nginx)\b", INSTALL)
        self.systemctl(*words[1].replace("nginx", "kiosk").split())
        self.assertEqual((self.is_active("kiosk"), self.is_active("sidewatch@kiosk")), (False, False))
        self.assertEqual(self.machine.show("sidewatch@kiosk", "Result"), "success")

    def test_a_second_one_without_an_address_says_so_and_comes_up_once_it_has_one(self):
        for name in ("one", "two"):
            self.addCleanup(self.systemctl, "stop", f"sidewatch@{name}")
        self.systemctl("start", "sidewatch@one")
        self.systemctl("start", "--no-block", "sidewatch@two")
        sentence = re.search(r"`(127.0.0.1:9767 is already in use)` in its log", INSTALL)[1]
        wait_until(lambda: sentence in self.machine.journal("sidewatch@two"), "the sentence of the page", pause=0.2)
        self.assertFalse(self.is_active("sidewatch@two"))
        self.machine.write("/etc/default/sidewatch-two", "SIDEWATCH_LISTEN=127.0.0.1:9774\n")
        wait_until(lambda: self.is_active("sidewatch@two"), "the second", pause=0.2)


class Life(Booted):
    def test_upgraded_removed_and_purged(self):
        self.add_service("shop")
        self.add_instance("shop", "127.0.0.1:9772")
        self.systemctl("start", "shop", "sidewatch@shop")
        _, deb, _ = packages()
        units = ("sidewatch", "sidewatch@shop")
        before = [self.main_process(unit) for unit in units]
        self.install(later_package())
        for unit, number in zip(units, before):
            self.assertTrue(self.is_active(unit), self.machine.journal(unit))
            self.assertNotEqual(self.main_process(unit), number, f"{unit} runs the new program")

        self.machine.run("dpkg", "--remove", "sidewatch")
        for unit in units:
            self.assertFalse(self.is_active(unit), unit)
        self.install(deb)
        self.assertTrue(self.is_active("sidewatch"), "enabled as before")
        self.systemctl("restart", "shop")
        wait_until(lambda: self.is_active("sidewatch@shop"), "the instance, enabled as before", pause=0.2)

        self.machine.run("dpkg", "--purge", "sidewatch")
        self.assertTrue(self.is_active("shop"), "what it watched runs on")
        for unit in units:
            self.assertFalse(self.is_active(unit), unit)
        self.install(deb)
        self.assertTrue(self.is_active("sidewatch"), "as on the first day")
        self.systemctl("restart", "shop")
        self.assertFalse(self.is_active("sidewatch@shop"), "nobody enabled it since")
        self.assertEqual(self.systemctl("is-enabled", "sidewatch@shop", check=False), "disabled")


if __name__ == "__main__":
    unittest.main(verbosity=2)

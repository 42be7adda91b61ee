#!/usr/bin/python3
"""The units of systemd/: sound, tightly shut, and nothing of the host is hidden by what they shut.

integration.manager has a systemd start them, on a machine of its own. Here tests/support/unit_sandbox.py does on this machine
what systemd would: the agent runs as a user without a right, behind the unit's mounts and its filter of system calls, and
is held against two agents that run free: one as the same user (nothing may differ), one as root (what differs stands
below, with its reason).
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import prerequisites, systemd_machine  # noqa: E402
from support.exposition import Page, compare  # noqa: E402
from support.harness import BINARY, Agent, wait_until  # noqa: E402
from support.unit_sandbox import UNIT_USER, Unit  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
UNITS = {name: os.path.join(ROOT, "systemd", name) for name in ("sidewatch.service", "sidewatch@.service")}
SANDBOX = os.path.join(ROOT, "tests", "support", "unit_sandbox.py")

MAX_EXPOSURE = 20  # 2.0, as `systemd-analyze security` counts

CONFIG = """
agent: {{interval: 200ms, state_dir: "${{STATE_DIRECTORY}}"}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  host: {{}}
  process:
    - {{name: "{{{{.Username}}}}:{{{{.ExeBase}}}}:{{{{.Comm}}}}", match: {{cmdline: "{marker}"}}}}
  container: {{}}
rules:
  - {{alert: AlwaysTrue, expr: node_load1, warning: ">= 0"}}
receivers:
  - {{name: log, log: {{}}}}
"""


def linux_is_at_least(*version):
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2]) >= version


# What root sees and the unit's user does not, and why. None of it is the sandbox's doing.
ROOT_ALONE = {
    r"namedprocess_namegroup_(read|write)_bytes_total\{.*": "the I/O of other users' processes",
    r"node_rapl_.*": "the energy that the CPU used, since Linux 5.10",
    r"node_cpu_frequency_.*": "cpuinfo_cur_freq",
    r"node_dmi_info\{.*": "serial numbers",
    r"node_hwmon_.*": "some sensors",
    **({} if linux_is_at_least(6, 2) else {
        r"namedprocess_namegroup_(open_filedesc|worst_fd_ratio)\{.*": "how many files other users' processes hold"}),
    r"node_btrfs_.*": "errors and space of each device are asked for at a mount point that the agent may open",
}


def is_sandbox_possible():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def cgroup_folder():
    """Where a cgroup may be made that looks as if systemd had made it for a service, or None."""
    with open("/proc/self/mountinfo") as file:
        for line in file:
            place, _, kind = line.rstrip("\n").partition(" - ")
            if kind.startswith("cgroup2 ") or "name=systemd" in kind:
                folder = place.split()[4]
                if os.access(folder, os.W_OK):
                    return folder
    return None


def sanitized():
    """Whether the program carries a sanitizer, which needs memory of its own."""
    with open(BINARY, "rb") as file:
        return b"__asan_init" in file.read()


class NotifySocket:
    """$NOTIFY_SOCKET, as systemd holds it."""

    def __init__(self):
        self.name = f"sidewatch-test-{os.getpid()}-{time.monotonic_ns()}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name)
        self.socket.setblocking(False)
        self.seen = []

    def told(self, word):
        """Whether this has been told since it was last asked for."""
        try:
            while True:
                self.seen += self.socket.recv(4096).decode().splitlines()
        except BlockingIOError:
            pass
        if word not in self.seen:
            return False
        self.seen = self.seen[self.seen.index(word) + 1:]
        return True

    def wait_for(self, word):
        wait_until(lambda: self.told(word), f"{word} to be told to systemd")


class Place:
    """A folder outside /tmp, which the unit's PrivateTmp hides, with the program and the state directory in it."""

    def __init__(self, case):
        self.path = tempfile.mkdtemp(prefix="sidewatch-test-", dir="/var/lib")
        case.addCleanup(shutil.rmtree, self.path)
        os.chmod(self.path, 0o755)
        self.program = os.path.join(self.path, "sidewatch")
        shutil.copy(BINARY, self.program)
        self.scratch_root = tempfile.mkdtemp(prefix="sidewatch-test-", dir="/tmp")
        case.addCleanup(shutil.rmtree, self.scratch_root)
        os.chmod(self.scratch_root, 0o755)

    def folder(self, name, owner=0, mode=0o755):
        path = os.path.join(self.path, name)
        os.makedirs(path)
        os.chown(path, owner, owner)
        os.chmod(path, mode)
        return path

    def scratch(self):
        return tempfile.mkdtemp(dir=self.scratch_root)


class UnitAgent(Agent):
    """The agent, started with the words of a unit: `how` is "unit", "same user" or "root"."""

    def __init__(self, place, how, config, unit=UNITS["sidewatch.service"], environment=None):
        owner = 0 if how == "root" else UNIT_USER
        name = how.replace(" ", "-")
        super().__init__(config, place.folder(name))
        os.chmod(self.config_path, 0o644)
        self.state = place.folder(name + "-state", owner, 0o700)
        self.unit = Unit(unit)
        words = self.unit.last("ExecStart").split()
        assert words[0] == "/usr/bin/sidewatch" and words[-2] == "--config", words
        before = {"unit": [sys.executable, SANDBOX, unit, "--writable", self.state, "--scratch", place.scratch()],
                  "same user": ["setpriv", f"--reuid={UNIT_USER}", f"--regid={UNIT_USER}", "--clear-groups",
                                "--bounding-set=-all", "--inh-caps=-all"],
                  "root": []}[how]
        self.command = [*before, *(["--"] if how == "unit" else []), place.program, *words[1:-1], self.config_path]
        # What systemd gives a service, and nothing of ours but what a sanitizer must be told.
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8",
                            "STATE_DIRECTORY": self.state, **(environment or {})}
        for key, value in os.environ.items():
            if key.endswith("SAN_OPTIONS"):
                self.environment[key] = value
        self.environment["ASAN_OPTIONS"] = "detect_leaks=0"  # the leak search needs ptrace, which the filter denies

    def start(self, wait=True):
        self._log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, cwd="/")
        wait_until(self.find_port, "the agent to serve")
        return self

    def page(self):
        return Page(self.request("/metrics")[2].decode())


class Files(unittest.TestCase):
    def test_systemd_finds_nothing_to_complain_about(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, path in UNITS.items():
                with open(path) as file:
                    text = file.read()
                shown = name.replace("@", "@multi-user")  # an instance: the template alone cannot be started
                text = text.replace("/usr/bin/sidewatch ", BINARY + " ").replace("%i.service", "%i.target")
                with open(os.path.join(folder, shown), "w") as file:
                    file.write(text)
                answer = subprocess.run(["systemd-analyze", "verify", "--man=no", os.path.join(folder, shown)],
                                        capture_output=True, text=True, timeout=60)
                self.assertEqual((answer.returncode, answer.stdout + answer.stderr), (0, ""), name)

    def test_a_word_that_systemd_does_not_know_would_be_found(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "wrong.service")
            with open(path, "w") as file:
                file.write(f"[Service]\nExecStart={BINARY} run\nProtectEverything=yes\n")
            answer = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
            self.assertIn("ProtectEverything", answer.stdout + answer.stderr)

    def test_little_is_left_open(self):
        for name, path in UNITS.items():
            answer = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true",
                                     f"--threshold={MAX_EXPOSURE}", path], capture_output=True, text=True, timeout=60)
            self.assertEqual(answer.returncode, 0, f"{name}\n{answer.stdout}{answer.stderr}")
            self.assertIn("Overall exposure level", answer.stdout)

    def test_what_would_hide_something_is_not_set_and_has_its_reason(self):
        hiding = {"ProtectProc", "ProcSubset", "PrivateNetwork", "PrivateUsers", "ProtectClock", "ProtectHostname",
                  "PrivateIPC", "RootDirectory", "InaccessiblePaths", "IPAddressDeny"}
        for name, path in UNITS.items():
            with open(path) as file:
                text = file.read()
            listed = dict(re.findall(r"^#   (\w+)= +(\S.*)$", text, re.M))
            self.assertEqual(set(listed), hiding, name)
            unit = Unit(path)
            for directive, reason in listed.items():
                self.assertNotIn(directive, unit.values, name)
                self.assertGreater(len(reason.split()), 4, directive)
            # Others that hide parts of the host as well, and need no words.
            for directive in ("RootImage", "TemporaryFileSystem", "PrivatePIDs", "NetworkNamespacePath", "DynamicUser",
                              "IPCNamespacePath", "ReadOnlyPaths", "NoExecPaths"):
                self.assertNotIn(directive, unit.values, name)

    def test_both_units_shut_the_same(self):
        one, other = (Unit(path).values for path in UNITS.values())
        own = {"Environment", "EnvironmentFile", "ExecStart", "StateDirectory"}
        self.assertEqual({key: value for key, value in one.items() if key not in own},
                         {key: value for key, value in other.items() if key not in own})
        self.assertEqual(one["Type"], ["notify"])

    def test_the_instance_is_started_with_its_service_and_not_stopped_or_restarted_with_it(self):
        with open(UNITS["sidewatch@.service"]) as file:
            text = file.read()
        self.assertRegex(text, r"(?m)^After=%i\.service ")
        self.assertRegex(text, r"(?m)^WantedBy=%i\.service$")
        self.assertNotRegex(text, r"(?m)^(PartOf|BindsTo|Requires|Requisite)=", "it could not tell of a crash")

    def test_no_number_of_starts_is_too_many(self):
        for name, path in UNITS.items():
            with open(path) as file:
                self.assertRegex(file.read(), r"(?m)^StartLimitIntervalSec=0$", name)


class Prerequisites(unittest.TestCase):
    def test_what_a_machine_lacks_skips_a_test_and_fails_it_in_continuous_integration(self):
        for environment, end in (({}, unittest.SkipTest), ({"CI": ""}, unittest.SkipTest), ({"CI": "true"}, AssertionError)):
            with unittest.mock.patch.dict(os.environ, environment, clear=True):
                prerequisites.need(None)
                with self.assertRaisesRegex(end, "needs root"):
                    prerequisites.need("needs root")


    def test_a_machine_is_made_in_a_cgroup_that_controllers_reach(self):
        with tempfile.TemporaryDirectory() as root:
            session = "/user.slice/session-1.scope"
            os.makedirs(root + session)
            self.assertEqual(systemd_machine.place_for(root, session), root + session, "v1 has them everywhere")
            for folder, controllers in (("", "cpu memory pids"), ("/user.slice", "memory"), (session, "")):
                with open(f"{root}{folder}/cgroup.subtree_control", "w") as file:
                    file.write(controllers + "\n")
            self.assertEqual(systemd_machine.place_for(root, session), root)
            with open(f"{root}/user.slice/cgroup.subtree_control", "w") as file:
                file.write("memory pids\n")
            self.assertEqual(systemd_machine.place_for(root, session), root + "/user.slice")
            self.assertEqual(systemd_machine.place_for(root, "/of/another/namespace"), root)
            self.assertEqual(systemd_machine.place_for(root, "/"), root)


class Confined(unittest.TestCase):
    def setUp(self):
        prerequisites.need("" if is_sandbox_possible() else "it takes root and a mount namespace")
        self.place = Place(self)

    def agent(self, how, config, **options):
        agent = UnitAgent(self.place, how, config, **options)
        self.addCleanup(agent.stop)
        return agent

    def test_the_sandbox_shuts(self):
        """Each line is tried in a sandbox of its own, by a program that may do nothing else."""
        tries = {
            "open('/etc/sidewatch-test', 'w')": "Read-only file system",
            "open('/root/sidewatch-test', 'w')": "(Permission denied|Read-only file system)",
            "open('/proc/sys/kernel/hostname', 'w')": "(Permission denied|Read-only file system)",
            "open('/dev/kmsg')": "(No such file|Permission denied)",
            "print(os.listdir('/tmp'))": r"^\[\]$",
            "print(sorted({'null', 'sda', 'vda', 'kvm', 'mem'} & {*os.listdir('/dev')}))": r"^\['null'\]$",
            "print(os.getuid(), open('/proc/self/status').read())":
                rf"(?s)^{UNIT_USER} .*CapPrm:\t0+\n.*CapBnd:\t0+\n.*NoNewPrivs:\t1\nSeccomp:\t2",
            "socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)": "killed",
            "mmap.mmap(-1, 4096, prot=7)": "killed",
            "os.sched_setaffinity(0, {0})": "killed",
            "os.chown('/tmp', 1, 1)": "killed",
            "os.chmod('/tmp/none', 0o4755)": "killed",
            "os.sethostname('x') if hasattr(os, 'sethostname') else socket.sethostname('x')": "killed",
        }
        for code, expected in tries.items():
            answer = subprocess.run(
                [sys.executable, SANDBOX, UNITS["sidewatch.service"], "--scratch", self.place.scratch(), "--",
                 "/usr/bin/python3", "-ISc", "import mmap, os, socket\n" + code],
                capture_output=True, text=True, cwd="/", timeout=60)
            self.assertNotIn("unit_sandbox", answer.stderr, code)
            said = "killed" if answer.returncode == -signal.SIGSYS else answer.stdout.strip() or answer.stderr.strip()
            self.assertRegex(said, expected, code)

    def test_nothing_of_the_host_is_hidden(self):
        marker = f"sidewatch-test-{os.getpid()}"
        for user in (0, UNIT_USER, UNIT_USER + 1):  # processes to be seen, of root, of the agent's user and of another
            process = subprocess.Popen(["/usr/bin/python3", "-ISc", "import time; time.sleep(1000)", marker], user=user,
                                       group=user, extra_groups=[])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        config = CONFIG.format(marker=marker)
        agents = {how: self.agent(how, config).start() for how in ("unit", "same user", "root")}
        for agent in agents.values():
            wait_until(lambda: agent.metrics().get('sidewatch_collector_passes_total{collector="host"}', 0) >= 5 and
                       'node_load1' in agent.metrics(), "five passes")
        def pages():
            """What one agent has to say about its own life differs by chance, not by sight: it is left out."""
            found = {how: agent.page() for how, agent in agents.items()}
            for page in found.values():
                page.values = {key: value for key, value in page.values.items()
                               if not key[0].startswith(("sidewatch_", "process_", "ALERTS"))}
            return found

        def differences():
            """Lines of text, none when all is well. The host may change between two pages, so it is looked again."""
            seen = pages()
            lines = []
            for theirs, reasons in (("same user", {}), ("root", ROOT_ALONE)):
                lines += [f"{theirs}: {line}" for line in compare(seen["unit"], seen[theirs], reasons)[0]]
            # ProtectSystem=strict makes everything read-only for the agent. It must not say so of the host.
            for name, theirs in (("node_filesystem_readonly", "root"), ("node_filesystem_device_error", "root"),
                                 ("node_filesystem_size_bytes", "root"), ("node_uname_info", "root"),
                                 ("namedprocess_namegroup_num_procs", "same user")):
                one, other = ({key: value for key, value in seen[how].values.items() if key[0] == name}
                              for how in ("unit", theirs))
                lines += [f"{theirs}: {name} {one} and not {other}"] if one != other else []
            return lines

        try:
            wait_until(lambda: not differences(), "the same pages", deadline=10, pause=0.5)
        except AssertionError:
            self.fail("\n".join(differences()))
        page = pages()["unit"]
        self.assertGreater(len(page.names()), 200)
        for name in ("node_timex_offset_seconds", "node_filesystem_avail_bytes", "node_memory_MemAvailable_bytes",
                     "node_disk_io_time_seconds_total", "node_network_receive_bytes_total", "node_sockstat_TCP_inuse",
                     "namedprocess_namegroup_num_procs", "node_cpu_seconds_total", "node_uname_info"):
            self.assertIn(name, page.names())
        self.assertEqual(sum(page.matching("namedprocess_namegroup_num_procs")), 3)

    def test_systemd_is_told_what_it_waits_for(self):
        systemd = NotifySocket()
        self.addCleanup(systemd.socket.close)
        agent = self.agent("unit", CONFIG.format(marker="none-of-these"),
                           environment={"NOTIFY_SOCKET": "@" + systemd.name, "WATCHDOG_USEC": "400000"}).start()
        systemd.wait_for("READY=1")
        systemd.wait_for("WATCHDOG=1")
        systemd.wait_for("WATCHDOG=1")
        self.assertEqual(agent.unit.last("ExecReload"), "/bin/kill -HUP $MAINPID")
        agent.process.send_signal(signal.SIGHUP)
        systemd.wait_for("RELOADING=1")
        systemd.wait_for("READY=1")
        self.assertLess(agent.terminate(), float(agent.unit.last("TimeoutStopSec")))
        systemd.wait_for("STOPPING=1")
        self.assertEqual(agent.process.returncode, 0, agent.log())
        self.assertTrue(os.listdir(agent.state), "its state is kept where the unit lets it write")
        for name in os.listdir(agent.state):
            self.assertEqual(os.stat(os.path.join(agent.state, name)).st_mode & 0o077, 0, name)

    def test_an_instance_sees_its_service_end(self):
        folder = cgroup_folder()
        if not folder:
            self.skipTest("no cgroups of systemd's kind are mounted here")
        name = f"sidewatch-test-{os.getpid()}.service"
        cgroup = os.path.join(folder, name)
        os.mkdir(cgroup)
        self.addCleanup(os.rmdir, cgroup)
        service = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        with open(os.path.join(cgroup, "cgroup.procs"), "w") as file:
            file.write(str(service.pid))
        with open(os.path.join(ROOT, "config", "packaged", "instance.yaml")) as file:
            config = file.read().replace("interval: 5s", "interval: 200ms")
        agent = self.agent("unit", config, unit=UNITS["sidewatch@.service"],
                           environment={"SIDEWATCH_UNIT": name, "SIDEWATCH_LISTEN": "127.0.0.1:0"}).start()
        processes = f'namedprocess_namegroup_num_procs{{groupname="{name}",service="{name}"}}'
        wait_until(lambda: agent.metrics().get(processes) == 1, "the service's process")
        service.kill()
        service.wait()
        wait_until(lambda: agent.metrics().get(processes) == 0, "the end of the service's process")
        wait_until(lambda: [alert["labels"]["service"] for alert in agent.alerts("ProcessAbsent")] == [name],
                   "the alert")

    def test_the_shipped_configurations_run_within_the_limits_of_their_units(self):
        for unit, file in (("sidewatch.service", "sidewatch.yaml"), ("sidewatch@.service", "instance.yaml")):
            with self.subTest(unit):
                with open(os.path.join(ROOT, "config", "packaged", file)) as text:
                    config = text.read().replace("127.0.0.1:9766", "127.0.0.1:0")
                settings = dict(setting.replace("%i", "checkout").split("=", 1)
                                for setting in Unit(UNITS[unit]).last("Environment", "").split())
                place = Place(self)
                agent = UnitAgent(place, "unit", config, unit=UNITS[unit],
                                  environment={**settings, "SIDEWATCH_LISTEN": "127.0.0.1:0"})
                self.addCleanup(agent.stop)
                agent.command[-1] = agent.config_path
                agent.start()
                wait_until(lambda: agent.request("/-/ready")[0] == 200, "readiness")
                agent.request("/metrics")
                with open(f"/proc/{agent.process.pid}/status") as file_:
                    status = dict(line.split(":", 1) for line in file_.read().splitlines())
                self.assertLess(int(status["Threads"]), int(agent.unit.last("TasksMax")))
                if not sanitized():
                    limit = int(agent.unit.last("MemoryMax").removesuffix("M")) * 1024
                    self.assertLess(int(status["VmHWM"].split()[0]), limit // 2)
                self.assertLess(agent.terminate(), float(agent.unit.last("TimeoutStopSec")))
                self.assertEqual(agent.process.returncode, 0, agent.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)

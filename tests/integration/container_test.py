"""Containers, watched by the real agent in the situations of docs/containers.md, as far as one machine can stage them.

A sidecar in a pod sees no cgroups but its own; here it runs in a mount namespace in which none are mounted.
"""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Agent, temporary_directory, wait_until  # noqa: E402

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  container:
    targets:
{targets}
rules:
  - alert: Memory
    expr: 100 * container_memory_limit_used_ratio
    warning: {{above: 80}}
    summary: "{{{{ $labels.name }}}}"
"""
WITHOUT_CGROUPS = ["unshare", "--mount", "sh", "-c", 'umount -R /sys/fs/cgroup && exec "$0" "$@"']
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def cgroups_are_mounted():
    with open("/proc/self/mountinfo") as mounts:
        return any(" - cgroup" in line for line in mounts)


def may_hide_them():
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    return subprocess.run([*WITHOUT_CGROUPS, "true"], capture_output=True).returncode == 0


class Service:
    """A process to watch, known by its pid file."""

    def __init__(self, directory):
        self.pid_file = os.path.join(directory, "service.pid")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["sleep", "600"])
        with open(self.pid_file + ".new", "w") as file:
            file.write(f"{self.process.pid}\n")
        os.replace(self.pid_file + ".new", self.pid_file)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@unittest.skipUnless(cgroups_are_mounted(), "no cgroups are mounted here")
class Containers(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        os.chmod(self.directory.name, 0o755)
        self.service = Service(self.directory.name)
        self.addCleanup(self.service.stop)

    def watch(self, *targets, environment=None, wrapper=()):
        config = CONFIG.format(targets="\n".join(f"      - {target}" for target in targets))
        agent = Agent(config, self.directory.name, environment, wrapper)
        self.addCleanup(agent.stop)
        return agent.start()

    def service_target(self, more=""):
        return f"{{name: service, process: {{pid_file: {self.service.pid_file}}}{more}}}"

    def wait_for(self, agent, series, value):
        wait_until(lambda: agent.metrics().get(series) == value, f"{series} to be {value}")

    def series_of(self, agent, metric):
        return {name: value for name, value in agent.metrics().items() if name.startswith(metric + "{")}

    def test_the_agents_own_container_is_watched(self):
        agent = self.watch("{name: own, self: true}")
        self.wait_for(agent, 'sidewatch_target_up{name="own"}', 1)
        self.assertGreater(len(self.series_of(agent, "container_last_seen")), 0)
        self.assertEqual(len(self.series_of(agent, "sidewatch_target_limit_state")), 4)

    def test_limits_come_out_of_the_environment(self):
        agent = self.watch("{name: far, limits: {memory: '${MEMORY}', cpu: '${CPU}m'}}",
                           environment={"MEMORY": "536870912", "CPU": "500"})
        self.wait_for(agent, 'container_spec_memory_limit_bytes{container="far",name="far"}', 536870912)
        self.wait_for(agent, 'container_cpu_limit_cores{container="far",name="far"}', 0.5)
        self.wait_for(agent, 'sidewatch_target_limit_source{name="far",resource="cpu",source="configured"}', 1)
        self.assertFalse(self.series_of(agent, "sidewatch_target_up"), "nobody looks for it")

    def test_a_restarted_service_is_found_again(self):
        agent = self.watch(self.service_target())
        up = 'sidewatch_target_up{name="service"}'
        self.wait_for(agent, up, 0)
        for _ in range(2):
            self.service.start()
            self.wait_for(agent, up, 1)
            self.service.stop()
            self.wait_for(agent, up, 0)
            self.assertFalse(self.series_of(agent, "container_last_seen"))

    def test_a_share_of_a_limit_raises_an_alert_that_does_not_know_the_cgroup(self):
        self.service.start()
        agent = self.watch(self.service_target(", limits: {memory: 4Ki}"))
        if not wait_until(lambda: self.series_of(agent, "container_last_seen"), "the service to be found"):
            return
        if not self.series_of(agent, "container_memory_working_set_bytes"):
            self.skipTest("no memory is counted here")
        alert = wait_until(lambda: agent.alerts("Memory"), "the alert")[0]
        self.assertEqual(alert["labels"]["name"], "service")
        self.assertNotIn("id", alert["labels"])

    @unittest.skipUnless(may_hide_them(), "it takes root and unshare to hide the cgroups from the agent")
    def test_a_sidecar_sees_the_cgroup_through_the_services_root(self):
        self.service.start()
        agent = self.watch(self.service_target(), wrapper=WITHOUT_CGROUPS)
        self.wait_for(agent, 'sidewatch_target_up{name="service"}', 1)
        sources = self.series_of(agent, "sidewatch_target_limit_source")
        self.assertTrue(any('source="process_root"' in name for name in sources), sources)
        self.assertFalse(any('source="cgroup"' in name for name in sources), sources)

    @unittest.skipUnless(may_hide_them(), "it takes root and unshare to hide the cgroups from the agent")
    def test_a_sidecar_of_another_user_says_what_is_closed_to_it_and_knows_the_limits(self):
        self.service.start()
        agent = self.watch(self.service_target(", limits: {memory: 512Mi}"), wrapper=[*WITHOUT_CGROUPS, *AS_NOBODY])
        self.wait_for(agent, 'sidewatch_target_up{name="service"}', 0)
        self.wait_for(agent, 'sidewatch_target_limit_source{name="service",resource="memory",source="configured"}', 1)
        self.wait_for(agent, 'container_spec_memory_limit_bytes{container="service",name="service"}', 536870912)
        self.assertIn(f"/proc/{self.service.process.pid}/root is not open to this user", agent.log())
        self.assertIn("run the agent as the user of that process", agent.log())


if __name__ == "__main__":
    unittest.main()

"""What the tests have in common that set the real agent among enemies."""

import os
import subprocess
import unittest

from harness import BINARY, Agent, temporary_directory, wait_until
from servers import free_port

CONFIG = """
agent: {{interval: 200ms, state_dir: state}}
http: {{listen: "127.0.0.1:{port}"}}
collectors:
  process:
{groups}
rules:
  - {{alert: Running, expr: namedprocess_namegroup_num_procs, warning: "> {threshold}"}}
receivers:
{receivers}
"""


def configuration(receivers="  - {name: log, log: {}}", groups="    - {name: me, match: {pid: self}}", threshold=0,
                  port=0):
    return CONFIG.format(receivers=receivers, groups=groups, threshold=threshold, port=port)


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        self.state = os.path.join(self.directory.name, "state")

    def start(self, config=None, environment=None):
        agent = Agent(config or configuration(), self.directory.name, environment)
        self.addCleanup(agent.stop)
        return agent.start()

    def launch(self, before=(), **streams):
        """The agent behind `before`, on a known port; for when its log cannot be read."""
        port = free_port()
        agent = Agent(configuration(port=port), self.directory.name)
        self.addCleanup(agent.stop)
        agent.process = subprocess.Popen([*before, BINARY, "run", "--config", agent.config_path],
                                         stdin=subprocess.DEVNULL, cwd=self.directory.name, **streams)
        agent.port = port

        def serves():
            self.assertIsNone(agent.process.poll(), "the agent ended")
            try:
                return agent.request("/-/ready")[0] == 200
            except OSError:
                return False
        wait_until(serves, "the agent to serve")
        return agent

    def state_files(self):
        """(path, content) of every file in the state directory that is still there when it is read."""
        for folder, _, names in os.walk(self.state):
            for name in names:
                try:
                    with open(os.path.join(folder, name), "rb") as file:
                        yield os.path.join(folder, name), file.read()
                except FileNotFoundError:
                    pass

    def passes(self, agent, collector="process"):
        return agent.metrics()[f'sidewatch_collector_passes_total{{collector="{collector}"}}']

    def goes_on(self, agent):
        before = self.passes(agent)
        wait_until(lambda: self.passes(agent) >= before + 3, "further passes")
        self.assertEqual(agent.request("/-/healthy")[0], 200)

    def refused(self, sentence):
        """Starts the agent, which must say `sentence` and end with exit code 1."""
        ended = subprocess.run([BINARY, "run", "--config", "sidewatch.yaml"], cwd=self.directory.name, timeout=30,
                               capture_output=True, text=True)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertRegex(ended.stderr, r"\Asidewatch: .*\n\Z")
        self.assertIn(sentence, ended.stderr)

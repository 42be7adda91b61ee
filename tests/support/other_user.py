"""Agents of another user than the services beside which they stand, as the package installs them.

What is tested with an agent of root's may see what no reader of a document will.
"""

import os
import shutil
import unittest

from harness import BINARY, Agent, temporary_directory

AGENT_USER = 64123  # stands in no passwd file


class OtherUser(unittest.TestCase):
    """Agents that are not root, where the test is: without a right, or with those that are named."""

    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)
        os.chmod(self.directory.name, 0o755)

    def start_agent(self, config, environment=None, rights=()):
        folder = self.directory.name
        state = os.path.join(folder, "state")
        os.makedirs(state, exist_ok=True)
        agent = Agent(config, folder, {"STATE_DIRECTORY": state, **(environment or {})})
        if os.geteuid() == 0:
            program = os.path.join(folder, "sidewatch")  # a checkout may be below a folder that is root's alone
            if not os.path.exists(program):
                shutil.copy(BINARY, program)
            os.chown(state, AGENT_USER, AGENT_USER)
            # The search for leaks would need files of the checkout and, with rights, ptrace.
            agent.environment["ASAN_OPTIONS"] = "detect_leaks=0"
            agent.environment.pop("LSAN_OPTIONS", None)
            some = ",".join(["-all", *("+" + right for right in rights)])
            agent.wrapper = ["setpriv", f"--reuid={AGENT_USER}", f"--regid={AGENT_USER}", "--clear-groups",
                             "--no-new-privs", f"--bounding-set={some}", f"--inh-caps={some}",
                             f"--ambient-caps={some}", "--"]
            agent.program = program
        self.addCleanup(agent.stop)
        return agent.start()

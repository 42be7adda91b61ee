"""Servers of Redis that a test starts, watched by the real agent."""

import os
import unittest

from exposition import Page
from harness import Agent, temporary_directory, wait_until
from redis import Redis

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  redis:
{servers}
"""
TROUBLE = "sidewatch_database_errors_total"


def entry(name, address, more="", timeout="1s"):
    return f"    - {{name: {name}, address: \"{address}\", timeout: {timeout}{', ' + more if more else ''}}}"


class Servers(unittest.TestCase):
    def setUp(self):
        self.directory = temporary_directory()
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        path = os.path.join(self.directory.name, name)
        os.makedirs(path, exist_ok=True)
        return path

    def redis(self, name="redis", **keywords):
        server = Redis(self.path(name), **keywords)
        self.addCleanup(server.stop)
        return server.start()

    def watch(self, *entries):
        agent = Agent(CONFIG.format(servers="\n".join(entries)), self.path("agent"))
        self.addCleanup(agent.stop)
        self.agent = agent.start()
        return self.agent

    def page(self):
        return Page(self.agent.request("/metrics")[2].decode())

    def value(self, name, **labels):
        """Of the one series; None when there is none now."""
        found = self.page().matching(name, **labels)
        return found[0] if len(found) == 1 else None

    def settled(self, name, **labels):
        """Of the one series, as soon as there is one: on a busy machine a pass may be late, and its series absent."""
        return wait_until(lambda: self.page().matching(name, **labels), name, pause=0.05)[0]

    def wait_for_log(self, words):
        """The log is written behind what it is about."""
        wait_until(lambda: words in self.agent.log(), f"the log to say {words}")

    def wait_for(self, name, expected, **labels):
        """Until the one series has this value, or one for which `expected` holds."""
        holds = expected if callable(expected) else lambda value: value == expected
        seen = []

        def check():
            seen[:] = self.page().matching(name, **labels)
            return len(seen) == 1 and holds(seen[0])
        try:
            wait_until(check, name, pause=0.05)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it is {seen} {labels}; log:\n{self.agent.log()[-3000:]}") from None

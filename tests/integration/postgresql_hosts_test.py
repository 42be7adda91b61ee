"""A dsn that lists several servers: each has its share of the time, and the first that answers as asked is watched."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from exposition import Page  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from impostor import Impostor  # noqa: E402
from postgresql import Postgresql  # noqa: E402
from servers import free_port  # noqa: E402

CONFIG = """
agent: {{interval: 200ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  postgresql:
    - {{name: main, dsn: "{dsn} dbname=postgres user=postgres", interval: 1s, timeout: 3s}}
"""


class OfHosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = temporary_directory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.server = Postgresql(os.path.join(cls.temporary.name, "pg")).make().start()
        cls.addClassCleanup(cls.server.stop)

    def watch(self, dsn):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        agent = Agent(CONFIG.format(dsn=dsn), directory.name).start()
        self.addCleanup(agent.stop)

        def up():
            found = Page(agent.request("/metrics")[2].decode()).matching("pg_up")
            return found[0] if found else None
        return agent, up

    def silent(self):
        impostor = Impostor(b"")
        self.addCleanup(impostor.stop)
        return impostor.port

    def test_one_that_is_silent_does_not_hide_those_behind_it(self):
        _, up = self.watch(f"host=127.0.0.1,127.0.0.1,127.0.0.1 "
                           f"port={self.silent()},{free_port()},{self.server.port}")
        wait_until(lambda: up() == 1, "the third host")

    def test_a_name_and_a_socket_may_stand_side_by_side(self):
        _, up = self.watch(f"host=no-such-host.invalid,{self.server.directory} port={self.server.port}")
        wait_until(lambda: up() == 1, "the socket")

    def test_the_kind_of_server_that_is_asked_for_counts(self):
        hosts = f"host=127.0.0.1,127.0.0.1 port={free_port()},{self.server.port}"
        for attributes, expected in (("read-write", 1), ("primary", 1), ("prefer-standby", 1), ("standby", 0)):
            agent, up = self.watch(f"{hosts} target_session_attrs={attributes}")
            wait_until(lambda: up() == expected, f"{attributes}; {agent.log()}")
        wait_until(lambda: "hot standby mode" in agent.log(), "why the last one is not watched")


if __name__ == "__main__":
    unittest.main(verbosity=2)

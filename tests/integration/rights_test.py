"""What the table of docs/processes.md says of rights: an agent of another user has exactly the capabilities of a row,
and sees exactly what that row says of a process of root's.
"""

import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import wait_until  # noqa: E402
from other_user import AGENT_USER, OtherUser  # noqa: E402


@unittest.skipUnless(os.geteuid() == 0, "becoming somebody else takes root")
class Rights(OtherUser):
    def test_each_takes_what_the_page_says(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        config = f"""
agent: {{interval: 100ms}}
http: {{listen: "127.0.0.1:0"}}
collectors:
  process:
    - {{name: by-port, match: {{port: {port}}}, proportional_memory_every: 100ms}}
    - {{name: by-cmdline, match: {{cmdline: "sleep 98765", exe: sleep}}, proportional_memory_every: 100ms}}
"""
        sleeper = subprocess.Popen(["sleep", "98765"])
        self.addCleanup(sleeper.wait)
        self.addCleanup(sleeper.kill)
        sees = {"num_procs": "num_procs{groupname=\"by-cmdline\"}", "port": "num_procs{groupname=\"by-port\"}",
                "io": "read_bytes_total{groupname=\"by-cmdline\"}",
                "files": "open_filedesc{groupname=\"by-cmdline\"}",
                "proportional": "memory_bytes{groupname=\"by-cmdline\",memtype=\"proportionalResident\"}"}
        old = tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) < (6, 2)
        without = {"num_procs"} | (set() if old else {"files"})
        for rights, expected in (((), without), (("sys_ptrace",), without | {"proportional"}),
                                 (("dac_read_search",), without | {"files"}),
                                 (("sys_ptrace", "dac_read_search"), set(sees))):
            with self.subTest(rights=rights):
                agent = self.start_agent(config, rights=rights)
                wait_until(lambda: agent.metrics().get('sidewatch_collector_passes_total{collector="process"}', 0) > 5,
                           "six passes")
                page = agent.metrics()
                seen = {name for name, series in sees.items() if page.get("namedprocess_namegroup_" + series, 0) > 0 or
                        name == "io" and "namedprocess_namegroup_" + series in page}
                self.assertEqual(seen, expected)
                words = f"group by-port: somebody listens on port {port}, but the agent may not see who"
                self.assertEqual(agent.log_since_start().count(words), 0 if "port" in expected else 1, agent.log())
                self.assertNotIn("can read everything again", agent.log_since_start())
                agent.stop()

    def test_of_the_same_user_it_sees_everything_without_any(self):
        config = """
agent: {interval: 100ms}
http: {listen: "127.0.0.1:0"}
collectors:
  process: [{name: own, match: {port: PORT}, proportional_memory_every: 100ms}]
"""
        listens = ("import socket; s = socket.create_server(('127.0.0.1', 0));"
                   "print(s.getsockname()[1], flush=True); input()")
        service = subprocess.Popen(["/usr/bin/python3", "-ISc", listens], user=AGENT_USER, group=AGENT_USER,
                                   extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(service.communicate)
        self.addCleanup(service.kill)
        agent = self.start_agent(config.replace("PORT", service.stdout.readline().strip()))
        wanted = ("num_procs{groupname=\"own\"}", "read_bytes_total{groupname=\"own\"}",
                  "open_filedesc{groupname=\"own\"}",
                  "memory_bytes{groupname=\"own\",memtype=\"proportionalResident\"}")
        wait_until(lambda: all("namedprocess_namegroup_" + one in agent.metrics() for one in wanted), wanted)
        self.assertEqual(agent.metrics()["namedprocess_namegroup_num_procs{groupname=\"own\"}"], 1)
        self.assertNotIn("cannot read", agent.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)

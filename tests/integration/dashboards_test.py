"""The dashboards of config/dashboards before live agents: every query of every panel returns data, through the agent
itself and through a real Prometheus that scrapes it, as Grafana's Prometheus data source would ask.

What a test cannot have stands in two short lists: what comes only after minutes, and what this machine may lack.
"""

import glob
import json
import os
import re
import sys
import unittest

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import prerequisites  # noqa: E402
from grafana import DataSource, View  # noqa: E402
from harness import Agent, temporary_directory, wait_until  # noqa: E402
from prometheus import Prometheus, version  # noqa: E402
from showcase import Shop  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SCRAPE = os.path.join(ROOT, "config", "provisioning", "prometheus.yml")

# Another agent, which calls a server as the shop's does.
SECOND = """
agent: {{interval: 500ms}}
http: {{listen: "127.0.0.1:0"}}
collectors: {{redis: [{{name: cache, address: "127.0.0.1:{redis}"}}]}}
receivers: [{{name: log, log: {{}}}}]
"""

# (dashboard, panel, query): why it need not return anything here.
LATER = {("container", "Out of memory in", "A"): "it takes two minutes of a past"}


def disks():
    """Whether the kernel counts what a disk does here; what is a file or memory is left out by the agent."""
    with open("/proc/diskstats", encoding="utf-8") as file:
        return any(int(words[3]) and re.match(r"(sd|vd|xvd|nvme|dm-|md|mmcblk)", words[2])
                   for words in map(str.split, file))


def networks():
    return any(name != "lo" for name in os.listdir("/sys/class/net"))


def filesystems():
    """Whether one of them is on a device; those of containers and of the kernel are left out by the agent."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        return any(line.startswith("/dev/") for line in file) and os.statvfs("/").f_files > 0


def exists(path):
    return lambda: os.path.exists(path)


# What a kernel or a machine may lack: (dashboard, panel): whether it is there.
OF_A_DISK = ("Throughput", "Requests", "Time per request", "Busy", "Requests that wait")
OF_THE_MACHINE = {
    ("host", "Waiting for a core"): exists("/proc/pressure/cpu"),
    ("host", "Waiting for memory"): exists("/proc/pressure/memory"),
    ("host", "Waiting for disks"): exists("/proc/pressure/io"),
    ("host", "Tracked connections"): exists("/proc/sys/net/netfilter/nf_conntrack_count"),
    **{("host", title): disks for title in OF_A_DISK},
    **{("host", title): filesystems for title in ("Fullest filesystem", "Filesystems", "Inodes", "Free space")},
    ("overview", "Filesystems"): filesystems,
    ("overview", "Network"): networks,
}


def dashboards():
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "config", "dashboards", "*.json"))):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)[:-5]] = json.load(file)
    return found


class LiveData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = temporary_directory()
        cls.addClassCleanup(directory.cleanup)
        cls.shop = Shop(cls.folder(directory, "shop"))
        cls.addClassCleanup(cls.shop.close)
        cls.second = Agent(SECOND.format(redis=cls.shop.redis.port), cls.folder(directory, "second")).start()
        cls.addClassCleanup(cls.second.stop)
        cls.agents = [f"127.0.0.1:{agent.port}" for agent in (cls.shop.agent, cls.second)]
        cls.prometheus = None
        if version():
            cls.prometheus = Prometheus(cls.folder(directory, "prometheus"), cls.scrape_config())
            cls.addClassCleanup(cls.prometheus.stop)
        cls.shop.wait_until_busy()

    @staticmethod
    def folder(directory, name):
        os.chmod(directory.name, 0o711)  # the databases run as users of their own
        path = os.path.join(directory.name, name)
        os.makedirs(path)
        return path

    @classmethod
    def scrape_config(cls):
        """The one that is shipped, more often and of these agents."""
        with open(SCRAPE, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        scrape = config["scrape_configs"][0]
        scrape.update({"scrape_interval": "1s", "scrape_timeout": "1s"})
        scrape["static_configs"] = [{"targets": cls.agents}]
        return yaml.safe_dump(config)

    def assert_full(self, source):
        """All of it within the deadline: on a busy machine a rate may have to wait for its second sample."""
        missing = set(dashboards())
        wrong = []

        def look():
            wrong.clear()
            for name in sorted(missing):
                found = self.problems(name, View(dashboards()[name], source))
                if not found:
                    missing.discard(name)
                wrong.extend(found)
            return not wrong
        try:
            wait_until(look, "data in every panel", deadline=60, pause=1)
        except AssertionError:
            self.fail("\n".join(wrong))

    def problems(self, name, view):
        found, seen = [], 0
        for (panel, query), series in view.results():
            seen += 1
            key = (name, panel, query)
            there = OF_THE_MACHINE.get(key[:2], lambda: True)()
            if not series and key not in LATER and there:
                found.append(f"{key} returns nothing: {view.expression_of(panel, query)}")
        if seen < 10:
            found.append(f"{name} has only {seen} queries")
        return found

    def test_every_panel_is_filled_by_the_agent_itself(self):
        self.assert_full(DataSource(self.shop.agent.port))

    def test_every_panel_is_filled_by_a_prometheus_that_scrapes_the_agent(self):
        if self.prometheus is None:
            prerequisites.need("there is no prometheus here")
        self.assert_full(DataSource(self.prometheus.port))

    def chosen_of(self, source):
        return {name: View(dashboard, source).chosen for name, dashboard in dashboards().items()}

    def test_the_variables_offer_what_there_is(self):
        chosen = self.chosen_of(DataSource(self.shop.agent.port))
        self.assertEqual(chosen["postgresql"]["instance"], ["gone", "main"])
        self.assertIn("postgres", chosen["postgresql"]["datname"])
        self.assertEqual(chosen["process"]["groupname"], ["postgres", "redis", "sidewatch"])
        self.assertEqual(chosen["container"]["name"], ["checkout"])
        self.assertEqual(chosen["checks"]["probe"], ["certificate", "front", "gone"])
        self.assertEqual(chosen["host"], {"job": [], "instance": []}, "asked itself, an agent has neither")
        if self.prometheus is not None:
            through = self.chosen_of(DataSource(self.prometheus.port))
            self.assertEqual(through["host"], {"job": ["sidewatch"], "instance": self.agents[:1]})
            self.assertEqual(through["agent"], {"job": ["sidewatch"], "instance": sorted(self.agents)})
            self.assertEqual(through["postgresql"]["instance"], ["gone", "main"])

    def test_what_two_agents_call_the_same_stays_two_through_prometheus(self):
        if self.prometheus is None:
            prerequisites.need("there is no prometheus here")
        source = DataSource(self.prometheus.port)

        def agents():
            found = source.ask("POST", "/api/v1/query", {"query": 'redis_up{instance="cache"}'})["result"]
            return sorted(one["metric"]["agent"] for one in found) == sorted(self.agents)
        wait_until(agents, "one series from each agent")
        self.prometheus.log.seek(0)
        self.assertNotRegex(self.prometheus.log.read(), "(?i)duplicate|out of order|out-of-order")

    def test_the_filters_offer_every_other_label(self):
        source = DataSource(self.shop.agent.port)
        self.assertIn("service", source.ask("POST", "/api/v1/labels", {}))
        self.assertEqual(source.ask("GET", "/api/v1/label/service/values", {}), ["shop"])

    def test_what_is_shown_is_what_happens(self):
        """A panel of each kind, its values against what the shop knows."""
        view = View(dashboards()["overview"], DataSource(self.shop.agent.port))
        values = {panel: float(series[0]["values"][-1][1]) for (panel, query), series in view.results()
                  if query == "A" and series and "values" in series[0] and panel in (
                      "Databases down", "Checks that fail", "Agents", "Processes missing")}
        self.assertEqual(values, {"Databases down": 2, "Checks that fail": 1, "Agents": 1, "Processes missing": 0})

    def test_alerts_are_shown_whatever_form_their_rule_has(self):
        view = View(dashboards()["alerts"], DataSource(self.shop.agent.port))
        shown = {"What fires, and what is pending": {}, "When it fired": {}}
        for (panel, _), series in view.results():
            for one in series if panel in shown else []:
                shown[panel].setdefault(one["metric"]["alertname"], set()).add(one["metric"].get("alertstate"))
        for name in ("OrdersWaiting", "OrdersAsInPrometheus", "ProbeFailing"):
            self.assertIn("firing", shown["What fires, and what is pending"].get(name, ()), name)
            self.assertIn(name, shown["When it fired"])
        self.assertEqual(shown["What fires, and what is pending"]["OrdersMany"], {"pending"})


if __name__ == "__main__":
    unittest.main(verbosity=2)

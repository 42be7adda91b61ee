"""The dashboards and provisioning files of config/ as files: what Grafana would refuse or show askew, names that no agent
serves, thresholds that are not the rules'. Whether the queries return data is tests/integration/dashboards_test.py's.
"""

import copy
import glob
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import grafana_schema  # noqa: E402
import prerequisites  # noqa: E402
from grafana import VARIABLE, panels  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FAMILIES = (r"(?:node|pg|mysql|redis|memcached|sidewatch|container|namedprocess|probe|exec|heartbeat|process|scrape|http|"
            r"nodejs)_\w+|ALERTS|up")
NAME = re.compile(rf"(?<![\w:\"$.{{])({FAMILIES})\b(?=\s*[{{\[)]|\s*$|\s*[-+*/<>=]|\s+and\b|\s+or\b|,)")
BY = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")

# Of Grafana's units (@grafana/data has them all), those that are used.
UNITS = {"short", "none", "percent", "bytes", "Bps", "s", "ms", "d", "ops", "iops", "pps", "wps", "rps", "cps", "reqps"}

# What services say of themselves, under names that are usual: those of the rules of the set red, and prom-client's.
OF_SERVICES = {
    r"http_requests_total": "counter", r"http_requests": "counter", r"http_request_duration": "summary",
    r"(http_request_duration|http_server_requests|http_server_request_duration)_seconds(_count|_bucket)?": "histogram",
    r"nodejs_(eventloop_lag_p99_seconds|heap_size_(used|total)_bytes|active_resources_total)": "gauge",
}

# No counters by their type, but they only rise, so that their rate means something.
RISE = ("mysql_global_status_", "node_vmstat_", "node_netstat_", "redis_slowlog_last_id")


# Asked of the server once or twice a minute only, unless tables.every and statements.every say otherwise.
SELDOM = ("pg_stat_user_tables_", "pg_stat_statements_")


def load_all():
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "config", "dashboards", "*.json"))):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)[:-5]] = json.load(file)
    return found


DASHBOARDS = load_all()


def each_panel():
    for name, dashboard in DASHBOARDS.items():
        for panel in panels(dashboard):
            yield f"{name}: {panel['title']}", panel


def each_query():
    for place, panel in each_panel():
        for target in panel["targets"]:
            yield place, target["expr"]


def names_in(expression):
    """The metrics that an expression asks for."""
    listed = [name for names in re.findall(r'__name__=~"([^"]*)"', expression) for name in names.split("|")]
    bare = re.sub(r"\{[^{}]*\}", "{}", re.sub(r'"[^"]*"', '""', BY.sub(" ", expression)))
    return set(NAME.findall(bare)) | set(listed)


def documented():
    """[(regular expression, type)] of docs/metrics.md."""
    with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
        return [(re.compile(re.escape(name).replace(r"\*", ".+") + r"\Z"), kind)
                for name, kind in re.findall(r"^\| `(.*?)` \| (\w+) \|", file.read(), re.M)] + [
                    (re.compile(name + r"\Z"), kind) for name, kind in OF_SERVICES.items()]


def rules():
    found = {}
    for path in glob.glob(os.path.join(ROOT, "config", "rules", "*.yaml")):
        with open(path, encoding="utf-8") as file:
            for group in yaml.safe_load(file)["groups"]:
                found.update({rule["alert"]: rule for rule in group["rules"]})
    return found


class Files(unittest.TestCase):
    def test_they_are_what_their_sources_say(self):
        answer = subprocess.run([os.path.join(ROOT, "scripts", "dashboards"), "--check"], capture_output=True,
                                text=True, timeout=60)
        self.assertEqual((answer.returncode, answer.stdout + answer.stderr), (0, ""))

    def test_there_is_one_for_each_part(self):
        self.assertEqual(set(DASHBOARDS), {"overview", "service", "host", "process", "container", "postgresql", "mysql",
                                           "redis", "sqlite", "memcached", "checks", "alerts", "agent"})
        for name, dashboard in DASHBOARDS.items():
            self.assertEqual(dashboard["uid"], f"sidewatch-{name}")
            self.assertLessEqual(len(dashboard["uid"]), 40, "Grafana takes no longer one")
            self.assertIn("sidewatch", dashboard["tags"])
            self.assertNotIn("id", dashboard, "an id is another Grafana's")
        titles = [dashboard["title"] for dashboard in DASHBOARDS.values()]
        self.assertEqual(len(set(titles)), len(titles))

    @staticmethod
    def need_the_schema():
        prerequisites.need("" if grafana_schema.installed() else "scripts/setup --tests installs the schema")

    def test_they_are_what_grafana_understands(self):
        self.need_the_schema()
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(grafana_schema.complaints(DASHBOARDS, directory), "")

    def test_what_grafana_does_not_understand_is_found(self):
        self.need_the_schema()
        first = next(panel for panel in panels(DASHBOARDS["host"]) if panel["type"] == "timeseries")
        broken = {**copy.deepcopy(DASHBOARDS["host"]), "panels": [copy.deepcopy(first) for _ in range(4)],
                  "refresch": "5s"}
        broken["panels"][0]["options"]["legend"]["displayMode"] = "lists"
        broken["panels"][1]["fieldConfig"]["defaults"]["custom"]["fillOpacitty"] = 3
        broken["panels"][2]["gridPos"]["w"] = "8"
        broken["panels"][3]["fieldConfig"]["defaults"]["thresholds"]["mode"] = "relative"
        with tempfile.TemporaryDirectory() as directory:
            found = grafana_schema.complaints({"host": broken}, directory)
        for word in ("refresch", "lists", "fillOpacitty", "number", "relative"):
            self.assertIn(word, found)
        self.assertEqual(len(re.findall(r"error TS", found)), 5, found)


class Layout(unittest.TestCase):
    def test_no_two_panels_lie_on_each_other_and_none_beside_the_page(self):
        for name, dashboard in DASHBOARDS.items():
            taken = {}
            unfolded = [(panel, panel["gridPos"]) for panel in dashboard["panels"]]
            folded = [(panel, panel["gridPos"]) for row in dashboard["panels"] for panel in row.get("panels", [])]
            for panel, place in unfolded + folded:
                self.assertTrue(0 <= place["x"] and place["x"] + place["w"] <= 24 and place["w"] > 0 and place["h"] > 0,
                                panel["title"])
                for x in range(place["x"], place["x"] + place["w"]):
                    for y in range(place["y"], place["y"] + place["h"]):
                        self.assertNotIn((x, y), taken, f"{name}: {panel['title']} lies on {taken.get((x, y))}")
                        taken[x, y] = panel["title"]

    def test_there_are_no_gaps_between_panels(self):
        for name, dashboard in DASHBOARDS.items():
            widths = {}
            for row in dashboard["panels"]:
                for panel in [row, *row.get("panels", [])]:
                    place = panel["gridPos"]
                    heights, width = widths.get(place["y"], (set(), 0))
                    widths[place["y"]] = heights | {place["h"]}, width + place["w"]
            for y, (heights, width) in widths.items():
                self.assertEqual((len(heights), width), (1, 24), f"{name}: the line at {y}")

    def test_the_numbers_of_panels_are_their_own(self):
        for name, dashboard in DASHBOARDS.items():
            numbers = [panel["id"] for panel in dashboard["panels"]] + [
                panel["id"] for row in dashboard["panels"] for panel in row.get("panels", [])]
            self.assertEqual(len(set(numbers)), len(numbers), name)

    def test_every_panel_stands_in_a_row(self):
        for name, dashboard in DASHBOARDS.items():
            self.assertEqual(dashboard["panels"][0]["type"], "row", name)
            self.assertGreaterEqual(sum(panel["type"] == "row" for panel in dashboard["panels"]), 3, name)
            for panel in dashboard["panels"]:
                if panel["type"] == "row" and not panel["collapsed"]:
                    self.assertEqual(panel["panels"], [], "only a folded row holds its panels")

    def test_every_panel_says_what_it_shows(self):
        for place, panel in each_panel():
            self.assertGreater(len(panel["title"]), 2, place)
            self.assertRegex(panel["description"], r"^[A-Zc].{15,}\.$", place)
            self.assertIn(panel["fieldConfig"]["defaults"]["unit"], UNITS, place)
            self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"}, place)
            self.assertTrue(panel["targets"], place)

    def test_lines_have_names(self):
        for place, panel in each_panel():
            for target in panel["targets"]:
                if panel["type"] in ("timeseries", "bargauge", "state-timeline"):
                    self.assertRegex(target["legendFormat"], r"[a-z]", place)
                    self.assertNotEqual(target["legendFormat"], "__auto", place)

    def test_a_line_is_not_named_by_the_instance_alone_where_an_agent_gives_none(self):
        with_instance = ("postgresql", "mysql", "redis", "sqlite", "memcached")
        for place, panel in each_panel():
            if place.split(":")[0] not in with_instance and len(panel["targets"]) > 1:
                for target in panel["targets"]:
                    self.assertNotEqual(target["legendFormat"].strip(), "{{instance}}", place)

    def test_links_lead_to_dashboards_that_exist(self):
        uids = {dashboard["uid"] for dashboard in DASHBOARDS.values()}
        found = 0
        for place, panel in each_panel():
            for link in panel.get("links", []):
                found += 1
                self.assertIn(re.match(r"/d/([\w-]+)\?", link["url"])[1], uids, place)
        self.assertGreater(found, 10)
        for dashboard in DASHBOARDS.values():
            self.assertEqual(dashboard["links"][0]["tags"], ["sidewatch"])


class Queries(unittest.TestCase):
    def test_every_metric_is_in_the_documentation(self):
        known, seen = documented(), set()
        for place, expression in each_query():
            names = names_in(expression)
            self.assertTrue(names, f"{place}: {expression}")
            seen |= names
            for name in names:
                self.assertTrue(any(pattern.match(name) for pattern, _ in known), f"{place}: {name}")
        self.assertGreater(len(seen), 200)

    def test_only_what_rises_is_asked_for_its_rate(self):
        known, seen = documented(), 0
        for place, expression in each_query():
            for name in re.findall(r"\b(?:rate|increase)\((\w+)", expression):
                seen += 1
                kinds = {kind for pattern, kind in known if pattern.match(name)}
                self.assertTrue(kinds & {"counter", "histogram"} or name.startswith(RISE),
                                f"{place}: {name} is {kinds}")
        self.assertGreater(seen, 100)

    def test_what_rises_is_not_shown_as_it_is(self):
        known = documented()
        totals = {"container_oom_kills_total", "namedprocess_namegroup_restarts_total",
                  "sidewatch_history_corruptions_total", "memcached_uptime_seconds", "pg_stat_statements_query_id"}
        for place, expression in each_query():
            expression = re.sub(r"\bcount\s+(by|without) \([^)]*\) \([^()]*\)", "", expression)  # of series, not of what they say
            inside = {name for names in re.findall(r"\b(?:rate|increase|changes)\(([^\[]*)\[", expression)
                      for name in names_in(names)}
            for name in names_in(expression) - inside - totals:
                self.assertNotIn("counter", {kind for pattern, kind in known if pattern.match(name)},
                                 f"{place}: {name}")

    def test_rates_are_over_the_interval_that_grafana_knows_to_be_long_enough(self):
        for place, expression in each_query():
            for name, span in re.findall(r"\brate\((\w+)[^\[]*\[([^\]]*)\]", expression):
                self.assertEqual(span, "5m" if name.startswith(SELDOM) else "$__rate_interval", f"{place}: {name}")
            for span in re.findall(r"\b(?:increase|changes)\([^\[]*\[([^\]]*)\]", expression):
                self.assertIn(span, ("$__rate_interval", "$__range", "5m", "10m", "30m"), place)

    def test_every_query_is_for_what_is_chosen(self):
        for place, expression in each_query():
            if "ALERTS" not in expression:  # they have the labels of what they are about
                self.assertRegex(expression, r'job(=~|!~)"\$(job|app)\|?"', place)

    def test_variables_are_used_and_those_that_are_used_exist(self):
        of_grafana = {"__rate_interval", "__interval", "__range"}
        for name, dashboard in DASHBOARDS.items():
            variables = dashboard["templating"]["list"]
            declared = {variable["name"] for variable in variables}
            text = json.dumps([dashboard["panels"], [variable.get("query") for variable in variables]])
            used = {found[1] or found[2] for found in VARIABLE.finditer(text)} - of_grafana - {"__url_time_range"}
            self.assertEqual(used - declared, set(), name)
            self.assertEqual(declared - used, {"filters"} if "instance" in used else {"filters", "instance"}, name)
            self.assertEqual([variable["name"] for variable in variables][:3], ["datasource", "job", "instance"], name)
            for variable in variables:
                self.assertGreater(len(variable["description"]), 10, name)
                self.assertNotIn("allValue", variable,
                                 "it would also find what other exporters serve under these names")

    def test_thresholds_are_the_rules(self):
        known, seen = rules(), 0
        for place, panel in each_panel():
            found = re.search(r"where the rule (\w+) does", panel["description"])
            if not found:
                continue
            seen += 1
            rule = known[found[1]]
            bounds = sorted(next(level[key] for key in ("above", "below", "at_least") if key in level)
                            for level in (rule.get("warning"), rule.get("critical")) if level)
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            self.assertEqual([step["value"] for step in steps], [None, *bounds], place)
            self.assertEqual(steps[-1 if "below" in (rule.get("warning") or rule["critical"]) else 0]["color"], "green",
                             place)
        self.assertGreater(seen, 60)


class Provisioning(unittest.TestCase):
    def load(self, *path):
        with open(os.path.join(ROOT, "config", "provisioning", *path), encoding="utf-8") as file:
            return yaml.safe_load(file)

    def test_both_data_sources_are_a_prometheus_to_grafana(self):
        for name, port in (("prometheus", 9090), ("agent", 9766)):
            file = self.load("datasources", f"{name}.yaml")
            self.assertEqual(file["apiVersion"], 1)
            (source,) = file["datasources"]
            self.assertLessEqual(set(source), {"name", "uid", "type", "access", "url", "jsonData"})
            self.assertEqual((source["type"], source["access"], source["url"]),
                             ("prometheus", "proxy", f"http://127.0.0.1:{port}"))
            self.assertRegex(source["jsonData"]["timeInterval"], r"^\d+s$")

    def test_whoever_has_data_sources_already_keeps_them_and_a_grafana_that_starts(self):
        """Grafana does not start with two defaults or one uid twice, and changes a data source of the same name."""
        found = [source for name in ("prometheus", "agent")
                 for source in self.load("datasources", f"{name}.yaml")["datasources"]]
        for key in ("name", "uid"):
            values = [source[key] for source in found]
            self.assertEqual(len(set(values)), len(values))
            for value in values:
                self.assertTrue(value.startswith("sidewatch"), value)
        self.assertEqual([source for source in found if source.get("isDefault")], [])

    def test_the_provider_reads_the_folder_that_the_documentation_copies_to(self):
        (provider,) = self.load("dashboards", "sidewatch.yaml")["providers"]
        self.assertEqual(provider["type"], "file")
        with open(os.path.join(ROOT, "docs", "grafana.md"), encoding="utf-8") as file:
            self.assertIn(provider["options"]["path"], file.read())

    def test_the_scrape_is_the_one_that_is_documented(self):
        scrape = self.load("prometheus.yml")
        with open(os.path.join(ROOT, "docs", "grafana.md"), encoding="utf-8") as file:
            documented_ones = [yaml.safe_load(text)
                               for text in re.findall(r"^```yml\n(.*?)^```", file.read(), re.M | re.S)]
        self.assertIn(scrape, documented_ones)
        self.assertTrue(scrape["scrape_configs"][0]["honor_labels"],
                        "a database would lose its name to the agent's address")


class Documentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "docs", "grafana.md"), encoding="utf-8") as file:
            cls.text = file.read()
        cls.commands = re.findall(r"^```sh\n(.*?)^```", cls.text, re.M | re.S)

    def run_command(self, command):
        return subprocess.run(["bash", "-euc", command], cwd=ROOT, capture_output=True, text=True, timeout=60)

    def test_the_loop_over_all_files_gives_each_to_grafana(self):
        given = []

        class Grafana(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                given.append((self.path, self.headers["Content-Type"], self.headers["Authorization"], body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Grafana)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            (loop,) = [command for command in self.commands if "curl" in command]
            answer = self.run_command(loop.replace("127.0.0.1:3000", f"127.0.0.1:{server.server_address[1]}"))
        finally:
            server.shutdown()
            thread.join()
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        self.assertEqual([body["dashboard"] for _, _, _, body in given], list(DASHBOARDS.values()))
        for path, kind, login, body in given:
            self.assertEqual((path, kind, body["overwrite"]), ("/api/dashboards/db", "application/json", True))
            self.assertTrue(login.startswith("Basic "))

    def test_what_is_to_be_copied_is_there_and_arrives_where_grafana_looks(self):
        (copying,) = [command for command in self.commands if "sudo cp" in command]
        with tempfile.TemporaryDirectory() as root:
            for kind in ("dashboards", "datasources"):
                os.makedirs(f"{root}/etc/grafana/provisioning/{kind}")
            command = re.sub(r" (/(?:etc|var)/)", rf" {root}\1",
                             copying).replace("sudo systemctl", ": ").replace("sudo ", "")
            answer = self.run_command(command)
            self.assertEqual((answer.returncode, answer.stderr), (0, ""))
            self.assertEqual(len(os.listdir(f"{root}/var/lib/grafana/dashboards/sidewatch")), len(DASHBOARDS))
            self.assertEqual(os.listdir(f"{root}/etc/grafana/provisioning/datasources"), ["agent.yaml"])
            self.assertEqual(os.listdir(f"{root}/etc/grafana/provisioning/dashboards"), ["sidewatch.yaml"])

    def test_every_file_that_it_names_is_there(self):
        found = re.findall(r"\bconfig/[\w./*-]+", self.text)
        self.assertGreater(len(found), 8)
        for path in found:
            self.assertTrue(glob.glob(os.path.join(ROOT, path.rstrip("."))), path)

    def test_every_dashboard_is_in_its_table(self):
        rows = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", self.text, re.M))))
        self.assertEqual(rows, set(DASHBOARDS))


if __name__ == "__main__":
    unittest.main(verbosity=2)

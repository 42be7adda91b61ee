"""What Grafana does with a dashboard and a data source of the type Prometheus, as far as queries go: the variables are
asked for and put in, the intervals computed, and each query sent as its data source sends it.
"""

import http.client
import json
import math
import re
import time
import urllib.parse

VALUES_OF = re.compile(r"label_values\((?:(.*), *)?([a-zA-Z_]\w*)\)")
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


def panels(dashboard):
    """All panels, those of folded rows too, without the rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def duration(seconds):
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:.0f}ms"


def regular_expression(values):
    """Several values of a variable, as they stand behind =~. Of none this is what only a missing label matches."""
    escaped = [re.sub(r"[$^*{}\[\]'+?.()|\\]", r"\\\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"


class DataSource:
    """A Prometheus, or what answers like one, at a port of this machine. `scrape_interval` is that of its settings."""

    def __init__(self, port, scrape_interval=1.0):
        self.port = port
        self.scrape_interval = scrape_interval

    def ask(self, method, path, parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            form = urllib.parse.urlencode(parameters)
            if method == "POST":
                connection.request(method, path, form, {"Content-Type": "application/x-www-form-urlencoded"})
            else:
                connection.request(method, f"{path}?{form}")
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {answer}")
        return answer["data"]


class View:
    """A dashboard that somebody looks at: over the last `span` seconds, with everything chosen that there is."""

    def __init__(self, dashboard, source, span=60, step=1):
        self.dashboard = dashboard
        self.source = source
        self.end = time.time()
        self.start = self.end - span
        self.step = step
        self.chosen = {}
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                self.chosen[variable["name"]] = self.values(variable)

    def values(self, variable):
        """The values that a variable can have."""
        found = VALUES_OF.fullmatch(variable["query"]["query"])
        if not found:
            raise AssertionError(f"not a query for values: {variable['query']}")
        parameters = {"start": f"{self.start:.0f}", "end": f"{self.end:.0f}"}
        if found[1]:
            parameters["match[]"] = self.filled(found[1])
        return self.source.ask("GET", f"/api/v1/label/{found[2]}/values", parameters)

    def filled(self, expression):
        span, scrape = self.end - self.start, self.source.scrape_interval
        known = {"__interval": duration(self.step), "__rate_interval": duration(max(self.step + scrape, 4 * scrape)),
                 "__range": duration(round(span))}

        def put_in(found):
            name = found[1] or found[2]
            return known[name] if name in known else regular_expression(self.chosen[name])
        return VARIABLE.sub(put_in, expression)

    def result(self, target):
        """The series of a query of a panel that have a value: as many as the panel would show."""
        expression = self.filled(target["expr"])
        if target.get("instant"):
            data = self.source.ask("POST", "/api/v1/query", {"query": expression, "time": f"{self.end:.3f}"})
        else:
            data = self.source.ask("POST", "/api/v1/query_range",
                                   {"query": expression, "start": f"{self.start:.3f}", "end": f"{self.end:.3f}",
                                    "step": duration(self.step)})
        series = data["result"] if data["resultType"] in ("vector", "matrix") else [{"value": data["result"]}]
        return [one for one in series
                if any(not math.isnan(float(value)) for _, value in one.get("values") or [one["value"]])]

    def expression_of(self, title, query):
        """What was asked, for a message."""
        return [self.filled(target["expr"]) for panel in panels(self.dashboard) for target in panel["targets"]
                if (panel["title"], target["refId"]) == (title, query)]

    def results(self):
        """((panel's title, name of the query), its series) of all."""
        for panel in panels(self.dashboard):
            for target in panel["targets"]:
                yield (panel["title"], target["refId"]), self.result(target)
        for annotation in self.dashboard["annotations"]["list"]:
            yield (f"annotation {annotation['name']}", annotation["target"]["refId"]), self.result(annotation["target"])

"""What a dashboard is made of: rows of panels that are placed from left to right, and the variables above them.

A dashboard says what it shows; the JSON that Grafana reads is made here, all of it alike. Panels have a title, a unit and a
description in plain words, or are refused. Where a panel names a rule that comes with the agent, its thresholds are that
rule's.

In an expression `@` within braces stands for the two variables that every dashboard has: `pg_up{@}` is
`pg_up{job=~"$job",instance=~"$instance"}`. Both are without a value of their own for "All": Grafana then asks for exactly
what it found, and where it found nothing (the agent itself is the data source, and gives its series neither label) for
series without the label.
"""

import os
import re

import yaml

RULES_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "rules")
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, ORANGE, RED, BLUE, GREY = "green", "orange", "red", "blue", "text"
COLUMNS = 24

# Every firing alert, by how bad it is. Rules in Prometheus's form say that in the label severity alone, or not at all.
FIRING_WARNINGS = 'max by (alertname) (ALERTS{alertstate="firing",severity!~"critical|page"})'
FIRING_CRITICAL = '2 * max by (alertname) (ALERTS{alertstate="firing",severity=~"critical|page"})'

# What a value means in words: {value: (text, colour)}.
UP = {0: ("down", RED), 1: ("up", GREEN)}
YES = {0: ("no", RED), 1: ("yes", GREEN)}
NO = {0: ("no", GREEN), 1: ("yes", RED)}


def all_rules():
    found = {}
    for name in sorted(os.listdir(RULES_FOLDER)):
        if name.endswith(".yaml"):
            with open(os.path.join(RULES_FOLDER, name), encoding="utf-8") as file:
                for group in yaml.safe_load(file)["groups"]:
                    found.update({rule["alert"]: rule for rule in group["rules"]})
    return found


RULES = all_rules()


def steps_of(rule_name):
    """The colours from where a rule warns, and from where it finds it critical."""
    rule = RULES[rule_name]
    levels = [(colour, rule[level]) for level, colour in (("warning", ORANGE), ("critical", RED)) if level in rule]
    if "below" in levels[0][1]:
        # Good is what is not below: the colours stand for what begins at a value, so they are one further up.
        bounds = [level["below"] for _, level in levels]
        steps = [{"color": levels[-1][0], "value": None}]
        for index in range(len(levels) - 1, -1, -1):
            steps.append({"color": levels[index - 1][0] if index else GREEN, "value": bounds[index]})
        return steps
    return [{"color": GREEN, "value": None}] + [
        {"color": colour, "value": next(level[key] for key in ("above", "at_least") if key in level)}
        for colour, level in levels]


def mapped(meanings):
    return [{"type": "value", "options": {str(value): {"text": text, "color": colour, "index": index}
                                          for index, (value, (text, colour)) in enumerate(meanings.items())}}]


class Dashboard:
    """`things` is a metric whose labels `instance` are those to choose from, `called` what such a one is called."""

    def __init__(self, name, title, about, things, called, tags=()):
        self.name = name
        self.title = title
        self.about = about
        self.tags = ["sidewatch", *tags]
        self.panels = []
        self.row_panel = None  # the folded row that takes what comes
        self.x = self.y = self.height = 0
        self.next_id = 1
        self.variables = [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
             "description": "A Prometheus that scrapes the agents, or one agent itself."}]
        self.choice("job", "Job", "sidewatch_build_info", "job",
                    "The scrape job; there is none where the agent is asked itself.")
        self.choice("instance", called, things.replace("}", ',job=~"$job"}') if "}" in things else things
                    + '{job=~"$job"}', "instance", f"{called}: one, several or all.")

    def choice(self, name, label, series, of, description):
        """A variable with the values of a label."""
        self.variables.append({
            "name": name, "label": label, "type": "query", "datasource": SOURCE, "description": description,
            "query": {"query": f"label_values({self.filled(series)}, {of})", "refId": "StandardVariableQuery"},
            "refresh": 2, "sort": 1, "multi": True, "includeAll": True,
            "current": {"text": ["All"], "value": ["$__all"]}})

    @staticmethod
    def filled(expression):
        expression = re.sub(r"\s+", " ", expression.strip())
        return re.sub(r"([{,])@", r'\1job=~"$job",instance=~"$instance"', expression)

    def row(self, title, folded=False):
        self.end_line()
        panel = {"id": self.new_id(), "type": "row", "title": title, "collapsed": folded, "panels": [],
                 "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": self.y}}
        self.panels.append(panel)
        self.row_panel = panel if folded else None
        self.y += 1

    def new_id(self):
        self.next_id += 1
        return self.next_id - 1

    def end_line(self):
        self.y += self.height
        self.x = self.height = 0

    def place(self, width, height):
        if self.x + width > COLUMNS:
            self.end_line()
        position = {"h": height, "w": width, "x": self.x, "y": self.y}
        self.x += width
        self.height = max(self.height, height)
        return position

    def add(self, kind, title, description, unit, queries, options, width, height, thresholds=None, rule=None,
            meanings=None, custom=None, colour="thresholds", instant=False, lowest=None, highest=None, decimals=None,
            overrides=(), transformations=(), link=None, empty=None):
        if not (title and description and unit and queries):
            raise ValueError(f"{self.name}: a panel wants a title, a description, a unit and a query: {title!r}")
        steps = steps_of(rule) if rule else [{"color": colour_, "value": value} for colour_, value in
                                             (thresholds or [(GREEN, None)])]
        defaults = {"unit": unit, "color": {"mode": colour}, "mappings": mapped(meanings) if meanings else [],
                    "thresholds": {"mode": "absolute", "steps": steps}, "custom": custom or {}}
        defaults.update({key: value for key, value in (("min", lowest), ("max", highest), ("decimals", decimals),
                                                       ("noValue", empty)) if value is not None})
        if rule:
            description += f" The colours change where the rule {rule} does."
        panel = {"id": self.new_id(), "type": kind, "title": title, "description": description, "datasource": SOURCE,
                 "gridPos": self.place(width, height),
                 "fieldConfig": {"defaults": defaults, "overrides": list(overrides)}, "options": options,
                 "targets": self.targets(queries, instant, kind == "table")}
        if transformations:
            panel["transformations"] = list(transformations)
        if link:
            panel["links"] = [{"type": "link", "title": "More about it", "tooltip": "", "icon": "external link",
                               "tags": [], "asDropdown": False, "includeVars": False, "keepTime": True,
                               "targetBlank": False,
                               "url": f"/d/sidewatch-{link}?${{__url_time_range}}&${{datasource:queryparam}}"}]
        (self.row_panel["panels"] if self.row_panel else self.panels).append(panel)

    def targets(self, queries, instant, table):
        targets = []
        for index, query in enumerate(queries if isinstance(queries, list) else [queries]):
            expression, legend = query if isinstance(query, tuple) else (query, "")
            targets.append({"refId": "ABCDEFGHIJKLMNOP"[index], "datasource": SOURCE, "expr": self.filled(expression),
                            "legendFormat": legend or "__auto", "instant": instant, "range": not instant,
                            "format": "table" if table else "time_series", "editorMode": "code"})
        return targets

    def stat(self, title, description, queries, unit="short", width=3, height=4, words="auto", sparkline=True, **more):
        """One large number, or a word."""
        self.add("stat", title, description, unit, queries, {
            "colorMode": "value", "graphMode": "area" if sparkline and not more.get("meanings") else "none",
            "justifyMode": "auto", "orientation": "auto", "textMode": words, "wideLayout": True,
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}, width, height, **more)

    def graph(self, title, description, queries, unit="short", width=8, height=8, stacked=False, table=False, **more):
        """Lines over time, or areas on top of each other. What a rule judges has its thresholds as dashed lines."""
        custom = {"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 40
                  if stacked else 8, "showPoints": "never", "spanNulls": False, "axisPlacement": "auto",
                  "axisSoftMin": 0, "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
                  "thresholdsStyle": {"mode": "dashed" if "rule" in more else "off"}}
        self.add("timeseries", title, description, unit, queries,
                 {"legend": {"displayMode": "table" if table else "list", "placement": "bottom", "showLegend": True,
                             "calcs": ["mean", "max", "lastNotNull"] if table else []},
                  "tooltip": {"mode": "multi", "sort": "desc"}}, width, height, custom=custom, colour="palette-classic",
                 **more)

    def bars(self, title, description, queries, unit="short", width=8, height=8, **more):
        """A bar for each series, as it is now."""
        self.add("bargauge", title, description, unit, queries,
                 {"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "valueMode": "color",
                  "namePlacement": "auto", "sizing": "auto", "minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 300,
                  "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}, width, height,
                 instant=True, **more)

    def timeline(self, title, description, queries, meanings, width=12, height=8, **more):
        """A line for each series whose colour says what was when."""
        self.add("state-timeline", title, description, "none", queries, {
            "mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.85,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"}}, width, height, meanings=meanings,
            custom={"fillOpacity": 80, "lineWidth": 0}, **more)

    def table(self, title, description, key, columns, width=12, height=8, shown=None, **more):
        """A line for each value of the labels `key`, a column for each (title, unit, expression); `shown` gives labels
        another title."""
        names = {f"Value #{'ABCDEFGHIJKLMNOP'[i]}": column[0] for i, column in enumerate(columns)}
        if len(columns) == 1:
            names["Value"] = columns[0][0]
        overrides = [{"matcher": {"id": "byName", "options": column[0]},
                      "properties": [{"id": "unit", "value": column[1]}]
                      + ([{"id": "mappings", "value": mapped(column[3])}] if len(column) > 3 else [])}
                     for column in columns]
        transformations = [{"id": "merge", "options": {}}, {"id": "organize", "options": {
            "excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {**names, **(shown or {})}}}]
        self.add("table", title, description, "short", [column[2] for column in columns],
                 {"showHeader": True, "cellHeight": "sm"}, width, height, instant=True, overrides=overrides,
                 transformations=transformations,
                 custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}, **more)

    def made(self):
        """What Grafana reads."""
        self.end_line()
        links = [{"type": "dashboards", "title": "sidewatch", "tags": ["sidewatch"], "asDropdown": True,
                  "icon": "external link", "includeVars": False, "keepTime": True, "targetBlank": False,
                  "tooltip": "The other dashboards", "url": ""}]
        alerts = {"name": "Alerts", "enable": True, "hide": False, "iconColor": ORANGE, "datasource": SOURCE,
                  "target": {"refId": "Anno", "expr": 'ALERTS{alertstate="firing"}'},
                  "expr": 'ALERTS{alertstate="firing"}', "step": "30s", "titleFormat": "{{alertname}}",
                  "textFormat": "{{severity}} {{instance}}", "tagKeys": "severity"}
        filters = {"name": "filters", "label": "Filters", "type": "adhoc", "datasource": SOURCE,
                   "description": "Any other label, such as service, namespace or pod."}
        return {"uid": f"sidewatch-{self.name}", "title": f"sidewatch: {self.title}", "description": self.about,
                "tags": self.tags, "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1,
                "refresh": "10s", "timezone": "", "time": {"from": "now-1h", "to": "now"}, "timepicker": {},
                "fiscalYearStartMonth": 0, "weekStart": "", "links": links, "annotations": {"list": [alerts]},
                "templating": {"list": self.variables + [filters]}, "panels": self.panels}

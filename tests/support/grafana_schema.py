"""Dashboards against the types that Grafana itself is built with (@grafana/schema of npm): a key that it does not know, a
value of another kind or a word that is none of its words is an error of the TypeScript compiler, which is told here.
"""

import json
import os
import re
import subprocess

LIBRARIES = os.path.abspath(os.path.join(os.path.dirname(__file__), "npm", "node_modules"))
TYPES = os.path.join(LIBRARIES, "@grafana", "schema", "dist", "types")
COMPILER = os.path.join(LIBRARIES, "typescript", "bin", "tsc")

# Panels and the folders of their types.
KINDS = {"timeseries": "timeseries", "stat": "stat", "bargauge": "bargauge", "state-timeline": "statetimeline",
         "table": "table"}
WITH_FIELD_CONFIG = ("timeseries", "state-timeline", "table")

# Of annotations, what the Prometheus data source reads beside the schema.
OF_THE_DATA_SOURCE = ("expr", "step", "titleFormat", "textFormat", "tagKeys")


def installed():
    return os.path.exists(COMPILER) and os.path.isdir(TYPES)


def copy_types(directory):
    """With words in the place of enums, so that JSON's texts can be held against them."""
    def words(found):
        values = re.findall(r"= (\"[^\"]*\"|-?\d+)", found[2])
        return f"export type {found[1]} = {' | '.join(values)};"
    for folder, _, names in os.walk(TYPES):
        for name in names:
            if not name.endswith(".d.ts") or "apis" in folder:
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = re.sub(r"export declare enum (\w+) \{(.*?)^\}", words, file.read(), flags=re.S | re.M)
            target = os.path.join(directory, "types", os.path.relpath(folder, TYPES))
            os.makedirs(target, exist_ok=True)
            with open(os.path.join(target, name), "w", encoding="utf-8") as file:
                file.write(text)


def without(keys, value):
    return {key: one for key, one in value.items() if key not in keys}


def statements(dashboard):
    """A constant of its type for each part of a dashboard."""
    whole = without(["panels"], dashboard)
    whole["annotations"] = {"list": [without(OF_THE_DATA_SOURCE,
                                             {**one, "target": without(OF_THE_DATA_SOURCE, one["target"])})
                                     for one in dashboard["annotations"]["list"]]}
    yield "Omit<grafana.Dashboard, 'panels'>", whole
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield "Omit<grafana.RowPanel, 'panels'>", without(["panels"], panel)
        for one in panel["panels"] if panel["type"] == "row" else [panel]:
            kind = KINDS[one["type"]]
            yield "grafana.Panel", one
            yield f"Partial<{kind}.Options>", one["options"]
            if one["type"] in WITH_FIELD_CONFIG:
                yield f"{kind}.FieldConfig", one["fieldConfig"]["defaults"]["custom"]


def complaints(dashboards, directory):
    """What the compiler says of them, {name: dashboard}; nothing when all is well."""
    copy_types(directory)
    with open(os.path.join(directory, "check.ts"), "w", encoding="utf-8") as file:
        file.write("import type * as grafana from './types/index';\n"
                   + "".join(f"import type * as {kind} from './types/raw/composable/{kind}/panelcfg/x/types.gen';\n"
                             for kind in KINDS.values()))
        for name, dashboard in dashboards.items():
            for number, (kind, value) in enumerate(statements(dashboard)):
                file.write(f"export const {name}_{number}: {kind} = {json.dumps(value)};\n")
    with open(os.path.join(directory, "tsconfig.json"), "w", encoding="utf-8") as file:
        json.dump({"compilerOptions": {"strict": True, "noEmit": True, "skipLibCheck": True, "types": [],
                                       "module": "esnext", "moduleResolution": "bundler", "target": "es2020",
                                       "paths": {"@grafana/schema": ["./types/index"]}}, "files": ["check.ts"]}, file)
    answer = subprocess.run(["node", COMPILER, "-p", directory, "--pretty", "false"], capture_output=True, text=True,
                            timeout=120)
    return answer.stdout + answer.stderr

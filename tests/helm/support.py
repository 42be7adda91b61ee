"""What the tests of the charts stand on: the renderer, the value sets, and what Kubernetes would say.

No Helm is at hand. render/ has a program in Go that does what `helm template` does; it is built here, once, into the
folder build/ of the checkout, from Debian's packages alone.
"""

import base64
import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
CHART = os.path.join(ROOT, "helm", "sidewatch")
EXAMPLE = os.path.join(ROOT, "helm", "example-app")
TWO_AGENTS = os.path.join(HERE, "charts", "two-agents")
CASES = os.path.join(HERE, "cases")
SCHEMAS = os.path.join(ROOT, "tests", "support", "npm", "node_modules", "kubernetes-models")
DEADLINE = 300  # seconds, for building the renderer on a busy machine

# A case is a folder of cases/ with values.yaml, for the chart alone unless it is said here.
ARGUMENTS = {
    "sidecar-native": dict(chart=EXAMPLE, kube_version="1.29.0"),
    "sidecar-classic": dict(chart=EXAMPLE, kube_version="v1.28.15-gke.1234"),
    "two-sidecars": dict(chart=TWO_AGENTS),
    "everything": dict(name="all", namespace="ops"),
}


class RenderError(Exception):
    pass


def renderer():
    """The path of the program, built if any of its sources is newer."""
    build = os.path.join(ROOT, "build")
    os.makedirs(build, exist_ok=True)
    program = os.path.join(build, "helm-render")
    sources = os.path.join(HERE, "render")
    with open(os.path.join(build, "helm-render.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several tests at a time
        newest = max(os.path.getmtime(os.path.join(sources, name)) for name in os.listdir(sources))
        if not os.path.exists(program) or os.path.getmtime(program) < newest:
            environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="", GOPROXY="off",
                               GOCACHE=os.path.join(build, "go-cache"), CGO_ENABLED="0")
            subprocess.run(["go", "vet", "."], cwd=sources, env=environment, check=True, timeout=DEADLINE)
            subprocess.run(["go", "build", "-o", program, "."], cwd=sources, env=environment, check=True, timeout=DEADLINE)
    return program


class Rendered:
    def __init__(self, answer):
        self.text = answer["text"]
        self.objects = answer["objects"]
        self.notes = answer["notes"]

    def of_kind(self, kind):
        return [each for each in self.objects if each["kind"] == kind]

    def only(self, kind):
        found = self.of_kind(kind)
        assert len(found) == 1, [each["metadata"]["name"] for each in found]
        return found[0]

    def config(self):
        """sidewatch.yaml of the only ConfigMap that has one, as text."""
        texts = [each["data"]["sidewatch.yaml"] for each in self.of_kind("ConfigMap") if "sidewatch.yaml" in each["data"]]
        assert len(texts) == 1, len(texts)
        return texts[0]


def render(values=None, chart=CHART, files=(), name="demo", namespace="shop", kube_version="1.31.0", settings=(),
           lenient=False):
    """`values` is a table, or text as it stands in a values.yaml; `files` are files of values."""
    command = [renderer(), "--json", "--name", name, "--namespace", namespace, "--kube-version", kube_version]
    command += ["--lenient"] if lenient else []
    for setting in settings:
        command += ["--set", setting]
    for file in files:
        command += ["-f", file]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as given:
        if values is not None:
            given.write(values if isinstance(values, str) else as_yaml(values))
            given.flush()
            command += ["-f", given.name]
        answer = subprocess.run([*command, chart], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if answer.returncode != 0:
        raise RenderError(answer.stderr.strip())
    return Rendered(json.loads(answer.stdout))


def as_yaml(values):
    """JSON that every reader of YAML takes: no surrogates, and no character that YAML forbids as such."""
    text = json.dumps(values, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda found: f"\\u{ord(found.group()):04x}", text)


def case_names():
    return sorted(os.listdir(CASES))


def render_case(name):
    values = os.path.join(CASES, name, "values.yaml")
    return render(files=[values] if os.path.exists(values) else [], **ARGUMENTS.get(name, {}))


def schema_problems(objects):
    """What Kubernetes' own schemas object to. Objects of the Prometheus Operator are left out."""
    assert os.path.isdir(SCHEMAS), "Kubernetes' schemas are missing: scripts/setup --tests installs them"
    native = [each for each in objects if not str(each.get("apiVersion")).startswith("monitoring.coreos.com/")]
    answer = subprocess.run(["node", os.path.join(HERE, "objects.mjs")], input=json.dumps(native),
                            capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def monitor_validator():
    import jsonschema
    with open(os.path.join(HERE, "monitoring.schema.json")) as file:
        return jsonschema.Draft202012Validator(json.load(file))


def pods(objects):
    """(what it belongs to, labels, annotations, spec) of each pod."""
    for each in objects:
        template = each.get("spec", {}).get("template")
        if each["kind"] in ("DaemonSet", "Deployment") and template:
            metadata = template["metadata"]
            yield each, metadata.get("labels") or {}, metadata.get("annotations") or {}, template["spec"]


def containers(spec):
    return (spec.get("initContainers") or []) + (spec.get("containers") or [])


def agents(spec):
    """The containers of a pod that are sidewatch."""
    return [each for each in containers(spec) if each.get("args", [None])[0] == "run"]


def secret_texts(secret):
    return {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}


def values_of(*path):
    with open(os.path.join(*path)) as file:
        return yaml.safe_load(file)


def read(*path):
    with open(os.path.join(ROOT, *path)) as file:
        return file.read()


def blocks(document, language):
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.M | re.S)


sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

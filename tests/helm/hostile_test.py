"""What people write into values that a template may stumble over, and what the chart says when values make no sense."""

import json
import os
import subprocess
import unittest

import yaml

from support import (CHART, EXAMPLE, TWO_AGENTS, RenderError, agents, containers, pods, render, schema_problems,
                     secret_texts, values_of)

from harness import BINARY, DEADLINE, temporary_directory

IMAGE = {"image": {"repository": "registry.example/sidewatch"}}
REDIS = {"collectors": {"redis": [{"name": "cache", "address": "cache:6379"}]}}

HOSTILE = [
    "{{ $labels.instance }}", "{{ .Values.image }}", "{{", "}}", "{{/*", "{{- end }}", "`{{ fail `", "$$", "${HOME}",
    "\"", "'", "\"'\\", "a: b", "a #b", "- a", "? a", "*a", "&a b", "!a b", "%a", "@a", "|", ">", "|-\n  a", "---", "...",
    "\n", "a\n", "\na", " a", "a ", "a\n\n b\n", "\ta", "a\tb", "null", "~", "true", "yes", "on", "0777", "1e3", "1.10",
    "1_000", "0x1f", "2026-11-21", "ä☃🎿", "a" * 5000, "<no value_>", "", "#", ": ", ":",
]


class Texts(unittest.TestCase):
    def test_every_text_of_a_rule_reaches_the_agent_as_it_is(self):
        rules = [{"alert": f"Rule{number}", "expr": "up", "labels": {"text": text}, "annotations": {"more": text}}
                 for number, text in enumerate(HOSTILE)]
        rendered = render({**IMAGE, "rules": rules, "config": {"agent": {"labels": {"text": "{{ x }}"}}}})
        config = yaml.safe_load(rendered.config())
        self.assertEqual(config["rules"], rules)
        self.assertEqual(config["agent"]["labels"]["text"], "{{ x }}")

    def test_every_text_of_a_secret_a_rule_file_and_a_configuration_is_kept_as_it_is(self):
        texts = {f"key-{number}": text for number, text in enumerate(HOSTILE)}
        rendered = render({**IMAGE, "secrets": {"data": texts}, "ruleFiles": texts})
        self.assertEqual(secret_texts(rendered.only("Secret")), texts)
        data = rendered.only("ConfigMap")["data"]
        self.assertEqual({key: data[f"rules.{key}"] for key in texts}, texts)
        for text in HOSTILE:
            if text:
                data = render({**IMAGE, "configText": text}).only("ConfigMap")["data"]
                self.assertEqual(data["sidewatch.yaml"], text)

    def test_texts_elsewhere_are_kept_as_they_are(self):
        for text in HOSTILE:
            rendered = render({**IMAGE, "podAnnotations": {"note": text}, "extraEnv": [{"name": "A", "value": text}],
                               "service": {"annotations": {"note": text}}, "nodeSelector": {"a": text}})
            _, _, annotations, spec = next(pods(rendered.objects))
            self.assertEqual(annotations["note"], text)
            self.assertEqual(spec["containers"][0]["env"][-1]["value"], text)
            self.assertEqual(spec["nodeSelector"]["a"], text)
            self.assertEqual(rendered.only("Service")["metadata"]["annotations"]["note"], text)

    def test_a_character_that_helm_cannot_write_as_yaml_is_refused_and_loses_nothing_in_silence(self):
        text = "a\x7fb"
        for values in ({"rules": [{"alert": text, "expr": "up"}]}, {"configText": text}, {"ruleFiles": {"a.yaml": text}}):
            with self.assertRaisesRegex(RenderError, "holds a control character"):
                render({**IMAGE, **values})

    def test_numbers_keep_their_form(self):
        rendered = render({**IMAGE, "config": {"limits": {"max_series": 1000000}, "history": {"on_disk": False}},
                           "podSecurityContext": {"runAsUser": 1000650000}, "terminationGracePeriodSeconds": 1000000,
                           "rules": [{"alert": "A", "expr": "1", "warning": {"above": 0.1, "clear": 0}},
                                     {"alert": "B", "expr": "1", "warning": {"above": 12345678901, "clear": -1}}]})
        self.assertIn("max_series: 1000000\n", rendered.config())
        self.assertIn("above: 12345678901\n", rendered.config())
        self.assertIn("above: 0.1\n", rendered.config())
        config = yaml.safe_load(rendered.config())
        self.assertIs(config["history"]["on_disk"], False)
        self.assertEqual(config["rules"][0]["warning"]["clear"], 0)
        self.assertIn("runAsUser: 1000650000\n", rendered.text)
        self.assertEqual(schema_problems(rendered.objects), [])

    def test_what_is_false_zero_or_empty_is_laid_over_what_the_mode_brings(self):
        config = yaml.safe_load(render({**IMAGE, "config": {
            "agent": {"labels": {}, "state_dir": ""}, "http": {"max_push_bytes": 0, "hosts": []},
            "limits": {"max_query_samples": 0}, "shipped_rules": []}}).config())
        self.assertEqual(config["agent"]["state_dir"], "")
        self.assertEqual(config["http"], {"listen": [":9766"], "max_push_bytes": 0, "hosts": []})
        self.assertEqual(config["limits"]["max_query_samples"], 0)
        self.assertEqual(config["shipped_rules"], [])

    def test_null_takes_away_what_the_mode_brings(self):
        config = yaml.safe_load(render({**IMAGE, "config": {
            "history": None, "agent": {"labels": {"node": None}},
            "collectors": {"host": {"interfaces": None}, "process": None, "container": None}}}).config())
        self.assertEqual(set(config["collectors"]), {"host"})
        self.assertNotIn("history", config)
        self.assertEqual(config["agent"]["labels"], {})
        self.assertNotIn("interfaces", config["collectors"]["host"])

    def test_null_takes_away_defaults_of_the_chart_as_well(self):
        for chart, wrap in ((CHART, lambda values: values), (EXAMPLE, lambda values: {"sidewatch": values})):
            rendered = render(wrap({**IMAGE, "resources": None, "securityContext": {"capabilities": None},
                                    "probes": {"liveness": {"timeoutSeconds": None}}}), chart=chart, lenient=True)
            _, _, _, spec = next(pods(rendered.objects))
            agent = agents(spec)[0]
            self.assertNotIn("resources", agent)
            self.assertNotIn("capabilities", agent["securityContext"])
            self.assertIs(agent["securityContext"]["readOnlyRootFilesystem"], True)
            self.assertEqual(sorted(agent["livenessProbe"]), ["failureThreshold", "httpGet", "periodSeconds"])
            self.assertEqual(schema_problems(rendered.objects), [])

    def test_a_key_whose_lines_were_commented_out_is_empty_where_its_default_is_nothing(self):
        usual = render(IMAGE)
        for key in ("config", "rules", "ruleFiles", "receivers", "secrets", "serviceMonitor", "podMonitor", "networkPolicy",
                    "dashboards", "podDisruptionBudget", "commonLabels", "extraEnv", "tolerations", "podLabels"):
            with self.subTest(key):
                rendered = render({**IMAGE, key: None}, lenient=True)
                self.assertEqual((rendered.objects, rendered.notes), (usual.objects, usual.notes))

    def test_a_key_whose_lines_were_commented_out_is_refused_where_it_has_defaults(self):
        for key in ("mode", "image", "port", "sidecar", "daemonset", "state", "service", "serviceAccount", "probes"):
            with self.subTest(key), self.assertRaisesRegex(RenderError, rf"\(root\): {key} is required"):
                render({**IMAGE, key: None}, lenient=True)
        for values, message in (({"state": {"kind": None}}, "state: kind is required"),
                                ({"probes": {"liveness": None}}, "probes: liveness is required")):
            with self.assertRaisesRegex(RenderError, message):
                render({**IMAGE, **values}, lenient=True)

    def test_lists_that_are_added_to_are_added_to(self):
        rendered = render({"sidewatch": {
            "config": {"collectors": {"process": [{"name": "own", "match": {"comm": "own"}}],
                                      "container": {"interval": "10s", "targets": [{"name": "own", "self": True}]}},
                       "rules": [{"alert": "First", "expr": "up"}], "receivers": [{"name": "first", "log": {}}],
                       "rule_files": ["more/*.yaml"]},
            "ruleFiles": {"a.yaml": {"groups": []}}}}, chart=EXAMPLE)
        config = yaml.safe_load(rendered.config())
        self.assertEqual([each["name"] for each in config["collectors"]["process"]], ["checkout", "own"])
        self.assertEqual([each["name"] for each in config["collectors"]["container"]["targets"]], ["checkout", "own"])
        self.assertEqual(config["collectors"]["container"]["interval"], "10s")
        self.assertEqual([each["alert"] for each in config["rules"]], ["First", "CheckoutMemory"])
        self.assertEqual([each["name"] for each in config["receivers"]], ["first", "oncall"])
        self.assertEqual(config["rule_files"], ["more/*.yaml", "rules/*"])


class Names(unittest.TestCase):
    def test_the_longest_names_stay_within_what_kubernetes_allows_and_apart_from_each_other(self):
        longest = "r" * 53
        everything = {**IMAGE, "mode": "deployment", "config": REDIS, "secrets": {"data": {"a": "b"}},
                      "state": {"kind": "persistentVolumeClaim"}, "dashboards": {"enabled": True},
                      "podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}
        for values in (everything, {**everything, "nameOverride": "n" * 40}, {**everything, "fullnameOverride": "f" * 63},
                       {**everything, "nameOverride": "n" * 40, "fullnameOverride": "f" * 63}):
            rendered = render(values, name=longest)
            for each in rendered.objects:
                self.assertLessEqual(len(each["metadata"]["name"]), 63)
                for value in each["metadata"]["labels"].values():
                    self.assertLessEqual(len(value), 63)
            maps = [each["metadata"]["name"] for each in rendered.of_kind("ConfigMap")]
            self.assertEqual(len(set(maps)), len(maps))
            _, _, _, spec = next(pods(rendered.objects))
            for volume in spec["volumes"]:
                self.assertLessEqual(len(volume["name"]), 63)
            self.assertLessEqual(len(spec["containers"][0]["ports"][0]["name"]), 15)
            self.assertEqual(schema_problems(rendered.objects), [])

    def test_an_object_of_a_sidecar_is_never_one_of_the_chart_that_it_is_in(self):
        for name in ("sidewatch", "my-sidewatch", "checkout"):
            made = {each["metadata"]["name"] for each in render(chart=EXAMPLE, name=name).of_kind("ConfigMap")}
            self.assertEqual(made, {f"{name}-sidewatch"})

    def test_two_sidecars_share_nothing_but_the_pod(self):
        rendered = render(chart=TWO_AGENTS, kube_version="1.30.0")
        _, labels, annotations, spec = next(pods(rendered.objects))
        first, second = agents(spec)
        self.assertEqual((first["name"], second["name"]), ("watch-app", "watch-queue"))
        self.assertFalse({mount["name"] for mount in first["volumeMounts"]} & {mount["name"] for mount in second["volumeMounts"]})
        self.assertEqual(len([key for key in labels if key.startswith("sidewatch/")]), 2)
        self.assertEqual(len(annotations), 2)
        self.assertEqual(len(containers(spec)), 4)

    def test_releases_with_dots_give_names_without(self):
        for each in render(IMAGE, name="shop.eu-1").objects:
            self.assertEqual(each["metadata"]["name"], "shop-eu-1-sidewatch")


class Refusals(unittest.TestCase):
    def assert_refused(self, message, values, **more):
        with self.assertRaisesRegex(RenderError, message):
            render(values, **more)

    def test_each_value_that_makes_no_sense_is_refused_in_words(self):
        deployment = {**IMAGE, "mode": "deployment", "config": REDIS}
        for message, values in (
                ("image.repository is not set: build the image", {}),
                ("a deployment watches what config.collectors names", {**IMAGE, "mode": "deployment"}),
                ("secrets.existingSecret and secrets.data are both set",
                 {**IMAGE, "secrets": {"existingSecret": "a", "data": {"b": "c"}}}),
                ("none holds for pods on the node's network", {**IMAGE, "networkPolicy": {"enabled": True}}),
                ("would cut the service off as well", {"mode": "sidecar", "networkPolicy": {"enabled": True}}),
                ("podDisruptionBudget is for deployments", {**IMAGE, "podDisruptionBudget": {"enabled": True}}),
                ("cannot be shared by the pods of a daemonset", {**IMAGE, "state": {"kind": "persistentVolumeClaim"}}),
                ("hostPath is for daemonsets", {**deployment, "state": {"kind": "hostPath", "hostPath": "/x"}}),
                ("state.hostPath: give the folder", {**IMAGE, "state": {"kind": "hostPath"}}),
                ("set service.enabled to true, or take podMonitor",
                 {**deployment, "service": {"enabled": False}, "serviceMonitor": {"enabled": True}}),
                ("only seen with sidecar.shareProcessNamespace: true",
                 {"mode": "sidecar", "sidecar": {"shareProcessNamespace": False,
                                                 "targets": [{"container": "a", "process": {"exe": "a"}}]}})):
            with self.subTest(message):
                self.assert_refused(message, values)

    def test_each_mistake_of_a_sidecar_is_refused_in_words(self):
        self.assert_refused("its mode is daemonset: set sidewatch.mode to sidecar", {"sidewatch": {"mode": "daemonset"}},
                            chart=EXAMPLE)
        self.assert_refused("a sidecar cannot have a claim made for it",
                            {"sidewatch": {"state": {"kind": "persistentVolumeClaim"}}}, chart=EXAMPLE)
        self.assert_refused("Additional property targets is not allowed", {"sidewatch": {"targets": []}}, chart=EXAMPLE)

    def test_an_agent_that_its_probes_do_not_reach_is_refused(self):
        off = {"probes": {kind: {"enabled": False} for kind in ("startup", "liveness", "readiness")}}
        for listen, reached in ((["127.0.0.1:9766"], False), ("[::1]:9766", False), ([":9767"], False), ([], False),
                                (["unix:/run/sidewatch.sock"], False), (":9766", True), (["0.0.0.0:9766"], True),
                                (["127.0.0.1:9767", "[::]:9766"], True), (["${POD_IP}:9766"], True)):
            values = {**IMAGE, "config": {"http": {"listen": listen}}}
            with self.subTest(listen):
                if not reached:
                    self.assert_refused("ask port 9766 of the pod's address, and nobody listens there", values)
                    values.update(off)
                self.assertEqual(yaml.safe_load(render(values).config())["http"]["listen"], listen)
        only_here = {"config": {"http": {"listen": "127.0.0.1:9766"}}, "probes": {"liveness": {"enabled": False}}}
        self.assertIn("127.0.0.1:9766", render({"sidewatch": only_here}, chart=EXAMPLE).config())
        self.assert_refused("nobody listens there", {**IMAGE, **only_here})

    def test_each_value_of_another_kind_is_refused_by_the_schema(self):
        for message, values in (
                ("Additional property confg is not allowed", {"confg": {}}),
                ("mode must be one of", {"mode": "sidecarr"}),
                ("secrets.data.pin: Invalid type. Expected: string", {"secrets": {"data": {"pin": 12345678}}}),
                ("secrets.data: Property name of \"a b\" does not match", {"secrets": {"data": {"a b": "c"}}}),
                ("ruleFiles: Property name of \"a/b\" does not match", {"ruleFiles": {"a/b": ""}}),
                ("port: Must be less than or equal to 65535", {"port": 70000}),
                ("port: Invalid type. Expected: integer", {"port": "9766"}),
                ("rules: Invalid type. Expected: array", {"rules": {"alert": "A"}}),
                ("config.collectors.process: Invalid type. Expected: .array,null.", {"config": {"collectors": {"process": {}}}}),
                ("targets.0: container is required", {"sidecar": {"targets": [{"process": {"exe": "a"}}]}}),
                ("targets.0.container: Does not match", {"sidecar": {"targets": [{"container": "A_b"}]}}),
                ("nameOverride: Does not match", {"nameOverride": "Not A Name"}),
                ("image.digest: Does not match", {"image": {"digest": "sha256:abc"}}),
                ("probes.liveness.enabled must be one of", {"probes": {"liveness": {"enabled": "on"}}}),
                ("state.sizeLimit: Does not match", {"state": {"sizeLimit": "256MB"}}),
                ("podMonitor.interval: Does not match", {"podMonitor": {"interval": "30 s"}}),
                ("nodeSelector.a: Invalid type. Expected: string, given: boolean", {"nodeSelector": {"a": True}})):
            with self.subTest(message):
                self.assert_refused(message.replace(".0", r"\.0"), {**IMAGE, **values})

    def test_a_mistake_in_the_configuration_itself_is_told_by_the_agent(self):
        rendered = render({**IMAGE, "config": {"agent": {"intervall": "5s"}}})
        with temporary_directory() as directory:
            path = os.path.join(directory, "sidewatch.yaml")
            with open(path, "w") as file:
                file.write(rendered.config())
            answer = subprocess.run([BINARY, "check", path], capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(answer.returncode, 2)
        self.assertIn("unknown key 'intervall', did you mean 'interval'?", answer.stderr)


class Schema(unittest.TestCase):
    def test_it_knows_exactly_the_values_that_there_are(self):
        with open(os.path.join(CHART, "values.schema.json")) as file:
            schema = json.load(file)
        beyond = {"global", "probes.startup.initialDelaySeconds", "probes.liveness.initialDelaySeconds",
                  "probes.readiness.initialDelaySeconds"}
        known, there = set(keys_of(schema)), set(keys_of_values(values_of(CHART, "values.yaml"), schema))
        self.assertEqual(known - there, beyond)
        self.assertEqual(there - known, set())


def keys_of(schema, path=""):
    if schema.get("additionalProperties") is not False:
        return
    for key, member in schema["properties"].items():
        yield f"{path}{key}"
        yield from keys_of(member, f"{path}{key}.")


def keys_of_values(values, schema, path=""):
    if schema.get("additionalProperties") is not False or not isinstance(values, dict):
        return
    for key, member in values.items():
        yield f"{path}{key}"
        yield from keys_of_values(member, schema["properties"].get(key, {}), f"{path}{key}.")


if __name__ == "__main__":
    unittest.main(verbosity=2)

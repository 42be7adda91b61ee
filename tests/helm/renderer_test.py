"""The renderer does what Helm does, and is stricter where a mistake of a chart would otherwise pass.

Each test is a small chart, written into a temporary directory: {path: text}.
"""

import os
import unittest

from support import RenderError, render

from harness import temporary_directory

CHART = "apiVersion: v2\nname: app\nversion: 1.2.3\nappVersion: '4.5'\n"
LIBRARY = "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: {}\n"


def needs(*lines):
    return CHART + "dependencies:\n" + "".join(f"  - {line}\n" for line in lines)


def config_map(data):
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: it}\ndata:\n" + data


class Renderer(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.folder = directory.name

    def write(self, files):
        for path, text in files.items():
            path = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
        return os.path.join(self.folder, "app")

    def render(self, files, values=None, **more):
        chart = self.write({"app/Chart.yaml": CHART, **files})
        return render(values, chart=chart, **more)

    def data(self, template, files=None, values=None, **more):
        """What a ConfigMap with these lines of data holds."""
        rendered = self.render({"app/templates/a.yaml": config_map(template), **(files or {})}, values, **more)
        return rendered.only("ConfigMap")["data"]

    def assert_refused(self, message, files, values=None, **more):
        with self.assertRaisesRegex(RenderError, message):
            self.render(files, values, **more)

    def template(self, text):
        return {"app/templates/a.yaml": text}

    # What templates have.

    def test_templates_see_the_release_the_chart_the_cluster_and_their_own_name(self):
        data = self.data('  a: "{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Service }} {{ .Release.IsInstall }}"\n'
                         '  b: "{{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.AppVersion }} {{ .Chart.IsRoot }}"\n'
                         '  c: "{{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Minor }}"\n'
                         '  d: "{{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "x/v1" }}"\n'
                         '  e: "{{ .Template.Name }} {{ .Template.BasePath }}"\n',
                         name="rel", namespace="ns", kube_version="1.30.1")
        self.assertEqual(list(data.values()), ["rel ns Helm true", "app 1.2.3 4.5 true", "v1.30.1 30", "true false",
                                               "app/templates/a.yaml app/templates"])

    def test_values_are_laid_over_one_another_and_null_takes_away(self):
        files = {"app/values.yaml": "a: {x: 1, z: 2}\nb: [1, 2]\nc: gone\n"}
        data = self.data('  v: {{ .Values | toJson | quote }}\n', files, {"a": {"z": 3}, "b": [9], "c": None})
        self.assertEqual(data["v"], '{"a":{"x":1,"z":3},"b":[9]}')
        data = self.data('  v: {{ .Values.a | toJson | quote }}\n', files, settings=["a.x=true", "a.w=1.5.0"])
        self.assertEqual(data["v"], '{"w":"1.5.0","x":true,"z":2}')

    def test_what_is_not_there_is_nothing_where_helm_is_lenient(self):
        data = self.data('  a: "<{{ .Values.nothing }}>"\n  b: {{ tpl "{{ .Values.nothing | default \\"d\\" }}" . }}\n', lenient=True)
        self.assertEqual(data, {"a": "<>", "b": "d"})

    def test_large_numbers_are_floating_point_as_in_helm(self):
        data = self.data('  bad: "{{ .Values.n }}"\n  good: "{{ int .Values.n }}"\n  yaml: {{ toYaml .Values.n | quote }}\n',
                         values={"n": 1000000})
        self.assertEqual(data, {"bad": "1e+06", "good": "1000000", "yaml": "1000000"})

    def test_include_tpl_and_files_work_as_in_helm(self):
        files = {"app/templates/_p.tpl": '{{ define "p" }}<{{ . }}>{{ end }}',
                 "app/files/x.txt": "{{ not a template }}", "app/files/y.txt": "two\nlines\n", "app/other.txt": "no"}
        data = self.data('  a: {{ include "p" "in" | quote }}\n'
                         '  b: {{ tpl "{{ include \\"p\\" .Release.Name }}" . | quote }}\n'
                         '  c: {{ .Files.Get "files/x.txt" | quote }}\n'
                         '{{ (.Files.Glob "files/*.txt").AsConfig | indent 2 }}\n'
                         '  d: {{ range $p, $_ := .Files.Glob "files/*" }}{{ base $p }};{{ end }}\n'
                         '  e: {{ .Files.Lines "files/y.txt" | len | quote }}\n'
                         '  f: {{ get (lookup "v1" "Secret" "" "") "items" | default "nothing" }}\n', files)
        self.assertEqual(data, {"a": "<in>", "b": "<demo>", "c": "{{ not a template }}", "x.txt": "{{ not a template }}",
                                "y.txt": "two\nlines\n", "d": "x.txt;y.txt;", "e": "2", "f": "nothing"})

    def test_yaml_and_json_go_back_and_forth(self):
        data = self.data('  a: {{ (fromYaml "x: {z: 1}").x.z | quote }}\n  b: {{ (fromJson "{\\"x\\": [1]}").x | toJson | quote }}\n'
                         '  c: {{ hasKey (fromYaml "{") "Error" | quote }}\n  d: {{ fromYamlArray "[1, a]" | toJson | quote }}\n')
        self.assertEqual(data, {"a": "1", "b": "[1]", "c": "true", "d": '[1,"a"]'})

    def test_notes_are_apart_from_the_objects(self):
        rendered = self.render({"app/templates/NOTES.txt": "hello {{ .Release.Name }}",
                                **self.template(config_map("  a: b\n---\n# only a comment\n---\n"))})
        self.assertEqual((rendered.notes, len(rendered.objects)), ("hello demo", 1))

    # Charts that depend on charts.

    def test_a_chart_has_the_values_and_the_scope_of_the_one_that_it_depends_on(self):
        files = {"app/Chart.yaml": needs('{name: lib, version: ^1.0.0, repository: "file://../lib"}'),
                 "app/values.yaml": "lib: {b: 2}\nglobal: {g: 3}\n",
                 "lib/Chart.yaml": LIBRARY.format("application"), "lib/values.yaml": "a: 1\nb: 1\n",
                 "lib/templates/_t.tpl": '{{ define "t" }}{{ .Values | toJson }} {{ .Chart.IsRoot }}{{ end }}'}
        data = self.data('  a: {{ include "t" .Subcharts.lib | quote }}\n  b: {{ .Values.lib.a | quote }}\n', files)
        self.assertEqual(data, {"a": '{"a":1,"b":2,"global":{"g":3}} false', "b": "1"})

    def test_of_a_library_only_the_named_templates_count(self):
        files = {"app/Chart.yaml": needs('{name: lib, version: 1.0.0, repository: "file://../lib"}'),
                 "lib/templates/_t.tpl": '{{ define "t" }}from lib{{ end }}',
                 "lib/templates/b.yaml": config_map("  x: y\n").replace("it", "other")}
        for kind, count in (("library", 1), ("application", 2)):
            rendered = self.render({**files, "lib/Chart.yaml": LIBRARY.format(kind),
                                    **self.template(config_map('  a: {{ include "t" . }}\n'))})
            self.assertEqual(len(rendered.objects), count)

    def test_an_alias_is_another_name_and_a_condition_switches_off(self):
        files = {"app/Chart.yaml": needs('{name: lib, alias: one, version: 1.0.0, repository: "file://../lib"}',
                                         '{name: lib, alias: two, version: 1.0.0, repository: "file://../lib", '
                                         'condition: two.enabled}'),
                 "app/values.yaml": "two: {enabled: true}\n",
                 "lib/Chart.yaml": LIBRARY.format("application")}
        template = '  a: {{ range $n, $s := .Subcharts }}{{ $n }}={{ $s.Chart.Name }};{{ end }}\n'
        self.assertEqual(self.data(template, files)["a"], "one=one;two=two;")
        self.assertEqual(self.data(template, files, {"two": {"enabled": False}})["a"], "one=one;")

    def test_what_helmignore_names_is_no_part_of_the_chart(self):
        files = {"app/.helmignore": "# comment\n*.bak\nsecret/\n", "app/a.bak": "x", "app/secret/b.txt": "x", "app/c.txt": "x"}
        self.assertEqual(self.data('  a: {{ range $p, $_ := .Files.Glob "*" }}{{ $p }};{{ end }}{{ .Files.Get "secret/b.txt" }}\n',
                                   files)["a"], ".helmignore;c.txt;")

    # What is refused.

    def test_mistakes_in_templates_are_refused(self):
        for text, message in (
                ('{{ .Values.nothing }}', "no entry for key"),
                ('{{ nothing }}', 'function "nothing" not defined'),
                ('{{ env "HOME" }}', 'function "env" not defined'),
                ('{{ now }}', 'function "now" not defined'),
                ('{{ include "nothing" . }}', 'template "nothing" not defined|no template "nothing"'),
                ('{{ if }}', "parse error"),
                ('{{ required "say it" "" }}', "say it"),
                ('{{ fail "no good" }}', "no good"),
                ('{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}', "nested reference name"),
                ('{{ tpl "{{ .Values.nothing }}" . }}', "no entry for key")):
            self.assert_refused(message, self.template(text))

    def test_objects_that_are_none_are_refused(self):
        for text, message in (
                (config_map("  a: b\n  a: c\n"), "already set in map"),
                ("a: [", "YAML parse error"),
                ("kind: ConfigMap\nmetadata: {name: a}\n", "needs apiVersion, kind and metadata.name"),
                (config_map("  a: b\n---\n") + config_map("  c: d\n"), "both make the ConfigMap it"),
                (config_map("  a: b\n").replace("name: it", 'name: it, annotations: {"helm.sh/hook": x}'), "hooks")):
            self.assert_refused(message, self.template(text))

    def test_values_that_the_schema_does_not_know_are_refused_also_those_of_a_dependency(self):
        schema = '{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer"}, "global": {}}}'
        files = {"app/values.schema.json": schema, **self.template("")}
        self.assertEqual(self.render(files, {"a": 1}).objects, [])
        self.assert_refused("Additional property b is not allowed", files, {"b": 1})
        self.assert_refused("a: Invalid type. Expected: integer, given: string", files, {"a": "1"})
        below = {"app/Chart.yaml": needs('{name: lib, version: 1.0.0, repository: "file://../lib"}'),
                 "app/values.schema.json": "{}", "lib/Chart.yaml": LIBRARY.format("application"), "lib/values.schema.json": schema}
        self.assertEqual(self.render(below, {"lib": {"a": 1}}).objects, [])
        self.assert_refused("lib:\n- .root.: Additional property b", below, {"lib": {"b": 1}})

    def test_charts_that_do_not_fit_are_refused(self):
        ok = self.template("")
        self.assert_refused("requires kubeVersion: >=1.30", {"app/Chart.yaml": CHART + "kubeVersion: '>=1.30.0-0'\n", **ok},
                            kube_version="1.29.0")
        self.assert_refused("version ~2.0.0 is wanted", {
            "app/Chart.yaml": needs('{name: lib, version: ~2.0.0, repository: "file://../lib"}'),
            "lib/Chart.yaml": LIBRARY.format("library")})
        self.assert_refused('unknown field "nmae"', {"app/Chart.yaml": CHART + "nmae: x\n", **ok})
        self.assert_refused("invalid release name", ok, name="Not_A_Name")
        self.assert_refused("invalid release name", ok, name="x" * 54)
        self.assert_refused("a table and something else meet", {"app/values.yaml": "a: {b: 1}\n", **ok}, {"a": "text"})


if __name__ == "__main__":
    unittest.main(verbosity=2)

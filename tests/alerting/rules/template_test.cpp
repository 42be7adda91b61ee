// Templates: what they render, and where they say that they are wrong.

#include "alerting/template.h"

#include <gtest/gtest.h>

#include <limits>

namespace sidewatch {
namespace {

std::string render(std::string_view text, double value = 81.25) {
  const auto parsed = Template::parse(text);
  if (!parsed) return "ERROR " + parsed.error().text();
  return parsed->render({value, Labels{{"instance", "web-1"}, {"device", "sda"}}, Level::critical});
}

TEST(Template, RendersValueLabelsAndLevel) {
  EXPECT_EQ(render("Memory at {{ $value | humanize }}% on {{ $labels.instance }}"), "Memory at 81.25% on web-1");
  EXPECT_EQ(render("{{$level}}: {{.Labels.device}} {{ .Value }}"), "critical: sda 81.25");
  EXPECT_EQ(render("no action at all }} { {"), "no action at all }} { {");
  EXPECT_EQ(render(""), "");
}

TEST(Template, RendersAMissingLabelAsNothing) { EXPECT_EQ(render("[{{ $labels.absent }}]"), "[]"); }

TEST(Template, CallsFunctionsInPipelinesAndDirectly) {
  EXPECT_EQ(render(R"({{ printf "%.1f" $value }})"), "81.2");
  EXPECT_EQ(render(R"({{ $value | printf "%d of %v" 3 }})"), "3 of 81.25");
  EXPECT_EQ(render("{{ humanize $value }}", 12345678), "12.35M");
  EXPECT_EQ(render(R"({{ printf "%s!" (toUpper $labels.device) }})"), "SDA!");
  EXPECT_EQ(render("{{ $labels.instance | toUpper | toLower }}"), "web-1");
  EXPECT_EQ(render(R"({{ printf "%8.2f|%-6s|%5s|%%" $value "ab" `c` }})"), "   81.25|ab    |    c|%");
}

TEST(Template, TrimsAndLeavesOutComments) {
  EXPECT_EQ(render("a  {{- $level -}}  b"), "acriticalb");
  EXPECT_EQ(render("a {{/* not {{ here }} */}}b"), "a b");
  EXPECT_EQ(render(R"({{ "}}" }})"), "}}");
}

struct Humanized {
  const char* function;
  double value;
  const char* expected;
};

TEST(Template, HumanizesAsPrometheusDoes) {
  const double nan_value = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto& [function, value, expected] : {
           Humanized{"humanize", 0, "0"}, {"humanize", 1, "1"}, {"humanize", 1234567, "1.235M"},
           {"humanize", 0.00021, "210u"}, {"humanize", -2500, "-2.5k"}, {"humanize", nan_value, "NaN"},
           {"humanize", infinity, "+Inf"}, {"humanize", 1e30, "1e+06Y"}, {"humanize", 999.99, "1000"},
           {"humanize1024", 0, "0"}, {"humanize1024", 1, "1"}, {"humanize1024", 1536, "1.5ki"},
           {"humanize1024", 1073741824, "1Gi"}, {"humanize1024", 0.5, "0.5"}, {"humanize1024", -infinity, "-Inf"},
           {"humanizeDuration", 0, "0s"}, {"humanizeDuration", 1, "1s"}, {"humanizeDuration", 12.345678, "12.35s"},
           {"humanizeDuration", 60, "1m 0s"}, {"humanizeDuration", 3600, "1h 0m 0s"},
           {"humanizeDuration", 86400 + 2 * 3600 + 3 * 60 + 4, "1d 2h 3m 4s"},
           {"humanizeDuration", -90061, "-1d 1h 1m 1s"}, {"humanizeDuration", 0.0012, "1.2ms"},
           {"humanizeDuration", nan_value, "NaN"}, {"humanizeDuration", 1e300, "1e+300"},
           {"humanizePercentage", 0.1234567, "12.35%"}, {"humanizePercentage", 1, "100%"}}) {
    EXPECT_EQ(render(std::string("{{ $value | ") + function + " }}", value), expected) << function << " " << value;
  }
}

TEST(Template, PrintsPlainValuesForPeople) {
  EXPECT_EQ(render("{{ $value }}", 1000000), "1000000");
  EXPECT_EQ(render("{{ $value }}", 0.1), "0.1");
  EXPECT_EQ(render("{{ $value }}", 1e300), "1e+300");
  EXPECT_EQ(render("{{ $value }}", std::numeric_limits<double>::quiet_NaN()), "NaN");
}

TEST(Template, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(render("{{ $valu }}"), "ERROR 1:4: unknown variable '$valu'; known are $labels, $value, $level, $externalLabels, $externalURL");
  EXPECT_EQ(render("é {{ $value"), "ERROR 1:3: '{{' is never closed with '}}'");
  EXPECT_EQ(render("a\nb {{ $value | humanise }}"),
            "ERROR 2:15: unknown function 'humanise', did you mean 'humanize'?");
  EXPECT_EQ(render("{{ $labels }}"), "ERROR 1:4: name the label: $labels.NAME");
  EXPECT_EQ(render("{{ value }}"), "ERROR 1:4: write '$value'");
  EXPECT_EQ(render("{{ }}"), "ERROR 1:4: the action is empty");
  EXPECT_EQ(render("{{ $value | }}"), "ERROR 1:13: a function is missing after '|'");
  EXPECT_EQ(render("{{ humanize }}"), "ERROR 1:4: 'humanize' is given 0 values, write '$value | humanize'");
  EXPECT_EQ(render("{{ $value $level }}"),
            "ERROR 1:11: two values follow each other; join them with '|' or a function");
  EXPECT_EQ(render("{{ if $value }}x"), "ERROR 1:1: this block is never closed with {{end}}");
  EXPECT_EQ(render("x{{ end }}"), "ERROR 1:2: {{end}} without a block that it belongs to");
  EXPECT_EQ(render(R"({{ printf "%d" $value }})"),
            "ERROR 1:4: printf cannot show this value with %d; %v shows anything, %s and %q texts, %d whole numbers, "
            "%.1f and %g numbers such as $value");
  EXPECT_EQ(render(R"({{ printf "%.1f" }})"), "ERROR 1:4: printf is given 0 values, and its format \"%.1f\" wants more");
  EXPECT_EQ(render(R"({{ if gt $value 80 }}x{{ end }})"),
            "ERROR 1:7: a whole number cannot be compared with $value; write 5.0 instead of 5");
  EXPECT_EQ(render("{{ .Valu }}"), "ERROR 1:4: unknown field '.Valu'; known are .Value, .Labels.NAME, .Level, "
                                   ".ExternalLabels.NAME and .ExternalURL");
  EXPECT_EQ(render("{{ $labels.a.b }}"), "ERROR 1:4: only $labels has parts: $labels.NAME");
  EXPECT_EQ(render("{{ template \"x\" . }}"), "ERROR 1:1: the template \"x\" is not defined here");
  EXPECT_EQ(render("{{ (humanize $value }}"), "ERROR 1:4: '(' is never closed");
}

TEST(Template, RefusesFormatsThatCannotShowTheValue) {
  for (const char* format : {"%n", "%*d", "%9999f", "%.9999f", "%1 2f", "%1.2.3f", "%s%n", "%"}) {
    const std::string text = std::string("{{ printf \"") + format + "\" $value }}";
    EXPECT_TRUE(render(text).starts_with("ERROR")) << text << " gave " << render(text);
  }
  // A format that is only known when it is rendered says itself what is wrong.
  EXPECT_EQ(render("{{ printf $labels.device $value }}"), "sda%!(EXTRA float64=81.25)");
}

TEST(Template, ReadsWhatPrometheusReadsWhereOnlyTheSyntaxIsChecked) {
  const auto parsed = Template::parse(R"({{ printf "%d" $value }} {{ $labels.a.b }})", TemplateChecks::syntax);
  ASSERT_TRUE(parsed) << parsed.error().text();
  const std::string text = parsed->render({1, {}, Level::ok});
  EXPECT_EQ(text, "<error expanding template: error executing template: can't evaluate field b in type string>");
}

TEST(Template, KnowsTheAgentsLabelsAndAddress) {
  const TemplateScope scope{Labels{{"service", "checkout"}}, "http://host:9766/sub", {}};
  const auto text = Template::parse("{{ $externalLabels.service }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}");
  EXPECT_EQ(text.value().render({1, {}, Level::ok, &scope}), "checkout http://host:9766/sub http://host:9766/sub /sub");
}

TEST(Template, SpellsNumbersAsItsRuleAsks) {
  const auto text = Template::parse("{{ $value }} {{ printf \"%v\" $value }}").value();
  EXPECT_EQ(text.render({1e6, {}, Level::ok, nullptr, NumberStyle::plain}), "1000000 1e+06");
  EXPECT_EQ(text.render({1e6, {}, Level::ok, nullptr, NumberStyle::as_go}), "1e+06 1e+06");
}

TEST(Template, AsksTheStoreAtMostSoOften) {
  int asked = 0;
  const TemplateScope scope{{}, "", [&](std::string_view) -> Result<promql::Vector> {
    ++asked;
    return promql::Vector(100, promql::VectorSample{{}, 1});
  }};
  const auto greedy = Template::parse(R"({{ range query "a" }}{{ range query "b" }}x{{ end }}{{ end }})").value();
  EXPECT_EQ(greedy.render({1, {}, Level::ok, &scope}),
            "<error expanding template: error executing template: error calling query: too many queries in one template>");
  EXPECT_EQ(asked, 20);
}

TEST(Template, EndsWhateverItIsToldToDo) {
  const TemplateScope scope{{}, "", [](std::string_view) -> Result<promql::Vector> {
    return promql::Vector(1000, promql::VectorSample{{}, 1});
  }};
  const auto render_all = [&](const char* text) { return Template::parse(text).value().render({1, {}, Level::ok, &scope}); };
  EXPECT_EQ(render_all(R"({{ $q := query "a" }}{{ range $q }}{{ range $q }}{{ range $q }}{{ end }}{{ end }}{{ end }})"),
            "<error expanding template: error executing template: the template takes too many steps>");
  EXPECT_EQ(render_all(R"({{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }})"),
            "<error expanding template: error executing template: exceeded maximum template depth (32)>");
  EXPECT_EQ(render_all(R"({{ $q := query "a" }}{{ range $q }}{{ printf "%1000d" 5 }}{{ end }})").size(), max_rendered_bytes);
}

TEST(Template, IsBoundedInSizeAndDepth) {
  EXPECT_FALSE(Template::parse(std::string(max_template_bytes + 1, 'x')));
  EXPECT_FALSE(Template::parse("{{ " + std::string(1000, '(') + "$value" + std::string(1000, ')') + " }}"));
  std::string many;
  for (int i = 0; i < 500; ++i) many += "é{{ $labels.x }}";
  const Labels labels = Labels{}.with("x", std::string(255, 'y'));
  const std::string text = Template::parse(many).value().render({0, labels, Level::ok});
  EXPECT_LE(text.size(), max_rendered_bytes);
  EXPECT_GE(text.size(), max_rendered_bytes - 1);
}

}  // namespace
}  // namespace sidewatch

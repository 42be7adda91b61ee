// Templates as Prometheus renders them: every line of tests/cases/templates/ is given to the engine and to Debian's
// promtool, which is made to expect exactly what the engine says.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "alerting/rule_file.h"
#include "base/json.h"
#include "tests/alerting/rules/engine_world.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

const std::string alert_labels =
    R"({__name__="node_x", device="sda", instance="web-1.example.com:9100", job="node", path="/srv/ü & <co>"})";

const std::string line_feed = "⏎";

// The templates of one file, with line feeds for what stands for them.
std::vector<std::string> templates_of(const std::string& name) {
  std::ifstream file(std::string(SIDEWATCH_SOURCE_DIR) + "/tests/cases/templates/" + name);
  std::vector<std::string> templates;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    for (std::size_t at = line.find(line_feed); at != std::string::npos; at = line.find(line_feed)) {
      line.replace(at, line_feed.size(), "\n");
    }
    templates.push_back(line);
  }
  return templates;
}

std::string quoted(const std::string& text) {
  JsonWriter json;
  json.text(text);
  return json.take();
}

std::string rule_file(const std::vector<std::string>& templates) {
  std::string yaml = "groups:\n- name: templates\n  rules:\n";
  for (std::size_t i = 0; i < templates.size(); ++i) {
    yaml += "  - {alert: T" + std::to_string(i) + ", expr: node_x > 1, annotations: {t: " + quoted(templates[i]) + "}}\n";
  }
  return yaml;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

struct Answer {
  int status = 0;
  std::string output;
};

Answer promtool(const std::string& arguments) {
  Answer answer;
  std::FILE* pipe = popen(("promtool " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "cannot start promtool"};
  std::array<char, 4096> buffer{};
  while (const std::size_t read = std::fread(buffer.data(), 1, buffer.size(), pipe)) answer.output.append(buffer.data(), read);
  answer.status = pclose(pipe);
  return answer;
}

// What the engine says in the annotation of each alert.
std::map<std::string, std::string> rendered(const std::vector<std::string>& templates) {
  config::Problems problems;
  auto groups = parse_rule_file("rules.yml", rule_file(templates), problems);
  EXPECT_EQ(problems.text(), "");
  World world("rules: []");
  world.engine.replace_rules(std::move(groups));
  world.engine.set_externals(Labels{{"site", "north"}}, "");
  world.deliver("node_x", {{Labels{{"device", "sda"}, {"instance", "web-1.example.com:9100"}, {"job", "node"},
                                   {"path", "/srv/ü & <co>"}}, 81.25}});
  world.deliver("up", {{Labels{{"instance", "1"}, {"job", "a"}}, 1},
                       {Labels{{"instance", "2"}, {"job", "b"}}, 0.5},
                       {Labels{{"instance", "3"}, {"job", "c"}}, 1e6},
                       {Labels{{"instance", "4"}, {"job", "c"}}, 2}});
  world.tick();
  std::map<std::string, std::string> texts;
  for (const AlertView& alert : world.engine.alerts(Duration(0))) texts[alert.rule] = alert.annotations.get("t");
  return texts;
}

std::string test_file(const std::vector<std::string>& templates, const std::map<std::string, std::string>& expected) {
  std::string yaml = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n"
                     "  external_labels: {site: north}\n  input_series:\n";
  const auto series = [&yaml](const std::string& labels, const std::string& value) {
    yaml += "  - {series: " + quoted(labels) + ", values: " + quoted(value) + "}\n";
  };
  series(alert_labels, "81.25");
  series(R"(up{job="a", instance="1"})", "1");
  series(R"(up{job="b", instance="2"})", "0.5");
  series(R"(up{job="c", instance="3"})", "1000000");
  series(R"(up{job="c", instance="4"})", "2");
  yaml += "  alert_rule_test:\n";
  for (std::size_t i = 0; i < templates.size(); ++i) {
    const std::string name = "T" + std::to_string(i);
    yaml += "  - eval_time: 0m\n    alertname: " + name + "\n    exp_alerts:";
    if (!expected.contains(name)) {
      yaml += " []\n";
      continue;
    }
    yaml += "\n";
    const std::string& text = expected.at(name);
    yaml += "    - exp_labels: {device: sda, instance: \"web-1.example.com:9100\", job: node, path: \"/srv/ü & <co>\"}\n"
            "      exp_annotations: {" + (text.empty() ? "" : "t: " + quoted(text)) + "}\n";
  }
  return yaml;
}

TEST(TemplateOracle, PrometheusRendersTheSame) {
  const auto templates = templates_of("corpus.txt");
  ASSERT_GE(templates.size(), 80U);
  const auto texts = rendered(templates);
  ASSERT_EQ(texts.size(), templates.size());
  for (std::size_t i = 0; i < templates.size(); ++i) {
    EXPECT_FALSE(texts.at("T" + std::to_string(i)).starts_with("<error")) << templates[i] << "\n gives " << texts.at("T" + std::to_string(i));
  }
  TempDir directory;
  write(directory / "rules.yml", rule_file(templates));
  write(directory / "test.yml", test_file(templates, texts));
  const Answer answer = promtool("test rules " + directory / "test.yml");
  EXPECT_EQ(answer.status, 0) << answer.output;
}

TEST(TemplateOracle, BothSayWhenATemplateCannotBeRendered) {
  const auto templates = templates_of("errors.txt");
  ASSERT_GE(templates.size(), 30U);
  const auto texts = rendered(templates);
  for (std::size_t i = 0; i < templates.size(); ++i) {
    const std::string& text = texts.at("T" + std::to_string(i));
    EXPECT_TRUE(text.starts_with("<error expanding template: ")) << templates[i] << "\n gives " << text;
  }
  TempDir directory;
  write(directory / "rules.yml", rule_file(templates));
  write(directory / "test.yml", test_file(templates, {}));  // expects no alerts, so that promtool tells all it has
  const Answer answer = promtool("test rules " + directory / "test.yml");
  for (std::size_t i = 0; i < templates.size(); ++i) {
    const std::size_t at = answer.output.find("alertname: T" + std::to_string(i) + ",");
    ASSERT_NE(at, std::string::npos) << answer.output;
    const std::size_t annotations = answer.output.find("Annotations:{", at);
    EXPECT_EQ(answer.output.substr(annotations, 45), "Annotations:{t=\"<error expanding template: er") << templates[i];
  }
}

TEST(TemplateOracle, BothRefuseWhatIsNoTemplate) {
  const auto templates = templates_of("refused.txt");
  ASSERT_GE(templates.size(), 30U);
  TempDir directory;
  write(directory / "rules.yml", rule_file(templates));
  const Answer answer = promtool("check rules " + directory / "rules.yml");
  EXPECT_NE(answer.status, 0);
  for (std::size_t i = 0; i < templates.size(); ++i) {
    EXPECT_FALSE(Template::parse(templates[i], TemplateChecks::syntax)) << templates[i];
    const std::string name = "\"T" + std::to_string(i) + "\"";
    EXPECT_NE(answer.output.find(name), std::string::npos) << "promtool loads " << templates[i] << "\n" << answer.output;
  }
}

}  // namespace
}  // namespace sidewatch

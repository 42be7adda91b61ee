// Tells rule files from configurations, and reads either. See unit_test_rules.h.
#include "alerting/unit_test/unit_test_rules.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "alerting/rule_file.h"
#include "alerting/rule_sources.h"
#include "config/document.h"
#include "config/files.h"

namespace sidewatch {
namespace {

using config::Section;

// Whether the file has the one key that a rule file has. What cannot be read counts as one: whoever reads it then says why.
bool is_rule_file(const std::string& path) {
  config::Problems ignored;
  bool has_groups = false;
  bool has_rules = false;
  auto document = config::Document::load(path, {}, ignored);
  document.visit([&](Section& top) {
    has_groups = top.has("groups");
    has_rules = top.has("rules") || top.has("rule_files") || top.has("shipped_rules");
    top.ignore_the_rest();
  });
  return has_groups || !has_rules;
}

std::vector<RuleGroup> rules_of_configuration(const std::string& path, config::Problems& problems) {
  RuleSources sources;
  auto document = config::Document::load(path, config::process_environment(), problems);
  document.visit([&](Section& top) {
    declare(top, sources);
    top.ignore_the_rest();
  });
  std::vector<std::string> files;
  return load_rules(sources, files, problems);
}

}  // namespace

std::vector<RuleGroup> load_rules_under_test(const UnitTestFile& file, config::Problems& problems) {
  std::vector<RuleGroup> groups;
  std::vector<std::string> seen;
  for (const auto& pattern : file.rule_files) {
    for (const auto& path : config::files_matching(pattern.value, pattern.mark.file)) {
      if (std::find(seen.begin(), seen.end(), path) != seen.end()) continue;
      seen.push_back(path);
      auto read = is_rule_file(path) ? load_rule_file(path, problems) : rules_of_configuration(path, problems);
      std::move(read.begin(), read.end(), std::back_inserter(groups));
    }
  }
  return groups;
}

}  // namespace sidewatch

// Reading rule files; see rule_file.h.

#include "alerting/rule_file.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "alerting/rule_levels.h"
#include "alerting/rule_text.h"
#include "config/document.h"
#include "config/files.h"

namespace sidewatch {
namespace {

using config::Located;
using config::Section;

const config::Between<Duration> delay_range = config::between(Duration(0), max_rule_delay);

void declare_group(Section& section, RuleGroup& group) {
  Located<std::string> name;
  section.required("name", name, "");
  group.name = name.value;
  group.mark = section.mark("name");
  group.file = group.mark.file;
  group.from_file = true;
  if (section.has("name") && name.value.empty()) section.problem("name", "the group's name is empty");
  section.optional("interval", group.interval, "", delay_range);
  section.optional("query_offset", group.query_offset, "", delay_range);
  std::int64_t limit = 0;
  section.optional("limit", limit, "", config::Between<std::int64_t>{0, 1'000'000});
  group.limit = static_cast<std::size_t>(limit);
  LocatedTexts labels;
  section.optional("labels", labels, "");
  for (const auto& [label, value] : labels) check_label_name(section, label, value.mark);
  const auto inherited = read_templates(section, labels, RuleSource::prometheus_file);
  section.each("rules", "", [&](Section& rule) {
    declare_any_rule(rule, RuleSource::prometheus_file, inherited, group.rules);
  });
}

// What two rules of one group must not have in common all at once.
std::string meaning(const AnyRule& any) {
  std::string text = std::to_string(any.index()) + "\n" + name_of(any) + "\n";
  if (const auto* rule = std::get_if<Rule>(&any)) {
    text += rule->fingerprint();
    for (const auto& [name, value] : rule->labels) text += "\n" + name + "=" + value.text();
  } else {
    const auto& recording = std::get<RecordingRule>(any);
    text += recording.expr ? recording.expr->text() : "";
    for (const auto& [name, value] : recording.labels) text += "\n" + name + "=" + value;
  }
  return text;
}

void check_duplicates(const std::vector<RuleGroup>& groups, config::Problems& problems) {
  std::map<std::string, config::Mark> names;
  for (const RuleGroup& group : groups) {
    const auto [first, is_new] = names.emplace(group.name, group.mark);
    if (!is_new && !group.name.empty()) {
      problems.add(group.mark, "the group " + quoted(group.name) + " is already defined at " + place(first->second));
    }
    std::map<std::string, config::Mark> rules;
    for (const AnyRule& rule : group.rules) {
      const auto [before, is_new_rule] = rules.emplace(meaning(rule), mark_of(rule));
      if (is_new_rule || name_of(rule).empty()) continue;
      problems.add(mark_of(rule), "the rule " + quoted(name_of(rule)) + " is the same as the one at " +
                                      place(before->second));
    }
  }
}

std::vector<RuleGroup> groups_in(config::Document& document, config::Problems& problems) {
  std::vector<RuleGroup> groups;
  document.visit([&](Section& top) {
    top.each("groups", "", [&](Section& section) {
      RuleGroup group;
      declare_group(section, group);
      groups.push_back(std::move(group));
    });
  });
  check_duplicates(groups, problems);
  return groups;
}

}  // namespace

void configure_rule_files(Section& top, RuleFilePatterns& patterns) {
  top.optional("rule_files", patterns,
               "files of rules in groups, as Prometheus reads them (rules with levels may stand there as well): names or "
               "patterns such as rules/*.yaml, seen from the folder of this file");
}

// A rule file knows no ${...}: an empty environment leaves every text as it is.
std::vector<RuleGroup> load_rule_file(const std::string& path, config::Problems& problems) {
  auto document = config::Document::load(path, {}, problems);
  if (document.files().empty()) return {};
  return groups_in(document, problems);
}

std::vector<RuleGroup> parse_rule_file(const std::string& name, const std::string& text, config::Problems& problems) {
  auto document = config::Document::parse(name, text, {}, problems);
  return groups_in(document, problems);
}

std::vector<RuleGroup> load_rule_files(const RuleFilePatterns& patterns, std::vector<std::string>& files,
                                       config::Problems& problems) {
  std::vector<RuleGroup> groups;
  std::set<std::string> seen;
  for (const auto& pattern : patterns) {
    for (const auto& path : config::files_matching(pattern.value, pattern.mark.file)) {
      if (!seen.insert(path).second) continue;  // named by two patterns: read once
      if (seen.size() > max_rule_files) {
        problems.add(pattern.mark, "too many rule files; there may be " + std::to_string(max_rule_files));
        return groups;
      }
      auto read = load_rule_file(path, problems);
      files.push_back(path);
      std::move(read.begin(), read.end(), std::back_inserter(groups));
    }
  }
  identify(groups);
  return groups;
}

}  // namespace sidewatch

#include "collectors/scrape/relabel.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "metrics/promql/characters.h"
#include "metrics/text.h"

namespace sidewatch::scrape {
namespace {

constexpr std::size_t longest_value_bytes = 64 * 1024;

std::string_view value_of(const std::vector<Label>& labels, std::string_view name) {
  const auto found = std::ranges::find(labels, name, &Label::name);
  return found == labels.end() ? std::string_view() : std::string_view(found->value);
}

// An empty value removes.
void set(std::vector<Label>& labels, std::string_view name, std::string value) {
  const auto found = std::ranges::find(labels, name, &Label::name);
  if (value.empty()) {
    if (found != labels.end()) labels.erase(found);
  } else if (found != labels.end()) {
    found->value = std::move(value);
  } else {
    labels.push_back({std::string(name), std::move(value)});
  }
}

std::string joined(const RelabelRule& rule, const std::vector<Label>& labels) {
  std::string text;
  for (std::size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) text += rule.separator;
    text += value_of(labels, rule.source_labels[i]);
  }
  return text;
}

void replace(const RelabelRule& rule, const std::string& value, std::vector<Label>& labels) {
  const auto target = rule.compiled.expand_full_match(value, rule.target_label, longest_value_bytes);
  if (!target || !is_legal_label_name(*target)) return;
  auto text = rule.compiled.expand_full_match(value, rule.replacement, longest_value_bytes);
  if (text) set(labels, *target, std::move(*text));
}

// The last eight bytes of the MD5 as a number, as Prometheus has it: targets are spread in the same way.
std::string hash_modulo(const std::string& value, std::int64_t modulus) {
  std::uint64_t number = 0;
  for (const char c : md5(value).substr(8)) number = number << 8 | static_cast<unsigned char>(c);
  return std::to_string(number % static_cast<std::uint64_t>(modulus));
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

void map_names(const RelabelRule& rule, std::vector<Label>& labels) {
  const std::vector<Label> before = labels;
  for (const Label& label : before) {
    const auto name = rule.compiled.expand_full_match(label.name, rule.replacement, longest_value_bytes);
    if (name) set(labels, *name, label.value);
  }
}

bool apply(const RelabelRule& rule, std::vector<Label>& labels) {
  const std::string value = joined(rule, labels);
  const auto matches = [&](const Label& label) { return rule.compiled.full_match(label.name); };
  switch (rule.action) {
    case RelabelAction::replace: replace(rule, value, labels); return true;
    case RelabelAction::keep: return rule.compiled.full_match(value);
    case RelabelAction::drop: return !rule.compiled.full_match(value);
    case RelabelAction::keepequal: return value_of(labels, rule.target_label) == value;
    case RelabelAction::dropequal: return value_of(labels, rule.target_label) != value;
    case RelabelAction::hashmod: set(labels, rule.target_label, hash_modulo(value, rule.modulus)); return true;
    case RelabelAction::lowercase: set(labels, rule.target_label, promql::to_lower(value)); return true;
    case RelabelAction::uppercase: set(labels, rule.target_label, upper(value)); return true;
    case RelabelAction::labelmap: map_names(rule, labels); return true;
    case RelabelAction::labeldrop: std::erase_if(labels, matches); return true;
    case RelabelAction::labelkeep: std::erase_if(labels, std::not_fn(matches)); return true;
  }
  return true;
}

bool has_group(std::string_view text) { return text.find('$') != std::string_view::npos; }

bool needs_target(RelabelAction action) {
  switch (action) {
    case RelabelAction::replace:
    case RelabelAction::hashmod:
    case RelabelAction::lowercase:
    case RelabelAction::uppercase:
    case RelabelAction::keepequal:
    case RelabelAction::dropequal: return true;
    case RelabelAction::keep:
    case RelabelAction::drop:
    case RelabelAction::labelmap:
    case RelabelAction::labeldrop:
    case RelabelAction::labelkeep: return false;
  }
  return false;
}

// What Prometheus refuses as well; a key that does nothing is a mistake, and mostly a misunderstanding.
void check(config::Section& section, const RelabelRule& rule) {
  const auto useless = [&](std::string_view key, const std::string& why) {
    if (section.has(key)) section.problem(key, why);
  };
  const bool target_is_template = rule.action == RelabelAction::replace && has_group(rule.target_label);
  if (needs_target(rule.action) && rule.target_label.empty()) {
    section.problem("target_label", "this action needs target_label, the label that it is about");
  } else if (needs_target(rule.action) && !target_is_template && !is_legal_label_name(rule.target_label)) {
    section.problem("target_label", "'" + rule.target_label + "' is not the name of a label");
  }
  if (rule.action == RelabelAction::hashmod && rule.modulus == 0) {
    section.problem("modulus", "hashmod needs modulus, the number of parts to spread over");
  }
  if (rule.action == RelabelAction::labelmap && !has_group(rule.replacement) && !is_legal_label_name(rule.replacement)) {
    section.problem("replacement", "'" + rule.replacement + "' is not the name of a label");
  }
  if (rule.action == RelabelAction::labeldrop || rule.action == RelabelAction::labelkeep) {
    for (const auto* key : {"source_labels", "separator", "modulus", "target_label", "replacement"}) {
      useless(key, "labeldrop and labelkeep look at the names of labels with regex, and at nothing else");
    }
  }
  if (rule.action == RelabelAction::keepequal || rule.action == RelabelAction::dropequal) {
    for (const auto* key : {"regex", "separator", "modulus", "replacement"}) {
      useless(key, "keepequal and dropequal compare source_labels with target_label, and need nothing else");
    }
  }
  for (const std::string& name : rule.source_labels) {
    if (!is_legal_label_name(name)) section.problem("source_labels", "'" + name + "' is not the name of a label");
  }
}

}  // namespace

void RelabelRule::compile() {
  auto made = Regex::compile("(?s:" + regex.value + ")");
  if (made) compiled = std::move(*made);
}

void declare(config::Section& section, RelabelRule& rule) {
  section.choice("action", rule.action,
                 {{"replace", RelabelAction::replace},
                  {"keep", RelabelAction::keep},
                  {"drop", RelabelAction::drop},
                  {"keepequal", RelabelAction::keepequal},
                  {"dropequal", RelabelAction::dropequal},
                  {"hashmod", RelabelAction::hashmod},
                  {"lowercase", RelabelAction::lowercase},
                  {"uppercase", RelabelAction::uppercase},
                  {"labelmap", RelabelAction::labelmap},
                  {"labeldrop", RelabelAction::labeldrop},
                  {"labelkeep", RelabelAction::labelkeep}},
                 "what is done, as Prometheus's documentation says");
  section.optional("source_labels", rule.source_labels,
                   "labels whose values are looked at, joined by separator; __name__ is the metric's name");
  section.optional("separator", rule.separator, "stands between the values of source_labels");
  section.optional("regex", rule.regex, "has to match the whole of what is looked at (RE2)");
  section.optional("modulus", rule.modulus, "of hashmod: the number of parts",
                   config::between(std::int64_t{0}, std::int64_t{1} << 53));
  section.optional("target_label", rule.target_label, "the label that is written, or compared with");
  section.optional("replacement", rule.replacement, "what is written: $1 or ${1} is what the first group matched");
  if (section.describing()) return;
  if (const auto made = Regex::compile(rule.regex.value); !made) section.problem("regex", made.error().what);
  rule.compile();
  check(section, rule);
}

bool relabel(const std::vector<RelabelRule>& rules, std::vector<Label>& labels) {
  return std::ranges::all_of(rules, [&](const RelabelRule& rule) { return apply(rule, labels); });
}

std::string fingerprint_of(const std::vector<RelabelRule>& rules) {
  std::string text;
  for (const RelabelRule& rule : rules) {
    text += std::to_string(static_cast<int>(rule.action)) + '\t' + rule.separator + '\t' + rule.regex.value + '\t' +
            std::to_string(rule.modulus) + '\t' + rule.target_label + '\t' + rule.replacement;
    for (const std::string& name : rule.source_labels) text += '\t' + name;
    text += '\n';
  }
  return text;
}

}  // namespace sidewatch::scrape

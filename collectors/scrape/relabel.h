// Prometheus's relabelling (metric_relabel_configs): rules that rename, add and remove the labels of a series, its name
// among them, or drop it. The keys, defaults and results are Prometheus's; lower and upper case are those of ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/regex.h"
#include "config/section.h"
#include "metrics/labels.h"

namespace sidewatch::scrape {

enum class RelabelAction {
  replace,
  keep,
  drop,
  keepequal,
  dropequal,
  hashmod,
  lowercase,
  uppercase,
  labelmap,
  labeldrop,
  labelkeep,
};

struct RelabelRule {
  RelabelAction action = RelabelAction::replace;
  std::vector<std::string> source_labels;
  std::string separator = ";";
  config::Located<std::string> regex{"(.*)", {}};
  std::int64_t modulus = 0;
  std::string target_label;
  std::string replacement = "$1";

  Regex compiled;  // of `regex`; it has to match the whole of a text, line ends included
  void compile();
};
void declare(config::Section& section, RelabelRule& rule);

// The rules in their order; `labels` has the series' name as __name__, every name once, and no empty values. False: the
// series is dropped.
bool relabel(const std::vector<RelabelRule>& rules, std::vector<Label>& labels);

std::string fingerprint_of(const std::vector<RelabelRule>& rules);

}  // namespace sidewatch::scrape

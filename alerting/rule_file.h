// Rule files: Prometheus's own format (`groups:` of alerting and recording rules), read as strictly as promtool does.
// Rules with levels, as the configuration has them, may stand in such a file as well.
#pragma once

#include <string>
#include <vector>

#include "alerting/rule_group.h"
#include "config/problem.h"
#include "config/section.h"

namespace sidewatch {

inline constexpr std::size_t max_rule_files = 256;

// `rule_files:` of a configuration: patterns as they are written.
using RuleFilePatterns = std::vector<config::Located<std::string>>;
void configure_rule_files(config::Section& top, RuleFilePatterns& patterns);

// The groups of one file, or of a text as if it were the content of a file named `name`. What is wrong is added to
// `problems`; the groups must then not be used.
std::vector<RuleGroup> load_rule_file(const std::string& path, config::Problems& problems);
std::vector<RuleGroup> parse_rule_file(const std::string& name, const std::string& text, config::Problems& problems);

// The groups of all files that the patterns name, each file once, relative to the folder of the file that names them.
// Names of files that were read are appended to `files`.
std::vector<RuleGroup> load_rule_files(const RuleFilePatterns& patterns, std::vector<std::string>& files,
                                       config::Problems& problems);

}  // namespace sidewatch

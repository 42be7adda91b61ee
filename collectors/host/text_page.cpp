// Implementation of text_page.h: line after line, each taken apart from its front.
#include "collectors/host/text_page.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "collectors/proc_file.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

struct PageFamily {
  MetricType type = MetricType::untyped;
  bool typed = false;
  bool sampled = false;
  std::string help;
};

constexpr std::array<std::pair<std::string_view, MetricType>, 5> kTypeWords{{
    {"counter", MetricType::counter},
    {"gauge", MetricType::gauge},
    {"histogram", MetricType::histogram},
    {"summary", MetricType::summary},
    {"untyped", MetricType::untyped},
}};

std::optional<double> parse_value(std::string_view word) {
  if (word == "NaN" || word == "nan") return std::numeric_limits<double>::quiet_NaN();
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  if (word.starts_with('-') || word.starts_with('+')) return std::nullopt;
  std::optional<double> size;
  if (word == "Inf" || word == "inf") {
    size = std::numeric_limits<double>::infinity();
  } else {
    size = parse_double(word);
  }
  return size && negative ? std::optional(-*size) : size;
}

// `\\` and `\n` of a help text.
std::string unescaped_help(std::string_view text) {
  std::string help;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '\\' || text[i + 1] == 'n');
    if (escape) ++i;
    help += escape && text[i] == 'n' ? '\n' : text[i];
  }
  return help;
}

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

// Takes a name off the front of `rest`.
std::string_view take_name(std::string_view& rest, std::string_view stops) {
  const auto name = rest.substr(0, std::min(rest.find_first_of(stops), rest.size()));
  rest.remove_prefix(name.size());
  return name;
}

class PageReader {
 public:
  explicit PageReader(std::size_t max_samples) : max_samples_(max_samples) {}

  // What is wrong with the line; empty when nothing is.
  std::string take(std::string_view line) {
    skip_blanks(line);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return {};
    return line[0] == '#' ? take_comment(line.substr(1)) : take_sample(line);
  }

  std::vector<PageSample> samples;

 private:
  std::string take_comment(std::string_view rest) {
    const auto word = next_field(rest);
    if (word != "HELP" && word != "TYPE") return {};
    const std::string name(next_field(rest));
    if (!is_legal_metric_name(name)) return "'" + name + "' is no legal name of a metric";
    PageFamily& family = families_[name];
    if (word == "HELP") {
      skip_blanks(rest);
      family.help = unescaped_help(rest);
      return {};
    }
    const auto type = trim(rest);
    const auto known = std::find_if(kTypeWords.begin(), kTypeWords.end(),
                                    [&](const auto& entry) { return entry.first == type; });
    if (known == kTypeWords.end()) {
      return "unknown type '" + std::string(type) + "' (counter, gauge, histogram, summary or untyped)";
    }
    if (family.typed) return "the type of '" + name + "' is given a second time";
    if (family.sampled) return "the type of '" + name + "' comes after its samples";
    family.type = known->second;
    family.typed = true;
    return {};
  }

  std::string take_sample(std::string_view rest) {
    PageSample sample;
    sample.name = take_name(rest, "{ \t");
    if (!is_legal_metric_name(sample.name)) return "'" + sample.name + "' is no legal name of a metric";
    skip_blanks(rest);
    std::vector<Label> labels;
    if (rest.starts_with('{')) {
      rest.remove_prefix(1);
      if (std::string wrong = take_labels(rest, labels); !wrong.empty()) return wrong;
    }
    const auto word = next_field(rest);
    const auto value = parse_value(word);
    if (!value) return word.empty() ? "a value is missing" : "'" + std::string(word) + "' is no number";
    if (!trim(rest).empty()) return "timestamps are not supported here; leave it out";
    sample.value = *value;
    sample.labels = Labels(std::move(labels));
    PageFamily& family = family_of(sample.name);
    family.sampled = true;
    sample.type = family.type;
    sample.help = family.help;
    return keep(std::move(sample));
  }

  std::string keep(PageSample sample) {
    std::string key = sample.name;
    for (const Label& label : sample.labels) (((key += '\0') += label.name) += '\0') += label.value;
    if (!seen_.insert(std::move(key)).second) return "this series of '" + sample.name + "' is given a second time";
    if (samples.size() == max_samples_) return "more than " + std::to_string(max_samples_) + " samples";
    samples.push_back(std::move(sample));
    return {};
  }

  // From behind the '{' to behind the '}'.
  static std::string take_labels(std::string_view& rest, std::vector<Label>& labels) {
    for (;;) {
      skip_blanks(rest);
      if (rest.starts_with('}')) return rest.remove_prefix(1), std::string();
      Label label;
      label.name = trim(take_name(rest, "=},\""));
      if (!is_legal_label_name(label.name)) return "'" + label.name + "' is no legal name of a label";
      const bool known =
          std::any_of(labels.begin(), labels.end(), [&](const Label& other) { return other.name == label.name; });
      if (known) return "the label '" + label.name + "' is given a second time";
      if (!rest.starts_with('=')) return "'=' is missing behind the label '" + label.name + "'";
      rest.remove_prefix(1);
      skip_blanks(rest);
      if (!take_quoted(rest, label.value)) return "the value of the label '" + label.name + "' has no quotes around it";
      labels.push_back(std::move(label));
      skip_blanks(rest);
      if (rest.starts_with(',')) {
        rest.remove_prefix(1);
      } else if (!rest.starts_with('}')) {
        return "',' or '}' is missing behind the label '" + labels.back().name + "'";
      }
    }
  }

  static bool take_quoted(std::string_view& rest, std::string& value) {
    if (!rest.starts_with('"')) return false;
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '"') {
        rest.remove_prefix(i + 1);
        return true;
      }
      const bool escape = rest[i] == '\\' && i + 1 < rest.size();
      if (escape) ++i;
      value += escape && rest[i] == 'n' ? '\n' : rest[i];
    }
    return false;
  }

  // x for x_bucket, x_sum and x_count, where x is a histogram or a summary.
  PageFamily& family_of(const std::string& name) {
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (!name.ends_with(suffix)) continue;
      const auto found = families_.find(name.substr(0, name.size() - suffix.size()));
      if (found == families_.end()) continue;
      const MetricType type = found->second.type;
      if (type == MetricType::histogram || (type == MetricType::summary && suffix != "_bucket")) return found->second;
    }
    return families_[name];
  }

  std::size_t max_samples_;
  std::map<std::string, PageFamily> families_;
  std::set<std::string> seen_;
};

}  // namespace

Result<std::vector<PageSample>> read_text_page(std::string_view text, std::size_t max_samples) {
  PageReader reader(max_samples);
  std::size_t number = 0;
  std::string_view line;
  while (next_line(text, line)) {
    ++number;
    if (!is_utf8(line)) return Error{"the line is not UTF-8", std::to_string(number)};
    if (std::string wrong = reader.take(line); !wrong.empty()) return Error{std::move(wrong), std::to_string(number)};
  }
  if (!text.empty()) return Error{"the last line has no end: the file is not whole", std::to_string(number + 1)};
  return std::move(reader.samples);
}

}  // namespace sidewatch

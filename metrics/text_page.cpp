#include "metrics/text_page.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>
#include <utility>

#include "base/utf8.h"
#include "metrics/promql/characters.h"
#include "metrics/sample_scanner.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::string_view name_label = "__name__";

struct PageFamily {
  MetricType type = MetricType::untyped;
  bool typed = false;
  bool sampled = false;
  std::string help;
};

constexpr std::array<std::pair<std::string_view, MetricType>, 5> type_words{{
    {"counter", MetricType::counter},
    {"gauge", MetricType::gauge},
    {"histogram", MetricType::histogram},
    {"summary", MetricType::summary},
    {"untyped", MetricType::untyped},
}};

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

class PageReader {
 public:
  PageReader(std::string_view text, std::size_t max_samples) : in_(text), max_samples_(max_samples) {}

  std::vector<PageSample> read() {
    while (in_.next_line()) {
      if (!in_.line_is_whole()) in_.fail("the last line has no end: the page is not whole");
      in_.skip_blanks();
      if (in_.at_end_of_line()) continue;
      if (in_.peek() == '#') {
        comment();
      } else {
        sample();
      }
    }
    return std::move(samples_);
  }

 private:
  void comment() {
    in_.advance();
    in_.skip_blanks();
    const std::string_view keyword = in_.word();
    if (keyword != "HELP" && keyword != "TYPE") return;
    in_.skip_blanks();
    const std::size_t start = in_.position();
    const std::string name(in_.word());
    if (!is_legal_metric_name(name)) in_.fail_at(start, "# " + std::string(keyword) + " lacks the name of a metric");
    in_.skip_blanks();
    if (keyword == "TYPE") return type_of(name);
    const std::size_t help_at = in_.position();
    const std::string_view help = in_.rest_of_line();
    if (!is_utf8(help)) in_.fail_at(help_at, "the help is not UTF-8");
    families_[name].help = unescaped_help(help);
  }

  void type_of(const std::string& name) {
    const std::size_t start = in_.position();
    const std::string_view type = in_.word();
    const auto known = std::ranges::find(type_words, type, &std::pair<std::string_view, MetricType>::first);
    if (known == type_words.end()) {
      in_.fail_at(start, promql::quoted_start(type) + " is no type of a metric; known are counter, gauge, histogram, "
                                                      "summary and untyped");
    }
    in_.skip_blanks();
    if (!in_.at_end_of_line()) in_.fail("unexpected text behind the type");
    PageFamily& family = families_[name];
    if (family.typed) in_.fail_at(start, "the type of " + name + " is given twice");
    if (family.sampled) in_.fail_at(start, "the type of " + name + " comes after its samples");
    family.type = known->second;
    family.typed = true;
  }

  void sample() {
    const std::size_t start = in_.position();
    in_.skip_series();
    in_.move_to(start);
    const Labels labels = in_.take_series();
    in_.skip_blanks();
    const double value = in_.take_value();
    in_.skip_blanks();
    if (!in_.at_end_of_line()) in_.fail("unexpected text behind the value; timestamps are not supported here");
    if (!seen_.insert(labels).second) in_.fail_at(start, "this series is given twice");
    if (samples_.size() >= max_samples_) in_.fail_at(start, "more than " + std::to_string(max_samples_) + " samples");
    std::string name(labels.get(name_label));
    PageFamily& family = family_of(name);
    family.sampled = true;
    samples_.push_back({std::move(name), labels.without(name_label), value, family.type, family.help});
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

  SampleScanner in_;
  const std::size_t max_samples_;
  std::map<std::string, PageFamily> families_;
  std::unordered_set<Labels, LabelsHash> seen_;
  std::vector<PageSample> samples_;
};

}  // namespace

Result<std::vector<PageSample>> read_text_page(std::string_view text, std::size_t max_samples) {
  try {
    return PageReader(text, max_samples).read();
  } catch (const Misread& misread) {
    return Error{misread.what, promql::line_and_column(text, misread.offset)};
  }
}

}  // namespace sidewatch

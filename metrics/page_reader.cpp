#include "metrics/page_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "base/utf8.h"
#include "metrics/promql/characters.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr double furthest_ms = 9'007'199'254'740'992;  // 2^53: whole milliseconds are exact up to there

struct TypeWord {
  std::string_view word;
  MetricType type;
  bool in_text;  // the text format knows it too
  std::array<std::string_view, 4> suffixes;  // of the names that are samples of the family
};
constexpr std::array type_words{
    TypeWord{"counter", MetricType::counter, true, {"_total", "_created"}},
    TypeWord{"gauge", MetricType::gauge, true, {}},
    TypeWord{"histogram", MetricType::histogram, true, {"_bucket", "_sum", "_count", "_created"}},
    TypeWord{"summary", MetricType::summary, true, {"_sum", "_count", "_created"}},
    TypeWord{"untyped", MetricType::untyped, true, {}},
    TypeWord{"unknown", MetricType::untyped, false, {}},
    TypeWord{"info", MetricType::gauge, false, {"_info"}},
    TypeWord{"stateset", MetricType::gauge, false, {}},
    TypeWord{"gaugehistogram", MetricType::gauge, false, {"_bucket", "_gsum", "_gcount"}},
};

const TypeWord* find_type(std::string_view word) {
  const auto found = std::ranges::find(type_words, word, &TypeWord::word);
  return found == type_words.end() ? nullptr : &*found;
}

bool is_sample_of(std::string_view name, const PageFamily& family) {
  if (!name.starts_with(family.name)) return false;
  name.remove_prefix(family.name.size());
  if (name.empty()) return true;
  const TypeWord* type = find_type(family.type);
  return type != nullptr && std::ranges::find(type->suffixes, name) != type->suffixes.end();
}

// What was said first holds.
void add_to(PageFamily& first, const PageFamily& later) {
  if (!first.typed && later.typed) {
    first.type = later.type;
    first.typed = true;
  }
  if (first.unit.empty()) first.unit = later.unit;
  if (first.escaped_help.empty()) first.escaped_help = later.escaped_help;
}

std::string_view without_blanks(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace

// `\\`, `\n` and, in OpenMetrics, `\"` of a help text.
std::string PageFamily::help() const {
  std::string help;
  for (std::size_t i = 0; i < escaped_help.size(); ++i) {
    const char next = i + 1 < escaped_help.size() ? escaped_help[i + 1] : '\0';
    const bool escape = escaped_help[i] == '\\' && (next == '\\' || next == 'n' || next == '"');
    if (escape) ++i;
    help += escape && next == 'n' ? '\n' : escaped_help[i];
  }
  return help;
}

void PageReader::start(std::string_view text, const PageOptions& options) {
  text_ = text;
  options_ = options;
  in_ = SampleScanner(text, options.series);
  sample_ = {};
  samples_ = 0;
  eof_seen_ = false;
  error_.reset();
  families_.clear();
  by_name_.clear();
  current_ = none;
  indexed_ = 0;
}

bool PageReader::next(std::string_view expected) {
  if (error_) return false;
  try {
    return advance(expected);
  } catch (const Misread& misread) {
    stop_at(misread);
    return false;
  }
}

void PageReader::stop_at(const Misread& misread) {
  error_ = Error{misread.what, promql::line_and_column(text_, std::min(misread.offset, text_.size()))};
}

bool PageReader::advance(std::string_view expected) {
  while (in_.next_line()) {
    if (options_.refuse_unfinished && !in_.line_is_whole()) in_.fail("the last line has no end: the page is not whole");
    if (eof_seen_ && !options_.is_file) in_.fail("nothing may follow # EOF");
    in_.skip_blanks();
    if (in_.at_end_of_line()) {
      if (is_openmetrics() && !options_.is_file) in_.fail("an empty line; OpenMetrics has none");
    } else if (eof_seen_) {
      in_.fail("nothing may follow # EOF");
    } else if (in_.peek() == '#') {
      comment();
    } else {
      take_sample(expected);
      return true;
    }
  }
  if (is_openmetrics() && !eof_seen_) SampleScanner::fail_at(text_.size(), "the page does not end with # EOF: it is not whole");
  return false;
}

void PageReader::refuse_openmetrics(std::size_t at, const std::string& what) const {
  SampleScanner::fail_at(at, what + (options_.is_file ? " is OpenMetrics, but the file does not end with # EOF: it has been cut "
                                                        "off, or the line is missing"
                                                      : " is OpenMetrics, but this page is the Prometheus text format"));
}

void PageReader::comment() {
  const std::size_t start = in_.position();
  in_.advance();
  in_.skip_blanks();
  const std::string_view keyword = in_.word();
  if (keyword == "EOF" && is_openmetrics()) return end_of_page(start);
  if (keyword == "UNIT" && !is_openmetrics()) {
    if (options_.is_file) refuse_openmetrics(start, "# UNIT");
    return;  // a remark like any other there
  }
  if (keyword == "TYPE" || keyword == "HELP" || keyword == "UNIT") return metadata(keyword);
  if (is_openmetrics() && !options_.is_file) in_.fail_at(start, "expected # TYPE, # HELP, # UNIT or # EOF; OpenMetrics has no other remarks");
}

void PageReader::end_of_page(std::size_t start) {
  if (!in_.at_end_of_line()) in_.fail_at(start, "unexpected text behind # EOF");
  eof_seen_ = true;
}

void PageReader::metadata(std::string_view keyword) {
  in_.skip_blanks();
  const std::size_t name_at = in_.position();
  const std::string_view name = in_.word();
  if (!is_legal_metric_name(name)) in_.fail_at(name_at, "# " + std::string(keyword) + " lacks the name of a metric");
  in_.skip_blanks();
  PageFamily& family = named(name);
  if (keyword == "TYPE") return take_type(family);
  if (keyword == "UNIT") return take_unit(family);
  const std::size_t help_at = in_.position();
  const std::string_view help = in_.rest_of_line();
  if (!is_utf8(help)) in_.fail_at(help_at, "the help is not UTF-8");
  family.escaped_help = help;
}

void PageReader::take_type(PageFamily& family) {
  const std::size_t start = in_.position();
  const std::string_view word = in_.word();
  const TypeWord* type = find_type(word);
  const bool is_of_format = type != nullptr && (is_openmetrics() ? word != "untyped" : type->in_text);
  if (type == nullptr || (!is_of_format && !options_.is_file)) {
    in_.fail_at(start, promql::quoted_start(word) + " is no type of a metric; known are counter, gauge, histogram, summary" +
                           (options_.is_file   ? ", info, stateset, gaugehistogram and unknown (or untyped)"
                            : is_openmetrics() ? ", info, stateset, gaugehistogram and unknown"
                                               : " and untyped"));
  }
  in_.skip_blanks();
  if (!in_.at_end_of_line()) in_.fail("unexpected text behind the type");
  if (options_.refuse_repeated_metadata) {
    const std::string of_name = "the type of " + std::string(family.name);
    if (family.typed) in_.fail_at(start, of_name + " is given twice");
    if (family.sampled) in_.fail_at(start, of_name + " comes after its samples");
  }
  if (!family.typed) family.type = word;
  family.typed = true;
}

void PageReader::take_unit(PageFamily& family) {
  const std::size_t start = in_.position();
  const std::string_view unit = in_.word();
  in_.skip_blanks();
  if (!in_.at_end_of_line()) in_.fail("unexpected text behind the unit");
  const bool fits = family.name.size() > unit.size() && family.name.ends_with(unit) &&
                    family.name[family.name.size() - unit.size() - 1] == '_';
  if (!unit.empty() && !fits) {
    in_.fail_at(start, "the name " + std::string(family.name) + " does not end with its unit " + promql::quoted_start(unit));
  }
  family.unit = unit;
}

void PageReader::take_sample(std::string_view expected) {
  sample_at_ = in_.position();
  if (expected.empty() || !in_.skip_known_series(expected)) in_.skip_series();
  sample_.series = in_.from(sample_at_);
  in_.skip_blanks();
  sample_.value = in_.take_value();
  in_.skip_blanks();
  sample_.timestamp_ms.reset();
  sample_.exemplar.reset();
  if (!in_.at_end_of_line()) {
    if (in_.peek() != '#') sample_.timestamp_ms = take_timestamp();
    in_.skip_blanks();
    if (in_.peek() == '#') take_exemplar();
    if (!in_.at_end_of_line()) in_.fail("unexpected text behind the sample");
  }
  if (++samples_ > options_.max_samples) {
    in_.fail_at(sample_at_, "more than " + std::to_string(options_.max_samples) + " samples");
  }
  if (options_.refuse_repeated_metadata) {
    family();
    if (current_ == none) (void)named(sample_.name());
    families_[current_].sampled = true;
  }
}

std::optional<std::int64_t> PageReader::take_timestamp() {
  const std::size_t start = in_.position();
  if (options_.refuse_timestamps) in_.fail("unexpected text behind the value; timestamps are not supported here");
  const std::string_view word = in_.word();
  const auto number = sample_number(word);
  if (!number || !std::isfinite(*number)) in_.fail_at(start, promql::quoted_start(word) + " is not a timestamp");
  if (!is_openmetrics() && *number != std::trunc(*number)) refuse_openmetrics(start, "a timestamp with a fraction");
  const double ms = std::round(is_openmetrics() ? *number * 1000 : *number);
  if (std::abs(ms) > furthest_ms) in_.fail_at(start, promql::quoted_start(word) + " is too far from 1970");
  return static_cast<std::int64_t>(ms);
}

// # {trace_id="x"} 0.5 1700000000.5
void PageReader::take_exemplar() {
  const std::size_t start = in_.position();
  in_.advance();
  in_.skip_blanks();
  if (in_.peek() != '{') in_.fail_at(start, "unexpected text behind the sample");
  if (!is_openmetrics()) refuse_openmetrics(start, "an exemplar");
  const std::size_t labels_at = in_.position();
  in_.skip_labels();
  PageExemplar exemplar;
  exemplar.labels = in_.from(labels_at);
  in_.skip_blanks();
  exemplar.value = in_.take_value();
  in_.skip_blanks();
  if (!in_.at_end_of_line()) {
    const std::size_t time_at = in_.position();
    const auto seconds = sample_number(in_.word());
    if (!seconds || !std::isfinite(*seconds) || std::abs(*seconds) * 1000 > furthest_ms) {
      in_.fail_at(time_at, "an exemplar's timestamp is not a number of seconds");
    }
    exemplar.timestamp_ms = static_cast<std::int64_t>(std::round(*seconds * 1000));
  }
  in_.skip_blanks();
  sample_.exemplar = exemplar;
}

bool PageReader::labels(std::vector<Label>& labels) {
  labels.clear();
  if (error_) return false;
  const std::size_t behind = in_.position();
  try {
    in_.move_to(sample_at_);
    (void)in_.take_name();
    in_.skip_blanks();
    if (in_.peek() == '{') in_.take_labels(labels);
    in_.move_to(behind);
    return true;
  } catch (const Misread& misread) {
    stop_at(misread);
    return false;
  }
}

bool PageReader::labels_of(std::string_view series, std::vector<Label>& labels) {
  labels.clear();
  try {
    SampleScanner one(series, options_.series);
    (void)one.next_line();
    (void)one.take_name();
    one.skip_blanks();
    if (one.peek() == '{') one.take_labels(labels);
    return true;
  } catch (const Misread&) {
    return false;
  }
}

bool PageReader::exemplar_labels(std::vector<Label>& labels) {
  labels.clear();
  if (error_ || !sample_.exemplar) return false;
  const std::size_t behind = in_.position();
  const auto start = static_cast<std::size_t>(sample_.exemplar->labels.data() - text_.data());
  try {
    in_.move_to(start);
    in_.take_labels(labels);
    in_.move_to(behind);
    return true;
  } catch (const Misread& misread) {
    stop_at(misread);
    return false;
  }
}

const PageFamily& PageReader::family() {
  const std::string_view name = sample_.name();
  if (current_ != none && is_sample_of(name, families_[current_])) return families_[current_];
  if (const PageFamily* exact = find(name); exact != nullptr) return *exact;
  if (const auto suffix = name.rfind('_'); suffix != std::string_view::npos) {
    const PageFamily* whole = find(name.substr(0, suffix));
    if (whole != nullptr && is_sample_of(name, *whole)) return *whole;
  }
  current_ = none;
  undescribed_.name = name;
  return undescribed_;
}

MetricType PageReader::type() {
  const PageFamily& of = family();
  const TypeWord* word = find_type(of.type);
  if (word == nullptr) return MetricType::untyped;
  const std::string_view suffix = sample_.name().substr(of.name.size());
  if (suffix == "_created") return MetricType::gauge;
  // A histogram's own name is none of its samples.
  const bool is_part = word->type != MetricType::histogram || !suffix.empty();
  return is_part ? word->type : MetricType::untyped;
}

// Null when nothing was said of it. Becomes the current family.
PageFamily* PageReader::find(std::string_view name) {
  for (; indexed_ < families_.size(); ++indexed_) {
    const PageFamily& spoken_of = families_[indexed_];
    const auto [known, is_new] = by_name_.try_emplace(spoken_of.name, indexed_);
    if (!is_new) add_to(families_[known->second], spoken_of);
  }
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  current_ = found->second;
  return &families_[current_];
}

PageFamily& PageReader::named(std::string_view name) {
  if (current_ != none && families_[current_].name == name) return families_[current_];
  if (options_.refuse_repeated_metadata) {
    if (PageFamily* known = find(name); known != nullptr) return *known;
  }
  if (families_.size() >= options_.max_families) {
    in_.fail("more than " + std::to_string(options_.max_families) + " metrics are described");
  }
  current_ = families_.size();
  PageFamily family;
  family.name = name;
  return families_.emplace_back(family);
}

ExpositionFormat format_by_end(std::string_view page) {
  page = without_blanks(page);
  const bool ends = page == "# EOF" || page.ends_with("\n# EOF");
  return ends ? ExpositionFormat::openmetrics : ExpositionFormat::prometheus_text;
}

ExpositionFormat format_by_content_type(std::string_view content_type) {
  const std::string media_type = promql::to_lower(without_blanks(content_type.substr(0, content_type.find(';'))));
  return media_type == "application/openmetrics-text" ? ExpositionFormat::openmetrics : ExpositionFormat::prometheus_text;
}

Result<ReadPage> read_page(std::string_view text, const PageOptions& options) {
  ReadPage page;
  PageReader reader(text, options);
  std::vector<Label> labels;
  std::unordered_map<std::string_view, std::size_t> families;
  std::unordered_map<std::string_view, std::unordered_set<Labels, LabelsHash>> seen;
  while (reader.next() && reader.labels(labels)) {
    const PageFamily& family = reader.family();
    const auto [known, is_new] = families.try_emplace(family.name, page.families.size());
    if (is_new) page.families.push_back({std::string(family.name), std::string(family.unit), family.help()});
    const PageSample& sample = reader.sample();
    ReadSample read{std::string(sample.name()), Labels(labels), sample.value, sample.timestamp_ms, reader.type(), known->second};
    if (!seen[sample.name()].insert(read.labels).second) {
      const auto offset = static_cast<std::size_t>(sample.series.data() - text.data());
      return Error{"this series is given twice", promql::line_and_column(text, offset)};
    }
    page.samples.push_back(std::move(read));
  }
  if (reader.error()) return *reader.error();
  return page;
}

}  // namespace sidewatch

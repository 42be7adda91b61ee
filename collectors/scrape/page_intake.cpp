#include "collectors/scrape/page_intake.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/utf8.h"
#include "collectors/own_names.h"
#include "metrics/text.h"

namespace sidewatch::scrape {
namespace {

constexpr std::string_view name_label = "__name__";
constexpr std::size_t most_samples = 1'000'000;  // the size of the page is what bounds it
constexpr std::size_t shown_bytes = 100;

std::string shown(std::string_view text) {
  const auto cut = cut_at_character(text, shown_bytes);
  return std::string(cut) + (cut.size() < text.size() ? "..." : "");
}

std::uint64_t hash_of(const PageExemplar& exemplar) {
  const std::hash<double> number;
  std::uint64_t hash = std::hash<std::string_view>{}(exemplar.labels);
  hash = hash * 31 + number(exemplar.value);
  return (hash * 31 + static_cast<std::uint64_t>(exemplar.timestamp_ms.value_or(0))) | 1;
}

std::string_view value_of(const std::vector<Label>& labels, std::string_view name) {
  const auto found = std::ranges::find(labels, name, &Label::name);
  return found == labels.end() ? std::string_view() : std::string_view(found->value);
}

Error limit_error(const std::string& what, std::string_view key, std::size_t limit) {
  return Error{what + " than " + std::string(key) + " (" + std::to_string(limit) + ") allows", ""};
}

}  // namespace

PageIntake::PageIntake(Catalog& catalog, IntakeOptions options, Exemplars* exemplars)
    : catalog_(catalog), options_(std::move(options)), exemplars_(exemplars) {}

Result<void> PageIntake::take(std::string_view page, ExpositionFormat format, Time now, Batch& batch,
                              PageCounts& counts) {
  PageOptions options;
  options.format = format;
  options.max_samples = most_samples;
  options.refuse_unfinished = options.refuse_repeated_metadata = options.refuse_timestamps = false;
  reader_.start(page, options);
  rows_.clear();
  new_exemplars_.clear();
  texts_.begin();
  if (auto read_whole = read(now, counts); !read_whole) return read_whole;
  if (counts.added > 0 || has_duplicates_) leave_out_duplicates(counts);
  for (const Row& row : rows_) batch.add(row.known->series, row.value);
  for (NewExemplar& one : new_exemplars_) (void)exemplars_->add(one.series, std::move(one.exemplar));
  texts_.end();
  return {};
}

// Also behind sample_limit the page is read to its end, so that it can be said how many samples it has.
Result<void> PageIntake::read(Time now, PageCounts& counts) {
  while (reader_.next(texts_.expected())) {
    ++counts.scraped;
    const bool full = options_.limits.samples > 0 && counts.kept > options_.limits.samples;
    if (full) continue;
    auto [known, met] = texts_.take(reader_.sample().series);
    if (met == SeriesTexts<Known>::Met::twice) {
      if (counts.duplicates++ == 0) counts.first_duplicate = shown(reader_.sample().series);
      continue;
    }
    if (met == SeriesTexts<Known>::Met::first_time) {
      if (const auto error = meet(known, counts)) return *error;
      if (known.series) ++counts.added;
    }
    if (known.refused && counts.refused++ == 0) counts.first_refused = shown(reader_.sample().name());
    if (!known.series) continue;
    ++counts.kept;
    rows_.push_back({&known, reader_.sample().value});
    if (reader_.sample().exemplar && exemplars_ != nullptr) note_exemplar(known, now);
  }
  if (const auto& error = reader_.error()) {
    return Error{"the page is not understood at line " + error->where.substr(0, error->where.find(':')) + ", column " +
                     error->where.substr(error->where.find(':') + 1) + ": " + error->what,
                 ""};
  }
  if (options_.limits.samples > 0 && counts.kept > options_.limits.samples) {
    counts.over_limit = true;
    return limit_error("the page has more samples", "sample_limit", options_.limits.samples);
  }
  return {};
}

// Settles under which series, if any, the sample that has just been read is written.
std::optional<Error> PageIntake::meet(Known& known, PageCounts& counts) {
  if (!reader_.labels(labels_)) return reader_.error();
  std::erase_if(labels_, [](const Label& label) { return label.value.empty() || label.name == name_label; });
  labels_.push_back({std::string(name_label), std::string(reader_.sample().name())});
  add_target_labels();
  if (!relabel(options_.relabelling, labels_)) return std::nullopt;
  const std::string name(value_of(labels_, name_label));
  if (!is_legal_metric_name(name)) {
    return Error{name.empty() ? "metric_relabel_configs take the name of " + shown(reader_.sample().series) + " away"
                              : "metric_relabel_configs make '" + shown(name) + "' the name of a metric",
                 ""};
  }
  if (auto error = beyond_limits()) {
    counts.over_limit = true;
    return error;
  }
  known.refused = is_agents_own(name);
  if (known.refused) return std::nullopt;
  std::erase_if(labels_, [](const Label& label) { return label.name == name_label; });
  const PageFamily& family = reader_.family();
  const std::string help = family.help();
  const Metric metric{name, reader_.type(), family.unit, help};
  known.series = catalog_.series(metric, Labels(labels_));
  return std::nullopt;
}

std::optional<Error> PageIntake::beyond_limits() const {
  const PageLimits& limits = options_.limits;
  const auto of_series = [this] { return " (of " + shown(reader_.sample().series) + ")"; };
  if (limits.labels > 0 && labels_.size() > limits.labels) {
    return limit_error("a series" + of_series() + " has more labels", "label_limit", limits.labels);
  }
  for (const Label& label : labels_) {
    if (limits.label_name_bytes > 0 && label.name.size() > limits.label_name_bytes) {
      return limit_error("a label's name" + of_series() + " is longer", "label_name_length_limit", limits.label_name_bytes);
    }
    if (limits.label_value_bytes > 0 && label.value.size() > limits.label_value_bytes) {
      return limit_error("the value of label " + shown(label.name) + of_series() + " is longer",
                         "label_value_length_limit", limits.label_value_bytes);
    }
  }
  return std::nullopt;
}

// As Prometheus does it: what the page says of `job` becomes exported_job, or stays (honor_labels).
void PageIntake::add_target_labels() {
  for (const Label& label : options_.target_labels) {
    const auto found = std::ranges::find(labels_, label.name, &Label::name);
    if (found == labels_.end()) {
      labels_.push_back(label);
    } else if (!options_.honor_labels) {
      std::string name = "exported_" + label.name;
      const auto is_taken = [&] {
        return !value_of(labels_, name).empty() || !options_.target_labels.get(name).empty();
      };
      while (is_taken()) name.insert(0, "exported_");
      labels_.push_back({std::move(name), std::exchange(found->value, label.value)});
    }
  }
}

void PageIntake::note_exemplar(Known& known, Time now) {
  const PageExemplar& written = *reader_.sample().exemplar;
  const std::uint64_t hash = hash_of(written);
  if (hash == known.last_exemplar) return;
  known.last_exemplar = hash;
  if (!known.info) known.info = catalog_.info(known.series.id());
  if (!known.info || is_overflow(known) || !reader_.exemplar_labels(labels_)) return;
  Exemplar exemplar;
  exemplar.labels = Labels(labels_);
  exemplar.value = written.value;
  exemplar.has_own_time = written.timestamp_ms.has_value();
  exemplar.at = exemplar.has_own_time ? WallTime(Duration(*written.timestamp_ms)) : to_wall(now, Duration(0));
  new_exemplars_.push_back({known.info, std::move(exemplar)});
}

// Two texts may be one series: their labels stand in another order, or have become the same. Such a page mostly stays
// as it is, so after one that had none the next is only looked through when it has something new.
void PageIntake::leave_out_duplicates(PageCounts& counts) {
  sorted_ = rows_;
  const auto id = [](const Row& row) { return row.known->series.id(); };
  std::ranges::stable_sort(sorted_, {}, id);
  std::vector<const Known*> left_out;
  for (std::size_t i = 1; i < sorted_.size(); ++i) {
    if (id(sorted_[i]) == id(sorted_[i - 1]) && !is_overflow(*sorted_[i].known)) left_out.push_back(sorted_[i].known);
  }
  has_duplicates_ = !left_out.empty();
  if (left_out.empty()) return;
  if (counts.duplicates == 0) {
    const auto info = catalog_.info(left_out.front()->series.id());
    counts.first_duplicate = shown(info->family->name + info->labels.to_string());
  }
  counts.duplicates += left_out.size();
  std::ranges::sort(left_out);
  std::erase_if(rows_, [&](const Row& row) { return std::ranges::binary_search(left_out, row.known); });
}

// The series that stands for many is written by all of them.
bool PageIntake::is_overflow(const Known& known) const {
  const auto info = catalog_.info(known.series.id());
  return info && info->labels.get("overflow") == "true";
}

}  // namespace sidewatch::scrape

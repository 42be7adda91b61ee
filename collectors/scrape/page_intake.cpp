#include "collectors/scrape/page_intake.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "collectors/own_names.h"
#include "metrics/text.h"

namespace sidewatch::scrape {
namespace {

constexpr std::string_view name_label = "__name__";
constexpr std::size_t most_samples = 1'000'000;
constexpr std::size_t between_looks = 256;  // at the time, in samples
constexpr std::size_t few = 4096;           // so much memory for new series is kept from page to page
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

void erase_empty(std::vector<Label>& labels) {
  std::erase_if(labels, [](const Label& label) { return label.value.empty(); });
}

std::string_view name_of(std::string_view series) { return series.substr(0, series.find_first_of("{ \t")); }

Error limit_error(const std::string& what, std::string_view key, std::size_t limit) {
  return Error{what + " than " + std::string(key) + " (" + std::to_string(limit) + ") allows", ""};
}

}  // namespace

PageIntake::PageIntake(Catalog& catalog, IntakeOptions options, Exemplars* exemplars)
    : catalog_(catalog),
      options_(std::move(options)),
      exemplars_(exemplars),
      budget_(options_.max_series),
      overflow_(options_.target_labels) {}

Result<void> PageIntake::take(const ScrapedPage& page, Batch& batch, PageCounts& counts) {
  PageOptions options;
  options.format = page.format;
  options.max_samples = most_samples;
  options.refuse_unfinished = options.refuse_repeated_metadata = options.refuse_timestamps = false;
  reader_.start(page.text, options);
  rows_.clear();
  unsettled_.clear();
  new_exemplars_.clear();
  idle_ = 0;
  texts_.begin();
  may_have_room_ = budget_.begin_pass(catalog_);
  if (auto read_whole = read(page, counts); !read_whole) {
    forget_all();
    return read_whole;
  }
  const bool has_new = !unsettled_.empty();
  settle(counts);
  if (has_new || has_duplicates_) leave_out_duplicates(counts);
  write(batch, counts);
  if (idle_ > max_idle_texts) forget_idle();
  texts_.end();
  return {};
}

// Also behind sample_limit the page is read to its end, so that it can be said how many samples it has.
Result<void> PageIntake::read(const ScrapedPage& page, PageCounts& counts) {
  const std::size_t most = options_.limits.samples > 0 ? options_.limits.samples : most_samples;
  while (reader_.next(texts_.expected())) {
    if (++counts.scraped % between_looks == 0 && page.is_too_late && page.is_too_late()) {
      counts.too_late = true;
      return Error{"the page could not be read to its end in time", ""};
    }
    if (counts.kept > most) continue;
    if (auto error = take_sample(page.at, counts)) return std::move(*error);
  }
  if (const auto& error = reader_.error()) {
    return Error{"the page is not understood at line " + error->where.substr(0, error->where.find(':')) + ", column " +
                     error->where.substr(error->where.find(':') + 1) + ": " + error->what,
                 ""};
  }
  if (counts.kept > most) {
    counts.over_limit = true;
    Error error = limit_error("the page has more samples", "sample_limit", most);
    error.what += ": raise it, or drop some of them with metric_relabel_configs";
    return error;
  }
  return {};
}

std::optional<Error> PageIntake::take_sample(Time at, PageCounts& counts) {
  auto [known, met] = texts_.take(reader_.sample().series);
  if (met == SeriesTexts<Known>::Met::twice) {
    if (counts.duplicates++ == 0) counts.first_duplicate = shown(reader_.sample().series);
    return std::nullopt;
  }
  const bool is_new = met == SeriesTexts<Known>::Met::first_time;
  const bool may_be_better_off = may_have_room_ && (known.fate == Fate::shared || known.fate == Fate::overflowed);
  if (is_new || may_be_better_off) {
    if (auto error = meet(known, is_new, counts)) return error;
  }
  if (known.fate == Fate::own_name && counts.refused++ == 0) counts.first_refused = shown(reader_.sample().name());
  if (known.fate == Fate::dropped || known.fate == Fate::own_name) {
    if (is_new && idle_ >= max_idle_texts) {
      texts_.forget_last();
    } else {
      ++idle_;
    }
    return std::nullopt;
  }
  ++counts.kept;
  rows_.push_back({&known, reader_.sample().value});
  if (reader_.sample().exemplar && exemplars_ != nullptr) note_exemplar(known, at);
  return std::nullopt;
}

// Looks whether the sample that has just been read is kept, and whether it may be.
std::optional<Error> PageIntake::meet(Known& known, bool is_new, PageCounts& counts) {
  if (!reader_.labels(labels_)) return reader_.error();
  known.fate = Fate::dropped;
  if (!label(reader_.sample().name())) return std::nullopt;
  const std::string_view name = value_of(labels_, name_label);
  if (!is_legal_metric_name(name)) {
    return Error{name.empty() ? "metric_relabel_configs take the name of " + shown(reader_.sample().series) + " away"
                              : "metric_relabel_configs make '" + shown(name) + "' the name of a metric",
                 ""};
  }
  if (auto error = beyond_limits()) {
    counts.over_limit = true;
    return error;
  }
  known.fate = is_agents_own(name) ? Fate::own_name : Fate::kept;
  if (known.fate == Fate::kept) {
    const PageFamily& family = reader_.family();
    unsettled_.push_back({&known, is_new, reader_.sample().series, reader_.type(), family});
  }
  return std::nullopt;
}

// labels_, as they stand on the page, become those of the series, with __name__. False: the relabelling drops it.
bool PageIntake::label(std::string_view name) {
  std::erase_if(labels_, [](const Label& label) { return label.name == name_label; });
  // With honor_labels also that a label is empty counts: it is not there then, nor is the target's.
  if (!options_.honor_labels) erase_empty(labels_);
  labels_.push_back({std::string(name_label), std::string(name)});
  add_target_labels();
  erase_empty(labels_);
  return relabel(options_.relabelling, labels_);
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
  if (hash == known.last_exemplar || !reader_.exemplar_labels(labels_)) return;
  known.last_exemplar = hash;
  Exemplar exemplar;
  exemplar.labels = Labels(labels_);
  exemplar.value = written.value;
  exemplar.has_own_time = written.timestamp_ms.has_value();
  exemplar.at = exemplar.has_own_time ? WallTime(Duration(*written.timestamp_ms)) : to_wall(now, Duration(0));
  new_exemplars_.push_back({&known, std::move(exemplar)});
}

// The labels are made once more, which is less than to hold them for a page that may yet be refused.
void PageIntake::settle(PageCounts& counts) {
  for (const Unsettled& one : unsettled_) {
    (void)reader_.labels_of(one.series, labels_);
    (void)label(name_of(one.series));
    const std::string name(value_of(labels_, name_label));
    std::erase_if(labels_, [](const Label& label) { return label.name == name_label; });
    const std::string help = one.family.help();
    const Metric metric{name, one.type, one.family.unit, help};
    Known& known = *one.known;
    auto given = budget_.series(catalog_, metric, Labels(labels_));
    known.fate = given.settled ? Fate::served : given.series ? Fate::shared : Fate::overflowed;
    known.series = std::move(given.series);
    known.info.reset();
    known.overflow.reset();
    if (known.fate == Fate::overflowed) known.overflow = overflow_.place(catalog_, metric);
    if (one.is_new && known.series) ++counts.added;
  }
  if (unsettled_.capacity() > few) unsettled_ = {};
}

// Two texts may be one series: their labels stand in another order, or have become the same. Such a page mostly stays
// as it is, so after one that had none the next is only looked through when it has something new.
void PageIntake::leave_out_duplicates(PageCounts& counts) {
  sorted_.clear();
  std::ranges::copy_if(rows_, std::back_inserter(sorted_), [](const Row& row) { return row.known->fate == Fate::served; });
  const auto id = [](const Row& row) { return row.known->series.id(); };
  std::ranges::stable_sort(sorted_, {}, id);
  std::vector<const Known*> left_out;
  for (std::size_t i = 1; i < sorted_.size(); ++i) {
    if (id(sorted_[i]) == id(sorted_[i - 1])) left_out.push_back(sorted_[i].known);
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

void PageIntake::write(Batch& batch, PageCounts& counts) {
  for (const Row& row : rows_) {
    batch.add(row.known->series, row.value);
    if (row.known->fate == Fate::served) continue;
    ++idle_;
    if (row.known->fate == Fate::overflowed) ++counts.overflowed;
    if (row.known->overflow) overflow_.set(*row.known->overflow, row.value);
  }
  overflow_.write(batch);
  for (NewExemplar& one : new_exemplars_) {
    Known& known = *one.known;
    if (known.fate != Fate::served) continue;  // the series that stands for many has no examples
    if (!known.info) known.info = catalog_.info(known.series.id());
    if (known.info) (void)exemplars_->add(known.info, std::move(one.exemplar));
  }
}

void PageIntake::forget_idle() {
  std::size_t idle = 0;
  texts_.forget_if([&idle](const Known& known) {
    return known.fate != Fate::served && ++idle > max_idle_texts;
  });
}

// A page that is refused may have been a large one.
void PageIntake::forget_all() {
  texts_ = {};
  rows_ = {};
  unsettled_ = {};
  new_exemplars_ = {};
  reader_ = PageReader();
}

}  // namespace sidewatch::scrape

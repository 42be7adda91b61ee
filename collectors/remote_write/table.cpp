#include "collectors/remote_write/table.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "metrics/text.h"

namespace sidewatch::remote_write {
namespace {

constexpr Duration max_lead = std::chrono::minutes(10);  // how far a sender's clock may be ahead
constexpr std::size_t max_metadata = 10'000;             // families
constexpr std::size_t max_help_bytes = 1024;
constexpr std::size_t max_name_bytes = 256;              // of a metric or a label
constexpr std::size_t max_value_bytes = 4096;            // of a label
constexpr std::size_t max_known = 100'000;               // spellings of series that are remembered
constexpr std::size_t max_known_bytes = std::size_t{8} << 20;
constexpr std::size_t label_bytes = 64;                  // about what a label takes beside its texts
constexpr std::size_t copies = 3;                        // of a series' labels: its own, the map's, the board's
constexpr std::string_view default_help = "Sent with remote write.";
constexpr std::string_view parts[] = {"_bucket", "_count", "_sum"};

std::size_t bytes_of(const Labels& labels) {
  std::size_t bytes = label_bytes;
  for (const auto& [name, value] : labels) bytes += name.size() + value.size() + label_bytes;
  return copies * bytes;
}

// A page of metrics tells the name three times for each series, and labels once.
bool is_of_usual_size(const Labels& labels) {
  if (labels.size() > max_labels || labels.get("__name__").size() > max_name_bytes) return false;
  return std::all_of(labels.begin(), labels.end(), [](const Label& label) {
    return label.name.size() <= max_name_bytes && label.value.size() <= max_value_bytes;
  });
}

// Without the end by which a histogram's or a summary's series differ; the name itself where it has none.
std::string_view without_part(std::string_view name) {
  for (const auto part : parts) {
    if (name.size() > part.size() && name.ends_with(part)) return name.substr(0, name.size() - part.size());
  }
  return name;
}

std::string_view without_total(std::string_view name) {
  constexpr std::string_view end = "_total";
  return name.substr(0, name.ends_with(end) ? name.size() - end.size() : name.size());
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::superseded: return "superseded";
    case Refusal::out_of_order: return "out_of_order";
    case Refusal::too_old: return "too_old";
    case Refusal::too_new: return "too_new";
    case Refusal::native_histogram: return "native_histogram";
    case Refusal::reserved_name: return "reserved_name";
    case Refusal::too_large: return "too_large";
    case Refusal::no_room: return "no_room";
    case Refusal::count: break;
  }
  return "";
}

Table::Table(TableLimits limits) : limits_(limits), by_bytes_(max_known, max_known_bytes) {}

Result<Taken> Table::take(std::string_view request, Time now, WallTime wall) {
  if (auto looked = look_through(request); !looked) return looked.error();
  Taken taken;
  const auto read = read_request(
      request, [&](const SentSeries& sent) { take_one(sent, now, wall, taken); },
      [&](const SentMetadata& sent) { remember(sent); });
  if (!read) return read.error();
  return taken;
}

Result<void> Table::look_through(std::string_view request) const {
  std::optional<Error> broken;
  auto read = read_request(
      request,
      [&](const SentSeries& sent) {
        if (broken || (sent.labels && by_bytes_.find(*sent.labels) != nullptr)) return;
        if (const auto labels = read_labels(sent.message); !labels) broken = labels.error();
      },
      [](const SentMetadata&) {});
  if (broken) return *broken;
  return read;
}

void Table::take_one(const SentSeries& sent, Time now, WallTime wall, Taken& taken) {
  if (sent.native_histograms > 0) taken.refuse(Refusal::native_histogram, sent.native_histograms);
  if (sent.samples == 0) return take_exemplar(sent);
  taken.refuse(Refusal::superseded, sent.samples - 1);
  if (const auto refusal = check_time(sent, wall)) return taken.refuse(*refusal, 1);
  Refusal refusal{};
  const auto number = number_of(sent, refusal);
  if (!number) return taken.refuse(refusal, 1);
  Series& series = series_[*number];
  if (sent.time_ms < series.time_ms) return taken.refuse(Refusal::out_of_order, 1);
  series.time_ms = sent.time_ms;
  series.last = now;
  series.value = sent.value;
  series.has_ended = is_stale_marker(sent.value);
  ++taken.samples;
  if (series.has_ended) {
    if (series.place) board_.remove(*std::exchange(series.place, std::nullopt));
  } else if (series.place) {
    board_.set(*series.place, sent.value);
  } else if (!std::exchange(series.is_fresh, true)) {
    fresh_.push_back(*number);
  }
  take_exemplar(sent);
}

// Of a series that stands already: exemplars come by themselves, behind the samples.
void Table::take_exemplar(const SentSeries& sent) {
  if (sent.exemplar.empty()) return;
  const Number* number = sent.labels ? by_bytes_.find(*sent.labels) : nullptr;
  if (number == nullptr || !series_[*number].place) return;
  auto exemplar = read_exemplar(sent.exemplar);
  if (!exemplar) return;
  board_.add_exemplar(*series_[*number].place, {std::move(exemplar->labels), exemplar->value,
                                                WallTime(Duration(exemplar->time_ms)), true});
}

std::optional<Refusal> Table::check_time(const SentSeries& sent, WallTime wall) const {
  const auto now_ms = wall.time_since_epoch().count();
  if (limits_.max_age > Duration(0) && sent.time_ms < now_ms - limits_.max_age.count()) return Refusal::too_old;
  if (sent.time_ms > now_ms + max_lead.count()) return Refusal::too_new;
  return std::nullopt;
}

std::optional<Table::Number> Table::number_of(const SentSeries& sent, Refusal& refusal) {
  if (sent.labels) {
    if (const Number* const known = by_bytes_.find(*sent.labels)) return *known;
  }
  auto labels = read_labels(sent.message);
  refusal = Refusal::too_large;
  if (!labels || !is_of_usual_size(*labels)) return std::nullopt;
  refusal = Refusal::reserved_name;
  if (own_names_.contain(mend_metric_name(labels->get("__name__")))) return std::nullopt;  // as it would be served
  refusal = Refusal::no_room;
  const auto number = number_of(std::move(*labels), sent.time_ms);
  if (number && sent.labels) by_bytes_.remember(*sent.labels, *number);
  return number;
}

// Of a series that is new, the number is given here. Absent: there is no room.
std::optional<Table::Number> Table::number_of(Labels labels, std::int64_t time_ms) {
  if (const auto same = by_labels_.find(labels); same != by_labels_.end()) return same->second;
  const std::size_t bytes = bytes_of(labels);
  if (by_labels_.size() >= limits_.max_series || bytes_ + bytes > limits_.max_bytes) return std::nullopt;
  if (free_.empty()) {
    free_.push_back(static_cast<Number>(series_.size()));
    series_.emplace_back();
  }
  const Number number = free_.back();
  free_.pop_back();
  Series& series = series_[number];
  series.is_used = true;
  series.time_ms = time_ms;
  series.bytes = bytes;
  bytes_ += bytes;
  ++names_[std::string(labels.get("__name__"))];
  series.labels = std::move(labels);
  by_labels_.emplace(series.labels, number);
  return number;
}

void Table::remember(const SentMetadata& sent) {
  if (sent.name.empty() || sent.name.size() > max_name_bytes) return;
  std::string name(sent.name);
  if (metadata_.size() >= max_metadata && !metadata_.contains(name)) return;
  metadata_.insert_or_assign(std::move(name), Metadata{sent.type, std::string(sent.help.substr(0, max_help_bytes)),
                                                       std::string(sent.unit.substr(0, max_name_bytes))});
}

void Table::settle(Time now) {
  bool any = false;
  for (Number number = 0; number < series_.size(); ++number) {
    if (!series_[number].is_used || !is_over(series_[number], now)) continue;
    drop(number);
    any = true;
  }
  if (any) by_bytes_.forget_all();
  if (metadata_.size() >= max_metadata) forget_metadata();
  for (const auto number : fresh_) {
    Series& series = series_[number];
    series.is_fresh = false;
    if (!series.is_used || series.has_ended || series.place) continue;
    series.place = board_.add(family_of(series.labels), series.labels.without("__name__"));
    board_.set(*series.place, series.value);
  }
  fresh_.clear();
}

// What has ended is remembered for as long as an older sample might come for it.
bool Table::is_over(const Series& series, Time now) const {
  const Duration age = now - series.last;
  if (series.has_ended && age > (limits_.max_age > Duration(0) ? limits_.max_age : max_lead)) return true;
  return limits_.ttl > Duration(0) && age > limits_.ttl;
}

// That of families without a series: senders tell about all that they know, whatever they send.
void Table::forget_metadata() {
  std::unordered_set<std::string_view> families;
  for (const auto& [name, count] : names_) {
    families.insert({name, without_part(name), without_total(name)});
  }
  std::erase_if(metadata_, [&](const auto& each) { return !families.contains(each.first); });
}

void Table::drop(Number number) {
  Series& series = series_[number];
  if (series.place) board_.remove(*series.place);
  bytes_ -= series.bytes;
  const auto name = names_.find(std::string(series.labels.get("__name__")));
  if (--name->second == 0) names_.erase(name);
  by_labels_.erase(series.labels);
  series = {};
  free_.push_back(number);
}

// As metadata says it, which comes about once a minute; before that, as the names of Prometheus's conventions say it.
std::shared_ptr<const Family> Table::family_of(const Labels& labels) const {
  std::string name(labels.get("__name__"));
  const auto said = [&](std::string_view family) -> const Metadata* {
    const auto found = metadata_.find(std::string(family));
    return found != metadata_.end() ? &found->second : nullptr;
  };
  const Metadata* metadata = said(name);
  if (metadata == nullptr) {
    metadata = said(without_part(name));
    const bool is_part = metadata != nullptr && (metadata->type == MetricType::histogram || metadata->type == MetricType::summary);
    if (!is_part) metadata = nullptr;
  }
  if (metadata == nullptr) metadata = said(without_total(name));
  auto family = metadata != nullptr ? Family{name, metadata->type, metadata->unit, metadata->help}
                                    : Family{name, guessed_type(name, labels), "", ""};
  if (family.help.empty()) family.help = default_help;
  return std::make_shared<const Family>(std::move(family));
}

MetricType Table::guessed_type(const std::string& name, const Labels& labels) const {
  if (name.ends_with("_total")) return MetricType::counter;
  if (name.ends_with("_bucket") && !labels.get("le").empty()) return MetricType::histogram;
  if (!labels.get("quantile").empty()) return MetricType::summary;
  const std::string whole(without_part(name));
  if (whole == name) return MetricType::untyped;
  if (names_.contains(whole + "_bucket")) return MetricType::histogram;
  return names_.contains(whole) ? MetricType::summary : MetricType::untyped;
}

}  // namespace sidewatch::remote_write

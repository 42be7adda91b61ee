// The samples of a page, put together by series. The text of a series (`up{job="a"}`) is read into labels once; where the
// same bytes come again, they are looked up. Whether a file goes through it series by series or time by time: behind a
// series mostly stands the one that stood there the last time, so that one is expected.
#include "metrics/openmetrics_reader.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "metrics/page_reader.h"
#include "metrics/promql/characters.h"

namespace sidewatch {
namespace {

class Collection {
 public:
  Collection(std::string_view text, const SamplesReadOptions& options) : text_(text), options_(options) {
    PageOptions page;
    page.format = format_by_end(text);
    page.is_file = true;
    page.max_samples = page.max_families = options.max_samples;
    page.refuse_unfinished = page.refuse_repeated_metadata = page.refuse_timestamps = false;
    in_.start(text, page);
  }

  Result<SamplesRead> read() {
    while (!error_ && in_.next(notes_.empty() ? std::string_view() : notes_[notes_[at_].next].text)) take();
    if (!error_ && !in_.error()) put_in_order();
    if (error_) return *error_;
    if (in_.error()) return *in_.error();
    return std::move(read_);
  }

 private:
  // What is needed of a series beside what is handed out.
  struct Notes {
    std::string_view text;
    std::size_t next;                // the series that stood behind it the last time; itself at first
    std::size_t last_sample_at = 0;  // in the text
    bool in_order = true;
  };

  void fail(std::size_t offset, std::string what) {
    error_ = Error{std::move(what), promql::line_and_column(text_, std::min(offset, text_.size()))};
  }

  void take() {
    const PageSample& sample = in_.sample();
    const auto offset = static_cast<std::size_t>(sample.series.data() - text_.data());
    if (!go_to(sample.series, offset)) return;
    if (sample.exemplar && !in_.exemplar_labels(labels_)) return;
    const bool given = sample.timestamp_ms.has_value();
    if (in_.samples() > 1 && given != read_.timed) {
      return fail(offset, given ? "this sample has a timestamp, the ones before have none"
                                : "this sample has no timestamp, the ones before have one");
    }
    read_.timed = given;
    add({given ? time_at_ms(*sample.timestamp_ms) : options_.untimed_at, sample.value}, offset);
  }

  bool go_to(std::string_view series, std::size_t offset) {
    const std::size_t before = at_;
    if (!notes_.empty() && notes_[notes_[before].next].text == series) {
      at_ = notes_[before].next;
    } else if (const auto known = by_text_.find(series); known != by_text_.end()) {
      at_ = known->second;
    } else if (!meet(series, offset)) {
      return false;
    }
    notes_[before].next = at_;
    return true;
  }

  bool meet(std::string_view series, std::size_t offset) {
    if (!in_.labels(labels_)) return false;
    if (std::ranges::find(labels_, "__name__", &Label::name) != labels_.end()) {
      fail(offset, "the label __name__ is the name in front of the braces");
      return false;
    }
    labels_.push_back({"__name__", std::string(in_.sample().name())});
    Labels labels(labels_);
    const auto [found, is_new] = by_labels_.try_emplace(labels, read_.series.size());
    if (is_new && read_.series.size() >= options_.max_series) {
      fail(offset, "more than " + std::to_string(options_.max_series) + " series");
      return false;
    }
    if (is_new) {
      read_.series.push_back({std::move(labels), {}});
      notes_.push_back({.text = series, .next = notes_.size()});
    }
    at_ = found->second;
    by_text_.emplace(series, at_);
    return true;
  }

  void add(Point point, std::size_t offset) {
    auto& points = read_.series[at_].points;
    if (!points.empty() && points.back().time == point.time) {
      if (!same(points.back(), point)) fail(offset, "a second value of this series for the same time");
      return;
    }
    if (!points.empty() && points.back().time > point.time) notes_[at_].in_order = false;
    points.push_back(point);
    notes_[at_].last_sample_at = offset;
    const bool first = in_.samples() == 1;
    read_.oldest = first ? point.time : std::min(read_.oldest, point.time);
    read_.newest = first ? point.time : std::max(read_.newest, point.time);
  }

  static bool same(const Point& a, const Point& b) {
    return a.time == b.time && std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
  }

  void put_in_order() {
    for (std::size_t index = 0; index < notes_.size(); ++index) {
      if (notes_[index].in_order) continue;
      auto& points = read_.series[index].points;
      std::ranges::stable_sort(points, {}, &Point::time);
      points.erase(std::unique(points.begin(), points.end(), same), points.end());
      const auto twice = std::ranges::adjacent_find(points, {}, &Point::time);
      if (twice != points.end()) {
        const double seconds = static_cast<double>(to_ms(twice->time)) / 1000;
        return fail(notes_[index].last_sample_at, "this series has two different values at " + std::to_string(seconds) + " s");
      }
    }
  }

  const std::string_view text_;
  const SamplesReadOptions& options_;
  PageReader in_;
  std::optional<Error> error_;
  SamplesRead read_;
  std::vector<Notes> notes_;
  std::unordered_map<std::string_view, std::size_t> by_text_;
  std::unordered_map<Labels, std::size_t, LabelsHash> by_labels_;
  std::size_t at_ = 0;         // the series of the last sample
  std::vector<Label> labels_;  // of the one under way
};

}  // namespace

Result<SamplesRead> read_openmetrics(std::string_view text, const SamplesReadOptions& options) {
  return Collection(text, options).read();
}

}  // namespace sidewatch

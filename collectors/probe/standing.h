// What stands of one check: the series of its last run and of its windows, until the next run has ended.
//
// A run that did not take place says nothing about its target: what stands stays for the next two of them as well, and is
// taken back with the third, for nobody knows any more.
//
// A certificate ends whether anybody can look at it or not: while runs fail before one was shown, the end that was seen
// last is told on, for a week.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/probe/check.h"
#include "collectors/probe/windows.h"
#include "collectors/series_budget.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::probe {

// Runs in a row that did not take place, after which nothing stands any more.
inline constexpr int most_left_out = 3;

// For so long is the last known end of a certificate told, while no run gets as far as to see one.
inline constexpr Duration expiry_is_known = std::chrono::hours(24 * 7);

class Standing {
 public:
  struct Parts {
    std::string name;
    Labels labels;
    WindowSet windows;
    std::size_t most_foreign_series = 100;
    bool details = false;
  };
  Standing(Catalog& catalog, Parts parts);

  // Takes a run's end in; says what is worth telling: that the check fails now, or for another reason, or no longer, or
  // that it does not run.
  std::optional<PassNews> take(Verdict verdict, double seconds, TimePoint now);

  void write(Batch& batch) const;

  // Whether series had to be left out, because the target says something new of itself too often.
  std::string what_is_wrong() const;

  struct Expiry {
    double end = 0;  // of a certificate, in seconds since 1970
    TimePoint seen;
  };
  // What a reload hands over: what was counted, and, where nothing about the check has changed, what stands.
  struct Past {
    std::array<std::optional<Window>, window_kinds.size()> windows;
    std::vector<Fact> facts;
    std::optional<Reason> failing;
    TimePoint failing_since;
    int left_out = 0;
    std::optional<Expiry> expiry;
  };
  Past leave();
  void inherit(Past past, bool what_stands);

 private:
  struct Kept {
    const Metric* metric = nullptr;
    Labels labels;
    SeriesHandle handle;
    double value = 0;
    bool settled = true;  // false: it may be better off when it is asked for again
    bool foreign = false;
  };
  void add_windows(Verdict& verdict, bool success, double seconds, TimePoint now);
  void add_known_expiry(Verdict& verdict, bool success, TimePoint now);
  void keep(const std::vector<Fact>& facts);
  Kept make_series(const Fact& fact);
  std::optional<PassNews> leave_out(const std::string& why);
  std::optional<PassNews> news(const std::optional<Trouble>& trouble, TimePoint now);

  Catalog& catalog_;
  const std::string name_;
  const Labels labels_;
  const std::size_t most_foreign_series_;
  const bool details_;
  std::unique_ptr<SeriesBudget> foreign_;  // made when it is needed first
  bool foreign_refused_ = false;
  std::array<std::optional<Window>, window_kinds.size()> windows_;  // those that are told
  std::vector<Kept> kept_;
  std::optional<Reason> failing_;
  TimePoint failing_since_;
  int left_out_ = 0;  // runs in a row that did not take place
  std::optional<Expiry> expiry_;
};

// The metrics of every check, whatever its kind.
std::vector<Metric> standing_metrics();

}  // namespace sidewatch::probe

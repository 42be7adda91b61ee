// What stands of one check: the series of its last run and of its windows, until the next run has ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "collectors/probe/check.h"
#include "collectors/probe/windows.h"
#include "metrics/catalog.h"
#include "metrics/store.h"

namespace sidewatch::probe {

class Standing {
 public:
  Standing(Catalog& catalog, std::string name, Labels labels);

  // Takes a run's end in; says what is worth telling: that the check fails now, or for another reason, or no longer.
  std::optional<PassNews> take(Verdict verdict, double seconds, TimePoint now);

  void write(Batch& batch) const;

 private:
  struct Kept {
    const Metric* metric = nullptr;
    Labels labels;
    SeriesHandle handle;
    double value = 0;
  };
  void add_windows(Verdict& verdict, bool success, double seconds, TimePoint now);
  void keep(const std::vector<Fact>& facts);
  std::optional<PassNews> news(const std::optional<Trouble>& trouble, TimePoint now);

  Catalog& catalog_;
  const std::string name_;
  const Labels labels_;
  std::vector<Window> windows_;
  std::vector<Kept> kept_;
  std::optional<Reason> failing_;
  TimePoint failing_since_;
};

// The metrics of every check, whatever its kind.
std::vector<Metric> standing_metrics();

}  // namespace sidewatch::probe

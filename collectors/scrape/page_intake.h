// A scraped page becomes samples: its series get the labels of the target, go through the relabelling, are held against the
// limits, and are written under their handles. Knows nothing of how the page came.
//
// What a series on the page is, is settled when its text (`up{job="a"}`) is met for the first time, and kept for as long
// as every page has it: from then on a sample costs the reading of its number. A page counts whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collectors/scrape/relabel.h"
#include "metrics/catalog.h"
#include "metrics/exemplars.h"
#include "metrics/page_reader.h"
#include "metrics/series_texts.h"
#include "metrics/store.h"

namespace sidewatch::scrape {

// 0: no limit. As Prometheus has them: behind the relabelling, the target's labels and the name included.
struct PageLimits {
  std::size_t samples = 0;
  std::size_t labels = 0;
  std::size_t label_name_bytes = 0;
  std::size_t label_value_bytes = 0;
};

struct IntakeOptions {
  Labels target_labels;
  bool honor_labels = false;
  std::vector<RelabelRule> relabelling;
  PageLimits limits;
};

struct PageCounts {
  std::size_t scraped = 0;    // on the page
  std::size_t kept = 0;       // behind the relabelling
  std::size_t added = 0;      // whose series was not on the last page
  std::size_t duplicates = 0;  // of a series that the page has already: the first counts
  std::size_t refused = 0;    // under a name of the agent's own
  bool over_limit = false;    // why the page is not taken: a limit, not what it looks like
  std::string first_duplicate;
  std::string first_refused;
};

class PageIntake {
 public:
  PageIntake(Catalog& catalog, IntakeOptions options, Exemplars* exemplars);

  // Adds the page's samples to `batch`; at an Error, which says why the page is not taken, nothing. `counts` are set as
  // far as they are known.
  Result<void> take(std::string_view page, ExpositionFormat format, Time now, Batch& batch, PageCounts& counts);

  std::size_t known_series() const { return texts_.size(); }

 private:
  struct Known {
    SeriesHandle series;  // none: dropped or refused
    bool refused = false;
    std::uint64_t last_exemplar = 0;  // a hash of its text
    std::shared_ptr<const SeriesInfo> info;  // where there are exemplars
  };
  struct Row {
    Known* known;
    double value;
  };
  struct NewExemplar {
    std::shared_ptr<const SeriesInfo> series;
    Exemplar exemplar;
  };

  Result<void> read(Time now, PageCounts& counts);
  std::optional<Error> meet(Known& known, PageCounts& counts);
  std::optional<Error> beyond_limits() const;
  void add_target_labels();
  void note_exemplar(Known& known, Time now);
  void leave_out_duplicates(PageCounts& counts);
  bool is_overflow(const Known& known) const;

  Catalog& catalog_;
  const IntakeOptions options_;
  Exemplars* const exemplars_;
  PageReader reader_;
  SeriesTexts<Known> texts_;
  std::vector<Row> rows_;  // of the page under way
  std::vector<NewExemplar> new_exemplars_;
  std::vector<Label> labels_;  // of the series under way, with __name__
  std::vector<Row> sorted_;
  bool has_duplicates_ = false;  // the last page had
};

}  // namespace sidewatch::scrape

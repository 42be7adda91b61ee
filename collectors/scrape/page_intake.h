// A scraped page becomes samples: its series get the labels of the target, go through the relabelling, are held against the
// limits, and are written under their handles. Knows nothing of how the page came.
//
// What a series on the page is, is settled when its text (`up{job="a"}`) is met for the first time, and kept for as long
// as every page has it: from then on a sample costs the reading of its number. A page counts whole or not at all: only when
// it was read to its end are its new series asked for, so that one which is refused leaves nothing behind.
//
// Over time a target may make `max_series` series. What is beyond stands in the overflow series of its metric, and is
// tried again when there may be room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "collectors/overflow_series.h"
#include "collectors/scrape/relabel.h"
#include "collectors/series_budget.h"
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
  std::size_t max_series = SeriesBudget::unlimited;  // that the catalog remembers of this target
};

// A page that came in at `at`.
struct ScrapedPage {
  std::string_view text;
  ExpositionFormat format = ExpositionFormat::prometheus_text;
  Time at;
  std::function<bool()> is_too_late = {};  // asked now and then while it is read
};

struct PageCounts {
  std::size_t scraped = 0;     // on the page
  std::size_t kept = 0;        // behind the relabelling
  std::size_t added = 0;       // whose series was not on the last page
  std::size_t duplicates = 0;  // of a series that the page has already: the first counts
  std::size_t refused = 0;     // under a name of the agent's own
  std::size_t overflowed = 0;  // of a series that max_series has no room for
  bool over_limit = false;     // why the page is not taken: a limit, not what it looks like
  bool too_late = false;       // or that there was no time left
  std::string first_duplicate;
  std::string first_refused;
};

class PageIntake {
 public:
  PageIntake(Catalog& catalog, IntakeOptions options, Exemplars* exemplars);

  // Adds the page's samples to `batch`; at an Error, which says why the page is not taken, nothing. `counts` are set as
  // far as they are known.
  Result<void> take(const ScrapedPage& page, Batch& batch, PageCounts& counts);

  // Of samples without a series of their own (dropped, or without room) so many texts are kept; further ones are looked at
  // anew on each page.
  static constexpr std::size_t max_idle_texts = 20'000;
  std::size_t known_series() const { return texts_.size(); }

 private:
  enum class Fate : std::uint8_t {
    kept,        // by the relabelling; under which series is settled when the page was read
    dropped,     // by the relabelling
    own_name,    // of the agent: refused
    served,      // it has its series
    shared,      // the catalog had no room: it has its metric's overflow series there
    overflowed,  // max_series has no room
  };
  struct Known {
    SeriesHandle series;
    Fate fate = Fate::kept;
    std::optional<OverflowSeries::Place> overflow;
    std::uint64_t last_exemplar = 0;         // a hash of its text
    std::shared_ptr<const SeriesInfo> info;  // where there are exemplars
  };
  struct Row {
    Known* known;
    double value;
  };
  struct NewExemplar {
    Known* known;
    Exemplar exemplar;
  };
  struct Unsettled {
    Known* known;
    bool is_new;  // on the page
    std::string_view series;
    MetricType type;
    PageFamily family;
  };

  Result<void> read(const ScrapedPage& page, PageCounts& counts);
  std::optional<Error> take_sample(Time at, PageCounts& counts);
  std::optional<Error> meet(Known& known, bool is_new, PageCounts& counts);
  bool label(std::string_view name);
  std::optional<Error> beyond_limits() const;
  void add_target_labels();
  void note_exemplar(Known& known, Time now);
  void settle(PageCounts& counts);
  void forget_idle();
  void leave_out_duplicates(PageCounts& counts);
  void write(Batch& batch, PageCounts& counts);
  void forget_all();

  Catalog& catalog_;
  const IntakeOptions options_;
  Exemplars* const exemplars_;
  SeriesBudget budget_;
  OverflowSeries overflow_;
  PageReader reader_;
  SeriesTexts<Known> texts_;
  std::vector<Row> rows_;  // of the page under way
  std::vector<Unsettled> unsettled_;
  std::vector<NewExemplar> new_exemplars_;
  std::vector<Label> labels_;  // of the series under way, with __name__
  std::vector<Row> sorted_;
  std::size_t idle_ = 0;           // texts on the page under way that have no series of their own
  bool may_have_room_ = false;     // for what had none
  bool has_duplicates_ = false;    // the last page had
};

}  // namespace sidewatch::scrape

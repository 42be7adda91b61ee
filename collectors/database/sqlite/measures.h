// The series of one database file: a table of metrics, each with how its value follows from what was seen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/database/sqlite/look.h"
#include "collectors/database/sqlite/tracker.h"
#include "metrics/catalog.h"
#include "metrics/metric.h"
#include "metrics/store.h"

namespace sidewatch::database::sqlite {

// What the newest state of a database in WAL mode says, and its file only after a checkpoint: asked for in SQL.
extern const Metric free_pages_metric;
extern const Metric free_bytes_metric;
extern const Metric free_ratio_metric;
extern const Metric schema_version_metric;
extern const Metric user_version_metric;

class Measures {
 public:
  // `checkpoint_pages`: how long the service lets the log become before it copies it.
  Measures(Catalog& catalog, const Labels& labels, double checkpoint_pages);

  // Without a look the file could not be looked at: only `up` is said.
  void write(const Look* look, const Since& since, Batch& batch);

 private:
  void write_info(const Header& header, Batch& batch);

  Catalog& catalog_;
  const Labels labels_;
  const double checkpoint_pages_;
  SeriesHandle up_;
  std::vector<SeriesHandle> series_;
  std::string info_text_;
  SeriesHandle info_;
};

std::vector<Metric> measured_metrics();

}  // namespace sidewatch::database::sqlite

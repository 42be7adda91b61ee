#include "metrics/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace sidewatch {
namespace {

using Format = ExpositionFormat;

class ExpositionTest : public ::testing::Test {
 protected:
  void put(const Metric& metric, const Labels& labels, double value) {
    handles.push_back(catalog.series(metric, labels));
    batch.add(handles.back(), value);
  }
  std::string page(Format format) {
    store.append(source, time_at_ms(1000), batch);
    std::string buffer = "what was there before";
    render_exposition(store.snapshot(), format, buffer);
    return buffer;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  SourceId source = store.add_source("test");
  std::vector<SeriesHandle> handles;
  Batch batch;
};

TEST_F(ExpositionTest, WritesFamiliesWithHelpTypeAndSamplesInOrder) {
  put({"node_load1", MetricType::gauge, "", "1m load average."}, {}, 0.25);
  put({"node_cpu_seconds_total", MetricType::counter, "seconds", "CPU time."}, {{"mode", "idle"}, {"cpu", "0"}}, 12.5);
  put({"node_cpu_seconds_total", MetricType::counter, "seconds", "CPU time."}, {{"mode", "user"}, {"cpu", "0"}}, 3);
  EXPECT_EQ(page(Format::prometheus_text),
            "# HELP node_cpu_seconds_total CPU time.\n"
            "# TYPE node_cpu_seconds_total counter\n"
            "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 12.5\n"
            "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 3\n"
            "# HELP node_load1 1m load average.\n"
            "# TYPE node_load1 gauge\n"
            "node_load1 0.25\n");
  EXPECT_EQ(page(Format::openmetrics),
            "# HELP node_cpu_seconds CPU time.\n"
            "# TYPE node_cpu_seconds counter\n"
            "# UNIT node_cpu_seconds seconds\n"
            "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 12.5\n"
            "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 3\n"
            "# HELP node_load1 1m load average.\n"
            "# TYPE node_load1 gauge\n"
            "node_load1 0.25\n"
            "# EOF\n");
}

}  // namespace
}  // namespace sidewatch

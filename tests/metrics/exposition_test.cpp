#include "metrics/exposition.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace sidewatch {
namespace {

using Format = ExpositionFormat;

// A command's exit status and what it printed on either stream.
std::pair<int, std::string> run(const std::string& command) {
  std::FILE* pipe = ::popen(("( " + command + " ) 2>&1").c_str(), "r");
  if (!pipe) return {-1, "cannot start a shell"};
  std::string output;
  std::array<char, 4096> block;
  while (const std::size_t bytes = std::fread(block.data(), 1, block.size(), pipe)) output.append(block.data(), bytes);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

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

TEST_F(ExpositionTest, AnEmptyPageIsStillAPage) {
  EXPECT_EQ(page(Format::prometheus_text), "");
  EXPECT_EQ(page(Format::openmetrics), "# EOF\n");
}

TEST_F(ExpositionTest, EscapesHelpAsEachFormatWantsIt) {
  put({"a", MetricType::gauge, "", "one\ntwo \\ \"three\""}, {}, 1);
  EXPECT_EQ(page(Format::prometheus_text), "# HELP a one\\ntwo \\\\ \"three\"\n# TYPE a gauge\na 1\n");
  EXPECT_EQ(page(Format::openmetrics), "# HELP a one\\ntwo \\\\ \\\"three\\\"\n# TYPE a gauge\na 1\n# EOF\n");
}

TEST_F(ExpositionTest, EscapesLabelValuesAndMendsWhatIsNotUtf8) {
  put({"a", MetricType::gauge, "", ""}, {{"comm", "q\" b\\ n\n bad\xFF"}}, 1);
  EXPECT_EQ(page(Format::prometheus_text), "# TYPE a gauge\na{comm=\"q\\\" b\\\\ n\\n bad\xEF\xBF\xBD\"} 1\n");
}

TEST_F(ExpositionTest, WritesValuesThatAreNoNumbers) {
  put({"a", MetricType::gauge, "", ""}, {{"i", "1"}}, std::nan(""));
  put({"a", MetricType::gauge, "", ""}, {{"i", "2"}}, std::numeric_limits<double>::infinity());
  put({"a", MetricType::gauge, "", ""}, {{"i", "3"}}, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(page(Format::prometheus_text), "# TYPE a gauge\na{i=\"1\"} NaN\na{i=\"2\"} +Inf\na{i=\"3\"} -Inf\n");
}

TEST_F(ExpositionTest, UntypedIsCalledUnknownByOpenMetrics) {
  put({"a", MetricType::untyped, "", ""}, {}, 1);
  EXPECT_EQ(page(Format::prometheus_text), "# TYPE a untyped\na 1\n");
  EXPECT_EQ(page(Format::openmetrics), "# TYPE a unknown\na 1\n# EOF\n");
}

TEST_F(ExpositionTest, AUnitStandsOnlyWhereTheNameEndsWithIt) {
  put({"a_bytes", MetricType::gauge, "bytes", ""}, {}, 1);
  put({"b_size", MetricType::gauge, "bytes", ""}, {}, 1);
  put({"bytes", MetricType::gauge, "bytes", ""}, {}, 1);
  EXPECT_EQ(page(Format::openmetrics),
            "# TYPE a_bytes gauge\n# UNIT a_bytes bytes\na_bytes 1\n"
            "# TYPE b_size gauge\nb_size 1\n"
            "# TYPE bytes gauge\nbytes 1\n# EOF\n");
}

TEST_F(ExpositionTest, ACounterThatOpenMetricsWouldRefuseIsUnknownThere) {
  put({"pg_stat_database_xact_commit", MetricType::counter, "", ""}, {}, 5);
  EXPECT_EQ(page(Format::prometheus_text),
            "# TYPE pg_stat_database_xact_commit counter\npg_stat_database_xact_commit 5\n");
  EXPECT_EQ(page(Format::openmetrics),
            "# TYPE pg_stat_database_xact_commit unknown\npg_stat_database_xact_commit 5\n# EOF\n");
}

TEST_F(ExpositionTest, ACounterThatIsNoCountIsUnknownToOpenMetrics) {
  put({"a_total", MetricType::counter, "", ""}, {}, std::nan(""));
  put({"b_total", MetricType::counter, "", ""}, {}, -1);
  put({"c_total", MetricType::counter, "", ""}, {}, 0);
  EXPECT_EQ(page(Format::openmetrics),
            "# TYPE a_total unknown\na_total NaN\n# TYPE b_total unknown\nb_total -1\n"
            "# TYPE c counter\nc_total 0\n# EOF\n");
}

TEST_F(ExpositionTest, ACounterGivesWayToAFamilyThatHasItsOpenMetricsName) {
  put({"jobs", MetricType::gauge, "", ""}, {}, 1);
  put({"jobs_total", MetricType::counter, "", ""}, {}, 2);
  put({"runs_created", MetricType::gauge, "", ""}, {}, 3);
  put({"runs_total", MetricType::counter, "", ""}, {}, 4);
  EXPECT_EQ(page(Format::openmetrics),
            "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total unknown\njobs_total 2\n"
            "# TYPE runs_created gauge\nruns_created 3\n# TYPE runs_total unknown\nruns_total 4\n# EOF\n");
}

TEST_F(ExpositionTest, TheSeriesOfAHistogramAreOneFamilyWithBucketsInOrder) {
  const auto part = [](std::string_view name) { return Metric{name, MetricType::histogram, "seconds", "Latency."}; };
  for (const char* path : {"/a", "/b"}) {
    for (const auto& [le, count] : {std::pair("10", 3), std::pair("+Inf", 4), std::pair("0.5", 1), std::pair("2", 2)}) {
      put(part("http_seconds_bucket"), {{"path", path}, {"le", le}}, count);
    }
    put(part("http_seconds_sum"), {{"path", path}}, 12.5);
    put(part("http_seconds_count"), {{"path", path}}, 4);
  }
  put({"http_seconds_bytes", MetricType::gauge, "", ""}, {}, 1);  // stands between the parts in the order of names
  const std::string samples =
      "http_seconds_bucket{le=\"0.5\",path=\"/a\"} 1\nhttp_seconds_bucket{le=\"2\",path=\"/a\"} 2\n"
      "http_seconds_bucket{le=\"10\",path=\"/a\"} 3\nhttp_seconds_bucket{le=\"+Inf\",path=\"/a\"} 4\n"
      "http_seconds_count{path=\"/a\"} 4\nhttp_seconds_sum{path=\"/a\"} 12.5\n"
      "http_seconds_bucket{le=\"0.5\",path=\"/b\"} 1\nhttp_seconds_bucket{le=\"2\",path=\"/b\"} 2\n"
      "http_seconds_bucket{le=\"10\",path=\"/b\"} 3\nhttp_seconds_bucket{le=\"+Inf\",path=\"/b\"} 4\n"
      "http_seconds_count{path=\"/b\"} 4\nhttp_seconds_sum{path=\"/b\"} 12.5\n";
  const std::string other = "# TYPE http_seconds_bytes gauge\nhttp_seconds_bytes 1\n";
  EXPECT_EQ(page(Format::prometheus_text),
            "# HELP http_seconds Latency.\n# TYPE http_seconds histogram\n" + samples + other);
  EXPECT_EQ(page(Format::openmetrics),
            "# HELP http_seconds Latency.\n# TYPE http_seconds histogram\n# UNIT http_seconds seconds\n" + samples +
                other + "# EOF\n");
}

TEST_F(ExpositionTest, TheSeriesOfASummaryAreOneFamily) {
  put({"rpc", MetricType::summary, "", ""}, {{"quantile", "0.9"}}, 3);
  put({"rpc", MetricType::summary, "", ""}, {{"quantile", "0.5"}}, 2);
  put({"rpc_sum", MetricType::summary, "", ""}, {}, 9);
  put({"rpc_count", MetricType::summary, "", ""}, {}, 4);
  EXPECT_EQ(page(Format::prometheus_text),
            "# TYPE rpc summary\nrpc{quantile=\"0.5\"} 2\nrpc{quantile=\"0.9\"} 3\nrpc_count 4\nrpc_sum 9\n");
}

TEST_F(ExpositionTest, PartsOfAHistogramThatClashWithAnotherFamilyStandAlone) {
  put({"h", MetricType::gauge, "", ""}, {}, 1);
  put({"h_bucket", MetricType::histogram, "", ""}, {{"le", "+Inf"}}, 2);
  put({"h_count", MetricType::histogram, "", ""}, {}, 2);
  put({"lonely", MetricType::histogram, "", ""}, {}, 7);
  EXPECT_EQ(page(Format::prometheus_text),
            "# TYPE h gauge\nh 1\n# TYPE h_bucket untyped\nh_bucket{le=\"+Inf\"} 2\n# TYPE h_count untyped\nh_count 2\n"
            "# TYPE lonely untyped\nlonely 7\n");
}

TEST_F(ExpositionTest, SamplesThatMakeNoHistogramStandAlone) {
  put({"h_bucket", MetricType::histogram, "", ""}, {{"le", "wide"}}, 2);
  put({"s", MetricType::summary, "", ""}, {}, 2);
  EXPECT_EQ(page(Format::prometheus_text),
            "# TYPE h_bucket untyped\nh_bucket{le=\"wide\"} 2\n# TYPE s untyped\ns 2\n");
}

TEST_F(ExpositionTest, AHistogramThatOpenMetricsWouldRefuseStandsAloneThere) {
  put({"a_bucket", MetricType::histogram, "", ""}, {{"le", "1"}}, 2);
  put({"b_bucket", MetricType::histogram, "", ""}, {{"le", "+Inf"}}, 0.5);
  put({"c_count", MetricType::histogram, "", ""}, {}, 1);
  put({"c_sum", MetricType::histogram, "", ""}, {}, std::nan(""));
  EXPECT_EQ(page(Format::prometheus_text),
            "# TYPE a histogram\na_bucket{le=\"1\"} 2\n# TYPE b histogram\nb_bucket{le=\"+Inf\"} 0.5\n"
            "# TYPE c histogram\nc_count 1\nc_sum NaN\n");
  EXPECT_EQ(page(Format::openmetrics),
            "# TYPE a_bucket unknown\na_bucket{le=\"1\"} 2\n# TYPE b_bucket unknown\nb_bucket{le=\"+Inf\"} 0.5\n"
            "# TYPE c_count unknown\nc_count 1\n# TYPE c_sum unknown\nc_sum NaN\n# EOF\n");
}

TEST_F(ExpositionTest, ACounterGivesWayToAHistogramOfItsOpenMetricsName) {
  put({"h_bucket", MetricType::histogram, "", ""}, {{"le", "+Inf"}}, 2);
  put({"h_total", MetricType::counter, "", ""}, {}, 2);
  EXPECT_EQ(page(Format::openmetrics),
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\n# TYPE h_total unknown\nh_total 2\n# EOF\n");
}

// Everything at once that a page may hold, judged by Prometheus's own parser and linter.
TEST_F(ExpositionTest, PromtoolAcceptsARichPage) {
  put({"node_cpu_seconds_total", MetricType::counter, "seconds", "CPU time, \"quoted\"\nand \\ more."},
      {{"cpu", "0"}, {"mode", "idle"}}, 1.5);
  put({"node_load1", MetricType::gauge, "", "1m load average."}, {}, std::nan(""));
  put({"node_limit_bytes", MetricType::gauge, "bytes", "A limit."}, {}, std::numeric_limits<double>::infinity());
  put({"process_cmd_info", MetricType::gauge, "", "Labels."}, {{"cmd", "a\"b\\c\nd\xFF\xC3\xA9\t"}}, -0.0);
  put({"tiny_ratio", MetricType::gauge, "ratio", "Small."}, {}, 5e-324);
  put({"something", MetricType::untyped, "", "Who knows."}, {}, 1e300);
  for (const char* le : {"0.1", "1", "+Inf"}) {
    put({"http_request_seconds_bucket", MetricType::histogram, "seconds", "Latency."}, {{"le", le}}, 2);
  }
  put({"http_request_seconds_sum", MetricType::histogram, "seconds", "Latency."}, {}, 0.3);
  put({"http_request_seconds_count", MetricType::histogram, "seconds", "Latency."}, {}, 2);
  put({"rpc_seconds", MetricType::summary, "seconds", "Calls."}, {{"quantile", "0.5"}}, 2);
  put({"rpc_seconds_sum", MetricType::summary, "seconds", "Calls."}, {}, 2);
  put({"rpc_seconds_count", MetricType::summary, "seconds", "Calls."}, {}, 2);

  const std::string path = ::testing::TempDir() + "sidewatch_page_" + std::to_string(::getpid()) + ".txt";
  std::ofstream(path) << page(Format::prometheus_text);
  const auto [status, output] = run("promtool check metrics < " + path);
  std::remove(path.c_str());
  EXPECT_EQ(status, 0) << output;
  EXPECT_EQ(output, "");
}

}  // namespace
}  // namespace sidewatch

#include "agent/top_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST(TopSeries, AreTablesWithTheLargestFirst) {
  const auto text = top_series_as_tables(
      R"({"status":"success","data":{"headStats":{"numSeries":1234567,"numLabelPairs":42},)"
      R"("seriesCountByMetricName":[{"name":"orders","value":5001},{"name":"up","value":3}],)"
      R"("labelValueCountByLabelName":[{"name":"user","value":5000}],"memoryInBytesByLabelName":[],)"
      R"("seriesCountByLabelValuePair":[{"name":"__name__=orders","value":5001}],)"
      R"("refusedByMetricName":[{"name":"orders","value":995000}]}})");
  EXPECT_THAT(text, StartsWith("1 234 567 series with 42 different pairs of a label and a value\n"));
  EXPECT_THAT(text, HasSubstr("\nmetrics with most series  series\n"
                              "orders                     5 001\n"
                              "up                             3\n"));
  EXPECT_THAT(text, HasSubstr("\nlabels with most values  values\nuser                      5 000\n"));
  EXPECT_THAT(text, HasSubstr("\nmetrics that a budget kept series out of    times\n"
                              "orders                                    995 000\n"));
  EXPECT_THAT(text, HasSubstr("limits.max_series_per_metric"));
}

TEST(TopSeries, OfAPrometheusLackWhatWasKeptOut) {
  const auto text = top_series_as_tables(R"({"status":"success","data":{"headStats":{"numSeries":1,"numLabelPairs":1},)"
                                         R"("seriesCountByMetricName":[{"name":"up","value":1}]}})");
  EXPECT_THAT(text, HasSubstr("up                             1\n"));
  EXPECT_THAT(text, Not(HasSubstr("budget")));
}

TEST(TopSeries, DoNotSpeakToTheTerminal) {
  const auto text = top_series_as_tables(R"({"data":{"headStats":{"numSeries":1,"numLabelPairs":1},)"
                                         R"("seriesCountByLabelValuePair":[{"name":"a=\u001b[2J","value":1}]}})");
  EXPECT_THAT(text, HasSubstr(R"(a=\x1b[2J)"));
}

TEST(TopSeries, AreNoneOfAnythingElse) {
  for (const char* body : {"", "<html>", "{}", R"({"data":{}})", R"({"data":[1]})"}) {
    EXPECT_THAT(top_series_as_tables(body), IsEmpty()) << body;
  }
}

TEST(TopSeries, SayWhatToDoWhereNobodyAnswers) {
  const auto result = run_top_series({.url = "http://127.0.0.1:1"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "sidewatch: cannot connect to http://127.0.0.1:1: is sidewatch running there? (--url says where to ask)\n");
  EXPECT_EQ(run_top_series({.url = "nonsense"}).code, 2);
}

}  // namespace
}  // namespace sidewatch

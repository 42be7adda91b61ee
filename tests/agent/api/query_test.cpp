#include "agent/api/query.h"

#include <gmock/gmock.h>

#include "tests/agent/api/world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Metric up{"up", MetricType::gauge, "", "Whether it is up."};

class ApiQuery : public ApiWorld {
 protected:
  ApiQuery() {
    write(up, {{"job", "a"}}, {1, 2, 3});
    write(up, {{"job", "b"}}, {0.5});
  }
  std::vector<HttpRoute> routes() override {
    std::vector<HttpRoute> all;
    add_query_routes(all, context);
    return all;
  }
};

TEST_F(ApiQuery, AnswersEveryTypeOfValue) {
  EXPECT_EQ(data("/api/v1/query?query=1%2B1"), R"({"resultType":"scalar","result":[1000,"2"]})");
  EXPECT_EQ(data("/api/v1/query?query=%22a%5C%22b%22&time=1.5"), R"({"resultType":"string","result":[1.500,"a\"b"]})");
  EXPECT_EQ(data("/api/v1/query?query=up{job=%22a%22}"),
            R"({"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a","service":"checkout"},)"
            R"("value":[1000,"3"]}]})");
  EXPECT_EQ(data("/api/v1/query?query=up{job=%22a%22}[15s]"),
            R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a","service":"checkout"},)"
            R"("values":[[990,"2"],[1000,"3"]]}]})");
  EXPECT_EQ(data("/api/v1/query?query=nothing"), R"({"resultType":"vector","result":[]})");
}

TEST_F(ApiQuery, TakesTimesAsPeopleAndProgramsWriteThem) {
  for (const char* time : {"985", "985.0", "9.85e2", "1970-01-01T00:16:25Z", "1970-01-01T00:16:25.000Z",
                           "1970-01-01T01:16:25%2B01:00"}) {
    EXPECT_THAT(data(std::string("/api/v1/query?query=up{job=%22a%22}&time=") + time), HasSubstr(R"([985,"1"])")) << time;
  }
}

TEST_F(ApiQuery, TakesQueriesThatArePosted) {
  const Reply reply = send("POST", "/api/v1/query", "query=up%7Bjob%3D%22b%22%7D&time=1000");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(R"("value":[1000,"0.5"])"));
  for (const auto& route : routes()) EXPECT_TRUE(route.reads_only) << route.path;
}

TEST_F(ApiQuery, AnswersRanges) {
  EXPECT_EQ(data("/api/v1/query_range?query=sum(up)&start=980&end=1000&step=10"),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[980,"1"],[990,"2"],[1000,"3.5"]]}]})");
  EXPECT_EQ(data("/api/v1/query_range?query=time()&start=1.25&end=2&step=500ms"),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[1.250,"1.25"],[1.750,"1.75"]]}]})");
}

TEST_F(ApiQuery, SpeaksWallTimeAlthoughTheStoreDoesNot) {
  clock.step = 1h;
  EXPECT_THAT(data("/api/v1/query?query=up{job=%22a%22}"), HasSubstr(R"([4600,"3"])"));
  EXPECT_THAT(data("/api/v1/query?query=up{job=%22a%22}&time=4590"), HasSubstr(R"([4590,"2"])"));
  EXPECT_EQ(data("/api/v1/query_range?query=sum(up)&start=4580&end=4590&step=10"),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[4580,"1"],[4590,"2"]]}]})");
  EXPECT_THAT(data("/api/v1/query?query=up[1m]"), HasSubstr(R"([4600,"3"])"));
}

TEST_F(ApiQuery, RefusesWhatItCannotReadInPrometheussWords) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/api/v1/query", "invalid parameter \"query\": 1:1: parse error: no expression found in input"},
      {"/api/v1/query?query=sum(", "invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"},
      {"/api/v1/query?query=1&time=x",
       "invalid parameter \"time\": Invalid time value for 'time': cannot parse \"x\" to a valid timestamp"},
      {"/api/v1/query?query=1&timeout=x", "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration"},
      {"/api/v1/query_range?query=up", "invalid parameter \"start\": cannot parse \"\" to a valid timestamp"},
      {"/api/v1/query_range?query=up&start=1", "invalid parameter \"end\": cannot parse \"\" to a valid timestamp"},
      {"/api/v1/query_range?query=up&start=1&end=0&step=1",
       "invalid parameter \"end\": end timestamp must not be before start time"},
      {"/api/v1/query_range?query=up&start=1&end=2", "invalid parameter \"step\": cannot parse \"\" to a valid duration"},
      {"/api/v1/query_range?query=up&start=1&end=2&step=0",
       "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer"},
      {"/api/v1/query_range?query=up&start=1&end=2&step=1e30",
       "invalid parameter \"step\": cannot parse \"1e30\" to a valid duration. It overflows int64"},
      {"/api/v1/query_range?query=up&start=0&end=11001&step=1",
       "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"},
      {"/api/v1/query_range?query=up[1m]&start=1&end=2&step=1",
       "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"},
      {"/api/v1/query_range?query=sum(&start=1&end=2&step=1", "1:5: parse error: unclosed left parenthesis"},
      {"/api/v1/query_exemplars?query=up(", "1:4: parse error: unclosed left parenthesis"},
      {"/api/v1/query_exemplars?query=up&start=2&end=1", "end timestamp must not be before start timestamp"},
      {"/api/v1/format_query?query=sum(", "invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"},
  };
  for (const auto& [target, text] : cases) EXPECT_EQ(error(target), "400 bad_data: " + text) << target;
}

TEST_F(ApiQuery, TellsFailedEvaluationsFromBadQuestions) {
  EXPECT_THAT(error("/api/v1/query?query=up%20*%20on(service)%20up"), StartsWith("422 execution: found duplicate series"));
}

TEST_F(ApiQuery, EndsAQueryAtItsTimeout) {
  EXPECT_EQ(error("/api/v1/query?query=up&timeout=0"), "503 timeout: query timed out in query queue");
  clock.per_look = 3s;
  EXPECT_EQ(error("/api/v1/query_range?query=sum(up)&start=1&end=10000&step=1&timeout=1h"),
            "503 timeout: query timed out in expression evaluation")
      << "a client cannot ask for more than limits.query_timeout";
}

TEST_F(ApiQuery, StopsWhenNobodyWaits) {
  *abandoned = true;
  EXPECT_THAT(error("/api/v1/query?query=up"), StartsWith("503 "));
}

TEST_F(ApiQuery, BoundsItsAnswer) {
  context.limits.max_response_bytes = 64 << 10;
  EXPECT_EQ(error("/api/v1/query_range?query=time()&start=1&end=10000&step=1"),
            "422 execution: the answer is larger than 64KiB (limits.max_query_response_bytes); ask for fewer series, a "
            "shorter time or a larger step");
}

TEST_F(ApiQuery, HasNoExemplarsAndSaysSo) { EXPECT_EQ(data("/api/v1/query_exemplars?query=up&start=1&end=2"), "[]"); }

TEST_F(ApiQuery, GivesTheExemplarsOfTheSeriesThatAnExpressionAsksAbout) {
  Exemplars exemplars;
  context.exemplars = &exemplars;
  for (const auto& handle : handles) {
    for (const std::int64_t ms : {1'500, 2'000}) {
      EXPECT_TRUE(exemplars.add(catalog.info(handle.id()), {Labels{{"trace_id", "t"}}, 0.25, WallTime(Duration(ms)), true}));
    }
  }
  const std::string a = R"({"seriesLabels":{"__name__":"up","job":"a","service":"checkout"},"exemplars":[)"
                        R"({"labels":{"trace_id":"t"},"value":"0.25","timestamp":1.500}]})";
  EXPECT_EQ(data("/api/v1/query_exemplars?query=sum(rate(up{job=%22a%22}[5m]))%2B1&start=1&end=1.75"), "[" + a + "]");
  EXPECT_THAT(data("/api/v1/query_exemplars?query=up&start=1&end=1.75"), StartsWith("[" + a + R"(,{"seriesLabels":)"));
  EXPECT_EQ(data("/api/v1/query_exemplars?query=up&start=3&end=4"), "[]");
  EXPECT_EQ(data("/api/v1/query_exemplars?query=down&start=1&end=2"), "[]");
}

TEST_F(ApiQuery, FormatsAnExpression) {
  EXPECT_EQ(data("/api/v1/format_query?query=sum(up)by(job)"), "\"sum by (job) (up)\"");
}

}  // namespace
}  // namespace sidewatch

#include "agent/api/series.h"

#include <gmock/gmock.h>

#include "agent/api/federate.h"
#include "tests/agent/api/world.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Metric up{"up", MetricType::gauge, "", "Whether it is up."};
constexpr Metric requests{"requests_total", MetricType::counter, "", "Requests \"answered\"."};
constexpr Metric bucket{"size_bytes_bucket", MetricType::histogram, "bytes", "Sizes."};
constexpr Metric sum{"size_bytes_sum", MetricType::histogram, "bytes", "Sizes."};

class ApiSeries : public ApiWorld {
 protected:
  ApiSeries() {
    write(up, {{"job", "a"}}, {1, 2});
    write(up, {{"job", "b"}}, {3});
    write(requests, {{"code", "2\"00"}}, {12345678});
    write(bucket, {{"le", "+Inf"}}, {1});
    write(sum, {}, {0.25});
    handles.push_back(catalog.series(Metric{"never_written", MetricType::gauge, "", ""}, {}));
  }
  std::vector<HttpRoute> routes() override {
    std::vector<HttpRoute> all;
    add_series_routes(all, context);
    add_federate_route(all, context);
    return all;
  }
};

TEST_F(ApiSeries, ListsTheSeriesOfAllSelectorsOnce) {
  EXPECT_EQ(data("/api/v1/series?match[]=up&match[]={job=%22a%22}"),
            R"([{"__name__":"up","job":"a","service":"checkout"},{"__name__":"up","job":"b","service":"checkout"}])");
  EXPECT_EQ(data("/api/v1/series?match[]=never_written"), "[]");
  const Reply posted = send("POST", "/api/v1/series", "match%5B%5D=up%7Bjob%3D~%22b%7Cc%22%7D");
  EXPECT_EQ(posted.status, 200);
  EXPECT_THAT(posted.body, HasSubstr(R"("job":"b")"));
}

TEST_F(ApiSeries, ListsOnlyWhatLivedInTheGivenTime) {
  EXPECT_THAT(data("/api/v1/series?match[]=up&start=985&end=995"), Not(HasSubstr(R"("job":"b")")));
  EXPECT_THAT(data("/api/v1/series?match[]=up&start=985&end=995"), HasSubstr(R"("job":"a")"));
  EXPECT_EQ(data("/api/v1/series?match[]=up&start=1&end=2"), "[]");
  EXPECT_EQ(data("/api/v1/label/job/values?start=985&end=995"), R"(["a"])");
  clock.step = 1h;
  EXPECT_EQ(data("/api/v1/label/job/values?start=4585&end=4595"), R"(["a"])") << "wall time";
}

TEST_F(ApiSeries, ListsLabelsAndTheirValues) {
  EXPECT_EQ(data("/api/v1/labels"), R"(["__name__","code","job","le","service"])");
  EXPECT_EQ(data("/api/v1/labels?match[]=up"), R"(["__name__","job","service"])");
  EXPECT_EQ(data("/api/v1/labels?match[]=nix"), "[]");
  EXPECT_EQ(data("/api/v1/label/job/values"), R"(["a","b"])");
  EXPECT_EQ(data("/api/v1/label/job/values?match[]=requests_total"), "[]");
  EXPECT_EQ(data("/api/v1/label/code/values"), R"(["2\"00"])");
  EXPECT_EQ(data("/api/v1/label/__name__/values?match[]={job=~%22.%2B%22}"), R"(["up"])");
}

TEST_F(ApiSeries, CutsListsAtTheLimitAndSaysSo) {
  EXPECT_EQ(get("/api/v1/label/job/values?limit=1").body,
            R"({"status":"success","data":["a"],"warnings":["results truncated due to limit"]})");
  EXPECT_EQ(get("/api/v1/label/job/values?limit=2").body, R"({"status":"success","data":["a","b"]})");
  EXPECT_THAT(get("/api/v1/series?match[]=up&limit=1").body, HasSubstr("results truncated due to limit"));
  EXPECT_EQ(data("/api/v1/label/job/values?limit=0"), R"(["a","b"])");
}

TEST_F(ApiSeries, RefusesWhatItCannotReadInPrometheussWords) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/api/v1/series", "no match[] parameter provided"},
      {"/api/v1/series?match[]={}",
       "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher"},
      {"/api/v1/series?match[]={x=~%22.*%22}",
       "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher"},
      {"/api/v1/series?match[]=up[5m]", "invalid parameter \"match[]\": 1:3: parse error: unexpected \"[\""},
      {"/api/v1/series?match[]=sum(up)", "invalid parameter \"match[]\": 1:4: parse error: unexpected \"(\""},
      {"/api/v1/series?match[]=up+offset+5m", "invalid parameter \"match[]\": 1:4: parse error: unexpected <offset>"},
      {"/api/v1/series?match[]=1", "invalid parameter \"match[]\": 1:1: parse error: unexpected number \"1\""},
      {"/api/v1/series?match[]=", "invalid parameter \"match[]\": 1:1: parse error: unexpected end of input"},
      {"/api/v1/series?match[]=up{job", "invalid parameter \"match[]\": 1:7: parse error: unexpected end of input inside braces"},
      {"/api/v1/series?match[]=up&start=x",
       "invalid parameter \"start\": Invalid time value for 'start': cannot parse \"x\" to a valid timestamp"},
      {"/api/v1/labels?match[]={}", "match[] must contain at least one non-empty matcher"},
      {"/api/v1/labels?match[]=up(&start=x",
       "invalid parameter \"start\": Invalid time value for 'start': cannot parse \"x\" to a valid timestamp"},
      {"/api/v1/label/a-b/values", "invalid label name: \"a-b\""},
      {"/api/v1/metadata?limit=x", "limit must be a number"},
  };
  for (const auto& [target, text] : cases) EXPECT_EQ(error(target), "400 bad_data: " + text) << target;
}

TEST_F(ApiSeries, RefusesTooManySelectors) {
  std::string target = "/api/v1/series?match[]=up";
  for (int i = 0; i < 1000; ++i) target += "&match[]=a";
  EXPECT_EQ(error(target), "400 bad_data: more than 1000 match[] parameters");
}

TEST_F(ApiSeries, EndsInTimeAndWhenNobodyWaits) {
  clock.per_look = 11s;
  EXPECT_EQ(error("/api/v1/labels"), "503 timeout: query timed out");
  clock.per_look = 0s;
  *abandoned = true;
  EXPECT_EQ(error("/api/v1/labels"), "503 canceled: query was canceled");
}

TEST_F(ApiSeries, BoundsItsAnswer) {
  context.limits.max_response_bytes = 40;
  EXPECT_THAT(error("/api/v1/series?match[]=up"), HasSubstr("422 execution: the answer is larger than 40B"));
  EXPECT_THAT(error("/api/v1/labels"), HasSubstr("limits.max_query_response_bytes"));
  EXPECT_EQ(get("/federate?match[]=up").status, 422);
}

TEST_F(ApiSeries, TellsWhatMetricsMeanWithAHistogramAsOne) {
  EXPECT_EQ(data("/api/v1/metadata?metric=requests_total"),
            R"({"requests_total":[{"type":"counter","help":"Requests \"answered\".","unit":""}]})");
  EXPECT_EQ(data("/api/v1/metadata?metric=size_bytes"),
            R"({"size_bytes":[{"type":"histogram","help":"Sizes.","unit":"bytes"}]})");
  EXPECT_EQ(data("/api/v1/metadata?metric=nix"), "{}");
  EXPECT_EQ(data("/api/v1/metadata?limit=0"), "{}");
  EXPECT_THAT(data("/api/v1/metadata?limit=1"), testing::StartsWith(R"({"never_written":)"));
}

TEST_F(ApiSeries, FederatesTheLatestSamplesWithTheirTimes) {
  const Reply page = get("/federate?match[]={__name__=~%22up|size_.*%22}&match[]=up");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(page.body,
            "# TYPE size_bytes_bucket untyped\n"
            "size_bytes_bucket{le=\"+Inf\",service=\"checkout\"} 1 1000000\n"
            "# TYPE size_bytes_sum untyped\n"
            "size_bytes_sum{service=\"checkout\"} 0.25 1000000\n"
            "# TYPE up untyped\n"
            "up{job=\"a\",service=\"checkout\"} 2 1000000\n"
            "up{job=\"b\",service=\"checkout\"} 3 1000000\n");
  EXPECT_EQ(get("/federate").body, "");
  EXPECT_EQ(get("/federate?match[]=nix").body, "");
  const Reply bad = get("/federate?match[]=sum(up)");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.body, "1:4: parse error: unexpected \"(\"\n");
}

TEST_F(ApiSeries, FederatesNoStaleSeriesAndSpeaksWallTime) {
  clock.at += 10s;
  clock.step = 1s;
  Batch batch;
  batch.add(handles[0], 7);
  store.append(sources[0], clock.at, batch);
  store.append(sources[0], clock.at + 1s, Batch());
  clock.at += 2s;
  EXPECT_EQ(get("/federate?match[]=up").body, "# TYPE up untyped\nup{job=\"b\",service=\"checkout\"} 3 1001000\n");
  clock.at += 1h;
  EXPECT_EQ(get("/federate?match[]=up").body, "") << "too long ago to be the latest";
}

}  // namespace
}  // namespace sidewatch

#include "agent/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include "base/gzip.h"
#include "base/json.h"
#include "base/process_token.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() {
    Batch batch;
    batch.add(series, 4);
    store.append(store.add_source("test"), time_at_ms(1'772'366'400'000), batch);
    heartbeat.beat();
  }

  std::vector<HttpRoute> routes(bool allow_remote_reload = false) {
    return make_routes({pages, alerts, groups, heartbeat, ready, [this] { ++reloads; return reload_answer; }, allow_remote_reload,
                        {store, clock, {}}, {collectors, config, Time{}, {}, std::chrono::hours(1)}, {pushes, instruments, clock, 1000},
                        {silences, alerts, config, [] { return WallTime(); }, WallTime()},
                        {nullptr, silences, [] { return WallTime(); }}});
  }
  HttpResponse answer(const std::string& method, const std::string& path, const std::vector<HttpField>& fields = {},
                      bool loopback = true, bool allow_remote_reload = false) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.fields = fields;
    request.peer.is_loopback = loopback;
    for (const auto& route : routes(allow_remote_reload)) {
      if (route.method == method && route.path == path) return route.handler(request);
    }
    ADD_FAILURE() << "no route " << method << " " << path;
    return {};
  }
  static std::string field(const HttpResponse& response, std::string_view name) {
    std::string found = "absent";
    for (const auto& one : response.headers) {
      if (one.name == name) found = one.value;
    }
    return found;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  SeriesHandle series = catalog.series(Metric{"up", MetricType::gauge, "", "Whether it is up."}, {{"job", "a"}});
  SystemClock clock;
  Published<std::vector<CollectorView>> collectors;
  Published<ConfigView> config;
  Published<PushTargets> pushes;
  Silences silences = Silences::open("", WallTime()).value();
  Instruments instruments;
  PageCache pages{store};
  Published<std::vector<AlertView>> alerts;
  Published<std::vector<RuleGroupView>> groups;
  Heartbeat heartbeat;
  std::atomic<bool> ready{false};
  int reloads = 0;
  Result<std::string> reload_answer = std::string("the configuration was read again\n");
};

constexpr const char* text_page =
    "# HELP up Whether it is up.\n"
    "# TYPE up gauge\n"
    "up{job=\"a\"} 4\n";

TEST_F(RoutesTest, DoesNotGiveTheAgentItsOwnPageToScrape) {
  EXPECT_EQ(answer("GET", "/metrics", {{scraper_header, process_token()}}).status, 508);
  EXPECT_EQ(answer("GET", "/metrics", {{scraper_header, "of another agent"}}).status, 200);
}

TEST_F(RoutesTest, ServesTheMetricsAsText) {
  const auto response = answer("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, content_type(ExpositionFormat::prometheus_text));
  EXPECT_EQ(*response.body, text_page);
  EXPECT_EQ(field(response, "Content-Encoding"), "absent");
  EXPECT_EQ(field(response, "Vary"), "Accept, Accept-Encoding");
}

TEST_F(RoutesTest, ServesTheMetricsCompressedToWhoTakesGzip) {
  const auto response = answer("GET", "/metrics", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(field(response, "Content-Encoding"), "gzip");
  EXPECT_EQ(field(response, "Vary"), "Accept, Accept-Encoding");
  const auto page = gzip_decompress(*response.body, 1 << 20);
  ASSERT_TRUE(page);
  EXPECT_EQ(*page, text_page);
}

TEST_F(RoutesTest, ServesOpenMetricsToWhoAsksForIt) {
  const auto response = answer("GET", "/metrics", {{"Accept", "application/openmetrics-text;version=1.0.0"}});
  EXPECT_EQ(response.content_type, content_type(ExpositionFormat::openmetrics));
  EXPECT_THAT(*response.body, HasSubstr("# EOF\n"));
}

TEST_F(RoutesTest, IsHealthyWhileTheLoopMoves) {
  const auto response = answer("GET", "/-/healthy");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.body, "sidewatch is healthy\n");
}

TEST_F(RoutesTest, IsNotHealthyWhenTheLoopHasNotMovedForLong) {
  const Heartbeat never;  // its last beat is when the machine started
  const auto routes_of_it = make_routes({pages, alerts, groups, never, ready, [this] { return reload_answer; }, false,
                                        {store, clock, {}}, {collectors, config, Time{}, {}, std::chrono::hours(1)}, {pushes, instruments, clock, 1000},
                        {silences, alerts, config, [] { return WallTime(); }, WallTime()},
                                        {nullptr, silences, [] { return WallTime(); }}});
  for (const auto& route : routes_of_it) {
    if (route.path != "/-/healthy") continue;
    const auto response = route.handler(HttpRequest{});
    EXPECT_EQ(response.status, 503);
    EXPECT_THAT(*response.body, HasSubstr("the loop has not moved for "));
  }
  EXPECT_EQ(answer("GET", "/metrics").status, 200) << "a loop that hangs costs no page";
}

TEST_F(RoutesTest, IsReadyWhenTheCollectorsAre) {
  EXPECT_EQ(answer("GET", "/-/ready").status, 503);
  EXPECT_THAT(*answer("GET", "/-/ready").body, HasSubstr("not every collector has ended its first pass"));
  ready = true;
  EXPECT_EQ(answer("GET", "/-/ready").status, 200);
  EXPECT_EQ(*answer("GET", "/-/ready").body, "sidewatch is ready\n");
}

TEST_F(RoutesTest, ReloadsForThisMachineOnly) {
  const auto remote = answer("POST", "/-/reload", {}, false);
  EXPECT_EQ(remote.status, 403);
  EXPECT_THAT(*remote.body, HasSubstr("http.allow_remote_reload"));
  EXPECT_EQ(reloads, 0);
  const auto local = answer("POST", "/-/reload");
  EXPECT_EQ(local.status, 200);
  EXPECT_EQ(*local.body, "the configuration was read again\n");
  EXPECT_EQ(reloads, 1);
}

TEST_F(RoutesTest, ReloadsForOtherMachinesWhereThatIsAllowed) {
  EXPECT_EQ(answer("POST", "/-/reload", {}, false, true).status, 200);
  EXPECT_EQ(reloads, 1);
}

TEST_F(RoutesTest, SaysWhatIsWrongWithAConfigurationThatItDoesNotTake) {
  reload_answer = Error{"sidewatch.yaml:3:1: unknown key 'rule'\n", ""};
  const auto response = answer("POST", "/-/reload");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(*response.body,
            "the configuration was not taken, the old one goes on:\nsidewatch.yaml:3:1: unknown key 'rule'\n");
}

TEST_F(RoutesTest, DoesNotReloadForAReader) {
  for (const auto& route : routes()) EXPECT_TRUE(route.path != "/-/reload" || route.method == "POST") << route.method;
}

TEST_F(RoutesTest, NamesEveryRouteOnItsFrontPage) {
  const auto front = answer("GET", "/");
  EXPECT_EQ(front.status, 200);
  for (const auto& route : routes()) EXPECT_THAT(*front.body, HasSubstr(route.path));
}

}  // namespace
}  // namespace sidewatch

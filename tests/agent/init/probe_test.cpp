#include "agent/init/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/fake_http_server.h"

namespace sidewatch::discovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ProbeTarget target(const FakeHttpServer& server) { return {"127.0.0.1", static_cast<std::uint16_t>(server.port())}; }

TEST(Probe, FindsWhoServesSamples) {
  const FakeHttpServer metrics({{.body = "# HELP up x\nup 1\n"}});
  const FakeHttpServer page({{.body = "<html>"}});
  const FakeHttpServer missing({{.status = 404, .body = "up 1\n"}});
  EXPECT_THAT(probe({target(metrics), target(page), target(missing)}), ElementsAre(metrics.port()));
}

TEST(Probe, AsksForNothingButMetricsOnce) {
  FakeHttpServer server({{.body = "up 1\n"}});
  (void)probe({target(server)});
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].path, "/metrics");
  EXPECT_EQ(requests[0].header("User-Agent"), "sidewatch-init");
}

// All at once: as long as the slowest, however many there are.
TEST(Probe, IsOverWithinItsTimeWhoeverHangs) {
  std::vector<std::unique_ptr<FakeHttpServer>> servers;
  std::vector<ProbeTarget> targets;
  for (int i = 0; i < 8; ++i) {
    servers.push_back(std::make_unique<FakeHttpServer>(std::vector<FakeAnswer>{{.manner = FakeAnswer::Manner::hang}}));
    targets.push_back(target(*servers.back()));
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(probe(targets), IsEmpty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5 * probe_timeout);
}

TEST(Probe, TakesTheBeginningOfAnEndlessPage) {
  const FakeHttpServer server({{.body = "some_metric{a=\"b\"} 1\n", .manner = FakeAnswer::Manner::chunked, .repeat = 20'000}});
  EXPECT_THAT(probe({target(server)}), ElementsAre(server.port()));
}

TEST(Metrics, AreToldFromOtherTexts) {
  EXPECT_TRUE(looks_like_metrics("up 1\n"));
  EXPECT_TRUE(looks_like_metrics("# HELP a b\n# TYPE a gauge\n\na{b=\"} x\",c=\"d\"} NaN 1700000000\n"));
  EXPECT_TRUE(looks_like_metrics("a:b_total\t+Inf\r\n"));
  for (const char* text : {"", "# nothing\n", "<html>", "{\"a\": 1}", "up\n", "up one\n", "hello world\n", "1 2\n", "a{b 1\n"}) {
    EXPECT_FALSE(looks_like_metrics(text)) << text;
  }
}

}  // namespace
}  // namespace sidewatch::discovery

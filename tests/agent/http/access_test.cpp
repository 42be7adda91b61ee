#include "agent/http/access.h"

#include <gtest/gtest.h>

namespace sidewatch {
namespace {

struct Asked {
  std::string method = "GET";
  std::string host = "localhost:9766";
  std::vector<HttpField> fields;
  HttpPeer peer{"127.0.0.1", true, true, false};
  bool reads_only = method == "GET" || method == "HEAD";
};

bool passes(const Asked& asked) {
  HttpRequest request;
  request.method = asked.method;
  request.reads_only = asked.reads_only;
  request.fields = asked.fields;
  if (!asked.host.empty()) request.fields.push_back({"Host", asked.host});
  request.peer = asked.peer;
  return HttpAccess({"metrics.example"}).objection(request).empty();
}

const HttpPeer network{"192.0.2.7", false, false, false};

TEST(HttpAccess, LetsLocalProgramsInUnderTheNamesOfThisMachine) {
  for (const char* host : {"localhost", "LOCALHOST:9766", "localhost.", "127.0.0.1:9766", "[::1]:9766", "192.0.2.1",
                           "metrics.example:80", ""}) {
    EXPECT_TRUE(passes({"GET", host, {}})) << host;
    EXPECT_TRUE(passes({"POST", host, {}})) << host;
  }
}

TEST(HttpAccess, KeepsOutAPageWhoseNameWasPointedHere) {
  for (const char* host : {"evil.example", "evil.example:9766", "localhost.evil.example", "127.0.0.1.evil.example",
                           "metrics.example.evil", "[evil", "1.2.3"}) {
    EXPECT_FALSE(passes({"GET", host, {}})) << host;
    EXPECT_FALSE(passes({"POST", host, {}})) << host;
  }
}

TEST(HttpAccess, LetsPrometheusScrapeOverTheNetworkUnderAnyName) {
  EXPECT_TRUE(passes({"GET", "checkout.svc.cluster.local:9766", {{"User-Agent", "Prometheus/2.42.0"}}, network}));
  EXPECT_FALSE(passes({"POST", "checkout.svc.cluster.local:9766", {}, network}));
}

TEST(HttpAccess, LetsGrafanaPostItsQueriesOverTheNetworkUnderAnyName) {
  EXPECT_TRUE(passes({"POST", "checkout.svc.cluster.local:9766", {{"User-Agent", "Grafana/9.5"}}, network, true}));
  EXPECT_FALSE(passes({"POST", "evil.example", {{"Origin", "http://evil.example"}}, network, true})) << "a browser";
  EXPECT_FALSE(passes({"POST", "evil.example", {}, {"127.0.0.1", true, true, false}, true}));
}

TEST(HttpAccess, AsksBrowsersForAKnownNameAlsoOverTheNetwork) {
  for (const char* name : {"Origin", "Referer", "Cookie", "Sec-Fetch-Site", "sec-fetch-mode"}) {
    EXPECT_FALSE(passes({"GET", "evil.example", {{name, "x"}}, network})) << name;
    EXPECT_TRUE(passes({"GET", "metrics.example", {{name, "x"}}, network})) << name;
  }
  EXPECT_FALSE(passes({"GET", "evil.example", {{"User-Agent", "Mozilla/5.0 (X11)"}}, network}));
  EXPECT_TRUE(passes({"GET", "10.0.0.5:9766", {{"User-Agent", "Mozilla/5.0 (X11)"}}, network}));
}

TEST(HttpAccess, TakesChangesOnlyFromItsOwnPages) {
  EXPECT_TRUE(passes({"POST", "localhost:9766", {{"Origin", "http://localhost:9766"}}}));
  EXPECT_TRUE(passes({"POST", "localhost:9766", {{"Origin", "https://LOCALHOST:9766"}}}));
  EXPECT_FALSE(passes({"POST", "localhost:9766", {{"Origin", "http://localhost:3000"}}}));
  EXPECT_FALSE(passes({"POST", "localhost:9766", {{"Origin", "http://evil.example"}}}));
  EXPECT_FALSE(passes({"POST", "localhost:9766", {{"Origin", "null"}}}));
  EXPECT_FALSE(passes({"POST", "localhost:9766", {{"Origin", ""}}}));
  EXPECT_FALSE(passes({"DELETE", "localhost:9766", {{"Sec-Fetch-Site", "cross-site"}}}));
  EXPECT_TRUE(passes({"POST", "localhost:9766", {{"Sec-Fetch-Site", "same-origin"}}}));
}

TEST(HttpAccess, AsksNothingOverAUnixSocket) {
  EXPECT_TRUE(passes({"POST", "whatever", {}, {"unix", true, true, true}}));
}

TEST(HttpAccess, KnowsTheNameOfThisMachine) {
  EXPECT_GE(allowed_host_names({"a"}).size(), 2u);
  EXPECT_EQ(allowed_host_names({"a"}).front(), "a");
}

}  // namespace
}  // namespace sidewatch

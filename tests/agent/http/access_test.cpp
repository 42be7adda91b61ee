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

// A GET that changes something, such as a ping.
bool may_ping(const std::vector<HttpField>& fields, const std::string& host = "localhost:9766",
              const HttpPeer& peer = {"127.0.0.1", true, true, false}) {
  const bool get = passes({"GET", host, fields, peer, false});
  EXPECT_EQ(passes({"HEAD", host, fields, peer, false}), get);
  return get;
}

TEST(HttpAccess, AnImageOfAWebPageChangesNothing) {
  const HttpField browser{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"};
  EXPECT_FALSE(may_ping({browser, {"Referer", "http://evil.example/page"}, {"Cookie", "a=b"}}));
  EXPECT_FALSE(may_ping({browser, {"Referer", "http://localhost:3000/"}})) << "another port is another page";
  EXPECT_FALSE(may_ping({browser})) << "of a page that sends no Referer";
  EXPECT_FALSE(may_ping({browser}, "10.0.0.5:9766", network)) << "browsers send no Sec-Fetch-Site there";
  EXPECT_FALSE(may_ping({{"Cookie", "a=b"}}));
  EXPECT_FALSE(may_ping({{"Sec-Fetch-Mode", "no-cors"}}));
  for (const char* site : {"cross-site", "same-site", "Same-Site", "", "x"}) {
    EXPECT_FALSE(may_ping({browser, {"Sec-Fetch-Site", site}})) << site;
  }
}

TEST(HttpAccess, AGetThatChangesSomethingIsForProgramsAndForWhoTypesIt) {
  EXPECT_TRUE(may_ping({}));
  EXPECT_TRUE(may_ping({{"User-Agent", "curl/7.88.1"}}));
  const HttpField browser{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"};
  EXPECT_TRUE(may_ping({browser, {"Sec-Fetch-Site", "none"}}));
  EXPECT_TRUE(may_ping({browser, {"Sec-Fetch-Site", "same-origin"}}));
  EXPECT_TRUE(may_ping({browser, {"Referer", "http://LOCALHOST:9766/some/page"}}));
  EXPECT_TRUE(passes({"POST", "localhost:9766", {{"User-Agent", "Mozilla/5.0 (Linux) PowerShell/7.3"}}}))
      << "in every browser a POST has an Origin";
  EXPECT_FALSE(passes({"POST", "localhost:9766", {{"Referer", "http://evil.example/"}}}));
  EXPECT_FALSE(passes({"POST", "localhost:9766", {{"Sec-Fetch-Site", "same-site"}}}));
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

#include "agent/http/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sidewatch {
namespace {

HttpRequest request_for(std::string method, std::string target) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.fields.push_back({"Host", "localhost"});
  return request;
}

std::vector<HttpRoute> one_route(std::string method, std::string path, HttpHandler handler) {
  return {{std::move(method), std::move(path), std::move(handler)}};
}

HttpResponse ok(const HttpRequest&) { return HttpResponse::text(200, "ok\n"); }

// Answers with what the handler got of one request.
HttpRequest seen_by_handler(HttpRequest request, std::string path) {
  HttpRequest seen;
  HttpRouter router(one_route(request.method, std::move(path), [&](const HttpRequest& given) {
    seen = given;
    return HttpResponse::text(200, "");
  }));
  EXPECT_EQ(router.answer(request).outcome, HttpRouter::Outcome::answered) << request.target;
  return seen;
}

TEST(HttpRouter, CallsTheHandlerOfMethodAndPath) {
  HttpRouter router({{"GET", "/a", [](const HttpRequest&) { return HttpResponse::text(200, "get"); }},
                     {"POST", "/a", [](const HttpRequest&) { return HttpResponse::text(202, "post"); }}});
  auto get = request_for("GET", "/a?x=1");
  auto post = request_for("POST", "/a");
  auto head = request_for("HEAD", "/a");
  EXPECT_EQ(*router.answer(get).response.body, "get");
  EXPECT_EQ(router.answer(post).response.status, 202);
  EXPECT_EQ(*router.answer(head).response.body, "get");
}

TEST(HttpRouter, HandsThePageThroughWithoutACopy) {
  const auto page = std::make_shared<const std::string>(1000, 'x');
  HttpRouter router(one_route("GET", "/metrics", [&](const HttpRequest&) { return HttpResponse::shared("text/plain", page); }));
  auto request = request_for("GET", "/metrics");
  EXPECT_EQ(router.answer(request).response.body.get(), page.get());
}

TEST(HttpRouter, AnswersAnUnknownPathWith404AndAnUnknownMethodWith405) {
  HttpRouter router({{"GET", "/a", ok}, {"POST", "/a", ok}, {"GET", "/b", ok}});
  auto unknown = request_for("GET", "/c");
  auto wrong = request_for("DELETE", "/a");
  const auto not_found = router.answer(unknown);
  EXPECT_EQ(not_found.outcome, HttpRouter::Outcome::no_route);
  EXPECT_EQ(not_found.response.status, 404);
  EXPECT_EQ(*not_found.response.body, "page not found\n");
  const auto not_allowed = router.answer(wrong);
  EXPECT_EQ(not_allowed.response.status, 405);
  ASSERT_EQ(not_allowed.response.headers.size(), 1u);
  EXPECT_EQ(not_allowed.response.headers[0].value, "GET, HEAD, POST");
}

TEST(HttpRouter, KnowsTheMethodsOfPathsWithCaptures) {
  HttpRouter router({{"DELETE", "/silence/{id}", ok}});
  for (const char* path : {"/silence/7", "/silence/a%20b"}) {
    auto request = request_for("GET", path);
    EXPECT_EQ(router.answer(request).response.status, 405) << path;
  }
  for (const char* path : {"/silence/", "/silence", "/silence/7/8", "/silence/7/", "/", "//7", "/xsilence/7"}) {
    auto request = request_for("GET", path);
    EXPECT_EQ(router.answer(request).response.status, 404) << path;
  }
}

TEST(HttpRouter, TakesPathsLiterallyAndCapturesSegments) {
  HttpRouter router({{"GET", "/-/ready.x", ok}, {"GET", "/label/{name}/values/{n}", [](const HttpRequest& request) {
                                               return HttpResponse::text(200, request.capture("name") + "|" + request.capture("n"));
                                             }}});
  auto dot = request_for("GET", "/-/readyzx");
  EXPECT_EQ(router.answer(dot).response.status, 404);
  auto label = request_for("GET", "/label/job%20%2bx/values/7");
  EXPECT_EQ(*router.answer(label).response.body, "job +x|7");
  auto deeper = request_for("GET", "/label/a/b/values/7");
  EXPECT_EQ(router.answer(deeper).response.status, 404);
}

TEST(HttpRouter, KeepsTheTextOfAnExceptionToItself) {
  HttpRouter router({{"GET", "/a", [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("dsn=postgres://u:p@h"); }},
                     {"GET", "/b", [](const HttpRequest&) -> HttpResponse { throw 7; }},
                     {"GET", "/c", ok}});
  for (const char* path : {"/a", "/b"}) {
    auto request = request_for("GET", path);
    const auto answer = router.answer(request);
    EXPECT_EQ(answer.outcome, HttpRouter::Outcome::failed);
    EXPECT_EQ(answer.response.status, 500);
    EXPECT_EQ(*answer.response.body, "internal error\n");
    EXPECT_TRUE(answer.response.headers.empty());
  }
  auto after = request_for("GET", "/c");
  EXPECT_EQ(router.answer(after).response.status, 200);
}

TEST(HttpRouter, DecodesTheQueryWhereTheLibraryWouldCutIt) {
  const auto seen = seen_by_handler(request_for("GET", "/q?query=up{a=%22b%22}==1&why=?&x=1?2"), "/q");
  EXPECT_EQ(seen.param("query"), "up{a=\"b\"}==1");
  EXPECT_EQ(seen.param("why"), "?");
  EXPECT_EQ(seen.param("x"), "1?2");
}

TEST(HttpRouter, ReadsAFormBeyondTheEightKilobytesOfTheLibrary) {
  auto request = request_for("POST", "/q?time=5");
  request.fields.push_back({"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"});
  request.body = "query=" + std::string(20'000, 'x') + "&step=1";
  const auto seen = seen_by_handler(std::move(request), "/q");
  EXPECT_EQ(seen.param("time"), "5");
  EXPECT_EQ(seen.param("query").value_or("").size(), 20'000u);
  EXPECT_EQ(seen.param("step"), "1");
}

TEST(HttpRouter, DoesNotReadAnotherBodyAsAForm) {
  auto request = request_for("POST", "/q");
  request.fields.push_back({"Content-Type", "application/json"});
  request.body = "a=1";
  const auto seen = seen_by_handler(std::move(request), "/q");
  EXPECT_TRUE(seen.params.empty());
  EXPECT_EQ(seen.body, "a=1");
}

// Each of these fields makes the library itself do something; none may reach it.
TEST(HttpRouter, ShowsTheLibraryNoHeaders) {
  auto request = request_for("GET", "/q");
  request.peer = {"192.0.2.7", false, false, false};
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"REMOTE_ADDR", "6.6.6.6"},
           {"Range", "bytes=0-1,0-1"},
           {"Expect", "100-continue"},
           {"Content-Encoding", "gzip"},
           {"Transfer-Encoding", "chunked"},
           {"Content-Length", "99999999"},
           {"Authorization", "Bearer a%41"},
           {"Connection", "close"}}) {
    request.fields.push_back({name, value});
  }
  const auto seen = seen_by_handler(std::move(request), "/q");
  EXPECT_EQ(seen.peer.address, "192.0.2.7");
  EXPECT_FALSE(seen.peer.is_loopback);
  EXPECT_EQ(seen.header("Authorization"), "Bearer a%41");
}

TEST(HttpRouter, RefusesPathsThatHideControlCharactersOrAreTooLong) {
  HttpRouter router({{"GET", "/{any}", ok}});
  auto nul = request_for("GET", "/a%00b");
  EXPECT_EQ(router.answer(nul).response.status, 400);
  auto line = request_for("GET", "/a%0d%0aX:%20y");
  EXPECT_EQ(router.answer(line).response.status, 400);
  auto longest = request_for("GET", "/" + std::string(1023, 'a'));
  EXPECT_EQ(router.answer(longest).response.status, 200);
  auto longer = request_for("GET", "/" + std::string(1024, 'a'));
  EXPECT_EQ(router.answer(longer).response.status, 414);
}

TEST(HttpRouter, TakesAnyDecodedByteInACapture) {
  const auto seen = seen_by_handler(request_for("GET", "/v/%25%3f%23%ff%20%25u0041"), "/v/{x}");
  EXPECT_EQ(seen.capture("x"), "%?#\xff %u0041");
}

TEST(HttpRouter, KeepsTheLongQueryAwayFromTheLibrary) {
  const auto seen = seen_by_handler(request_for("GET", "/q?query=" + std::string(8'100, 'x')), "/q");
  EXPECT_EQ(seen.param("query").value_or("").size(), 8'100u);
}

TEST(HttpRouter, CapturesAllThatFollows) {
  HttpRouter router({{"PUT", "/metrics/{rest...}", [](const HttpRequest& request) {
                        return HttpResponse::text(200, request.capture("rest"));
                      }},
                     {"GET", "/metrics", ok}});
  auto deep = request_for("PUT", "/metrics/job/a%2Fb/instance/c");
  EXPECT_EQ(*router.answer(deep).response.body, "job/a/b/instance/c");
  for (const char* path : {"/metrics/", "/metricsx/job", "/x/metrics/job"}) {
    auto request = request_for("PUT", path);
    EXPECT_EQ(router.answer(request).response.status, 404) << path;
  }
  auto get = request_for("GET", "/metrics/job/a");
  const auto refused = router.answer(get);
  EXPECT_EQ(refused.response.status, 405);
  EXPECT_EQ(refused.response.headers.at(0).value, "PUT");
  auto page = request_for("GET", "/metrics");
  EXPECT_EQ(router.answer(page).response.status, 200);
}

TEST(HttpRouter, KnowsWhichRequestsPush) {
  std::vector<HttpRoute> routes{{"GET", "/ping/{rest...}", ok}, {"GET", "/metrics", ok}, {"POST", "/ask", ok}};
  routes[0].takes_pushes = true;
  const HttpRouter router(std::move(routes));
  EXPECT_TRUE(router.takes_pushes("GET", "/ping/backup?x=1"));
  EXPECT_TRUE(router.takes_pushes("HEAD", "/ping/backup/fail"));
  EXPECT_TRUE(router.takes_pushes("GET", "/%70ing/backup"));
  EXPECT_FALSE(router.takes_pushes("POST", "/ping/backup"));
  EXPECT_FALSE(router.takes_pushes("GET", "/metrics"));
  EXPECT_FALSE(router.reads_only(request_for("GET", "/ping/backup"))) << "a page of another site must not ping";
  EXPECT_TRUE(router.reads_only(request_for("GET", "/metrics")));
}

TEST(HttpRouter, DoesNotReadAPushAsAForm) {
  std::vector<HttpRoute> routes{{"POST", "/push", [](const HttpRequest& request) {
                                   return HttpResponse::text(request.params.empty() ? 200 : 500, request.body);
                                 }}};
  routes[0].takes_pushes = true;
  HttpRouter router(std::move(routes));
  auto request = request_for("POST", "/push");
  request.fields.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  request.body = "a=1&b=2";
  EXPECT_EQ(router.answer(request).response.status, 200);
}

}  // namespace
}  // namespace sidewatch

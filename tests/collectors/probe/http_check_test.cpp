#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/collectors/probe/run_check.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;
using Manner = FakeAnswer::Manner;

std::string entry(const std::string& url, const std::string& more = "") {
  return "{name: front, http: {url: '" + url + "'" + (more.empty() ? "" : ", " + more) + "}}";
}

TEST(HttpCheck, TellsStatusPhasesAndLengthOfAnAnswer) {
  FakeHttpServer server({{.status = 200, .body = "hello"}});
  const auto verdict = run_entry(entry(server.url("/health")));
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(fact(verdict, "probe_http_status_code"), 200);
  EXPECT_EQ(fact(verdict, "probe_http_version"), 1.1);
  EXPECT_EQ(fact(verdict, "probe_http_content_length"), 5);
  EXPECT_EQ(fact(verdict, "probe_http_uncompressed_body_length"), 5);
  EXPECT_EQ(fact(verdict, "probe_http_redirects"), 0);
  EXPECT_EQ(fact(verdict, "probe_http_ssl"), 0);
  EXPECT_EQ(fact(verdict, "probe_ip_protocol"), 4);
  EXPECT_GT(fact(verdict, "probe_http_duration_seconds", Labels{{"phase", "connect"}}), 0);
  EXPECT_GT(fact(verdict, "probe_http_duration_seconds", Labels{{"phase", "processing"}}), 0);
  EXPECT_EQ(fact(verdict, "probe_http_duration_seconds", Labels{{"phase", "tls"}}), 0);
}

// An agent whose names all lead to this machine.
Resolver to_this_machine(std::shared_ptr<std::vector<std::string>> asked) {
  return [asked = std::move(asked)](const std::string& host, Family) {
    asked->push_back(host);
    return look_up_address("127.0.0.1", Family::any);
  };
}

TEST(HttpCheck, ConnectsWhereTheNamesLeadToAndLetsNobodyElseLookThemUp) {
  FakeHttpServer server;
  const auto asked = std::make_shared<std::vector<std::string>>();
  const auto url = "http://shop.invalid:" + std::to_string(server.port()) + "/a";
  server.script({{.status = 302, .headers = {{"Location", "http://www.shop.invalid:" + std::to_string(server.port())}}},
                 {.status = 200}});
  const auto check = make_check(read_checks(entry(url)).at(0));
  CheckRunner runner(to_this_machine(asked));
  for (int i = 0; i < 2; ++i) {
    server.script({{.status = 302, .headers = {{"Location", "http://www.shop.invalid:" + std::to_string(server.port())}}},
                   {.status = 200}});
    const auto verdict = runner.run(*check);
    EXPECT_EQ(why(verdict), "");
    EXPECT_EQ(fact(verdict, "probe_http_redirects"), 1);
    EXPECT_GT(fact(verdict, "probe_dns_lookup_time_seconds").value_or(0), 0);
  }
  EXPECT_EQ(*asked, (std::vector<std::string>{"shop.invalid", "www.shop.invalid", "shop.invalid", "www.shop.invalid"}));
}

TEST(HttpCheck, LooksUpTheProxyAndNotTheHostThatTheProxyAsksFor) {
  FakeHttpServer proxy;
  const auto asked = std::make_shared<std::vector<std::string>>();
  const auto port = std::to_string(proxy.port());
  const auto check =
      make_check(read_checks(entry("http://shop.invalid/", "proxy_url: 'http://proxy.invalid:" + port + "'")).at(0));
  CheckRunner runner(to_this_machine(asked));
  EXPECT_EQ(why(runner.run(*check)), "");
  EXPECT_EQ(*asked, std::vector<std::string>{"proxy.invalid"});
}

TEST(HttpCheck, AsksForANameOnceAMinuteForAConnectionThatIsKept) {
  FakeHttpServer server;
  const auto asked = std::make_shared<std::vector<std::string>>();
  const auto url = "http://shop.invalid:" + std::to_string(server.port()) + "/";
  const auto check = make_check(read_checks(entry(url, "keep_alive: true")).at(0));
  CheckRunner runner(to_this_machine(asked));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(why(runner.run(*check)), "");
  EXPECT_EQ(asked->size(), 1u);
}

TEST(HttpCheck, TakesEveryAddressOfANameThatMayBeTheRightOne) {
  FakeHttpServer server;
  const auto check =
      make_check(read_checks(entry("http://shop.invalid:" + std::to_string(server.port()) + "/")).at(0));
  CheckRunner runner([](const std::string&, Family) {
    Lookup lookup = look_up_address("127.0.0.2", Family::any);  // where nobody listens
    lookup.addresses.push_back(look_up_address("127.0.0.1", Family::any).addresses.at(0));
    lookup.addresses.insert(lookup.addresses.begin(), look_up_address("::1", Family::any).addresses.at(0));
    return lookup;
  });
  EXPECT_EQ(why(runner.run(*check)), "");
}

TEST(HttpCheck, ReadsJsonAsLongAsMaxBodyAllows) {
  const std::string filler(3u << 20, 'x');
  FakeHttpServer server({{.status = 200, .body = R"({"text": ")" + filler + R"(", "status": "up"})"}});
  const auto expect = ", expect: {json: [{pointer: /status, equals: up}]}";
  EXPECT_EQ(why(run_entry(entry(server.url(), std::string("max_body: 4MiB") + expect))), "");
  EXPECT_EQ(why(run_entry(entry(server.url(), "max_body: 4MiB, expect: {json: [{pointer: /status, equals: down}]}"))),
            "the value at '/status' is 'up', not 'down'");
  const auto longer = run_entry(entry(server.url(), std::string("max_body: 2MiB") + expect));
  EXPECT_EQ(reason(longer), "too_large");
  EXPECT_THAT(why(longer), testing::HasSubstr("the answer is longer than 2097152 bytes, which is all that max_body allows"));
}

TEST(HttpCheck, FailsForMoreHeadersThanItKeeps) {
  std::vector<HttpHeader> headers;
  for (int i = 0; i < 300; ++i) headers.push_back({"X-" + std::to_string(i), "1"});
  FakeHttpServer server({{.status = 200, .headers = headers}});
  EXPECT_EQ(why(run_entry(entry(server.url()))), "") << "its status is all that matters";
  for (const std::string expect : {"body_contains: a", "headers: [{name: X-299, matches: 1}]"}) {
    const auto verdict = run_entry(entry(server.url(), "expect: {" + expect + "}"));
    EXPECT_EQ(reason(verdict), "too_large");
    EXPECT_THAT(why(verdict), testing::HasSubstr("the answer has more than 256 header fields"));
  }
}

TEST(HttpCheck, SendsWhatTheConfigurationSays) {
  FakeHttpServer server;
  run_entry(entry(server.url("/a?b=c"),
                  "method: POST, headers: {X-Team: shop}, body: '{\"a\":1}', username: u, password: p"));
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/a?b=c");
  EXPECT_EQ(seen.header("X-Team"), "shop");
  EXPECT_EQ(seen.header("Authorization"), "Basic dTpw");
  EXPECT_EQ(seen.body, "{\"a\":1}");
  run_entry(entry(server.url(), "bearer_token: secret"));
  EXPECT_EQ(server.requests().at(1).header("Authorization"), "Bearer secret");
}

TEST(HttpCheck, ConnectsAnewForEachRunUnlessItIsToKeepTheConnection) {
  for (const bool keep : {false, true}) {
    FakeHttpServer server;
    const auto checks = read_checks(entry(server.url(), std::string("keep_alive: ") + (keep ? "true" : "false")));
    const auto check = make_check(checks.at(0));
    CheckRunner runner;
    runner.run(*check);
    const auto second = runner.run(*check);
    EXPECT_EQ(server.requests().at(0).connection == server.requests().at(1).connection, keep);
    EXPECT_EQ(fact(second, "probe_http_connection_reused"), keep ? 1 : 0);
  }
}

TEST(HttpCheck, FollowsRedirectsAndAddsTheirPhasesUp) {
  FakeHttpServer server({{.status = 302, .headers = {{"Location", "/next"}}},
                         {.status = 307, .headers = {{"Location", "last?x=1"}}},
                         {.status = 200}});
  const auto verdict = run_entry(entry(server.url("/first"), "headers: {X-Secret: '1'}"));
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(fact(verdict, "probe_http_redirects"), 2);
  EXPECT_EQ(server.requests().at(2).path, "/last?x=1");
  EXPECT_EQ(server.requests().at(2).header("X-Secret"), "1");
}

TEST(HttpCheck, GivesNoSecretToAnotherHostThatARedirectLeadsTo) {
  FakeHttpServer other;
  FakeHttpServer server({{.status = 302, .headers = {{"Location", other.url("/")}}}});
  run_entry(entry(server.url(), "headers: {X-Secret: '1'}, username: u, password: p"));
  EXPECT_EQ(server.requests().at(0).header("Authorization"), "Basic dTpw");
  EXPECT_EQ(other.requests().at(0).header("Authorization"), "");
  EXPECT_EQ(other.requests().at(0).header("X-Secret"), "");
}

TEST(HttpCheck, SendsNoBodyToAnotherHostThatARedirectLeadsTo) {
  FakeHttpServer other;
  FakeHttpServer server({{.status = 307, .headers = {{"Location", other.url("/")}}}});
  const auto verdict = run_entry(entry(server.url(), "method: POST, body: secret"));
  EXPECT_EQ(reason(verdict), "redirect");
  EXPECT_EQ(why(verdict), "it leads to another server, which is not sent the body of this check");
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpCheck, DoesNotAskWithoutASecretThatCannotBeRead) {
  FakeHttpServer server;
  TempDir directory;
  const std::string token = directory / "token";
  std::ofstream(token) << "abc\n";
  std::string problems;
  const auto checks = read_checks(entry(server.url(), "bearer_token: \"${file:" + token + "}\""), &problems);
  ASSERT_EQ(problems, "");
  const auto check = make_check(checks.at(0));
  CheckRunner runner;
  EXPECT_EQ(why(runner.run(*check, 10s)), "");
  EXPECT_EQ(server.requests().at(0).header("Authorization"), "Bearer abc");
  std::filesystem::remove(token);
  EXPECT_EQ(why(runner.run(*check, 10s)), "it was not asked: bearer_token cannot be read now");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpCheck, TurnsAPostIntoAGetWhereTheRedirectSaysSo) {
  FakeHttpServer server({{.status = 303, .headers = {{"Location", "/done"}}}, {.status = 200}});
  run_entry(entry(server.url(), "method: POST, body: x"));
  EXPECT_EQ(server.requests().at(1).method, "GET");
  EXPECT_EQ(server.requests().at(1).body, "");
}

TEST(HttpCheck, GivesUpARedirectThatGoesInCircles) {
  FakeHttpServer server({{.status = 302, .headers = {{"Location", "/again"}}}});
  const auto verdict = run_entry(entry(server.url(), "max_redirects: 3"));
  EXPECT_EQ(why(verdict), "more than 3 redirects");
  EXPECT_EQ(reason(verdict), "redirect");
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST(HttpCheck, FollowsNoRedirectToALinkLocalAddressOrAnotherProtocol) {
  FakeHttpServer server({{.status = 302, .headers = {{"Location", "http://169.254.169.254/latest"}}}});
  EXPECT_EQ(reason(run_entry(entry(server.url()))), "address_refused");
  EXPECT_EQ(reason(run_entry(entry(server.url(), "allow_link_local: true"))), "address_refused");
  server.script({{.status = 302, .headers = {{"Location", "file:///etc/passwd"}}}});
  EXPECT_EQ(reason(run_entry(entry(server.url()))), "redirect");
  server.script({{.status = 302, .headers = {{"Location", "http://b\xc3\xbc" "cher.example/"}}}});
  EXPECT_EQ(why(run_entry(entry(server.url()))), "it leads to a host whose name is not ASCII");
}

TEST(HttpCheck, LeavesARedirectAloneWhenToldSo) {
  FakeHttpServer server({{.status = 302, .headers = {{"Location", "/next"}}}});
  const auto verdict = run_entry(entry(server.url(), "follow_redirects: false, expect: {status: [302]}"));
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpCheck, IsOverInTimeWhateverTheServerDoes) {
  for (const auto manner : {Manner::hang, Manner::drip, Manner::stall}) {
    FakeHttpServer server({{.status = 200, .body = std::string(1000, 'x'), .manner = manner}});
    const auto begin = steady_clock::now();
    const auto verdict = run_entry(entry(server.url()), 300ms);
    EXPECT_LT(steady_clock::now() - begin, 5s);
    EXPECT_EQ(reason(verdict), "timeout");
    EXPECT_EQ(why(verdict), server.url() + "...: no answer in time");
    EXPECT_EQ(fact(verdict, "probe_http_status_code"), 0);
  }
}

TEST(HttpCheck, TellsARefusedConnectionFromOneThatBreaksAndFromNonsense) {
  EXPECT_EQ(reason(run_entry(entry("http://127.0.0.1:" + std::to_string(unused_port()) + "/"))), "connect");
  FakeHttpServer server({{.manner = Manner::reset}});
  EXPECT_EQ(reason(run_entry(entry(server.url()))), "disconnected");
  server.script({{.body = "SSH-2.0-OpenSSH_9\r\n", .manner = Manner::raw}});
  EXPECT_EQ(reason(run_entry(entry(server.url()))), "disconnected");
  EXPECT_EQ(reason(run_entry(entry("http://no.such.host.invalid/"))), "resolve");
}

TEST(HttpCheck, CutsALongAnswerAndFailsOnlyWhereItsBodyMatters) {
  FakeHttpServer server({{.status = 200, .body = std::string(5000, 'x')}});
  const auto cut = run_entry(entry(server.url(), "max_body: 1000B"));
  EXPECT_EQ(why(cut), "");
  EXPECT_EQ(fact(cut, "probe_http_uncompressed_body_length"), 1000);
  EXPECT_EQ(reason(run_entry(entry(server.url(), "max_body: 1000B, expect: {body_contains: x}"))), "too_large");
}

TEST(HttpCheck, NeverShowsPathOrPasswordInWhatItTells) {
  const auto verdict =
      run_entry(entry("http://127.0.0.1:" + std::to_string(unused_port()) + "/hook/T0PSECRET?key=T0PSECRET"));
  EXPECT_EQ(why(verdict).find("T0PSECRET"), std::string::npos) << why(verdict);
}

}  // namespace
}  // namespace sidewatch::probe

#include "agent/http/config.h"

#include <gtest/gtest.h>

#include "config/document.h"
#include "config/reference.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

struct Whole {
  HttpConfig http;
};
void declare(config::Section& section, Whole& whole) { section.section("http", whole.http, "the agent's HTTP server"); }

struct Read {
  HttpConfig http;
  std::string problems;
};

Read read(std::string yaml) {
  config::Problems problems;
  const config::Environment environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "ADDRESS" ? std::optional<std::string>("hidden:1") : std::nullopt;
  };
  auto document = config::Document::parse("a.yaml", std::move(yaml), environment, problems);
  Whole whole;
  document.read(whole);
  return {whole.http, problems.text()};
}

TEST(HttpConfig, ListensOnTheLoopbackAddressUnlessTold) {
  const auto [http, problems] = read("http: {}\n");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(http.listen.size(), 1u);
  EXPECT_EQ(http.listen[0].value, "127.0.0.1:9766");
  EXPECT_FALSE(http.allow_remote_reload);
  EXPECT_EQ(http.limits.header_timeout, 5s);
  EXPECT_EQ(http.limits.max_header_bytes.count, 16u * 1024);
}

TEST(HttpConfig, TakesOneAddressOrSeveral) {
  EXPECT_EQ(read("http: {listen: \":1\"}\n").http.listen.at(0).value, ":1");
  const auto [http, problems] = read("http:\n  listen: [\"127.0.0.1:1\", \"unix:/run/x.sock\"]\n");
  EXPECT_EQ(problems, "");
  ASSERT_EQ(http.listen.size(), 2u);
  EXPECT_EQ(http.listen[1].value, "unix:/run/x.sock");
}

TEST(HttpConfig, TakesItsLimits) {
  const auto [http, problems] = read("http: {max_connections: 10, write_timeout: 1m, max_body_bytes: 1MiB, hosts: [a.example]}\n");
  EXPECT_EQ(problems, "");
  EXPECT_EQ(http.limits.max_connections, 10);
  EXPECT_EQ(http.limits.write_timeout, 1min);
  EXPECT_EQ(http.limits.max_body_bytes.count, 1024u * 1024);
  EXPECT_EQ(http.hosts, std::vector<std::string>{"a.example"});
}

TEST(HttpConfig, PointsAtAnAddressThatMakesNoSense) {
  EXPECT_EQ(read("http:\n  listen:\n    - 127.0.0.1:1\n    - example.com:80\n").problems,
            "a.yaml:4:7: 'example.com:80' needs an IP address before the port, as in 127.0.0.1:9766, [::1]:9766 or :9766 (all)\n");
  EXPECT_NE(read("http: {listen: []}\n").problems.find("needs at least one address"), std::string::npos);
}

TEST(HttpConfig, DoesNotShowWhatAVariableHolds) {
  const auto problems = read("http: {listen: \"${ADDRESS}\"}\n").problems;
  EXPECT_NE(problems.find("the variable holds no address"), std::string::npos) << problems;
  EXPECT_EQ(problems.find("hidden"), std::string::npos);
}

TEST(HttpConfig, RefusesLimitsThatWouldShutEveryoneOut) {
  for (const char* limit : {"max_connections: 0", "header_timeout: 0s", "max_headers: 1", "max_header_bytes: 10", "idle_timeout: 1ms"}) {
    EXPECT_NE(read("http: {" + std::string(limit) + "}\n").problems, "") << limit;
  }
}

TEST(HttpConfig, DescribesItself) {
  const std::string reference = config::reference_markdown<Whole>();
  for (const char* key : {"listen", "hosts", "allow_remote_reload", "max_connections", "idle_timeout", "127.0.0.1:9766"}) {
    EXPECT_NE(reference.find(key), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace sidewatch

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/collectors/probe/run_check.h"

namespace sidewatch::probe {
namespace {

std::string problems(const std::string& entries) {
  std::string text;
  read_checks(entries, &text);
  return text;
}

TEST(ProbeConfig, SaysWhatKindsThereAreWhereNoneIsGiven) {
  EXPECT_THAT(problems("{name: a}"), testing::HasSubstr("what is to be checked? Give one of http, tcp, tls"));
}

TEST(ProbeConfig, TakesOneKindForEachCheck) {
  EXPECT_THAT(problems("{name: a, http: {url: 'http://h/'}, tcp: {address: 'h:1'}}"),
              testing::HasSubstr("a check has one kind, this one has 'http' already: make it two checks"));
}

TEST(ProbeConfig, RefusesATimeoutThatIsLongerThanTheInterval) {
  EXPECT_THAT(problems("{name: a, interval: 2s, timeout: 3s, tcp: {address: 'h:1'}}"),
              testing::HasSubstr("this timeout is longer than the interval of 2s: the next run would be due before"));
}

TEST(ProbeConfig, GivesARunTheIntervalWhereThatIsShorterThanTheUsualTimeout) {
  EXPECT_EQ(read_checks("{name: a, interval: 2s, tcp: {address: 'h:1'}}").at(0).timeout, std::chrono::seconds(2));
  EXPECT_EQ(read_checks("{name: a, interval: 1m, tcp: {address: 'h:1'}}").at(0).timeout, std::chrono::seconds(5));
}

TEST(ProbeConfig, SaysWhatAnAddressLacks) {
  EXPECT_THAT(problems("{name: a, tcp: {address: 127.0.0.1}}"), testing::HasSubstr("'127.0.0.1' lacks a port: write mail"));
  EXPECT_THAT(problems("{name: a, tls: {address: 'https://h/'}}"),
              testing::HasSubstr("'https://h/' is a URL, here stands an address: write shop.example:443"));
  EXPECT_THAT(problems("{name: a, tcp: {address: 'h:0'}}"), testing::HasSubstr("'h:0' is not an address: write mail"));
}

TEST(ProbeConfig, GuessesWhatOtherSectionsCallTheKeysOfTls) {
  EXPECT_THAT(problems("{name: a, tls: {address: 'h:1', ca_file: /a}}"),
              testing::HasSubstr("unknown key 'ca_file', did you mean 'ca'?"));
}

TEST(ProbeConfig, RefusesSecretsInAUrlAndAddressesWhereCredentialsAreKept) {
  EXPECT_THAT(problems("{name: a, http: {url: 'http://u:p@h/'}}"),
              testing::HasSubstr("write username and password under keys of their own"));
  EXPECT_THAT(problems("{name: a, http: {url: 'http://169.254.169.254/'}}"), testing::HasSubstr("link-local"));
  EXPECT_THAT(problems("{name: a, http: {url: 'ftp://h/'}}"),
              testing::HasSubstr("a URL starts with http:// or https:// here"));
}

TEST(ProbeConfig, RefusesHeadersThatWouldAddALine) {
  EXPECT_THAT(problems("{name: a, http: {url: 'http://h/', headers: {X: \"a\\r\\nY: b\"}}}"),
              testing::HasSubstr("'X' is not a header that can be sent"));
}

TEST(ProbeConfig, RefusesLinkLocalAddressesOfEveryKindUnlessTheyAreAllowed) {
  for (const std::string check : {"tcp: {address: '169.254.0.1:80'", "tls: {address: '[fe80::1]:443'",
                                  "dns: {query_name: shop.example, server: 169.254.20.10",
                                  "ntp: {server: 169.254.169.123", "icmp: {host: 169.254.0.1"}) {
    EXPECT_THAT(problems("{name: a, " + check + "}}"),
                testing::HasSubstr("the address is link-local, which is refused unless allow_link_local is true"));
    EXPECT_EQ(problems("{name: a, " + check + ", allow_link_local: true}}"), "");
  }
}

TEST(ProbeConfig, TakesNamesAsTheyStandInDnsAndNoOther) {
  for (const std::string check :
       {"http: {url: 'https://b\u00fccher.example/'", "http: {url: 'https://b%C3%BCcher.example/'",
        "http: {url: 'http://h/', proxy_url: 'http://b\u00fccher.example:3128'", "tcp: {address: 'b\u00fccher.example:80'",
        "tls: {address: 'b\u00fccher.example'", "dns: {query_name: b\u00fccher.example",
        "dns: {query_name: a, server: b\u00fccher.example", "ntp: {server: b\u00fccher.example",
        "icmp: {host: b\u00fccher.example"}) {
    EXPECT_THAT(problems("{name: a, " + check + "}}"),
                testing::HasSubstr("'b\u00fccher.example' has letters that DNS does not know: write the name as it stands there"))
        << check;
  }
  EXPECT_EQ(problems("{name: a, http: {url: 'https://xn--bcher-kva.example/b\u00fccher'}}"), "");
  EXPECT_EQ(problems("{name: a, icmp: {host: xn--bcher-kva.example}}"), "");
}

TEST(ProbeConfig, CountsOverTheWindowsThatAreNamed) {
  const auto has = [](const std::string& windows) {
    return read_checks("{name: a, " + windows + "tcp: {address: 'h:1'}}").at(0).windows.has;
  };
  EXPECT_EQ(has(""), (std::array{false, true, false}));
  EXPECT_EQ(has("windows: [1h, 7d], "), (std::array{true, false, true}));
  EXPECT_EQ(has("windows: [], "), (std::array{false, false, false}));
  EXPECT_THAT(problems("{name: a, windows: [2h], tcp: {address: 'h:1'}}"),
              testing::HasSubstr("'2h' is not a window that is counted: write 1h, 24h or 7d"));
}

TEST(ProbeConfig, SaysHowAnAddressIsWritten) {
  EXPECT_THAT(problems("{name: a, tcp: {address: mail.example}}"),
              testing::HasSubstr("'mail.example' lacks a port: write mail.example:25"));
  EXPECT_EQ(problems("{name: a, tls: {address: shop.example}}"), "");
}

TEST(ProbeConfig, GivesEachSeriesTheNameTheKindAndTheTarget) {
  const auto checks = read_checks("{name: a, labels: {team: shop}, http: {url: 'https://shop.example/health?key=1'}}");
  EXPECT_EQ(checks.at(0).series_labels().to_string(),
            R"({kind="http", probe="a", target="https://shop.example/...", team="shop"})");
}

TEST(ProbeConfig, KeepsItsOwnLabelsToItself) {
  EXPECT_THAT(problems("{name: a, labels: {target: x}, tcp: {address: 'h:1'}}"),
              testing::HasSubstr("the label 'target' is written by the agent"));
}

}  // namespace
}  // namespace sidewatch::probe

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
  EXPECT_THAT(problems("{name: a, interval: 2s, tcp: {address: 'h:1'}}"),
              testing::HasSubstr("a run may take 5000 ms (timeout), which is longer than the interval"));
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

TEST(ProbeConfig, SaysHowAnAddressIsWritten) {
  EXPECT_THAT(problems("{name: a, tcp: {address: mail.example}}"),
              testing::HasSubstr("'mail.example' is not an address: write mail.example:25"));
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

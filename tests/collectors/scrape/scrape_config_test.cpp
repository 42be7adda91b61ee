// What may be written below `scrape`, and what is said of mistakes.
#include "collectors/scrape/config.h"

#include <gtest/gtest.h>

#include "tests/collectors/read_plans.h"

namespace sidewatch {
namespace {

ReadPlans read(const std::string& yaml) { return read_plans(configure_scrape, yaml); }

std::string problems_of(const std::string& keys) { return read("scrape:\n  - {job: a, " + keys + "}\n").problems; }

bool tells(const std::string& keys, std::string_view what) {
  const std::string problems = problems_of(keys);
  EXPECT_NE(problems.find(what), std::string::npos) << keys << " tells: " << problems;
  return true;
}

TEST(ScrapeConfig, EveryPageIsACollectorOfItsOwn) {
  const auto found = read(
      "scrape:\n"
      "  - {job: shop, url: \"http://127.0.0.1:8080/metrics\", interval: 2s}\n"
      "  - {job: cache, urls: [\"http://a/metrics\", \"https://b/metrics\"]}\n"
      "  - {job: socket, url: \"http://app/metrics\", unix_socket: /run/app.sock}\n");
  EXPECT_EQ(found.problems, "");
  ASSERT_EQ(found.plans.size(), 4u);
  EXPECT_EQ(found.plans[0].name, "scrape:shop");
  EXPECT_EQ(found.plans[0].watches, "the metrics at http://127.0.0.1:8080/...");
  EXPECT_EQ(found.plans[0].interval, Duration(2000));
  EXPECT_EQ(found.plans[1].name, "scrape:cache:a:80");
  EXPECT_EQ(found.plans[2].name, "scrape:cache:b:443");
  EXPECT_EQ(found.plans[3].watches, "the metrics at http://app/... through /run/app.sock");
}

TEST(ScrapeConfig, TellsMistakesWhereTheyAre) {
  tells("urls: []", "give either url, the page that is asked for, or urls, several of one job");
  tells("url: \"http://a/\", urls: [\"http://b/\"]", "give either url");
  tells("url: \"a/metrics\"", "a URL starts with http:// or https:// here");
  tells("url: \"$HOST/metrics\"", "a variable is written ${NAME} here");
  tells("url: \"http://me:secret@a/\"", "write them under basic_auth:");
  tells("url: \"http://169.254.169.254/\"", "set allow_link_local: true");
  tells("url: \"http://a/\", interval: 2s, timeout: 3s", "is longer than interval");
  tells("url: \"http://a/\", labels: {job: x}", "the label 'job' is what stands behind job:");
  tells("url: \"http://a/\", labels: {\"a-b\": x}", "'a-b' is not the name of a label");
  tells("url: \"http://a/\", bearer_token: x, basic_auth: {username: u, password: p}", "fill the same header");
  tells("url: \"http://a/\", headers: {Accept: x}", "header 'Accept' is set by sidewatch itself");
  tells("url: \"http://a/\", tls: {ca_file: /nonexistent.pem}", "ca_file /nonexistent.pem");
  tells("url: \"http://a/\", unix_socket: app.sock", "the path of a socket begins with /");
}

TEST(ScrapeConfig, TellsPagesThatCouldNotBeToldApart) {
  const auto found = read(
      "scrape:\n"
      "  - {job: a, url: \"http://h/one\"}\n"
      "  - {job: a, url: \"http://h/two\"}\n"
      "  - {job: a, url: \"http://h/three\", labels: {instance: third}}\n");
  EXPECT_NE(found.problems.find("f:3:20: there is already a page of job 'a' at this host and port"), std::string::npos)
      << found.problems;
  EXPECT_EQ(found.plans.size(), 2u);
}

TEST(ScrapeConfig, ReadsPrometheussRelabellingAndTellsWhatDoesNothing) {
  EXPECT_EQ(problems_of("url: \"http://a/\", metric_relabel_configs: [{source_labels: [__name__], regex: 'go_(.*)', "
                        "target_label: __name__, replacement: 'x_${1}'}, {action: labeldrop, regex: pod}]"),
            "");
  const auto rule = [](const std::string& keys) { return "url: \"http://a/\", metric_relabel_configs: [{" + keys + "}]"; };
  tells(rule("action: hashmod, target_label: x, source_labels: [a]"), "hashmod needs modulus");
  tells(rule("source_labels: [a]"), "this action needs target_label");
  tells(rule("action: lowercase, target_label: 'a b', source_labels: [a]"), "'a b' is not the name of a label");
  tells(rule("action: labeldrop, regex: x, target_label: y"), "look at the names of labels with regex");
  tells(rule("action: keepequal, source_labels: [a], target_label: y, regex: x"), "and need nothing else");
  tells(rule("action: drop, source_labels: [a], regex: '('"), "missing )");
  tells(rule("action: labelmap, regex: x, replacement: 'a b'"), "'a b' is not the name of a label");
  tells(rule("action: dropp, regex: x"), "did you mean 'drop'");
}

TEST(ScrapeConfig, AReloadNoticesAChangedSecretWithoutTellingIt) {
  const auto with = [](const std::string& token) {
    return read("scrape: [{job: a, url: \"http://a/\", bearer_token: " + token + "}]\n").plans.at(0).fingerprint;
  };
  EXPECT_NE(with("one"), with("two"));
  EXPECT_EQ(with("one"), with("one"));
  EXPECT_EQ(with("one").find("one"), std::string::npos);
}

}  // namespace
}  // namespace sidewatch

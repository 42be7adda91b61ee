#include "alerting/receivers/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "config/document.h"
#include "config/reference.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

struct Read {
  std::vector<ReceiverPlan> plans;
  std::string problems;
};

Read read(const std::string& yaml, const std::map<std::string, std::string>& variables = {}) {
  const config::Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  config::Problems problems;
  Read result;
  auto document = config::Document::parse("r.yaml", yaml, environment, problems);
  document.visit([&](config::Section& top) { configure_receivers(top, {}, result.plans); });
  result.problems = problems.text();
  return result;
}

TEST(ReceiverTable, ReadsReceiversInTheirOrder) {
  const auto result = read("receivers:\n"
                           "- {name: chat, webhook: {url: \"https://chat.example/secret\"}, fallback: oncall}\n"
                           "- {name: oncall, log: {}}\n");
  EXPECT_EQ(result.problems, "");
  ASSERT_EQ(result.plans.size(), 2u);
  EXPECT_EQ(result.plans[0].name, "chat");
  EXPECT_EQ(result.plans[0].fallback, "oncall");
  EXPECT_EQ(result.plans[0].description, "webhook https://chat.example/...");
  EXPECT_EQ(result.plans[1].fallback, "");
}

TEST(ReceiverTable, NoReceiversAtAllIsFine) {
  EXPECT_EQ(read("other: 1\n").plans.size(), 0u);
}

TEST(ReceiverTable, AnEmptyOnlyIfLeavesTheEntryOutWithoutJudgingIt) {
  const std::string yaml = "receivers:\n"
                           "- {name: hook, only_if: \"${WEBHOOK_URL:-}\", webhook: {url: \"${WEBHOOK_URL:-}\"}}\n"
                           "- {name: chat, log: {}, fallback: hook}\n";
  const auto without = read(yaml);
  EXPECT_EQ(without.problems, "");
  ASSERT_EQ(without.plans.size(), 1u);
  EXPECT_EQ(without.plans[0].name, "chat");
  EXPECT_EQ(without.plans[0].fallback, "");
  const auto with = read(yaml, {{"WEBHOOK_URL", "http://127.0.0.1:1/"}});
  EXPECT_EQ(with.problems, "");
  ASSERT_EQ(with.plans.size(), 2u);
  EXPECT_EQ(with.plans[1].fallback, "hook");
}

TEST(ReceiverTable, EqualFingerprintsMeanEqualReceivers) {
  const auto fingerprint = [](const std::string& webhook) {
    const auto result = read("receivers:\n- {name: a, webhook: {" + webhook + "}}\n");
    EXPECT_EQ(result.problems, "");
    return result.plans.at(0).fingerprint;
  };
  const TempDir directory;
  const std::string ca_file = directory.path() + "/ca.pem";
  std::ofstream(ca_file) << "-----BEGIN CERTIFICATE-----\n";
  const std::string url = "url: \"http://h/\"";
  EXPECT_EQ(fingerprint(url), fingerprint(url));
  std::vector<std::string> all;
  const std::vector<std::string> variants = {
      "", ", timeout: 5s", ", bearer_token: a", ", bearer_token: b", ", headers: {X-A: b}", ", signing_secret: a",
      ", tls: {insecure_skip_verify: true}", ", tls: {ca_file: " + ca_file + "}", ", allow_link_local: true",
      ", external_url: a", ", basic_auth: {username: u, password: p}"};
  for (const auto& more : variants) {
    all.push_back(fingerprint(url + more));
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

struct Broken {
  const char* yaml;
  const char* problems;
};

class BrokenReceivers : public testing::TestWithParam<Broken> {};

// "alertmanager, custom or webhook": what is said where a kind is expected.
std::string all_kinds() {
  std::string list;
  for (const auto& kind : receiver_kinds()) {
    if (!list.empty()) list += &kind == &receiver_kinds().back() ? " or " : ", ";
    list += kind.key;
  }
  return list;
}

TEST_P(BrokenReceivers, AreToldWithTheirPlace) {
  std::string expected = GetParam().problems;
  if (const auto at = expected.find("{kinds}"); at != std::string::npos) expected.replace(at, 7, all_kinds());
  EXPECT_EQ(read(GetParam().yaml).problems, expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BrokenReceivers,
    testing::Values(
        Broken{"receivers:\n- {name: a, log: {}}\n- {name: a, log: {}}\n",
               "r.yaml:3:10: there is a receiver 'a' already, at r.yaml:2:10\n"},
        Broken{"receivers:\n- name: a\n", "r.yaml:2:3: this receiver has no kind: give it {kinds}\n"},
        Broken{"receivers:\n- {name: a, log: {}, webhook: {url: \"http://h/\"}}\n",
               "r.yaml:2:3: a receiver has one kind only: {kinds}\n"},
        Broken{"receivers:\n- {name: \"a b\", log: {}}\n",
               "r.yaml:2:10: a receiver's name is up to 64 letters, digits, '-', '_' and '.'\n"},
        Broken{"receivers:\n- {name: a, log: {}, fallback: b}\n", "r.yaml:2:32: there is no receiver 'b'\n"},
        Broken{"receivers:\n- {name: a, log: {}, fallback: a}\n",
               "r.yaml:2:32: fallbacks go round in a circle: 'a' comes back to itself\n"},
        Broken{"receivers:\n- {name: a, webhook: {url: \"ftp://h/\"}}\n",
               "r.yaml:2:29: url: a URL starts with http:// or https:// here\n"},
        Broken{"receivers:\n- {name: a, webhook: {url: \"http://169.254.169.254/\"}}\n",
               "r.yaml:2:29: url is a link-local address, where machines keep their credentials; if it is meant, set "
               "allow_link_local: true\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    headers: {\"X A\": b}\n",
               "r.yaml:4:5: 'X A' cannot be the name of a header\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    headers: {Idempotency-Key: b}\n",
               "r.yaml:4:5: header 'Idempotency-Key' is set by sidewatch itself\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    headers: {X-A: \"b\\r\\nC: d\"}\n",
               "r.yaml:4:5: the value of header 'X-A' holds a control character\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    bearer_token: t\n"
               "    basic_auth: {username: u, password: p}\n",
               "r.yaml:4:5: has both bearer_token and basic_auth, which fill the same header\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    signing_secret: whsec_!!!\n",
               "r.yaml:4:5: has a signing secret that begins with whsec_ and does not go on in base64\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    timeout: 2m\n",
               "r.yaml:5:14: 'timeout' must be between 100ms and 1m, is 2m\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    tls: {ca_file: /nonexistent/ca.pem}\n",
               "r.yaml:5:20: ca_file /nonexistent/ca.pem: there is no such file\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    tls: {cert_file: /proc/version}\n",
               "r.yaml:5:22: cert_file /proc/version is not a PEM file, it has no line -----BEGIN ...\n"},
        Broken{"receivers:\n- name: a\n  webhook:\n    url: http://h/\n    tls: {insecure: true}\n",
               "r.yaml:5:11: unknown key 'insecure', did you mean 'insecure_skip_verify'?\n"}));

TEST(ReceiverTable, KindsAreSortedAndDescribed) {
  const auto kinds = receiver_kinds();
  EXPECT_TRUE(std::is_sorted(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.key < b.key; }));
}

}  // namespace
}  // namespace sidewatch

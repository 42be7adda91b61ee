// A receiver as its configuration makes it, and a service on this machine that writes down what it is sent.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "alerting/receivers/table.h"
#include "config/document.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/notifications.h"

namespace sidewatch {

inline const WallTime fixed_wall{Duration(1'614'265'330'500)};  // 2021-02-25 15:02:10.5 UTC

struct ReadReceivers {
  std::vector<ReceiverPlan> plans;
  std::string problems;  // in the file "test.yaml"
};

// `yaml` is a whole configuration as far as receivers go; its variables are those of this process.
inline ReadReceivers read_receivers(const std::string& yaml, const ReceiverContext& context = {}) {
  ReadReceivers read;
  config::Problems problems;
  auto document = config::Document::parse("test.yaml", yaml, config::process_environment(), problems);
  ReceiverContext with_document = context;
  with_document.outside = document.outside_texts();
  document.visit([&](config::Section& top) { configure_receivers(top, with_document, read.plans); });
  read.problems = problems.text();
  return read;
}

inline std::vector<ReceiverPlan> plans_of(const std::string& yaml, const ReceiverContext& context = {}) {
  auto read = read_receivers(yaml, context);
  EXPECT_EQ(read.problems, "");
  return std::move(read.plans);
}

inline std::string why(const Attempt& attempt) {
  if (const auto* later = std::get_if<RetryLater>(&attempt)) return later->why;
  if (const auto* rejected = std::get_if<Rejected>(&attempt)) return rejected->why;
  return "(delivered)";
}

class ReceiverWorld : public testing::Test {
 protected:
  // One receiver named "oncall"; `entry` is what stands in it below its name, indented by two: "  slack:\n    ...".
  std::unique_ptr<Receiver> receiver(const std::string& entry) {
    const auto plans = plans_of("receivers:\n- name: oncall\n" + entry, context());
    if (plans.size() != 1) throw std::runtime_error("no plan");
    return plans[0].make();
  }
  ReceiverContext context() {
    ReceiverContext context{[this](Level, const std::string& line) { lines_.push_back(line); }, [] { return fixed_wall; }};
    context.external_url = external_url_;
    context.host = host_;
    context.trace = [this](const std::string& request, const std::string& answer) {
      traced_request_ = request;
      traced_answer_ = answer;
    };
    return context;
  }
  FakeRequest last() const { return server_.requests().back(); }
  static Attempt send(const std::unique_ptr<Receiver>& receiver, const std::string& id = "n-1") {
    return receiver->send(deliver_alone(make_notification({.id = id})));
  }

  FakeHttpServer server_;
  std::string external_url_;
  std::string host_;
  std::vector<std::string> lines_;  // that it wrote to the log
  std::string traced_request_;
  std::string traced_answer_;
};

}  // namespace sidewatch

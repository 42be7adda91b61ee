// A set of collectors whose passes a test scripts, the store they write to, and what the set told.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/collector_set.h"
#include "tests/agent/scripted.h"

namespace sidewatch {

constexpr Duration collector_set_interval = std::chrono::seconds(5);

class CollectorSetTest : public testing::Test {
 protected:
  ~CollectorSetTest() override {
    collectors.request_stop();
    EXPECT_TRUE(collectors.join(patience));
  }

  void configure(const std::vector<CollectorPlan>& plans) { collectors.configure(plans, collector_set_interval, now); }
  void start() { collectors.start_due(now, news); }
  // Waits for one pass and takes it in.
  bool take_pass() {
    auto done = take<PassDone>(*mailbox);
    return done && collectors.take(*done, now, news);
  }
  void pass() {
    start();
    ASSERT_TRUE(take_pass());
  }
  std::optional<double> run_value(const std::string& metric, const std::string& collector = "memory") const {
    return shown(store, "sidewatch_collector_" + metric, {{"collector", collector}});
  }
  std::vector<std::string> told() {
    using Kind = CollectorNews::Kind;
    std::vector<std::string> lines;
    for (const auto& one : news) {
      const char* kind = one.kind == Kind::failed      ? "failed"
                         : one.kind == Kind::recovered ? "recovered"
                         : one.kind == Kind::partial   ? "partial"
                         : one.kind == Kind::whole     ? "whole"
                         : one.kind == Kind::trouble   ? "trouble"
                         : one.kind == Kind::relief    ? "relief"
                                                       : "overdue";
      lines.push_back(one.collector + " " + kind + (one.detail.empty() ? "" : ": " + one.detail));
    }
    news.clear();
    return lines;
  }

  // A collector whose passes do what `pass_` says at the time.
  CollectorPlan scripted(const std::string& name, Pass* pass_) {
    return collector_plan(name, [pass_](const CollectorContext&) -> Pass {
      return [pass_](Batch& batch, Time at) { return (*pass_)(batch, at); };
    });
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(64);
  std::shared_ptr<std::atomic<double>> value = std::make_shared<std::atomic<double>>(1.0);
  std::vector<CollectorNews> news;
  Time now = start_of_test;
  CollectorSet collectors{CollectorContext{catalog, &store, nullptr, "1"}, store, mailbox};
};

}  // namespace sidewatch

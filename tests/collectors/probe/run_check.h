// Runs one check to its end on an event loop, as the collector would.
#pragma once

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "collectors/probe/check.h"
#include "collectors/probe/config.h"
#include "config/document.h"

namespace sidewatch::probe {

class CheckRunner {
 public:
  explicit CheckRunner(Resolver resolver = look_up, Background::Room room = Background::usual_room)
      : background_(room), names_(background_, std::move(resolver)) {
    std::signal(SIGPIPE, SIG_IGN);
    loop_.drive(http_);
    loop_.drive(background_);
  }
  ~CheckRunner() { close(wake_); }

  Verdict run(Check& check, Duration timeout = std::chrono::seconds(10)) {
    Verdict verdict;
    auto task = lead(check, timeout, verdict);
    task.start();
    eventfd_t rings = 0;
    loop_.run(wake_);
    (void)eventfd_read(wake_, &rings);
    return verdict;
  }
  EventLoop& loop() { return loop_; }
  void stop() const { (void)eventfd_write(wake_, 1); }
  int wake() const { return wake_; }
  Surroundings& surroundings() { return surroundings_; }

 private:
  class Http final : public EventSource {
   public:
    int descriptor() const override { return transfers.descriptor(); }
    std::optional<TimePoint> due() const override { return transfers.due(); }
    void step() override { transfers.step(); }
    HttpTransfers transfers{4};
  };
  Task<bool> lead(Check& check, Duration timeout, Verdict& verdict) {
    auto task = check.run(surroundings_, steady_clock::now() + timeout);
    verdict = co_await task;
    stop();
    co_return true;
  }

  EventLoop loop_;
  Http http_;
  Background background_;
  Names names_;
  Surroundings surroundings_{loop_, http_.transfers, background_, names_};
  const int wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

// The checks that the entries under `probe:` ask for.
inline std::vector<CheckConfig> read_checks(const std::string& entries, std::string* problems = nullptr) {
  config::Problems found;
  auto document =
      config::Document::parse("test.yaml", "probe: [" + entries + "]", config::process_environment(), found);
  std::vector<CheckConfig> checks;
  document.visit([&](config::Section& top) { top.list("probe", checks, ""); });
  if (problems != nullptr) *problems = found.text();
  return checks;
}

inline Verdict run_entry(const std::string& entry, Duration timeout = std::chrono::seconds(10)) {
  std::string problems;
  const auto checks = read_checks(entry, &problems);
  EXPECT_EQ(problems, "");
  if (checks.size() != 1) return {};
  const auto check = make_check(checks[0]);
  CheckRunner runner;
  return runner.run(*check, timeout);
}

inline std::string reason(const Verdict& verdict) {
  return verdict.trouble ? std::string(to_string(verdict.trouble->reason)) : "";
}
inline std::string why(const Verdict& verdict) { return verdict.trouble ? verdict.trouble->text : ""; }

inline std::optional<double> fact(const Verdict& verdict, std::string_view metric, const Labels& labels = {}) {
  for (const auto& fact : verdict.facts) {
    if (fact.metric->name != metric) continue;
    bool fits = true;
    for (const auto& [name, value] : labels) fits = fits && fact.labels.get(name) == value;
    if (fits) return fact.value;
  }
  return std::nullopt;
}

}  // namespace sidewatch::probe

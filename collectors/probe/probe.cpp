// Checks run between the passes, and a pass writes what stands.
//
// Each check has a leader: a function that waits until the check is due, waits for its turn, runs it, notes what it
// found, and so on. A check whose runs take longer than its interval leaves runs out; it is never begun twice.
#include "collectors/probe/probe.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <exception>
#include <unordered_map>
#include <utility>

#include "collectors/probe/standing.h"
#include "collectors/spread.h"

namespace sidewatch::probe {
namespace {

constexpr Metric running_metric{"sidewatch_probe_running", MetricType::gauge, "", "Checks that run now."};
constexpr Metric waiting_metric{"sidewatch_probe_waiting", MetricType::gauge, "",
                                "Checks that are due and wait, because as many run as probe_limits.checks_at_once allows."};
constexpr Metric runs_metric{"sidewatch_probe_runs_total", MetricType::counter, "", "Runs of checks that have ended."};
constexpr Metric skipped_metric{"sidewatch_probe_runs_skipped_total", MetricType::counter, "",
                                "Runs that were left out: the one before took too long or waited too long, or all "
                                "threads that it needs wait for others."};
constexpr Metric threads_metric{"sidewatch_probe_threads", MetricType::gauge, "",
                                "Threads that checks keep, by the kind of work that they wait for."};

constexpr const char* collector_name = "probe";

// Connections that stand open for checks with keep_alive.
constexpr std::size_t kept_connections = 256;

// Lets so many in at once, in the order in which they come.
class Gate {
 public:
  explicit Gate(std::size_t room) : room_(room) {}

  Task<bool> enter(EventLoop& loop) {
    if (inside_ < room_) {
      inside_ += 1;
      co_return true;
    }
    Signal turn;
    waiting_.push_back(&turn);
    co_await loop.signalled(turn, TimePoint::max());
    co_return true;
  }
  // Whoever is next takes the place over.
  void leave() {
    if (waiting_.empty()) {
      inside_ -= 1;
      return;
    }
    Signal* const next = waiting_.front();
    waiting_.pop_front();
    next->set();
  }
  std::size_t inside() const { return inside_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  const std::size_t room_;
  std::size_t inside_ = 0;
  std::deque<Signal*> waiting_;
};

// What a reload's new collector takes over from the old one.
struct ProbeBequest final : Bequest {
  struct OfCheck {
    Standing::Past past;
    std::size_t edition = 0;
  };
  std::unordered_map<std::size_t, OfCheck> checks;  // by their identity
};

class ProbeCollector final : public Collector {
 public:
  ProbeCollector(std::shared_ptr<const ProbeConfig> config, Catalog& catalog, Bequests* bequests, Resolver resolver)
      : config_(std::move(config)),
        bequests_(bequests),
        names_(background_, std::move(resolver)),
        gate_(static_cast<std::size_t>(config_->limits.checks_at_once)),
        running_(catalog.series(running_metric, {})),
        waiting_(catalog.series(waiting_metric, {})),
        runs_(catalog.series(runs_metric, {})),
        skipped_(catalog.series(skipped_metric, {})) {
    loop_.drive(http_);
    loop_.drive(background_);
    for (std::size_t i = 0; i < work_kinds; ++i) {
      threads_[i] = catalog.series(threads_metric, Labels{{"work", to_string(static_cast<Work>(i))}});
    }
    led_.reserve(config_->checks.size());
    for (const auto& check : config_->checks) led_.push_back(std::make_unique<Led>(check, catalog));
  }
  ~ProbeCollector() override {
    if (bequests_ != nullptr) bequests_->leave(collector_name, leave());
  }

  Result<PassOutcome> collect(Batch& batch, Time) override {
    inherit();
    PassOutcome outcome;
    for (const auto& led : led_) {
      led->standing.write(batch);
      auto wrong = led->standing.what_is_wrong();
      if (wrong.empty()) continue;
      outcome.partial_errors += 1;
      if (outcome.first_partial_error.empty()) outcome.first_partial_error = std::move(wrong);
    }
    batch.add(running_, static_cast<double>(gate_.inside()));
    batch.add(waiting_, static_cast<double>(gate_.waiting()));
    batch.add(runs_, static_cast<double>(runs_total_));
    batch.add(skipped_, static_cast<double>(skipped_total_));
    for (std::size_t i = 0; i < work_kinds; ++i) {
      batch.add(threads_[i], static_cast<double>(background_.under_way(static_cast<Work>(i))));
    }
    outcome.news = std::exchange(news_, {});
    return outcome;
  }

  void listen(int wake) override {
    if (!begun_) {
      begun_ = true;
      for (auto& led : led_) {
        led->leader = lead(*led);
        led->leader.start();
      }
    }
    loop_.run(wake);
  }

 private:
  struct Led {
    Led(const CheckConfig& config_of, Catalog& catalog)
        : config(config_of),
          check(make_check(config)),
          standing(catalog,
                   {config.name.value, config.series_labels(), config.windows, check->most_foreign_series(),
                    config.details}) {}
    const CheckConfig& config;
    const std::unique_ptr<Check> check;
    Standing standing;
    bool has_run = false;
    Task<bool> leader;
  };

  // The collector of before may still be ending: what it leaves is looked for until every check has run.
  void inherit() {
    if (bequests_ == nullptr || has_inherited_) return;
    const auto bequest = bequests_->take(collector_name);
    if (!bequest) return;
    has_inherited_ = true;
    auto& left = static_cast<ProbeBequest&>(*bequest).checks;
    for (const auto& led : led_) {
      const auto found = left.find(led->config.identity());
      if (found == left.end() || led->has_run) continue;
      led->standing.inherit(std::move(found->second.past), found->second.edition == led->config.edition);
    }
  }
  std::unique_ptr<Bequest> leave() {
    auto bequest = std::make_unique<ProbeBequest>();
    for (const auto& led : led_) {
      bequest->checks[led->config.identity()] = {led->standing.leave(), led->config.edition};
    }
    return bequest;
  }

  // libcurl's requests, as the loop drives them.
  class Http final : public EventSource {
   public:
    int descriptor() const override { return transfers.descriptor(); }
    std::optional<TimePoint> due() const override { return transfers.due(); }
    void step() override { transfers.step(); }
    HttpTransfers transfers{kept_connections};
  };

  Task<bool> lead(Led& led) {
    const auto interval = led.config.interval;
    auto due = steady_clock::now() + first_delay(led.config.name.value, interval);
    while (true) {
      co_await loop_.until(due);
      auto turn = gate_.enter(loop_);
      co_await turn;
      const auto begin = steady_clock::now();
      auto running = run(led, begin + led.config.timeout);
      Verdict verdict = co_await running;
      gate_.leave();
      const bool took_place = !verdict.trouble || verdict.trouble->reason != Reason::not_run;
      (took_place ? runs_total_ : skipped_total_) += 1;
      led.has_run = true;
      const auto now = steady_clock::now();
      const double seconds = std::chrono::duration<double>(now - begin).count();
      if (auto news = led.standing.take(std::move(verdict), seconds, now)) news_.push_back(std::move(*news));
      const auto intervals = std::max<std::int64_t>(1, (now - due) / interval + 1);
      skipped_total_ += static_cast<std::uint64_t>(intervals - 1);
      due += intervals * interval;
    }
  }

  // Where memory has run out the run is lost, the check goes on.
  Task<Verdict> run(Led& led, TimePoint until) {
    Verdict verdict;
    try {
      auto running = led.check->run(surroundings_, until);
      verdict = co_await running;
    } catch (const std::exception& failure) {
      verdict.fail(Reason::internal, failure.what());
    }
    co_return verdict;
  }

  const std::shared_ptr<const ProbeConfig> config_;
  Bequests* const bequests_;
  bool has_inherited_ = false;
  EventLoop loop_;
  Http http_;
  Background background_;
  Names names_;
  Surroundings surroundings_{loop_, http_.transfers, background_, names_};
  Gate gate_;
  std::vector<PassNews> news_;
  std::uint64_t runs_total_ = 0;
  std::uint64_t skipped_total_ = 0;
  bool begun_ = false;
  const SeriesHandle running_, waiting_, runs_, skipped_;
  std::array<SeriesHandle, work_kinds> threads_;
  std::vector<std::unique_ptr<Led>> led_;  // last: what runs is given up before what it leans on is gone
};

}  // namespace

Duration first_delay(std::string_view name, Duration interval) {
  return spread_over(name, std::min(interval, longest_first_delay));
}

std::unique_ptr<Collector> make_probe_collector(std::shared_ptr<const ProbeConfig> config, Catalog& catalog,
                                                Bequests* bequests, Resolver resolver) {
  return std::make_unique<ProbeCollector>(std::move(config), catalog, bequests, std::move(resolver));
}

std::vector<Metric> probe_collector_metrics() {
  return {running_metric, waiting_metric, runs_metric, skipped_metric, threads_metric};
}

}  // namespace sidewatch::probe

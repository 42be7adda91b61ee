// Checks run between the passes, and a pass writes what stands.
//
// Each check has a leader: a function that waits until the check is due, waits for its turn, runs it, notes what it
// found, and so on. A check whose runs take longer than its interval leaves runs out; it is never begun twice.
#include "collectors/probe/probe.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <utility>

#include "collectors/probe/standing.h"

namespace sidewatch::probe {
namespace {

constexpr Metric running_metric{"sidewatch_probe_running", MetricType::gauge, "", "Checks that run now."};
constexpr Metric waiting_metric{"sidewatch_probe_waiting", MetricType::gauge, "",
                                "Checks that are due and wait, because 128 run already."};
constexpr Metric runs_metric{"sidewatch_probe_runs_total", MetricType::counter, "", "Runs of checks that have ended."};
constexpr Metric skipped_metric{"sidewatch_probe_runs_skipped_total", MetricType::counter, "",
                                "Runs that were left out, because the one before took too long or waited too long."};

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

class ProbeCollector final : public Collector {
 public:
  ProbeCollector(const std::vector<CheckConfig>& checks, Catalog& catalog)
      : running_(catalog.series(running_metric, {})),
        waiting_(catalog.series(waiting_metric, {})),
        runs_(catalog.series(runs_metric, {})),
        skipped_(catalog.series(skipped_metric, {})) {
    loop_.drive(http_);
    loop_.drive(background_);
    for (const auto& config : checks) {
      led_.push_back(std::make_unique<Led>(config, Standing(catalog, config.name.value, config.series_labels())));
    }
  }

  Result<PassOutcome> collect(Batch& batch, Time) override {
    for (const auto& led : led_) led->standing.write(batch);
    batch.add(running_, static_cast<double>(gate_.inside()));
    batch.add(waiting_, static_cast<double>(gate_.waiting()));
    batch.add(runs_, static_cast<double>(runs_total_));
    batch.add(skipped_, static_cast<double>(skipped_total_));
    return PassOutcome{0, "", std::exchange(news_, {})};
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
    Led(const CheckConfig& config, Standing standing_of)
        : name(config.name.value),
          interval(config.interval),
          timeout(config.timeout),
          check(make_check(config)),
          standing(std::move(standing_of)) {}
    const std::string name;
    const Duration interval;
    const Duration timeout;
    const std::unique_ptr<Check> check;
    Standing standing;
    Task<bool> leader;
  };

  // libcurl's requests, as the loop drives them.
  class Http final : public EventSource {
   public:
    int descriptor() const override { return transfers.descriptor(); }
    std::optional<TimePoint> due() const override { return transfers.due(); }
    void step() override { transfers.step(); }
    HttpTransfers transfers{kept_connections};
  };

  Task<bool> lead(Led& led) {
    auto due = steady_clock::now() + first_delay(led.name, led.interval);
    while (true) {
      co_await loop_.until(due);
      auto turn = gate_.enter(loop_);
      co_await turn;
      const auto begin = steady_clock::now();
      auto running = run(led, begin + led.timeout);
      Verdict verdict = co_await running;
      gate_.leave();
      runs_total_ += 1;
      const auto now = steady_clock::now();
      const double seconds = std::chrono::duration<double>(now - begin).count();
      if (auto news = led.standing.take(std::move(verdict), seconds, now)) news_.push_back(std::move(*news));
      const auto intervals = std::max<std::int64_t>(1, (now - due) / led.interval + 1);
      skipped_total_ += static_cast<std::uint64_t>(intervals - 1);
      due += intervals * led.interval;
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

  EventLoop loop_;
  Http http_;
  Background background_;
  Surroundings surroundings_{loop_, http_.transfers, background_};
  Gate gate_{most_at_once};
  std::vector<PassNews> news_;
  std::uint64_t runs_total_ = 0;
  std::uint64_t skipped_total_ = 0;
  bool begun_ = false;
  const SeriesHandle running_, waiting_, runs_, skipped_;
  std::vector<std::unique_ptr<Led>> led_;  // last: what runs is given up before what it leans on is gone
};

}  // namespace

Duration first_delay(std::string_view name, Duration interval) {
  std::uint64_t hash = 14'695'981'039'346'656'037u;  // FNV-1a
  for (const unsigned char c : name) hash = (hash ^ c) * 1'099'511'628'211u;
  hash ^= hash >> 29;
  hash *= 0xBF58'476D'1CE4'E5B9u;  // names that differ in their last letter only would come close together
  hash ^= hash >> 32;
  const auto room = std::min(interval, longest_first_delay);
  return Duration(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(room.count())));
}

std::unique_ptr<Collector> make_probe_collector(const std::vector<CheckConfig>& checks, Catalog& catalog) {
  return std::make_unique<ProbeCollector>(checks, catalog);
}

std::vector<Metric> probe_collector_metrics() { return {running_metric, waiting_metric, runs_metric, skipped_metric}; }

}  // namespace sidewatch::probe

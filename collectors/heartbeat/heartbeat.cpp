#include "collectors/heartbeat/heartbeat.h"

#include <charconv>
#include <utility>

#include "base/kept_file.h"
#include "collectors/heartbeat/config.h"

namespace sidewatch {
namespace heartbeat {
namespace {

using namespace std::chrono_literals;

constexpr Metric last_metric{"heartbeat_last_ping_timestamp_seconds", MetricType::gauge, "seconds",
                             "When the job last told that a run ended, well or not; absent before the first time."};
constexpr Metric overdue_metric{"heartbeat_overdue", MetricType::gauge, "",
                                "1 when the job has not pinged in time: every and grace are over, or a run that began "
                                "has not ended within grace."};
constexpr Metric failed_metric{"heartbeat_failed", MetricType::gauge, "",
                               "1 when the job told that its last run failed."};
constexpr Metric running_metric{"heartbeat_running", MetricType::gauge, "",
                                "1 when the job told that a run began and not yet that it ended."};
constexpr Metric pings_metric{"heartbeat_pings_total", MetricType::counter, "",
                              "Pings, by result: start, success, failure."};
constexpr Metric duration_metric{"heartbeat_duration_seconds", MetricType::gauge, "seconds",
                                 "What the last run took, from its start ping to its end; absent where none was sent."};
constexpr Metric interval_metric{"heartbeat_expected_interval_seconds", MetricType::gauge, "seconds",
                                 "How often the job should run (every)."};

constexpr const char* file_name = "/heartbeats.json";
constexpr std::size_t max_file_bytes = std::size_t{1} << 20;
constexpr Duration between_saves = 1s;  // because of pings of one job

// What is said behind the name; absent: it is none of ours.
std::optional<Ping> ping_of(std::string_view word) {
  if (word.empty()) return Ping::success;
  if (word == "start") return Ping::start;
  if (word == "fail") return Ping::failure;
  unsigned exit_status = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), exit_status);
  if (error != std::errc() || end != word.data() + word.size() || exit_status > 255) return std::nullopt;
  return exit_status == 0 ? Ping::success : Ping::failure;
}

PushAnswer refuse(std::string sentence, std::string_view reason) {
  auto answer = PushAnswer::text(404, std::move(sentence));
  answer.refused.emplace_back(reason, 1);
  return answer;
}

class HeartbeatCollector final : public Collector {
 public:
  HeartbeatCollector(std::shared_ptr<HeartbeatTarget> target, Catalog& catalog)
      : target_(std::move(target)), catalog_(catalog) {}

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    const Beats beats = target_->at(now, outcome.first_partial_error);
    outcome.partial_errors = outcome.first_partial_error.empty() ? 0 : 1;
    if (series_.empty()) make_series(beats);
    auto series = series_.begin();
    for (const auto& [name, beat] : beats.all()) (series++)->write(beat, now, batch);
    return outcome;
  }

 private:
  struct OfOne {
    SeriesHandle last, overdue, failed, running, starts, successes, failures, duration, interval;

    void write(const Beat& beat, Time now, Batch& batch) const {
      if (beat.last) batch.add(last, static_cast<double>(beat.last_wall_ms) / 1000.0);
      batch.add(overdue, beat.is_overdue(now) ? 1 : 0);
      batch.add(failed, beat.failed ? 1 : 0);
      batch.add(running, beat.began ? 1 : 0);
      batch.add(starts, static_cast<double>(beat.starts));
      batch.add(successes, static_cast<double>(beat.successes));
      batch.add(failures, static_cast<double>(beat.failures));
      if (beat.seconds) batch.add(duration, *beat.seconds);
      batch.add(interval, to_seconds(beat.every));
    }
  };

  void make_series(const Beats& beats) {
    for (const auto& [name, beat] : beats.all()) {
      const Labels labels{{"heartbeat", name}};
      const auto of = [&](const Metric& metric) { return catalog_.series(metric, labels); };
      const auto pings = [&](std::string_view result) {
        return catalog_.series(pings_metric, labels.with("result", result));
      };
      series_.push_back({of(last_metric), of(overdue_metric), of(failed_metric), of(running_metric), pings("start"),
                         pings("success"), pings("failure"), of(duration_metric), of(interval_metric)});
    }
  }

  const std::shared_ptr<HeartbeatTarget> target_;
  Catalog& catalog_;
  std::vector<OfOne> series_;  // in the order of the names
};

}  // namespace

void HeartbeatTarget::keep_in(const std::string& state_dir) {
  const std::lock_guard lock(mutex_);
  if (!state_dir.empty()) path_ = state_dir + file_name;
}

PushAnswer HeartbeatTarget::take(const PushRequest& request) {
  auto segments = request.segments;
  if (segments.size() > 1 && segments.back().empty()) segments.pop_back();  // a slash at the end
  const auto ping = segments.size() > 2 ? std::nullopt : ping_of(segments.size() == 2 ? segments[1] : "");
  if (segments.empty() || !ping) {
    return refuse("a ping goes to /ping/NAME, /ping/NAME/start, /ping/NAME/fail or /ping/NAME/<exit status, 0 to 255>",
                  "path");
  }
  bool save_now = false;
  {
    const std::lock_guard waiting(file_mutex_);
    const std::lock_guard lock(mutex_);
    wall_step_ = request.wall.time_since_epoch() - request.now.time_since_epoch();
    begin(request.now);
    if (!beats_.ping(segments[0], *ping, request.now, request.wall)) {
      return refuse("there is no heartbeat of that name; collectors.heartbeat lists those that there are", "name");
    }
    unsaved_ = true;
    const auto [saved, is_first] = saved_at_.try_emplace(segments[0], request.now);
    save_now = is_first || request.now - saved->second >= between_saves;
    if (save_now) saved->second = request.now;
  }
  if (save_now) save(request.now);
  auto answer = PushAnswer::text(200, "OK");
  answer.samples = 1;
  return answer;
}

Beats HeartbeatTarget::at(Time now, std::string& trouble) {
  {
    const std::lock_guard waiting(file_mutex_);
    const std::lock_guard lock(mutex_);
    begin(now);
  }
  save(now);
  const std::lock_guard lock(mutex_);
  if (!trouble_.empty()) trouble = trouble_;
  if (!loss_.empty()) trouble = std::exchange(loss_, {});
  return beats_;
}

// Once: takes over what an earlier life saved. Both mutexes are held, for nothing can be said before.
void HeartbeatTarget::begin(Time now) {
  if (std::exchange(begun_, true)) return;
  if (!path_.empty()) {
    const auto text = read_kept_file(path_, max_file_bytes);
    Result<void> taken;
    if (text && *text) taken = beats_.restore(**text, clocks(now));
    if (!text) taken = text.error();
    if (!taken) loss_ = "the heartbeats of the last run are lost: " + taken.error().text();
  }
  beats_.watch(now);
  unsaved_ = true;
}

void HeartbeatTarget::save(Time now) {
  const std::lock_guard waiting(file_mutex_);
  std::string text;
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    if (!unsaved_ || path_.empty()) return;
    text = beats_.save(clocks(now));
    path = path_;
    unsaved_ = false;
  }
  const auto written = write_kept_file(path, text);
  const std::lock_guard lock(mutex_);
  unsaved_ = unsaved_ || !written;
  trouble_ = written ? "" : "heartbeats would not survive a restart: " + written.error().text();
}

std::unique_ptr<Collector> make_heartbeat_collector(std::shared_ptr<HeartbeatTarget> target, Catalog& catalog) {
  return std::make_unique<HeartbeatCollector>(std::move(target), catalog);
}

}  // namespace heartbeat

std::vector<MetricGroup> heartbeat_metric_groups() {
  using namespace heartbeat;
  return {
      {"heartbeat",
       "Whether jobs told in time that they ran, by the label heartbeat: the job's name.",
       {last_metric, overdue_metric, failed_metric, running_metric, pings_metric, duration_metric, interval_metric}}};
}

}  // namespace sidewatch

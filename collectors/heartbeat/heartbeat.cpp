#include "collectors/heartbeat/heartbeat.h"

#include <poll.h>
#include <sys/eventfd.h>

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
constexpr Duration between_saves = 1s;  // because of pings of one job that say the same
constexpr std::size_t max_early = 1000;  // pings that may come before the first pass

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

PushAnswer refuse(std::string sentence, std::string_view reason, int status = 404) {
  auto answer = PushAnswer::text(status, std::move(sentence));
  answer.refused.emplace_back(reason, 1);
  return answer;
}

class HeartbeatCollector final : public Collector {
 public:
  HeartbeatCollector(std::shared_ptr<HeartbeatTarget> target, Catalog& catalog)
      : target_(std::move(target)), catalog_(catalog) {}
  ~HeartbeatCollector() override { target_->end(); }
  HeartbeatCollector(const HeartbeatCollector&) = delete;

  void listen(int wake) override { target_->keep_until(wake); }

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

HeartbeatTarget::HeartbeatTarget(const std::vector<HeartbeatConfig>& configs, std::function<BootPosition()> boot,
                                 Duration patience)
    : boot_(std::move(boot)), patience_(patience), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), beats_(configs) {}

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
  const std::string& name = segments[0];
  std::unique_lock lock(mutex_);
  if (!beats_.all().contains(name)) {
    return refuse("there is no heartbeat of that name; collectors.heartbeat lists those that there are", "name");
  }
  if (ended_ || early_.size() >= max_early) {
    return refuse("the agent is starting, ending or reading its configuration; try again in a moment", "busy", 503);
  }
  wall_step_ = request.wall.time_since_epoch() - request.now.time_since_epoch();
  clocks_ = {request.now, request.wall, boot_()};
  if (begun_) {
    beats_.ping(name, *ping, request.now, request.wall);
  } else {
    early_.push_back({name, *ping, request.now, request.wall});
  }
  unsaved_ = true;
  const std::uint64_t change = ++changes_;
  const auto [saved, is_first] = saved_at_.try_emplace({name, *ping}, request.now);
  const bool save_now = is_first || request.now - saved->second >= between_saves;
  if (save_now) saved->second = request.now;
  if (save_now && !path_.empty()) return await_save(lock, change);
  auto answer = PushAnswer::text(200, "OK");
  answer.samples = 1;
  return answer;
}

PushAnswer HeartbeatTarget::await_save(std::unique_lock<std::mutex>& lock, std::uint64_t change) {
  (void)eventfd_write(bell_.get(), 1);
  const Duration patience = disk_hangs_ ? Duration(0) : patience_;
  const bool tried = tried_to_save_.wait_for(lock, patience, [&] { return tried_ >= change; });
  disk_hangs_ = !tried;
  constexpr const char* not_kept = "OK, but the disk is slow: a crash of the agent could still cost this ping";
  auto answer = PushAnswer::text(200, tried ? "OK" : not_kept);
  answer.samples = 1;
  return answer;
}

Beats HeartbeatTarget::at(Time now, std::string& trouble) {
  begin(now);
  {
    const std::lock_guard lock(mutex_);
    clocks_ = {now, to_wall(now, wall_step_), boot_()};
  }
  save();
  const std::lock_guard lock(mutex_);
  if (!trouble_.empty()) trouble = trouble_;
  if (!loss_.empty()) trouble = std::exchange(loss_, {});
  return beats_;
}

void HeartbeatTarget::keep_until(int wake) {
  pollfd awaited[] = {{wake, POLLIN, 0}, {bell_.get(), POLLIN, 0}};
  while (true) {
    const int ready = poll(awaited, 2, -1);
    if (ready < 0 && errno != EINTR) return;
    if (ready <= 0) continue;
    if (awaited[0].revents != 0) return;  // a pass keeps everything too
    eventfd_t rings = 0;
    (void)eventfd_read(bell_.get(), &rings);
    save();
  }
}

void HeartbeatTarget::end() {
  Time last;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (changes_ == 0) return;
    last = clocks_.now;
  }
  begin(last);
  save();
}

// Once: takes over what an earlier life saved, and then the pings that came before it was read.
void HeartbeatTarget::begin(Time now) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    if (begun_) return;
    path = path_;
  }
  Result<std::optional<std::string>> text = std::optional<std::string>();
  if (!path.empty()) text = read_kept_file(path, max_file_bytes);
  const std::lock_guard lock(mutex_);
  Result<void> taken;
  if (text && *text) taken = beats_.restore(**text, {now, to_wall(now, wall_step_), boot_()});
  if (!text) taken = text.error();
  if (!taken) loss_ = "the heartbeats of the last run are lost: " + taken.error().text();
  beats_.watch(now);
  for (const auto& early : early_) beats_.ping(early.name, early.ping, early.now, early.wall);
  early_.clear();
  begun_ = true;
  unsaved_ = true;
}

void HeartbeatTarget::save() {
  std::string text;
  std::string path;
  std::uint64_t changes = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!unsaved_ || path_.empty()) return;
    text = beats_.save(clocks_);
    path = path_;
    changes = changes_;
    unsaved_ = false;
  }
  const auto written = write_kept_file(path, text);
  {
    const std::lock_guard lock(mutex_);
    tried_ = changes;
    disk_hangs_ = false;
    unsaved_ = unsaved_ || !written;
    trouble_ = written ? "" : "heartbeats would not survive a restart: " + written.error().text();
  }
  tried_to_save_.notify_all();
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

// v2 tells everything in cpu.stat, in microseconds. On v1 the time used is cpuacct.usage in nanoseconds and
// cpuacct.stat in clock ticks, and cpu.stat has only what the quota did, in nanoseconds. A quota may stand at a cgroup
// above; what is used of it and how often it held is then read there, because that cgroup's other children use it too.
#include "collectors/container/cpu.h"

#include <unistd.h>

#include "collectors/container/series.h"

namespace sidewatch::container {
namespace {

enum StatKey : std::size_t { usage, user, system, periods, throttled, throttled_us, throttled_ns, bursts, burst_us,
                             burst_ns, stat_key_count };
constexpr std::array<std::string_view, stat_key_count> kStatKeys{
    "usage_usec",     "user_usec",      "system_usec", "nr_periods", "nr_throttled",
    "throttled_usec", "throttled_time", "nr_bursts",   "burst_usec", "burst_time"};
constexpr std::array<std::string_view, 2> kTickKeys{"user", "system"};

MaybeNumber seconds(std::optional<std::uint64_t> count, double per_second) {
  return count ? MaybeNumber(static_cast<double>(*count) / per_second) : std::nullopt;
}
constexpr double kMicroseconds = 1e6;
constexpr double kNanoseconds = 1e9;

// On v1 the hierarchies may be mounted apart, and a cgroup stand elsewhere in each.
bool is_same_way_down(const Levels& a, const Levels& b) {
  const auto way = [](const Levels& levels) {
    return std::string_view(levels.own().path()).substr(levels.all().front().path().size());
  };
  return a.all().size() == b.all().size() && way(a) == way(b);
}

double ticks_per_second() {
  static const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return ticks;
}

}  // namespace

CpuPart::CpuPart(Catalog& catalog, const Labels& labels, const Levels* quota, const Levels* usage_levels)
    : levels_(quota),
      usage_levels_(usage_levels),
      series_(series_of(catalog, kCpuMetrics, labels, {cpu_usage, cpu_quota, cpu_period})) {
  series_[cpu_usage] = catalog.series(kCpuMetrics[cpu_usage], labels.with("cpu", "total"));
  if (levels_ != nullptr) {
    stat_ = levels_->own_file("cpu.stat");
    weight_.emplace(*levels_, levels_->unified() ? "cpu.weight" : "cpu.shares");
    quota_.emplace(*levels_);
  }
  if (usage_levels_ != nullptr && !usage_levels_->unified()) {
    v1_usage_.emplace(*usage_levels_, "cpuacct.usage");
    v1_stat_ = usage_levels_->own_file("cpuacct.stat");
  }
}

const CpuReading& CpuPart::sample(PassContext& pass) {
  reading_ = {};
  if (levels_ != nullptr) {
    read_stat(pass);
    read_weight(pass);
    reading_.quota = quota_->read(pass);
  }
  if (v1_usage_) read_v1_usage(pass);
  auto& values = reading_.values;
  const std::size_t own_level = levels_ != nullptr ? levels_->all().size() - 1 : 0;
  reading_.own = {values[cpu_usage], values[cpu_periods], values[cpu_throttled_periods], own_level};
  reading_.at_quota = reading_.own;
  if (levels_ != nullptr && quota_->level() < own_level) compare_at_the_level_of_the_quota(pass);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) pass.batch.add(series_[i], *values[i]);
  }
  return reading_;
}

void CpuPart::read_stat(PassContext& pass) {
  const auto stat = read_keyed(pass, *stat_, kStatKeys);
  auto& values = reading_.values;
  values[cpu_usage] = seconds(stat[usage], kMicroseconds);
  values[cpu_user] = seconds(stat[user], kMicroseconds);
  values[cpu_system] = seconds(stat[system], kMicroseconds);
  values[cpu_periods] = number(stat[periods]);
  values[cpu_throttled_periods] = number(stat[throttled]);
  values[cpu_throttled_seconds] =
      stat[throttled_us] ? seconds(stat[throttled_us], kMicroseconds) : seconds(stat[throttled_ns], kNanoseconds);
  values[cpu_burst_periods] = number(stat[bursts]);
  values[cpu_burst_seconds] =
      stat[burst_us] ? seconds(stat[burst_us], kMicroseconds) : seconds(stat[burst_ns], kNanoseconds);
}

void CpuPart::read_v1_usage(PassContext& pass) {
  auto& values = reading_.values;
  values[cpu_usage] = seconds(v1_usage_->read(pass), kNanoseconds);
  const auto ticks = read_keyed(pass, *v1_stat_, kTickKeys);
  values[cpu_user] = seconds(ticks[0], ticks_per_second());
  values[cpu_system] = seconds(ticks[1], ticks_per_second());
}

void CpuPart::read_weight(PassContext& pass) {
  const auto weight = weight_->read(pass);
  if (!weight) return;
  reading_.values[cpu_shares] =
      static_cast<double>(levels_->unified() ? shares_of_weight(*weight) : *weight);
}

void CpuPart::compare_at_the_level_of_the_quota(PassContext& pass) {
  const auto stat = read_keyed(levels_->all()[quota_->level()], "cpu.stat", kStatKeys, pass.buffer);
  reading_.at_quota.level = quota_->level();
  reading_.at_quota.periods = number(stat[periods]);
  reading_.at_quota.throttled_periods = number(stat[throttled]);
  if (levels_->unified()) {
    reading_.at_quota.used_seconds = seconds(stat[usage], kMicroseconds);
    return;
  }
  reading_.at_quota.used_seconds.reset();
  if (usage_levels_ == nullptr || !is_same_way_down(*levels_, *usage_levels_)) return;
  const FileText used = usage_levels_->all()[quota_->level()].read("cpuacct.usage", pass.buffer);
  if (used) reading_.at_quota.used_seconds = seconds(parse_count(used.text), kNanoseconds);
}

}  // namespace sidewatch::container

// The groups of metrics that batch jobs pushed, as Prometheus's Pushgateway keeps them: pure, without lock or disk.
//
// A group is named by its labels, which every sample of it bears whatever the job wrote. A push is taken as a whole or not
// at all: it is refused when it contradicts itself or what other groups have (a name of another type, a series twice), and
// then push_failure_time_seconds of its group says when. What stands is what was pushed last: nothing is added up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/metric.h"
#include "metrics/page_reader.h"

namespace sidewatch::pushgateway {

struct GroupLimits {
  Duration ttl{0};                 // a group that nobody pushed for so long is dropped; 0: never
  std::size_t max_groups = 1000;
  std::size_t max_series = 10'000;  // of all groups

  // Of what all groups take: names, labels, helps.
  std::size_t max_bytes() const { return std::max(std::size_t{16} << 20, max_series << 10); }
};

struct GroupSample {
  std::string name;
  MetricType type = MetricType::untyped;
  Labels labels;  // the group's among them
  double value = 0;
};

struct GroupFamily {
  std::string help;
  std::string unit;
  std::vector<GroupSample> samples;
};

struct Group {
  std::map<std::string, GroupFamily> families;  // by name
  std::int64_t pushed_ms = 0;                   // on the wall clock; 0: never
  std::int64_t failed_ms = 0;
  Time last;                 // when it was pushed, or tried to be
  std::uint64_t version = 0;  // another one after each change
};

struct PushRefusal {
  int status = 400;
  std::string why;
  std::string_view reason;
};

class Groups {
 public:
  enum class Replace { all, same_names };  // PUT, POST

  explicit Groups(GroupLimits limits) : limits_(limits) {}

  // Absent: it was taken.
  std::optional<PushRefusal> push(const Labels& key, const ReadPage& page, Replace replace, Time now, WallTime wall);
  // A push to this group was refused. One that there is not begins with that, as in the Pushgateway, only `or_new`.
  void fail(const Labels& key, Time now, WallTime wall, bool or_new);
  bool remove(const Labels& key);  // false: there was none
  void forget_old(Time now);

  // Takes over a group of an earlier life, if there is room.
  void restore(Labels key, Group group);

  const std::map<Labels, Group>& all() const { return groups_; }
  std::size_t series() const { return series_; }
  const GroupLimits& limits() const { return limits_; }

 private:
  std::optional<PushRefusal> check(const Labels& key, const std::map<std::string, GroupFamily>& pushed,
                                   Replace replace) const;
  Group* group_of(const Labels& key, Time now);
  void count();

  const GroupLimits limits_;
  std::map<Labels, Group> groups_;
  std::size_t series_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t last_version_ = 0;
};

inline constexpr std::string_view push_time_name = "push_time_seconds";
inline constexpr std::string_view failure_time_name = "push_failure_time_seconds";

}  // namespace sidewatch::pushgateway

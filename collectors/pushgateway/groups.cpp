#include "collectors/pushgateway/groups.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace sidewatch::pushgateway {
namespace {

using Families = std::map<std::string, GroupFamily>;

std::int64_t wall_ms(WallTime wall) { return wall.time_since_epoch().count(); }

PushRefusal contradiction(std::string why) {
  return {400, "the pushed metrics contradict themselves or those that were pushed before: " + std::move(why),
          "inconsistent"};
}

Families families_of(const ReadPage& page, const Labels& key) {
  Families families;
  for (const auto& sample : page.samples) {
    if (sample.name == push_time_name || sample.name == failure_time_name) continue;  // the agent's own to say
    const auto& family = page.families[sample.family];
    auto& place = families.try_emplace(family.name, GroupFamily{family.help, family.unit, {}}).first->second;
    place.samples.push_back({sample.name, sample.type, key.or_else(sample.labels), sample.value});
  }
  return families;
}

std::size_t count_samples(const Families& families) {
  std::size_t count = 0;
  for (const auto& [name, family] : families) count += family.samples.size();
  return count;
}

// In memory, and in the text that is saved: what JSON escapes counts as it is written there.
std::size_t bytes_of(std::string_view text) {
  const auto escaped = std::count_if(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
  });
  return text.size() + 5 * static_cast<std::size_t>(escaped);
}

std::size_t bytes_of(const Labels& labels) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : labels) bytes += sizeof(Label) + bytes_of(name) + bytes_of(value);
  return bytes;
}

std::size_t bytes_of(const GroupFamily& family) {
  std::size_t bytes = sizeof family + bytes_of(family.help) + bytes_of(family.unit);
  for (const auto& sample : family.samples) bytes += sizeof sample + bytes_of(sample.name) + bytes_of(sample.labels);
  return bytes;
}

std::size_t bytes_of(const Families& families) {
  std::size_t bytes = 0;
  for (const auto& [name, family] : families) bytes += bytes_of(name) + bytes_of(family);
  return bytes;
}

std::size_t bytes_of(const Labels& key, const Group& group) {
  return sizeof group + bytes_of(key) + bytes_of(group.families);
}

// The series of a push, to find others in.
class PushedSeries {
 public:
  // Why it cannot be there beside those before; empty when it can. `sample` stays where it is.
  std::string add(const GroupSample& sample) {
    auto& of_name = by_name_.try_emplace(sample.name, OfName{sample.type, {}}).first->second;
    if (of_name.type != sample.type) return sample.name + " has two types";
    if (of_name.labels.insert(&sample.labels).second) return "";
    return sample.name + sample.labels.to_string() + " stands there twice, once the labels of the group are on it";
  }

  // Likewise beside one that stands in another group, or in the same one and stays.
  std::string conflict(const GroupSample& standing, const Labels& key) const {
    const auto found = by_name_.find(standing.name);
    if (found == by_name_.end()) return "";
    const auto& [type, labels] = found->second;
    if (type != standing.type) {
      return standing.name + " is a " + std::string(to_string(standing.type)) + " in the group " + key.to_string() +
             ", and here a " + std::string(to_string(type));
    }
    if (!labels.contains(&standing.labels)) return "";
    return standing.name + standing.labels.to_string() + " stands in the group " + key.to_string() + " already";
  }

 private:
  struct Hash {
    std::size_t operator()(const Labels* labels) const { return LabelsHash()(*labels); }
  };
  struct Same {
    bool operator()(const Labels* a, const Labels* b) const { return *a == *b; }
  };
  struct OfName {
    MetricType type;
    std::unordered_set<const Labels*, Hash, Same> labels;
  };
  std::unordered_map<std::string_view, OfName> by_name_;
};

PushRefusal no_room(std::string why) { return {429, std::move(why), "no_room"}; }

}  // namespace

std::optional<PushRefusal> Groups::push(const Labels& key, const ReadPage& page, Replace replace, Time now,
                                        WallTime wall) {
  auto pushed = families_of(page, key);
  if (auto refusal = check(key, pushed, replace)) {
    fail(key, now, wall, refusal->status == 400);
    return refusal;
  }
  Group* const group = group_of(key, now);
  if (group == nullptr) {
    return no_room("there is no room for another group (collectors.pushgateway.max_groups)");
  }
  if (replace == Replace::all) group->families.clear();
  for (auto& [name, family] : pushed) group->families[name] = std::move(family);
  group->pushed_ms = wall_ms(wall);
  group->version = ++last_version_;
  count();
  return std::nullopt;
}

std::optional<PushRefusal> Groups::check(const Labels& key, const Families& pushed, Replace replace) const {
  PushedSeries all;
  for (const auto& [name, family] : pushed) {
    for (const auto& sample : family.samples) {
      if (auto why = all.add(sample); !why.empty()) return contradiction(std::move(why));
    }
  }
  std::size_t series = count_samples(pushed);
  std::size_t bytes = bytes_ + bytes_of(pushed) + (groups_.contains(key) ? 0 : sizeof(Group) + bytes_of(key));
  for (const auto& [other_key, group] : groups_) {
    for (const auto& [name, family] : group.families) {
      const bool goes = other_key == key && (replace == Replace::all || pushed.contains(name));
      if (goes) {
        bytes -= bytes_of(name) + bytes_of(family);
        continue;
      }
      series += family.samples.size();
      for (const auto& sample : family.samples) {
        if (auto why = all.conflict(sample, other_key); !why.empty()) return contradiction(std::move(why));
      }
    }
  }
  if (series > limits_.max_series) {
    return no_room("there is no room for so many series (collectors.pushgateway.max_series)");
  }
  if (bytes <= limits_.max_bytes()) return std::nullopt;
  return no_room("there is no room for so much text: names, labels and helps of all groups may have " +
                 std::to_string(limits_.max_bytes() >> 20) +
                 " MiB together (more with a larger collectors.pushgateway.max_series)");
}

void Groups::fail(const Labels& key, Time now, WallTime wall, bool or_new) {
  if (!or_new && !groups_.contains(key)) return;
  Group* const group = group_of(key, now);
  if (group != nullptr) group->failed_ms = wall_ms(wall);
}

Group* Groups::group_of(const Labels& key, Time now) {
  auto found = groups_.find(key);
  if (found == groups_.end()) {
    const std::size_t bytes = bytes_of(key, Group{});
    if (groups_.size() >= limits_.max_groups || bytes_ + bytes > limits_.max_bytes()) return nullptr;
    bytes_ += bytes;
    found = groups_.emplace(key, Group{}).first;
    found->second.version = ++last_version_;
  }
  found->second.last = now;
  return &found->second;
}

bool Groups::remove(const Labels& key) {
  const bool removed = groups_.erase(key) > 0;
  count();
  return removed;
}

void Groups::forget_old(Time now) {
  if (limits_.ttl == Duration(0)) return;
  if (std::erase_if(groups_, [&](const auto& each) { return now - each.second.last > limits_.ttl; }) > 0) count();
}

void Groups::restore(Labels key, Group group) {
  const std::size_t series = count_samples(group.families);
  const std::size_t bytes = bytes_of(key, group);
  const bool has_room = groups_.size() < limits_.max_groups && series_ + series <= limits_.max_series &&
                        bytes_ + bytes <= limits_.max_bytes();
  if (!has_room) return;
  group.version = ++last_version_;
  if (!groups_.try_emplace(std::move(key), std::move(group)).second) return;
  series_ += series;
  bytes_ += bytes;
}

void Groups::count() {
  series_ = 0;
  bytes_ = 0;
  for (const auto& [key, group] : groups_) {
    series_ += count_samples(group.families);
    bytes_ += bytes_of(key, group);
  }
}

}  // namespace sidewatch::pushgateway

#include "collectors/pushgateway/groups.h"

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

// The labels of the group may make one series of two.
std::optional<PushRefusal> find_twins(const Families& families) {
  for (const auto& [name, family] : families) {
    std::unordered_map<std::string_view, std::unordered_set<Labels, LabelsHash>> seen;
    for (const auto& sample : family.samples) {
      if (!seen[sample.name].insert(sample.labels).second) {
        return contradiction(sample.name + sample.labels.to_string() +
                             " stands there twice, once the labels of the group are on it");
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<PushRefusal> Groups::push(const Labels& key, const ReadPage& page, Replace replace, Time now,
                                        WallTime wall) {
  auto pushed = families_of(page, key);
  if (auto refusal = check(key, pushed, replace)) {
    fail(key, now, wall);
    return refusal;
  }
  Group* const group = group_of(key, now);
  if (group == nullptr) {
    return PushRefusal{429, "there is no room for another group (collectors.pushgateway.max_groups)", "no_room"};
  }
  if (replace == Replace::all) group->families.clear();
  for (auto& [name, family] : pushed) group->families[name] = std::move(family);
  group->pushed_ms = wall_ms(wall);
  group->version = ++last_version_;
  count();
  return std::nullopt;
}

std::optional<PushRefusal> Groups::check(const Labels& key, const Families& pushed, Replace replace) const {
  std::unordered_map<std::string_view, MetricType> types;
  for (const auto& [family_name, family] : pushed) {
    for (const auto& sample : family.samples) {
      const auto known = types.try_emplace(sample.name, sample.type).first;
      if (known->second != sample.type) return contradiction(sample.name + " has two types");
    }
  }
  if (auto twins = find_twins(pushed)) return twins;
  std::size_t series = count_samples(pushed);
  for (const auto& [other_key, group] : groups_) {
    for (const auto& [name, family] : group.families) {
      const bool goes = other_key == key && (replace == Replace::all || pushed.contains(name));
      if (goes) continue;
      series += family.samples.size();
      for (const auto& sample : family.samples) {
        const auto type = types.find(sample.name);
        if (type == types.end() || type->second == sample.type) continue;
        return contradiction(sample.name + " is a " + std::string(to_string(sample.type)) + " in the group " +
                             other_key.to_string() + ", and here a " + std::string(to_string(type->second)));
      }
    }
  }
  if (series <= limits_.max_series) return std::nullopt;
  return PushRefusal{429, "there is no room for so many series (collectors.pushgateway.max_series)", "no_room"};
}

void Groups::fail(const Labels& key, Time now, WallTime wall) {
  Group* const group = group_of(key, now);
  if (group != nullptr) group->failed_ms = wall_ms(wall);
}

Group* Groups::group_of(const Labels& key, Time now) {
  auto found = groups_.find(key);
  if (found == groups_.end()) {
    if (groups_.size() >= limits_.max_groups) return nullptr;
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
  if (groups_.size() >= limits_.max_groups || series_ + count_samples(group.families) > limits_.max_series) return;
  group.version = ++last_version_;
  groups_.insert_or_assign(std::move(key), std::move(group));
  count();
}

void Groups::count() {
  series_ = 0;
  for (const auto& [key, group] : groups_) series_ += count_samples(group.families);
}

}  // namespace sidewatch::pushgateway

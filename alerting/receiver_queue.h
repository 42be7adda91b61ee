// What waits for one receiver: in order, by alert, with the times before which each may not be tried again.
//
// Knows who may go next and who is worth least. Writes nothing and decides nothing about an attempt's outcome.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "alerting/notification.h"
#include "base/time.h"

namespace sidewatch {

class ReceiverQueue {
 public:
  struct Entry {
    Notification notification;
    std::int64_t attempts = 0;
    Time not_before;
    std::optional<Time> held_until = {};  // a silence or a mute interval holds it back

    Time due() const { return held_until ? std::max(not_before, *held_until) : not_before; }
  };
  using Number = std::int64_t;  // the place in line

  void remove(Number number);
  void replace(Number number, Notification notification);  // same id, same incident

  Number push(Notification notification, std::int64_t attempts, Time not_before);

  // Of those that are the first of their alert: the first whose time has come, and all whose time has come, in the order
  // of their times. None while some are under way.
  std::optional<Number> first_due(Time now) const;
  std::vector<Number> all_due(Time now) const;

  void take(Number number);                       // which is due: now under way
  void put_back(Number number, Time not_before);  // no longer under way
  void postpone(Number number, std::int64_t attempts, Time not_before);
  void hold(Number number, std::optional<Time> until);
  void all_are_due(Time now);                     // whatever they were waiting for, but for what holds them back

  const std::set<Number>& in_flight() const { return in_flight_; }
  // The first time at which one may be due (none is while some are under way).
  std::optional<Time> next_due() const;

  Entry& entry(Number number) { return entries_.at(number); }
  const std::map<Number, Entry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }

  // Of this incident, in order, without those under way.
  std::vector<Number> waiting(const std::string& incident) const;
  // Whether one under way is of this incident.
  bool speaks_of(const std::string& incident) const;
  // The least severe (by the worst level of its incident), of those the oldest; none under way.
  std::optional<Number> least_worth() const;

 private:
  struct Line {  // of one alert
    std::set<Number> numbers;
    std::optional<std::pair<Time, Number>> head;  // as it stands in heads_
  };
  void refresh(const std::string& alert_key);

  Number next_ = 1;
  std::map<Number, Entry> entries_;
  std::unordered_map<std::string, Line> lines_;
  std::set<std::pair<Time, Number>> heads_;
  std::set<std::pair<Level, Number>> by_worth_;
  std::set<std::pair<std::size_t, Number>> by_incident_;  // by its hash
  std::set<Number> in_flight_;
};

}  // namespace sidewatch

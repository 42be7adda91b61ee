// One alert: an entity of a rule, with its state and what people were told. And how it survives a restart.
//
// The text form is versioned and made of `name=value` lines: unknown names are skipped and missing ones keep their
// default, so an older and a newer agent read each other's rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alerting/plan.h"
#include "alerting/policy/state.h"
#include "base/result.h"
#include "metrics/labels.h"

namespace sidewatch {

struct Alert {
  std::string key;   // alert_key(rule, entity)
  std::string rule;  // Rule::identity()
  std::string name;  // the alertname; empty: the same
  Labels entity;     // labels of the sample, without __name__; in Prometheus's form with those of the rule
  Labels sample;     // labels of the sample as it was last seen; only in Prometheus's form
  std::string fingerprint;     // Rule::fingerprint() under which `state` came about
  bool rule_changed = false;   // the rule means something else since; until the next reading
  AlertState state;
  Contact contact;
  Labels told_labels;          // labels of the last message, so that its resolved one carries the same
  std::int64_t started_wall_ms = 0;  // when the incident fired, in wall time; also names the incident

  const std::string& alertname() const { return name.empty() ? rule : name; }
  std::string incident() const;  // empty before the first incident
};

// 16 hex digits, the same in every version of the program.
std::string alert_key(std::string_view rule, const Labels& entity);

// FNV-1a, 64 bits.
std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325U);
std::string to_hex(std::uint64_t number);

std::string encode(const Alert& alert);
Result<Alert> decode_alert(std::string_view text);

// The latest time that the alert speaks of; absent: none.
std::optional<Time> newest_time(const Alert& alert);

// Whether the difference is worth a write: everything except the last value seen.
bool differs_durably(const AlertState& a, const AlertState& b);

}  // namespace sidewatch

#include "collectors/heartbeat/beats.h"

#include <algorithm>

#include "base/json.h"

namespace sidewatch::heartbeat {
namespace {

constexpr std::int64_t version = 1;
constexpr std::int64_t max_whole = std::int64_t{1} << 53;  // of what a file says: beyond any time that there is

// What a file says as a count or as milliseconds, from 0.
std::int64_t whole_of(const JsonValue& value) { return std::clamp<std::int64_t>(value.integer_or(0), 0, max_whole); }

std::int64_t wall_ms(WallTime wall) { return wall.time_since_epoch().count(); }

// How long ago the text was saved.
Duration time_since(const JsonValue& saved, const SaveClocks& clocks) {
  const std::string_view boot = saved["boot_id"].text_or("");
  const bool same_boot = !boot.empty() && boot == clocks.boot.boot_id;
  const std::int64_t away = same_boot ? clocks.boot.boot_time_ms - whole_of(saved["boot_time_ms"])
                                      : wall_ms(clocks.wall) - whole_of(saved["wall_ms"]);
  return Duration(std::max<std::int64_t>(away, 0));
}

std::uint64_t count_of(const JsonValue& value) { return static_cast<std::uint64_t>(whole_of(value)); }

void write(JsonWriter& json, const std::string& name, const Beat& beat, Time now) {
  const auto age = [&](std::string_view key, Time at) { json.key(key).integer((now - at).count()); };
  json.begin_object().key("name").text(name);
  age("since_age_ms", beat.since);
  if (beat.last) {
    age("last_age_ms", *beat.last);
    json.key("last_wall_ms").integer(beat.last_wall_ms);
  }
  if (beat.began) age("began_age_ms", *beat.began);
  if (beat.seconds) json.key("seconds").number(*beat.seconds);
  json.key("failed").boolean(beat.failed);
  json.key("starts").integer(static_cast<std::int64_t>(beat.starts));
  json.key("successes").integer(static_cast<std::int64_t>(beat.successes));
  json.key("failures").integer(static_cast<std::int64_t>(beat.failures)).end_object();
}

void read(const JsonValue& saved, Beat& beat, Time saved_at) {
  const auto time_of = [&](std::string_view key) { return saved_at - Duration(whole_of(saved[key])); };
  beat.since = time_of("since_age_ms");
  if (saved.has("last_age_ms")) beat.last = time_of("last_age_ms");
  beat.last_wall_ms = whole_of(saved["last_wall_ms"]);
  if (saved.has("began_age_ms")) beat.began = time_of("began_age_ms");
  if (saved.has("seconds")) beat.seconds = saved["seconds"].number_or(0);
  beat.failed = saved["failed"].boolean_or(false);
  beat.starts = count_of(saved["starts"]);
  beat.successes = count_of(saved["successes"]);
  beat.failures = count_of(saved["failures"]);
}

}  // namespace

bool Beat::is_overdue(Time now) const {
  if (began && now > *began + grace) return true;
  return now > last.value_or(since) + every + grace;
}

Beats::Beats(const std::vector<HeartbeatConfig>& configs) {
  for (const auto& config : configs) {
    Beat beat;
    beat.every = config.every;
    beat.grace = config.grace;
    beats_.emplace(config.name.value, beat);
  }
}

void Beats::watch(Time now) {
  if (watching_) return;
  watching_ = true;
  for (auto& [name, beat] : beats_) {
    if (beat.since == Time{}) beat.since = now;
  }
}

bool Beats::ping(std::string_view name, Ping ping, Time now, WallTime wall) {
  const auto found = beats_.find(name);
  if (found == beats_.end()) return false;
  Beat& beat = found->second;
  if (ping == Ping::start) {
    ++beat.starts;
    beat.began = now;
    return true;
  }
  ++(ping == Ping::success ? beat.successes : beat.failures);
  beat.failed = ping == Ping::failure;
  if (beat.began) beat.seconds = to_seconds(now - *beat.began);
  beat.began.reset();
  beat.last = now;
  beat.last_wall_ms = wall_ms(wall);
  return true;
}

std::string Beats::save(const SaveClocks& clocks) const {
  JsonWriter json;
  json.begin_object().key("version").integer(version).key("wall_ms").integer(wall_ms(clocks.wall));
  json.key("boot_id").text(clocks.boot.boot_id).key("boot_time_ms").integer(clocks.boot.boot_time_ms);
  json.key("heartbeats").begin_array();
  for (const auto& [name, beat] : beats_) write(json, name, beat, clocks.now);
  json.end_array().end_object();
  return json.take();
}

Result<void> Beats::restore(std::string_view text, const SaveClocks& clocks) {
  const auto saved = JsonValue::parse(text);
  if (!saved) return saved.error();
  if ((*saved)["version"].integer_or(0) != version) return Error{"it was not written by this version of sidewatch", ""};
  const Time saved_at = clocks.now - time_since(*saved, clocks);
  for (const auto& each : (*saved)["heartbeats"].items()) {
    const auto beat = beats_.find(each["name"].text_or(""));
    if (beat != beats_.end()) read(each, beat->second, saved_at);
  }
  return {};
}

}  // namespace sidewatch::heartbeat

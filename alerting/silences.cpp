#include "alerting/silences.h"

#include <algorithm>
#include <utility>

#include "alerting/routes/matchers.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/kept_file.h"

namespace sidewatch {
namespace {

constexpr std::int64_t format_version = 1;

// RFC 9562, version 4.
std::string new_id() {
  std::string bytes = random_bytes(16);
  bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0fU) | 0x40U);
  bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3fU) | 0x80U);
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

std::string spelled(const std::vector<Matcher>& matchers) {
  std::string text;
  for (const Matcher& matcher : matchers) text += matcher.to_string() + "\n";
  return text;
}

void write_matcher(JsonWriter& json, const Matcher& matcher) {
  using Op = Matcher::Op;
  json.begin_object().key("name").text(matcher.name()).key("value").text(matcher.value());
  json.key("isRegex").boolean(matcher.op() == Op::regex || matcher.op() == Op::not_regex);
  json.key("isEqual").boolean(matcher.op() == Op::equal || matcher.op() == Op::regex).end_object();
}

Result<Silence> read_silence(const JsonValue& json) {
  Silence silence;
  silence.id = json["id"].text_or("");
  silence.created_by = json["createdBy"].text_or("");
  silence.comment = json["comment"].text_or("");
  const auto starts = from_rfc3339(json["startsAt"].text_or(""));
  const auto ends = from_rfc3339(json["endsAt"].text_or(""));
  const auto updated = from_rfc3339(json["updatedAt"].text_or(""));
  if (silence.id.empty() || !starts || !ends || !updated) return Error{"a silence without id or times", ""};
  silence.starts_at = *starts;
  silence.ends_at = *ends;
  silence.updated_at = *updated;
  for (const JsonValue& each : json["matchers"].items()) {
    auto matcher = read_matcher(each);
    if (!matcher) return matcher.error();
    silence.matchers.push_back(std::move(*matcher));
  }
  if (silence.matchers.empty()) return Error{"a silence without matchers", ""};
  return silence;
}

Result<std::vector<Silence>> decode(std::string_view text, std::size_t max_bytes) {
  const auto json = JsonValue::parse(text, {.max_bytes = max_bytes, .max_depth = 16});
  if (!json) return json.error();
  const std::int64_t version = (*json)["v"].integer_or(0);
  if (version != format_version) return Error{"it is of unknown version " + std::to_string(version), ""};
  std::vector<Silence> silences;
  for (const JsonValue& each : (*json)["silences"].items()) {
    auto silence = read_silence(each);
    if (!silence) return silence.error();
    silences.push_back(std::move(*silence));
  }
  return silences;
}

// With the frame of a file around it: all together have no more in one.
std::size_t bytes_in_file(const Silence& silence) { return encode({silence}).size(); }

Silences::Refused refuse(Silences::Refusal why, std::string what) { return {why, std::move(what)}; }

}  // namespace

std::string_view to_string(SilenceState state) {
  switch (state) {
    case SilenceState::pending: return "pending";
    case SilenceState::active: return "active";
    case SilenceState::expired: return "expired";
  }
  return "expired";
}

SilenceState Silence::state(WallTime now) const {
  if (now >= ends_at) return SilenceState::expired;
  return now < starts_at ? SilenceState::pending : SilenceState::active;
}

bool Silence::matches(const Labels& labels) const {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const Matcher& matcher) { return matcher.matches(labels.get(matcher.name())); });
}

// Both flags are true and false by default, as Alertmanager has them.
Result<Matcher> read_matcher(const JsonValue& json) {
  using Op = Matcher::Op;
  const bool regex = json["isRegex"].boolean_or(false);
  const bool equal = json["isEqual"].boolean_or(true);
  const Op op = regex ? (equal ? Op::regex : Op::not_regex) : (equal ? Op::equal : Op::not_equal);
  const std::string name(json["name"].text_or(""));
  if (name.empty()) return Error{"a matcher has no name", ""};
  auto matcher = Matcher::make(name, op, std::string(json["value"].text_or("")));
  if (!matcher) return Error{"matcher " + name + ": " + matcher.error().what, ""};
  return matcher;
}

void write_silence(JsonWriter& json, const Silence& silence) {
  json.key("id").text(silence.id).key("createdBy").text(silence.created_by).key("comment").text(silence.comment);
  json.key("startsAt").text(to_rfc3339(silence.starts_at)).key("endsAt").text(to_rfc3339(silence.ends_at));
  json.key("updatedAt").text(to_rfc3339(silence.updated_at)).key("matchers").begin_array();
  for (const Matcher& matcher : silence.matchers) write_matcher(json, matcher);
  json.end_array();
}

Result<Silences> Silences::open(std::string path, WallTime now, const SilenceLimits& limits) {
  Silences silences(std::move(path), limits);
  if (silences.path_.empty()) return silences;
  const auto text = read_kept_file(silences.path_, limits.max_bytes);
  if (!text) return text.error();
  if (!*text) return silences;
  auto kept = decode(**text, limits.max_bytes);
  if (!kept) return Error{silences.path_ + ": " + kept.error().what + "; move it away to start without silences", ""};
  silences.silences_ = std::move(*kept);
  forget_old(silences.silences_, now, limits.remembered);
  return silences;
}

Silences::Silences(Silences&& other) noexcept
    : path_(std::move(other.path_)), limits_(other.limits_), silences_(std::move(other.silences_)),
      host_(std::move(other.host_)) {}

std::string Silences::problem_with(const Silence& silence, WallTime now) const {
  if (silence.matchers.empty()) return "a silence needs at least one matcher, such as alertname=\"HostMemoryHigh\"";
  if (silence.matchers.size() > limits_.max_matchers) {
    return "a silence has at most " + std::to_string(limits_.max_matchers) + " matchers";
  }
  const bool holds_all = std::all_of(silence.matchers.begin(), silence.matchers.end(),
                                     [](const Matcher& matcher) { return matcher.matches(""); });
  if (holds_all) return "at least one matcher must ask for a label that is there: these hold for alerts without any label";
  const auto too_long = [this](const std::string& text) { return text.size() > limits_.max_text_bytes; };
  if (too_long(silence.comment) || too_long(silence.created_by) ||
      std::any_of(silence.matchers.begin(), silence.matchers.end(),
                  [&](const Matcher& m) { return too_long(m.name()) || too_long(m.value()); })) {
    return "a text of a silence has at most " + std::to_string(limits_.max_text_bytes) + " bytes";
  }
  if (silence.ends_at <= silence.starts_at) return "it ends before it begins";
  if (silence.ends_at <= now) return "its end is in the past";
  if (silence.ends_at - silence.starts_at > limits_.longest) return "it is longer than a year";
  return "";
}

std::vector<Silence> Silences::snapshot() const {
  const std::lock_guard lock(mutex_);
  return silences_;
}

// On disk first. Empty: they are in force. Otherwise why not.
std::string Silences::put_in_force(std::vector<Silence> silences) {
  if (!path_.empty()) {
    const auto written = write_kept_file(path_, encode(silences));
    if (!written) return written.error().text();
  }
  const std::lock_guard lock(mutex_);
  silences_ = std::move(silences);
  return "";
}

void Silences::forget_old(std::vector<Silence>& silences, WallTime now, Duration remembered) {
  std::erase_if(silences, [&](const Silence& silence) { return silence.ends_at + remembered < now; });
}

// Forgets the ones that ended first, as many as must go. Not empty: those that have not ended are too many already.
std::string Silences::make_room(std::vector<Silence>& silences, WallTime now) const {
  std::size_t bytes = 0;
  for (const Silence& silence : silences) bytes += bytes_in_file(silence);
  while (silences.size() > limits_.max_silences || bytes > limits_.max_bytes) {
    const auto first = std::min_element(silences.begin(), silences.end(),
                                        [](const Silence& a, const Silence& b) { return a.ends_at < b.ends_at; });
    if (first->state(now) != SilenceState::expired) {
      return bytes > limits_.max_bytes
                 ? "the silences that have not ended would have more than " + std::to_string(limits_.max_bytes) +
                       " bytes together, which is the limit"
                 : "there are " + std::to_string(silences.size() - 1) +
                       " silences already that have not ended, which is the limit";
    }
    bytes -= bytes_in_file(*first);
    silences.erase(first);
  }
  return "";
}

Silences::Answer<std::string> Silences::set(Silence silence, WallTime now) {
  const std::lock_guard lock(writing_);
  silence.starts_at = std::max(silence.starts_at, now);
  silence.updated_at = now;
  std::vector<Silence> next = snapshot();
  forget_old(next, now, limits_.remembered);
  const auto old = std::find_if(next.begin(), next.end(), [&](const Silence& s) { return s.id == silence.id; });
  if (!silence.id.empty() && old == next.end()) return refuse(Refusal::unknown, "there is no silence " + silence.id);
  if (auto problem = problem_with(silence, now); !problem.empty()) return refuse(Refusal::wrong, std::move(problem));

  const bool in_place = !silence.id.empty() && old->state(now) != SilenceState::expired &&
                        spelled(old->matchers) == spelled(silence.matchers);
  if (in_place) {
    if (old->state(now) == SilenceState::active) silence.starts_at = old->starts_at;
    *old = silence;
  } else {
    if (!silence.id.empty() && old->state(now) != SilenceState::expired) old->ends_at = old->updated_at = now;
    silence.id = new_id();
    next.push_back(silence);
  }
  if (auto problem = make_room(next, now); !problem.empty()) return refuse(Refusal::full, std::move(problem));
  if (auto why = put_in_force(std::move(next)); !why.empty()) return refuse(Refusal::not_stored, std::move(why));
  return silence.id;
}

Silences::Answer<std::monostate> Silences::expire(const std::string& id, WallTime now) {
  const std::lock_guard lock(writing_);
  std::vector<Silence> next = snapshot();
  const auto found = std::find_if(next.begin(), next.end(), [&](const Silence& silence) { return silence.id == id; });
  if (found == next.end()) return refuse(Refusal::unknown, "there is no silence " + id);
  if (found->state(now) == SilenceState::expired) return refuse(Refusal::wrong, "silence " + id + " has ended already");
  found->starts_at = std::min(found->starts_at, now);
  found->ends_at = found->updated_at = now;
  if (auto why = put_in_force(std::move(next)); !why.empty()) return refuse(Refusal::not_stored, std::move(why));
  return std::monostate{};
}

std::vector<Silence> Silences::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Silence> copy = silences_;
  std::stable_sort(copy.begin(), copy.end(), [](const auto& a, const auto& b) { return a.updated_at > b.updated_at; });
  return copy;
}

std::optional<Silence> Silences::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  for (const Silence& silence : silences_) {
    if (silence.id == id) return silence;
  }
  return std::nullopt;
}

void Silences::name_host(std::string host) {
  const std::lock_guard lock(mutex_);
  host_ = std::move(host);
}

std::vector<std::string> Silences::holding(const Labels& labels, WallTime now) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  if (silences_.empty()) return ids;
  const Labels seen = labels_to_match(labels, host_);
  for (const Silence& silence : silences_) {
    if (silence.state(now) == SilenceState::active && silence.matches(seen)) ids.push_back(silence.id);
  }
  return ids;
}

std::optional<WallTime> Silences::held_until(const Labels& labels, WallTime now) const {
  const std::lock_guard lock(mutex_);
  std::optional<WallTime> until;
  if (silences_.empty()) return until;
  const Labels seen = labels_to_match(labels, host_);
  // One that begins before another ends goes on where that left off.
  for (bool longer = true; longer;) {
    longer = false;
    const WallTime from = until.value_or(now);
    for (const Silence& silence : silences_) {
      if (silence.starts_at <= from && silence.ends_at > from && silence.matches(seen)) {
        until = std::max(until.value_or(silence.ends_at), silence.ends_at);
        longer = true;
      }
    }
  }
  return until;
}

std::optional<WallTime> Silences::next_change(WallTime now) const {
  const std::lock_guard lock(mutex_);
  std::optional<WallTime> next;
  for (const Silence& silence : silences_) {
    for (const WallTime at : {silence.starts_at, silence.ends_at}) {
      if (at > now && (!next || at < *next)) next = at;
    }
  }
  return next;
}

std::size_t Silences::active(WallTime now) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(silences_.begin(), silences_.end(), [&](const Silence& silence) {
    return silence.state(now) == SilenceState::active;
  }));
}

std::string encode(const std::vector<Silence>& silences) {
  JsonWriter json;
  json.begin_object().key("v").integer(format_version).key("silences").begin_array();
  for (const Silence& silence : silences) {
    json.begin_object();
    write_silence(json, silence);
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace sidewatch

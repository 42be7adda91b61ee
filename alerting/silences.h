// Silences: alerts that match are not told of until the silence ends. People set them, from the command line or over the
// API; they have an end, survive a restart, and are forgotten some days after they ended.
//
// What a silence holds back and what is told when it ends is decided where messages wait (alerting/dispatcher.h). Here it
// is only said which silence holds an alert now. Used by several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/matcher.h"

namespace sidewatch {

enum class SilenceState { pending, active, expired };
std::string_view to_string(SilenceState state);  // "pending", "active", "expired"

struct Silence {
  std::string id;                 // a UUID
  std::vector<Matcher> matchers;  // all must hold
  WallTime starts_at;
  WallTime ends_at;
  WallTime updated_at;
  std::string created_by;
  std::string comment;

  SilenceState state(WallTime now) const;
  bool matches(const Labels& labels) const;
};

struct SilenceLimits {
  std::size_t max_silences = 1'000;  // those that ended are forgotten earlier where they would be too many
  std::size_t max_matchers = 32;     // of one
  std::size_t max_text_bytes = 4'096;  // of a matcher's value, of a comment and of a name, each
  std::size_t max_bytes = std::size_t{16} << 20;  // of all in their file
  Duration longest = std::chrono::hours(24 * 366);
  Duration remembered = std::chrono::hours(24 * 5);  // after its end, where there is room
};

class Silences {
 public:
  // Those that `path` keeps; an empty path keeps nothing beyond the process. An Error names the file and what is wrong
  // with it; it is not touched then.
  static Result<Silences> open(std::string path, WallTime now, const SilenceLimits& limits = {});

  Silences(Silences&& other) noexcept;

  enum class Refusal {
    wrong,       // Error::what says what is to be corrected
    unknown,     // there is no silence of that id
    full,        // max_silences or max_bytes, without those that have ended
    not_stored,  // it cannot be written to disk, and so is not in force
  };
  struct Refused {
    Refusal why = Refusal::wrong;
    std::string what;  // a sentence
  };
  template <class T>
  using Answer = std::variant<T, Refused>;

  // Without an id a new one. With one that replaces it: in its place where it has not ended and holds the same alerts,
  // otherwise the old one ends and this is a new one. Gives the id that is in force. A beginning in the past is now.
  Answer<std::string> set(Silence silence, WallTime now);

  // Ends it now; one that has not begun never will.
  Answer<std::monostate> expire(const std::string& id, WallTime now);

  std::vector<Silence> all() const;  // the latest change first
  std::optional<Silence> find(const std::string& id) const;

  // What this agent calls its machine: an alert without `instance` is matched by it.
  void name_host(std::string host);

  // The ids of the active ones that match.
  std::vector<std::string> holding(const Labels& labels, WallTime now) const;
  // Until when at least one holds such an alert without a break; absent: none does.
  std::optional<WallTime> held_until(const Labels& labels, WallTime now) const;
  // When the next one begins or ends.
  std::optional<WallTime> next_change(WallTime now) const;

  std::size_t active(WallTime now) const;

 private:
  Silences(std::string path, const SilenceLimits& limits) : path_(std::move(path)), limits_(limits) {}
  std::string problem_with(const Silence& silence, WallTime now) const;
  std::string put_in_force(std::vector<Silence> silences);
  std::vector<Silence> snapshot() const;
  std::string make_room(std::vector<Silence>& silences, WallTime now) const;
  static void forget_old(std::vector<Silence>& silences, WallTime now, Duration remembered);

  std::string path_;
  SilenceLimits limits_;
  std::mutex writing_;         // one change at a time; the disk may take as long as it likes under it
  mutable std::mutex mutex_;   // of what follows, held for no longer than a look at them
  std::vector<Silence> silences_;
  std::string host_;
};

// As JSON, for the file and the API alike: the members of Alertmanager's silence but for its status, into an object that
// is open.
void write_silence(JsonWriter& json, const Silence& silence);
// {"name", "value", "isRegex", "isEqual"}
Result<Matcher> read_matcher(const JsonValue& json);

std::string encode(const std::vector<Silence>& silences);  // the file's text

}  // namespace sidewatch

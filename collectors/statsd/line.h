// One line of StatsD, taken apart: name:value|type, and what DogStatsD (protocol 1.0 to 1.6) may put behind it.
//
//     requests:1|c|@0.1|#route:/cart,method:get     sampled, tagged
//     latency:12.5:7:9|ms                           several values in one (1.1)
//     depth:+3|g|T1656581400|c:in-4711              a change; with a time (1.3) and a container (1.2)
//
// Nothing is copied or converted here but the sample rate and the time: the values stay text, as do the tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace sidewatch::statsd {

enum class Kind : std::uint8_t {
  counter,       // c
  gauge,         // g
  timer,         // ms: milliseconds
  histogram,     // h
  distribution,  // d
  set,           // s
};

struct Line {
  std::string_view name;
  std::string_view values;  // one or more, between colons; of a set the text is one value
  Kind kind = Kind::counter;
  double rate = 1;  // 1e-9 to 1: each line stands for 1/rate of them
  std::string_view tags;              // behind '#': "route:/cart,method:get"
  std::optional<std::int64_t> unix_seconds;
  std::size_t unknown_sections = 0;   // what a later version of the protocol adds
};

// Why a line is none. By the label `reason` of sidewatch_statsd_line_errors_total.
enum class LineError : std::uint8_t {
  no_value,    // there is no ':' or nothing on one of its sides
  no_type,     // there is no '|' behind the value
  unknown_type,
  bad_rate,    // not from 1e-9 to 1
  bad_number,  // one of the values is not a number, or beyond 1e100
  bad_event,   // _e{...} whose lengths or fields are wrong
  bad_check,   // _sc|... without a name, or with a status other than 0 to 3
  negative_counter,  // would look as if the application had been restarted
  type_conflict,     // the name is known with another type, or is a part of a summary
  reserved_name,     // what the agent says itself
  mixed_tags,        // tags in the name and behind '#'
  count
};
std::string_view to_string(LineError error);

// Sets all of `line`, or says why it is none. `text` has no newline in it.
std::optional<LineError> parse_line(std::string_view text, Line& line);

// The next of the values, which is taken off the front of `values`; nothing when it is not a finite number.
std::optional<double> take_number(std::string_view& values);

// _e{<title bytes>,<text bytes>}:title|text|d:time|h:host|k:key|p:priority|s:source|t:alert type|#tags
struct Event {
  std::string_view title;
  std::string_view text;
  std::string_view priority = "normal";  // or low
  std::string_view type = "info";        // error, warning, info, success
  std::string_view key;     // of events that belong together
  std::string_view source;
  std::string_view tags;
};
std::variant<Event, LineError> parse_event(std::string_view text);
// Whatever is sent, there are only so many of them: error, warning, info, success or "other"; normal or low.
std::string_view known_type(std::string_view type);
std::string_view known_priority(std::string_view priority);

// _sc|name|status|d:time|h:host|#tags|m:message
struct ServiceCheck {
  std::string_view name;
  int status = 0;  // 0 ok, 1 warning, 2 critical, 3 unknown
  std::string_view tags;
  std::string_view message;
};
std::variant<ServiceCheck, LineError> parse_service_check(std::string_view text);

inline bool is_event(std::string_view line) { return line.starts_with("_e{"); }
inline bool is_service_check(std::string_view line) { return line.starts_with("_sc|"); }

// Tags one after the other: `next` is false at the end. "a:b,c:d,e" are a=b, c=d and e without a value.
class TagReader {
 public:
  explicit TagReader(std::string_view tags) : rest_(tags) {}
  bool next(std::string_view& name, std::string_view& value);

 private:
  std::string_view rest_;
};

}  // namespace sidewatch::statsd

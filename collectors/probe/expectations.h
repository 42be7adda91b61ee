// What an HTTP answer is held against: its status, its headers, its body and values in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "base/json.h"
#include "base/regex.h"
#include "collectors/probe/check.h"
#include "config/section.h"

namespace sidewatch::probe {

struct StatusRange {
  int low = 200;
  int high = 299;
};
// "200", "2xx", "200-204".
std::optional<StatusRange> parse_status(std::string_view text);

struct ExpectedJson {
  config::Located<std::string> pointer;  // RFC 6901: /checks/0/status
  std::optional<config::Located<std::string>> equals;
  std::optional<double> above;
  std::optional<double> below;
};
void declare(config::Section& section, ExpectedJson& expected);

struct ExpectedHeader {
  std::string name;
  Regex matches;
  bool missing_is_well = false;
};
void declare(config::Section& section, ExpectedHeader& expected);

struct Expectations {
  std::vector<config::Located<std::string>> status;
  std::vector<StatusRange> ranges{{200, 299}};  // what `status` says
  std::vector<std::string> body_contains;
  std::vector<Regex> body_matches;
  std::vector<Regex> body_not_matches;
  std::vector<ExpectedHeader> headers;
  std::vector<ExpectedJson> json;
  std::optional<Duration> within;

  bool look_at_body() const;
};
void declare(config::Section& section, Expectations& expected);
std::string fingerprint_of(const Expectations& expected);

// Notes in `verdict` the first thing that is not as expected.
void judge(const Expectations& expected, const OutgoingResponse& response, double seconds, Verdict& verdict);

// The value that an RFC 6901 pointer leads to; null when there is none.
const JsonValue* value_at(const JsonValue& root, std::string_view pointer);

}  // namespace sidewatch::probe

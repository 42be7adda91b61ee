// Any bytes as what the other side of a check says; the first byte says of which kind of check.
//
// Beside not crashing it must hold that no series is told twice, that every number is finite, that a failed check says
// why, and that what is shown of the answer is bounded.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/probe/dns_check.h"
#include "collectors/probe/expectations.h"
#include "collectors/probe/file_check.h"
#include "collectors/probe/icmp_check.h"
#include "collectors/probe/ntp_check.h"
#include "collectors/probe/systemd_check.h"
#include "collectors/probe/tcp_check.h"

namespace sidewatch::probe {
namespace {

constexpr std::size_t max_text_bytes = 4096;  // of a pattern: what a person writes
constexpr std::size_t cookie_at = 24;         // in an NTP answer
constexpr std::int64_t now = 1'800'000'000;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

// Cuts the next text off, at a NUL byte.
std::string_view next_text(std::string_view& rest) {
  const auto end = std::min(rest.find('\0'), rest.size());
  const auto text = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return text;
}

Regex pattern_of(std::string_view text) {
  auto pattern = Regex::compile(text.substr(0, max_text_bytes));
  return pattern ? *std::move(pattern) : Regex();
}

void check_verdict(const Verdict& verdict) {
  std::set<std::pair<std::string_view, Labels>> told;
  for (const auto& fact : verdict.facts) {
    require(std::isfinite(fact.value));
    require(told.emplace(fact.metric->name, fact.labels).second);
  }
  require(!verdict.trouble || !verdict.trouble->text.empty());
}

void check_records(const std::vector<DnsRecord>& records) {
  require(records.size() <= 512);
  for (const auto& record : records) require(is_printable(record.name) && is_printable(record.text));
}

// What a message says of its question is asked again in the same words.
void check_question(const DnsQuestion& question) {
  require(is_printable(question.name) && question.name.ends_with('.'));
  if (question.name.find('\\') != std::string::npos) return;
  const auto asked = encode_dns_question(7, question);
  require(static_cast<bool>(asked));
  const auto read = decode_dns_message(*asked);
  require(read && read->question && same_dns_name(read->question->name, question.name));
}

void check_dns(std::string_view bytes) {
  const auto message = decode_dns_message(bytes);
  if (!message) return;
  for (const auto* records : {&message->answers, &message->authorities, &message->additionals}) check_records(*records);
  if (message->question) check_question(*message->question);
  static const std::vector<Regex> patterns{pattern_of("^10 "), pattern_of("\\\\[0-9]{3}")};
  for (const auto type : std::initializer_list<std::uint16_t>{1, 6, 15, 16, 257}) {
    DnsCheckConfig config;
    config.type = type;
    config.expect.answers_match = patterns;
    config.expect.answers_not_match = patterns;
    Verdict verdict;
    judge_dns_answer(config, *message, verdict);
    check_verdict(verdict);
  }
}

void check_ntp(std::string_view bytes) {
  std::uint64_t cookie = 0;
  for (std::size_t i = 0; i < 8 && cookie_at + i < bytes.size(); ++i) {
    cookie = cookie << 8 | static_cast<unsigned char>(bytes[cookie_at + i]);
  }
  const auto answer = decode_ntp_answer(bytes, cookie, static_cast<double>(now), static_cast<double>(now) + 0.5);
  if (!answer) return;
  require(bytes.size() >= 48 && answer->leap >= 0 && answer->leap <= 3 && answer->stratum >= 0);
  require(answer->reference.size() <= 4 && is_printable(answer->reference));
  for (const double number : {answer->offset, answer->delay, answer->root_delay, answer->root_dispersion}) {
    require(std::abs(number) < 1e10);
  }
  require(!decode_ntp_answer(bytes, cookie + 1, 0, 0));
}

void check_ping(std::string_view bytes) {
  for (const auto& [ipv6, raw] : {std::pair{false, false}, std::pair{false, true}, std::pair{true, false}}) {
    const auto reply = decode_echo_reply(bytes, ipv6, raw);
    require(!reply || reply->payload.size() + 8 <= bytes.size());
  }
}

// A pattern, what is sent, and what the other side writes.
void check_conversation(std::string_view rest) {
  const Regex expected = pattern_of(next_text(rest));
  const auto send = next_text(rest).substr(0, max_text_bytes);
  std::string unread(rest);
  std::string line;
  std::size_t bytes = 0;
  while (take_line(unread, line)) {
    require(line.find('\n') == std::string::npos);
    bytes += line.size() + 1;
    const bool matches = expected.partial_match(line);
    require(matches == expected.expand_partial_match(line, send, max_text_bytes).has_value());
  }
  require(bytes + unread.size() <= rest.size() && unread.find('\n') == std::string::npos);
}

// A status, a header's pattern, one of the body, a JSON pointer, what the value has to be, a header, and the body.
void check_http(std::string_view rest) {
  Expectations expected;
  if (const auto range = parse_status(next_text(rest))) {
    require(range->low >= 100 && range->low <= range->high && range->high <= 599);
    expected.ranges = {*range};
  }
  expected.headers.push_back({"Content-Type", pattern_of(next_text(rest)), rest.size() % 2 == 0});
  expected.body_matches = {pattern_of(next_text(rest))};
  expected.body_not_matches = expected.body_matches;
  ExpectedJson value;
  value.pointer.value = next_text(rest).substr(0, max_text_bytes);
  if (!value.pointer.value.starts_with('/')) value.pointer.value.clear();
  expected.json = {value, value};
  expected.json[0].equals.emplace().value = next_text(rest).substr(0, max_text_bytes);
  expected.json[1].above = 0;
  expected.json[1].below = 10;
  OutgoingResponse response;
  response.status = 200;
  response.headers.push_back({"content-type", std::string(next_text(rest))});
  response.body = rest;
  Verdict verdict;
  judge(expected, response, 0.1, verdict);
  check_verdict(verdict);
  // The same pattern matches or does not, and must do both.
  require(verdict.trouble.has_value());
  const auto root = JsonValue::parse(response.body, {.max_bytes = response.body.size()});
  if (root) (void)value_at(*root, value.pointer.value);
}

void check_unit(std::string_view rest) {
  SystemdCheckConfig config;
  config.unit.value = "shop.service";
  UnitState unit;
  for (auto* text : {&unit.load, &unit.active, &unit.sub, &unit.service_type}) *text = next_text(rest);
  if (!rest.empty()) unit.restarts = static_cast<double>(rest.size());
  Verdict verdict;
  judge_unit(config, unit, verdict);
  check_verdict(verdict);
  require(verdict.trouble.has_value() != (unit.active == "active" && unit.load != "not-found"));
}

void check_certificates(std::string_view text) {
  const auto chain = read_certificates(text);
  if (!chain) return require(!chain.error().what.empty());
  require(!chain->empty() && chain->size() * 27 <= text.size());
  for (const auto& one : *chain) require(one.sha256.size() == 64);
  for (const auto life : {Duration(0), Duration(std::chrono::hours(8760))}) (void)trouble_of_chain(*chain, now, life);
}

// resolv.conf, and addresses as people write them.
void check_place(std::string_view text) {
  (void)first_name_server(text);
  const auto place = parse_place(text, 53);
  if (!place) return;
  require(place->port >= 1 && place->port <= 65535 && !place->host.empty());
  const auto again = parse_place(place->text(), 0);
  require(again && again->host == place->host && again->port == place->port);
}

// Where a redirect leads to: the page, a line's end, and what its header says.
void check_redirect(std::string_view rest) {
  const std::string base(next_text(rest));
  const auto parts = parse_http_url(base);
  if (!parts) return require(!parts.error().what.empty());
  require(parts->scheme == "http" || parts->scheme == "https");
  const auto to = resolve_url(base, std::string(rest));
  if (to) (void)parse_http_url(*to);
}

}  // namespace
}  // namespace sidewatch::probe

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch::probe;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 9) {
    case 0: check_dns(text); break;
    case 1: check_ntp(text); break;
    case 2: check_ping(text); break;
    case 3: check_conversation(text); break;
    case 4: check_http(text); break;
    case 5: check_unit(text); break;
    case 6: check_certificates(text); break;
    case 7: check_place(text); break;
    default: check_redirect(text); break;
  }
  return 0;
}

#include "collectors/log/interpreter.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/utf8.h"

namespace sidewatch::log {
namespace {

constexpr std::size_t max_label_bytes = 256;
constexpr double largest = 1e100;  // of a value: sums of those stay finite
constexpr JsonLimits json_limits{.max_bytes = std::size_t{1} << 17, .max_depth = 32};

bool is_plain(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  constexpr std::uint64_t ones = 0x0101010101010101U;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if (((word - ones) & ~word & high_bits) != 0 || (word & high_bits) != 0) return false;  // a NUL, or above 0x7F
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == 0 || byte >= 0x80) return false;
  }
  return true;
}

std::string mend(std::string_view line) {
  std::string without_nul;
  for (const char c : line) {
    if (c == '\0') without_nul += "\xEF\xBF\xBD";
    else without_nul += c;
  }
  return mend_utf8(without_nul);
}

}  // namespace

Interpreter::Interpreter(LineFormat format, std::vector<LogMetric> metrics)
    : format_(std::move(format)), metrics_(std::move(metrics)), found_(metrics_.size()) {}

std::span<const Interpreter::Found> Interpreter::read(std::string_view line) {
  if (!is_plain(line)) {
    mended_ = mend(line);
    line = mended_;
  }
  parts_.entry_groups.clear();
  if (format_.match && !format_.match->match(line, parts_.entry_groups)) return {};
  json_ = Json::unread;
  std::size_t count = 0;
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const auto& metric = metrics_[i];
    Found& found = found_[count];
    if (!takes(metric, line) || !value_of(metric, found.value)) continue;
    found.metric = i;
    found.labels.clear();
    for (const auto& [name, text] : metric.labels) {
      text_.clear();
      text.append_to(text_, parts_);
      found.labels += cut_at_character(text_, max_label_bytes);
      found.labels += '\0';
    }
    ++count;
  }
  return {found_.data(), count};
}

bool Interpreter::takes(const LogMetric& metric, std::string_view line) {
  if (metric.match && !metric.match->match(line, parts_.own_groups)) return false;
  if (format_.json && !read_json(line)) return false;
  for (const auto& condition : metric.when) {
    text_.clear();
    parts_.append(condition.field, text_);
    if (!condition.pattern.full_match(text_)) return false;
  }
  return true;
}

// Once for each line, however many metrics ask.
bool Interpreter::read_json(std::string_view line) {
  if (json_ != Json::unread) return json_ == Json::good;
  auto parsed = JsonValue::parse(format_.json_group ? parts_.entry_groups[*format_.json_group] : line, json_limits);
  const bool good = parsed && parsed->kind() == JsonValue::Kind::object;
  if (good) parts_.json = std::move(*parsed);
  else ++errors_.json;
  json_ = good ? Json::good : Json::bad;
  return good;
}

// False where there is none. Nothing and "-", as web servers write what does not apply, are no mistake.
bool Interpreter::value_of(const LogMetric& metric, double& value) {
  value = 1;
  if (!metric.value) return true;
  text_.clear();
  metric.value->append_to(text_, parts_);
  if (text_.empty() || text_ == "-") return false;
  const char* const begin = text_.data() + (text_.starts_with('+') ? 1 : 0);
  const char* const end = text_.data() + text_.size();
  const auto parsed = std::from_chars(begin, end, value);
  value *= metric.scale;
  const bool good = parsed.ec == std::errc() && parsed.ptr == end && std::fabs(value) <= largest &&
                    (metric.type != MetricType::counter || value >= 0);
  if (!good) ++errors_.value;
  return good;
}

}  // namespace sidewatch::log

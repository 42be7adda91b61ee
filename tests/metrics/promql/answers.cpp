// Answers queries as compare_promql.py asks them, so that they can be held against a real Prometheus.
//
// Standard input, one record per line, fields separated by tabs, text in hexadecimal:
//   series NAME (LABEL VALUE)*      the samples that follow are its own
//   sample MILLISECONDS VALUE       VALUE as strtod reads it, or `stale`
//   query MILLISECONDS EXPRESSION
//   range START END STEP EXPRESSION   in milliseconds
//   format EXPRESSION
// Standard output, for each question one line of JSON:
//   {"error": "...", "kind": "bad_data"} or
//   {"type": "vector", "result": [[{"label": "value"}, [[ms, "value"], ...]], ...]}
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "metrics/promql/expression.h"
#include "tests/metrics/promql/fill.h"

namespace sidewatch::promql {
namespace {

std::string from_hex(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    text += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return text;
}

std::string json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json(double value) {
  std::array<char, 40> digits{};
  std::snprintf(digits.data(), digits.size(), "\"%.17g\"", value);
  return digits.data();
}

std::string json(const Labels& labels) {
  std::string out;
  for (const Label& label : labels) {
    if (!out.empty()) out += ", ";
    out += json(label.name) + ": " + json(label.value);
  }
  return "{" + out + "}";
}

std::string json(const Labels& labels, const std::vector<Point>& points) {
  std::string out;
  for (const Point& point : points) {
    if (!out.empty()) out += ", ";
    out += "[" + std::to_string(to_ms(point.time)) + ", " + json(point.value) + "]";
  }
  return "[" + json(labels) + ", [" + out + "]]";
}

std::string json(const char* type, const std::vector<std::string>& results) {
  std::string out;
  for (const std::string& result : results) out += (out.empty() ? "" : ", ") + result;
  return "{\"type\": \"" + std::string(type) + "\", \"result\": [" + out + "]}";
}

std::string json(const Value& value, Time at) {
  if (const auto* number = std::get_if<double>(&value)) return json("scalar", {json(Labels(), {{at, *number}})});
  if (const auto* text = std::get_if<std::string>(&value)) return json("string", {json(*text)});
  std::vector<std::string> results;
  if (const auto* vector = std::get_if<Vector>(&value)) {
    for (const VectorSample& sample : *vector) results.push_back(json(sample.labels, {{at, sample.value}}));
    return json("vector", results);
  }
  for (const Series& series : std::get<Matrix>(value)) results.push_back(json(series.labels, series.points));
  return json("matrix", results);
}

std::string_view to_string(QueryErrorKind kind) {
  switch (kind) {
    case QueryErrorKind::bad_data: return "bad_data";
    case QueryErrorKind::execution: return "execution";
    case QueryErrorKind::timeout: return "timeout";
  }
  return {};
}

std::string json_error(const std::string& text, QueryErrorKind kind) {
  return "{\"error\": " + json(text) + ", \"kind\": " + json(to_string(kind)) + "}";
}

std::string json(const Answer<Value>& answer, Time at) {
  return answer ? json(*answer, at) : json_error(answer.error().what, answer.kind());
}

struct PendingSeries {
  std::string name;
  Labels labels;
  std::vector<Point> points;
};

class Answers {
 public:
  void take(const std::vector<std::string>& fields) {
    if (fields[0] == "sample") {
      const double value = fields[2] == "stale" ? stale_marker() : std::strtod(fields[2].c_str(), nullptr);
      series_->points.push_back({time_at_ms(std::stoll(fields[1])), value});
      return;
    }
    flush();
    if (fields[0] == "series") begin_series(fields);
    else std::cout << answer(fields) << "\n";
  }

 private:
  void begin_series(const std::vector<std::string>& fields) {
    std::vector<Label> labels;
    for (std::size_t i = 2; i + 1 < fields.size(); i += 2) {
      labels.push_back({from_hex(fields[i]), from_hex(fields[i + 1])});
    }
    series_ = PendingSeries{from_hex(fields[1]), Labels(std::move(labels)), {}};
  }

  void flush() {
    if (series_) fixture_.add(series_->name, series_->labels, series_->points);
    series_.reset();
  }

  std::string answer(const std::vector<std::string>& fields) {
    const auto parsed = Expression::parse(from_hex(fields.back()));
    if (!parsed) return json_error(parse_error_text(parsed.error()), QueryErrorKind::bad_data);
    if (fields[0] == "format") return json("string", {json(format(*parsed))});
    const auto time = [&](std::size_t field) { return time_at_ms(std::stoll(fields[field])); };
    if (fields[0] == "query") return at_instant(*parsed, time(1));
    return over_range(*parsed, {time(1), time(2), Duration(std::stoll(fields[3]))});
  }

  // Evaluated twice: from scratch and, where the same text comes again, with what an earlier evaluation remembers.
  std::string at_instant(const Expression& expression, Time at) {
    if (!prepared_ || prepared_->expression().text() != expression.text()) prepared_.emplace(expression);
    const std::string answer = json(evaluate(expression, fixture_.store(), at), at);
    if (answer == json(prepared_->evaluate(fixture_.store(), at), at)) return answer;
    return json_error("the prepared query answers otherwise", QueryErrorKind::execution);
  }

  std::string over_range(const Expression& expression, const RangeSpec& range) const {
    const auto answer = evaluate_range(expression, fixture_.store(), range);
    return answer ? json(Value(*answer), range.start) : json_error(answer.error().what, answer.kind());
  }

  Fixture fixture_;
  std::optional<PendingSeries> series_;
  std::optional<PreparedQuery> prepared_;
};

}  // namespace
}  // namespace sidewatch::promql

int main() {
  sidewatch::promql::Answers answers;
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> fields;
    std::istringstream parts(line);
    for (std::string field; std::getline(parts, field, '\t');) fields.push_back(field);
    answers.take(fields);
  }
}

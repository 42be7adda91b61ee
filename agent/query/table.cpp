#include "agent/query/table.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/api/values.h"
#include "base/json.h"
#include "base/utf8.h"
#include "metrics/series_notation.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::size_t gap = 2;  // between columns

enum class Align { left, right };

void append_cell(std::string& line, std::string_view text, std::size_t width, Align align) {
  const std::size_t missing = width - std::min(width, count_characters(text));
  if (align == Align::right) line.append(missing, ' ');
  line += text;
  if (align == Align::left) line.append(missing, ' ');
}

void end_line(std::string& text) {
  while (text.ends_with(' ')) text.pop_back();
  text += '\n';
}

std::string value_text(double value) {
  std::string text;
  append_value(text, value);
  return text;
}

std::string instant_table(const QueryAnswer& answer) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& series : answer.series) {
    if (!series.points.empty()) rows.emplace_back(printable(series_to_string(series.labels)), value_text(series.points.back().value));
  }
  std::size_t name_width = 0;
  std::size_t value_width = 0;
  for (const auto& [name, value] : rows) {
    name_width = std::max(name_width, count_characters(name));
    value_width = std::max(value_width, value.size());
  }
  std::string text;
  for (const auto& [name, value] : rows) {
    append_cell(text, name, name_width + gap, Align::left);
    append_cell(text, value, value_width, Align::right);
    end_line(text);
  }
  return text;
}

// One column of a range table.
struct Column {
  std::string head;  // "[1]"
  std::map<Time, std::string> cells;
  std::size_t width = 0;
};

std::vector<Column> columns_of(const QueryAnswer& answer) {
  std::vector<Column> columns;
  for (const auto& series : answer.series) {
    Column column;
    column.head = "[" + std::to_string(columns.size() + 1) + "]";
    column.width = column.head.size();
    for (const Point& point : series.points) {
      std::string value = value_text(point.value);
      column.width = std::max(column.width, value.size());
      column.cells.emplace(point.time, std::move(value));
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

void append_block(std::string& text, const std::vector<Column>& columns, std::size_t first, std::size_t last) {
  std::set<Time> times;
  std::size_t time_width = std::string_view("time (UTC)").size();
  for (std::size_t i = first; i < last; ++i) {
    for (const auto& [time, value] : columns[i].cells) {
      if (times.insert(time).second) time_width = std::max(time_width, utc_text(time).size());
    }
  }
  append_cell(text, "time (UTC)", time_width, Align::left);
  for (std::size_t i = first; i < last; ++i) append_cell(text, columns[i].head, columns[i].width + gap, Align::right);
  end_line(text);
  for (const Time time : times) {
    append_cell(text, utc_text(time), time_width, Align::left);
    for (std::size_t i = first; i < last; ++i) {
      const auto cell = columns[i].cells.find(time);
      append_cell(text, cell == columns[i].cells.end() ? "-" : cell->second, columns[i].width + gap, Align::right);
    }
    end_line(text);
  }
}

std::string range_table(const QueryAnswer& answer, std::size_t width) {
  const auto columns = columns_of(answer);
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += columns[i].head + " " + printable(series_to_string(answer.series[i].labels)) + "\n";
  }
  constexpr std::size_t time_width = 23;
  for (std::size_t first = 0; first < columns.size();) {
    std::size_t used = time_width + gap + columns[first].width;
    std::size_t last = first + 1;
    while (last < columns.size() && used + gap + columns[last].width <= width) used += gap + columns[last++].width;
    text += '\n';
    append_block(text, columns, first, last);
    first = last;
  }
  return text;
}

promql::Value value_of(const QueryAnswer& answer) {
  switch (answer.type) {
    case promql::ValueType::scalar: return answer.series.at(0).points.at(0).value;
    case promql::ValueType::string: return answer.text;
    case promql::ValueType::matrix: return answer.series;
    case promql::ValueType::vector: break;
  }
  promql::Vector samples;
  for (const auto& series : answer.series) {
    if (!series.points.empty()) samples.push_back({series.labels, series.points.back().value});
  }
  return samples;
}

std::string csv_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string answer_as_table(const QueryAnswer& answer, std::size_t columns) {
  switch (answer.type) {
    case promql::ValueType::string: return printable(answer.text) + "\n";
    case promql::ValueType::scalar: return value_text(answer.series.at(0).points.at(0).value) + "\n";
    case promql::ValueType::vector: return instant_table(answer);
    case promql::ValueType::matrix: break;
  }
  return range_table(answer, columns);
}

std::string answer_as_json(const QueryAnswer& answer) {
  std::string text = "{\"status\":\"success\",\"data\":";
  append_json_result(text, value_of(answer),
                     {to_wall(answer.at, Duration(0)), Duration(0), std::numeric_limits<std::size_t>::max()});
  for (std::size_t i = 0; i < answer.warnings.size(); ++i) {
    text += (i == 0 ? ",\"warnings\":[" : ",") + json_quoted(answer.warnings[i]);
  }
  return text + (answer.warnings.empty() ? "}\n" : "]}\n");
}

std::string answer_as_csv(const QueryAnswer& answer) {
  std::string text = "series,time,value\r\n";
  for (const auto& series : answer.series) {
    const std::string name = csv_text(series_to_string(series.labels));
    for (const Point& point : series.points) {
      text += name + "," + to_rfc3339(to_wall(point.time, Duration(0))) + "," + value_text(point.value) + "\r\n";
    }
  }
  if (answer.type == promql::ValueType::string) text += ",," + csv_text(answer.text) + "\r\n";
  return text;
}

std::string utc_text(Time time) {
  std::string text = to_rfc3339(to_wall(time, Duration(0)));
  text[10] = ' ';
  const bool whole = to_ms(time) % 1000 == 0;
  return text.substr(0, text.size() - (whole ? 5 : 1));
}

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) byte = static_cast<unsigned char>(text[++i]);
    if (!c1 && byte >= 0x20 && byte != 0x7F) {
      out += text[i];
    } else {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace sidewatch

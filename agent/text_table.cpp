#include "agent/text_table.h"

#include <algorithm>
#include <cstddef>

#include "agent/query/table.h"
#include "base/utf8.h"

namespace sidewatch {

std::string text_table(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths;
  for (const TableRow& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], count_characters(row[i]));
  }
  std::string text;
  for (const TableRow& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text += std::string(widths[i] - count_characters(row[i]) + 2, ' ');
    }
    text += "\n";
  }
  return text;
}

std::string cell(std::string_view text) { return mend_utf8(printable(text)); }

std::string how_far(const std::optional<WallTime>& time, WallTime now, std::string_view ahead, std::string_view behind) {
  if (!time) return "";
  const Duration away = *time - now;
  if (away >= Duration(0)) return std::string(ahead) + to_words(away);
  return to_words(-away) + std::string(behind);
}

std::string labels_but_the_name(const JsonValue& labels) {
  std::string text;
  for (std::size_t i = 0; i < labels.names().size(); ++i) {
    const std::string& name = labels.names()[i];
    if (name == "alertname" || name == "severity") continue;
    text += (text.empty() ? "" : ", ") + name + "=" + std::string(labels.items()[i].text_or(""));
  }
  return text;
}

}  // namespace sidewatch

#include "collectors/database/sql.h"

#include <strings.h>

#include <array>
#include <charconv>
#include <utility>

namespace sidewatch::database {

std::optional<std::uint32_t> parse_version(std::string_view text) {
  constexpr std::uint32_t most = 99;  // of a part behind the first: it has two digits of the number
  std::array<std::uint32_t, 3> parts{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, parts[i]);
    if (error != std::errc() || (i > 0 && parts[i] > most) || parts[i] > 9999) return std::nullopt;
    if (next == end) return parts[0] * 10000 + parts[1] * 100 + parts[2];
    if (*next != '.') return std::nullopt;
    at = next + 1;
  }
  return std::nullopt;
}

Failure too_large(const QueryLimits& limits) {
  return {FailureKind::too_large,
          "the answer has more than " + std::to_string(limits.max_rows) + " rows or " + std::to_string(limits.max_bytes) +
              " bytes; the rest is left out",
          false};
}

std::optional<std::size_t> Rows::column(std::string_view name) const {
  for (std::size_t i = 0; i < columns_; ++i) {
    if (names_[i] == name) return i;
  }
  for (std::size_t i = 0; i < columns_; ++i) {
    if (names_[i].size() == name.size() && strncasecmp(names_[i].data(), name.data(), name.size()) == 0) return i;
  }
  return std::nullopt;
}

std::optional<std::string_view> Rows::cell(std::size_t row, std::size_t column) const {
  const Cell& cell = cells_[row * columns_ + column];
  if (cell.null) return std::nullopt;
  return std::string_view(text_).substr(cell.at, cell.size);
}

void Rows::begin(const QueryLimits& limits) {
  columns_ = 0;
  cells_.clear();
  text_.clear();
  max_rows_ = limits.max_rows;
  max_bytes_ = limits.max_bytes;
}

void Rows::add_column(std::string_view name) {
  if (names_.size() == columns_) names_.emplace_back();
  names_[columns_++] = name;
}

bool Rows::add(std::optional<std::string_view> cell) {
  if (cells_.size() == max_rows_ * columns_ || (cell && cell->size() > max_bytes_ - text_.size())) {
    cells_.resize(size() * columns_);  // whole rows only
    return false;
  }
  cells_.push_back({text_.size(), cell ? cell->size() : 0, !cell});
  if (cell) text_.append(*cell);
  return true;
}

}  // namespace sidewatch::database

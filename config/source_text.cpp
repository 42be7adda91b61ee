#include "config/source_text.h"

#include <algorithm>

namespace sidewatch::config {

SourceText::SourceText(std::string text, int file) : text_(std::move(text)), file_(file), line_starts_{0} {
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

std::string_view SourceText::line(int line) const {
  if (line < 0 || line >= line_count()) return {};
  const auto index = static_cast<std::size_t>(line);
  const std::size_t start = line_starts_[index];
  const std::size_t end = line + 1 < line_count() ? line_starts_[index + 1] - 1 : text_.size();
  std::string_view rest = std::string_view(text_).substr(start, end - start);
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

std::size_t SourceText::offset(int line, int byte_column) const {
  if (line < 0 || line >= line_count()) return text_.size();
  const auto column = static_cast<std::size_t>(std::max(byte_column, 0));
  return std::min(text_.size(), line_starts_[static_cast<std::size_t>(line)] + column);
}

Position SourceText::position(int line, int byte_column) const {
  if (line < 0 || line >= line_count()) return {file_, std::max(line, 0) + 1, std::max(byte_column, 0) + 1};
  const std::size_t start = line_starts_[static_cast<std::size_t>(line)];
  const std::size_t bytes = offset(line, byte_column) - start;
  if (progress_.line != line || bytes < progress_.bytes) progress_ = {line, 0, 0};
  for (; progress_.bytes < bytes; ++progress_.bytes) {
    const auto byte = static_cast<unsigned char>(text_[start + progress_.bytes]);
    if ((byte & 0xC0) != 0x80) ++progress_.characters;
  }
  return {file_, line + 1, progress_.characters + 1};
}

Position SourceText::position(std::size_t offset) const {
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<int>(after - line_starts_.begin()) - 1;
  return position(line, static_cast<int>(offset - line_starts_[static_cast<std::size_t>(line)]));
}

Position SourceText::text_of_scalar(int line, int byte_column) const {
  const auto text = this->line(line);
  auto column = std::min(static_cast<std::size_t>(byte_column), text.size());
  if (text.substr(column).starts_with('&')) {
    column = std::min(text.find_first_of(" \t", column), text.size());
    column = std::min(text.find_first_not_of(" \t", column), text.size());
  }
  if (column == text.size()) return position(line, byte_column);
  if (text[column] == '"' || text[column] == '\'') return position(line, static_cast<int>(column) + 1);
  if (text[column] != '|' && text[column] != '>') return position(line, static_cast<int>(column));
  for (int below = line + 1; below < line_count(); ++below) {
    const auto first = indentation(this->line(below));
    if (first < this->line(below).size()) return position(below, static_cast<int>(first));
  }
  return position(line, byte_column);
}

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

}  // namespace sidewatch::config

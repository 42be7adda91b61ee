#include "config/source_text.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"

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
    if (!continues_character(text_[start + progress_.bytes])) ++progress_.characters;
  }
  return {file_, line + 1, progress_.characters + 1};
}

Position SourceText::position(std::size_t offset) const {
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<int>(after - line_starts_.begin()) - 1;
  return position(line, static_cast<int>(offset - line_starts_[static_cast<std::size_t>(line)]));
}

namespace {

// The byte column where the value at `byte_column` begins, behind its anchor.
std::size_t behind_anchor(std::string_view line, int byte_column) {
  auto column = std::min(static_cast<std::size_t>(std::max(byte_column, 0)), line.size());
  if (!line.substr(column).starts_with('&')) return column;
  column = std::min(line.find_first_of(" \t", column), line.size());
  return std::min(line.find_first_not_of(" \t", column), line.size());
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::size_t escape_length(char kind) {
  switch (kind) {
    case 'x': return 4;
    case 'u': return 6;
    case 'U': return 10;
    default: return 2;
  }
}

// Walks along the source of a scalar as its text is read, character by character. Knows three things about YAML: what
// escapes and doubled quotes look like, that a line end may read as a blank, and that indentation reads as nothing.
class SourceWalk {
 public:
  SourceWalk(std::string_view source, std::size_t at, char quote) : source_(source), at_(at), quote_(quote) {}

  // The offset of the next character of the text, which is `character` in UTF-8; nothing when the source is not that.
  std::optional<std::size_t> next(std::string_view character) {
    const char c = character.front();
    while (at_ < source_.size()) {
      if (quote_ == '"' && source_[at_] == '\\' && at_ + 1 < source_.size()) {
        if (source_[at_ + 1] != '\n' && source_[at_ + 1] != '\r') return step(escape_length(source_[at_ + 1]));
        at_ += 2;  // an escaped line end reads as nothing
      } else if (quote_ == '\'' && c == '\'' && source_.substr(at_).starts_with("''")) {
        return step(2);
      } else if (source_[at_] == c) {
        return step(character.size());
      } else if (!is_blank(source_[at_])) {
        return std::nullopt;
      } else if (c == ' ') {
        return step(1);  // the line end that reads as a blank
      } else {
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  std::size_t step(std::size_t bytes) {
    const std::size_t before = at_;
    at_ += bytes;
    return before;
  }

  std::string_view source_;
  std::size_t at_;
  char quote_;
};

}  // namespace

TextPlaces SourceText::places_of(std::string_view text, int line, int byte_column) const {
  const auto first_line = this->line(line);
  const auto column = behind_anchor(first_line, byte_column);
  const char style = column < first_line.size() ? first_line[column] : '\0';
  const bool quoted = style == '"' || style == '\'';
  const bool block = style == '|' || style == '>';
  const std::size_t start = block ? offset(line + 1, 0) : offset(line, static_cast<int>(column)) + (quoted ? 1 : 0);
  if (!block && std::string_view(text_).substr(start).starts_with(text) && text.find('\n') == std::string_view::npos) {
    return nullptr;
  }
  std::vector<TextStretch> stretches;
  SourceWalk walk(text_, start, quoted ? style : '\0');
  TextStretch here;
  std::size_t expected = text_.size();  // where the stretch so far would go on
  for (std::size_t i = 0; i < text.size();) {
    std::size_t bytes = 1;
    while (i + bytes < text.size() && continues_character(text[i + bytes])) ++bytes;
    const auto found = walk.next(text.substr(i, bytes));
    if (!found) return std::make_shared<const std::vector<TextStretch>>();
    if (*found != expected || here.column == 1) {
      const Position at = position(*found);
      stretches.push_back({here.line, here.column, at.line, at.column});
    }
    expected = *found + bytes;
    const bool ends_line = text[i] == '\n';
    here = ends_line ? TextStretch{here.line + 1, 1} : TextStretch{here.line, here.column + 1};
    i += bytes;
  }
  return std::make_shared<const std::vector<TextStretch>>(std::move(stretches));
}

Position SourceText::text_of_scalar(int line, int byte_column) const {
  const auto text = this->line(line);
  const auto column = behind_anchor(text, byte_column);
  if (column == text.size()) return position(line, byte_column);
  if (text[column] == '"' || text[column] == '\'') return position(line, static_cast<int>(column) + 1);
  if (text[column] != '|' && text[column] != '>') return position(line, static_cast<int>(column));
  for (int below = line + 1; below < line_count(); ++below) {
    const auto first = indentation(this->line(below));
    if (first < this->line(below).size() && first <= indentation(text)) break;  // the block is empty
    if (first < this->line(below).size()) return position(below, static_cast<int>(first));
  }
  return position(line, byte_column);
}

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

}  // namespace sidewatch::config

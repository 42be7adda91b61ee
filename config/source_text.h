// The text of one configuration file and the way from byte offsets to places that people count in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace sidewatch::config {

class SourceText {
 public:
  SourceText(std::string text, int file);

  const std::string& text() const { return text_; }
  int line_count() const { return static_cast<int>(line_starts_.size()); }

  // Lines from 0, without the line end; empty beyond the last.
  std::string_view line(int line) const;
  // Byte columns from 0, as parsers count them. Beyond the end: the end.
  std::size_t offset(int line, int byte_column) const;
  Position position(int line, int byte_column) const;
  Position position(std::size_t offset) const;

  // Where the text of the YAML scalar at this place begins: behind its anchor and its opening quote, or on the first
  // line of its block.
  Position text_of_scalar(int line, int byte_column) const;

  // Where the characters of `text`, which was read from the YAML scalar at this place, stand.
  TextPlaces places_of(std::string_view text, int line, int byte_column) const;

 private:
  std::string text_;
  int file_;
  std::vector<std::size_t> line_starts_;

  // Where the last conversion ended: places are asked for in rising order, so that a file of one long line costs one
  // pass over it and not one per value.
  struct Progress {
    int line = -1;
    std::size_t bytes = 0;
    int characters = 0;
  };
  mutable Progress progress_;
};

// The byte column of the first character that is no space or tab; the length of the line when there is none.
std::size_t indentation(std::string_view line);

}  // namespace sidewatch::config

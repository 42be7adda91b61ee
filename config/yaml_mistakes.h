// Turns the YAML parser's technical complaint into a sentence for the person who wrote the file, at the place where the
// mistake most likely is (which is often not where the parser stumbled: an unclosed quote is found much later).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "config/source_text.h"

namespace sidewatch::config {

// What the parser said and what it was in the middle of. Lines and byte columns from 0.
struct ParserComplaint {
  struct Place {
    int line = 0;
    int column = 0;
  };
  std::string words;
  Place at;
  int end_line = 0;                  // the first line behind what the person wrote
  std::optional<Place> open_flow;    // the innermost [ or { that is still open
  std::optional<Place> last_quoted;  // the text in quotes read last, when nothing was read after it
};

struct Mistake {
  Position at;
  std::string text;
};
Mistake explain(const ParserComplaint& complaint, const SourceText& source);

// Takes every key but the first of its name out of a mapping, and says so of each.
std::vector<Mistake> drop_duplicates(Node& mapping);

// Where a list item without a value stands: the parser gives the place of `null` or ~, or else of whatever follows.
Position place_of_missing_item(const SourceText& source, ParserComplaint::Place place);

// The first line that separates documents, behind the first content and before `end_line`; -1 when there is none.
int separator_line(const SourceText& source, int end_line);

}  // namespace sidewatch::config

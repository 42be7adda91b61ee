// Plain text put into a service's form within the service's limit.
//
// What is special to a service is escaped first and measured then: a limit holds for what is sent. A text that does not
// fit is cut between characters, and says how much of it is missing.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/blank_text.h"

namespace sidewatch {

// How a service writes plain text: escaped, links marked. The longer the text, the longer what it returns.
using TextForm = std::function<std::string(std::string_view)>;
// How a service counts what it limits.
using TextMeasure = std::size_t (*)(std::string_view);

std::string as_it_is(std::string_view text);
std::size_t count_bytes(std::string_view text);
std::size_t count_json_bytes(std::string_view text);  // of what becomes of it in JSON
// As services count whose programs hold text in UTF-16, and never less than those count that count characters.
std::size_t count_utf16_units(std::string_view text);

// `text` in its form; where that is more than `limit`, the form of its beginning and "… (120 more characters)", both
// together within the limit. Where not even that has room: what fits of it, perhaps nothing. Bytes that are not UTF-8
// become U+FFFD.
std::string fit(std::string_view text, std::size_t limit, const TextForm& form, TextMeasure measure);

// The same of a text whose end, `ending`, stays where it is cut: as long as that takes no more than half of the limit.
std::string fit_before(std::string_view ending, std::string_view text, std::size_t limit, const TextForm& form,
                       TextMeasure measure);

// A text's parts in their order: URLs (http:// or https:// up to a blank, a quote, an angle bracket or the punctuation
// that ends it) and what is between them. Views into `text`.
struct TextPart {
  std::string_view text;
  bool is_url = false;
};
std::vector<TextPart> split_at_urls(std::string_view text);

}  // namespace sidewatch

#include "collectors/statsd/name_tags.h"

#include "metrics/text.h"

namespace sidewatch::statsd {
namespace {

// "kind=web,paid=yes". Of a tag that comes twice the last one counts.
void read_tags(std::string_view tags, TaggedName& found) {
  while (!tags.empty()) {
    const auto comma = tags.find(',');
    const auto tag = tags.substr(0, comma);
    tags.remove_prefix(comma == std::string_view::npos ? tags.size() : comma + 1);
    const auto equals = tag.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == tag.size()) {
      ++found.malformed;
      continue;
    }
    found.labels.push_back({mend_label_name(tag.substr(0, equals)), std::string(tag.substr(equals + 1))});
  }
}

}  // namespace

TaggedName take_tags_off(std::string_view name, TagStyles styles) {
  TaggedName found;
  if (styles.signalfx) {
    const auto open = name.find('[');
    const auto close = name.find(']');
    const bool opens = open != std::string_view::npos;
    const bool closes = close != std::string_view::npos;
    if (opens && closes && open < close) {
      read_tags(name.substr(open + 1, close - open - 1), found);
      found.name = std::string(name.substr(0, open)) + std::string(name.substr(close + 1));
      return found;
    }
    if (opens || closes) {  // half a pair of brackets: a name like any other
      ++found.malformed;
      found.name = name;
      return found;
    }
  }
  const auto hash = styles.librato ? name.find('#') : std::string_view::npos;
  const auto comma = styles.influx ? name.find(',') : std::string_view::npos;
  const auto end = hash < comma ? hash : comma;
  found.name = name.substr(0, end);
  if (end != std::string_view::npos) read_tags(name.substr(end + 1), found);
  return found;
}

}  // namespace sidewatch::statsd

// Any bytes as an annotation's template: read with and without the further checks, and rendered with a store that answers
// every query.
//
// Beside not crashing it must hold that what passes all checks passes those of the syntax, that a mistake has a place
// inside the text, that a text without actions stays as it is, and that a rendering ends, fits its bound and comes out
// the same a second time.
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "alerting/template.h"

namespace sidewatch {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

Result<promql::Vector> answer(std::string_view query) {
  if (query.find('!') != std::string_view::npos) return Error{"no such query", ""};
  return promql::Vector{{Labels{{"__name__", "up"}, {"job", "b"}}, 1}, {Labels{{"job", "a"}}, 0.5}, {Labels{}, -1e300}};
}

void check_place(const Error& mistake, std::string_view text) {
  std::size_t line = 0;
  const char* end = mistake.where.data() + mistake.where.size();
  const auto read = std::from_chars(mistake.where.data(), end, line);
  require(read.ec == std::errc() && line >= 1 && !mistake.what.empty());
  std::size_t lines = 1;
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  require(line <= lines);
}

}  // namespace
}  // namespace sidewatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = Template::parse(text, TemplateChecks::syntax);
  const auto checked = Template::parse(text, TemplateChecks::all);
  require(parsed || !checked);
  if (!parsed) check_place(parsed.error(), text);
  if (!checked) check_place(checked.error(), text);
  if (!parsed) return 0;
  const TemplateScope scope{Labels{{"site", "north"}}, "http://host:9766/sub", answer};
  const Labels labels{{"instance", "web-1:9100"}, {"job", "node"}, {"path", "/srv/\xC3\xBC & <co>"}};
  for (const double value : {81.25, -0.0, 1e300, 0.0 / 1.0}) {
    const TemplateData given{value, labels, Level::critical, &scope, NumberStyle::as_go};
    const std::string rendered = parsed->render(given);
    require(rendered.size() <= max_rendered_bytes && rendered == parsed->render(given));
    if (text.find("{{") == std::string_view::npos) require(rendered == text);
  }
  (void)parsed->render({1, labels, Level::ok});
  return 0;
}

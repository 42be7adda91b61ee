// Any bytes as a JSON pointer, and as the JSON that it points into.
//
// Beside not crashing it must hold that each wildcard stood for something, that a value is found again by what they stood
// for unless a member is named twice, and that there are never more samples than were asked for.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include "collectors/json/mapping.h"

namespace sidewatch::json {
namespace {

constexpr std::size_t most = 50;

void require(bool holds) {
  if (!holds) std::abort();
}

bool names_twice(const JsonValue& value) {
  std::set<std::string_view> names;
  for (const auto& name : value.names()) {
    if (!names.insert(name).second) return true;
  }
  return std::ranges::any_of(value.items(), names_twice);
}

void check_pointer(const JsonPointer& pointer, const JsonValue& root) {
  const bool ambiguous = names_twice(root);
  JsonMembers members;
  std::size_t found = 0;
  pointer.visit(root, [&](const JsonValue& value, const std::vector<std::string>& keys) {
    require(keys.size() == pointer.wildcards());
    const JsonValue* const again = pointer.find(root, keys, members);
    require(ambiguous || again == &value);
    return ++found < most;
  });
}

void check(std::string_view input) {
  const auto line = input.find('\n');
  if (line == std::string_view::npos) return;
  auto pointer = JsonPointer::parse(input.substr(0, line));
  if (!pointer) return require(!pointer.error().what.empty());
  const auto root = JsonValue::parse(input.substr(line + 1), {.max_bytes = 4096, .max_depth = 16});
  if (!root) return require(!root.error().what.empty());
  check_pointer(*pointer, *root);
  std::vector<MetricMapping> mappings(1);
  mappings[0].numeric_strings = true;
  mappings[0].keys = {"a", "b"};
  mappings[0].numbers = {{"UP", 1}};
  mappings[0].label_pointers.emplace_back("name", *pointer);
  mappings[0].pointer = std::move(*pointer);
  const Mapped mapped = map_json(*root, mappings, most);
  require(mapped.samples.size() <= most && (mapped.problems > 0) == !mapped.first_problem.empty());
}

}  // namespace
}  // namespace sidewatch::json

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sidewatch::json::check({reinterpret_cast<const char*>(data), size});
  return 0;
}

#include "collectors/json/json_pointer.h"

#include <algorithm>
#include <charconv>

namespace sidewatch::json {
namespace {

// The item of a list: a number without leading zeros (RFC 6901, section 4).
const JsonValue* item(const JsonValue& list, std::string_view name) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size() || (name.size() > 1 && name.front() == '0')) return nullptr;
  return index < list.items().size() ? &list.items()[index] : nullptr;
}

const JsonValue* member(const JsonValue& object, std::string_view name) {
  for (std::size_t i = object.names().size(); i-- > 0;) {
    if (object.names()[i] == name) return &object.items()[i];
  }
  return nullptr;
}

constexpr std::size_t few = 16;  // members, among which a search is as quick

}  // namespace

const JsonValue* JsonMembers::find(const JsonValue& object, std::string_view name) {
  if (object.names().size() <= few) return member(object, name);
  const auto [known, is_new] = known_.try_emplace(&object);
  if (is_new) {
    for (std::size_t i = 0; i < object.names().size(); ++i) known->second[object.names()[i]] = &object.items()[i];
  }
  const auto found = known->second.find(name);
  return found == known->second.end() ? nullptr : found->second;
}

Result<JsonPointer> JsonPointer::parse(std::string_view text) {
  JsonPointer pointer;
  if (text.empty()) return pointer;
  if (text.front() != '/') return Error{"a JSON pointer begins with /, as in /mem/heap", ""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      pointer.parts_.emplace_back();
    } else if (text[i] != '~') {
      pointer.parts_.back().name += text[i];
    } else if (i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      pointer.parts_.back().name += text[++i] == '0' ? '~' : '/';
    } else {
      return Error{"in a JSON pointer a ~ is written ~0, and a / in a name ~1", ""};
    }
  }
  for (Part& part : pointer.parts_) part.any = part.name == "*";
  return pointer;
}

std::size_t JsonPointer::wildcards() const {
  return static_cast<std::size_t>(std::ranges::count(parts_, true, &Part::any));
}

void JsonPointer::visit(const JsonValue& root, const Visit& visit) const {
  std::vector<std::string> keys;
  (void)descend(root, 0, keys, visit);
}

bool JsonPointer::descend(const JsonValue& value, std::size_t depth, std::vector<std::string>& keys,
                          const Visit& visit) const {
  if (depth == parts_.size()) return visit(value, keys);
  if (!parts_[depth].any) {
    const std::string& name = parts_[depth].name;
    const JsonValue* const next = value.kind() == JsonValue::Kind::array ? item(value, name) : member(value, name);
    return next == nullptr || descend(*next, depth + 1, keys, visit);
  }
  const bool is_object = value.kind() == JsonValue::Kind::object;
  if (!is_object && value.kind() != JsonValue::Kind::array) return true;
  for (std::size_t i = 0; i < value.items().size(); ++i) {
    keys.push_back(is_object ? value.names()[i] : std::to_string(i));
    const bool more = descend(value.items()[i], depth + 1, keys, visit);
    keys.pop_back();
    if (!more) return false;
  }
  return true;
}

const JsonValue* JsonPointer::find(const JsonValue& root, const std::vector<std::string>& keys,
                                   JsonMembers& members) const {
  const JsonValue* value = &root;
  std::size_t key = 0;
  for (const Part& part : parts_) {
    if (part.any && key >= keys.size()) return nullptr;
    const std::string& name = part.any ? keys[key++] : part.name;
    value = value->kind() == JsonValue::Kind::array ? item(*value, name) : members.find(*value, name);
    if (value == nullptr) return nullptr;
  }
  return value;
}

}  // namespace sidewatch::json

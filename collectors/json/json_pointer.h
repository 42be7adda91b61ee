// JSON Pointer (RFC 6901): /mem/heap, /pools/0/used, with ~1 for a / and ~0 for a ~ in a name. Beyond the RFC, a part that
// is only * stands for every member of an object, or every item of a list, in turn.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sidewatch::json {

// Finds members of objects by name, again and again, in one text: those of a large object are searched once and then known.
class JsonMembers {
 public:
  // Null when there is none. Of two with one name the last.
  const JsonValue* find(const JsonValue& object, std::string_view name);

 private:
  using Names = std::unordered_map<std::string_view, const JsonValue*>;
  std::unordered_map<const JsonValue*, Names> known_;
};

class JsonPointer {
 public:
  // Error::what says what is wrong. "" is the whole text.
  static Result<JsonPointer> parse(std::string_view text);

  std::size_t wildcards() const;

  // Calls `visit` with each value that is found, and with what the wildcards stood for (the names, or the numbers of the
  // items from 0), until it returns false.
  using Visit = std::function<bool(const JsonValue& value, const std::vector<std::string>& keys)>;
  void visit(const JsonValue& root, const Visit& visit) const;

  // The value where the wildcards stand for `keys`, of which there are enough; null when there is none. `members` goes with
  // the text of `root`.
  const JsonValue* find(const JsonValue& root, const std::vector<std::string>& keys, JsonMembers& members) const;

 private:
  struct Part {
    std::string name;
    bool any = false;
  };
  bool descend(const JsonValue& value, std::size_t depth, std::vector<std::string>& keys, const Visit& visit) const;

  std::vector<Part> parts_;
};

}  // namespace sidewatch::json

// What a line says, by name, and texts that are made of it: "$status", "$method $path", "$/req/method".
//
// $name is a named group of a pattern, or a member of the line's JSON object; $1 is a group by its number; $/a/b is a JSON
// pointer (RFC 6901) and goes on to the next blank, comma or dollar sign. Names are looked up when the configuration is
// read, never when a line is.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sidewatch::log {

// Where the parts of a line come from: the pattern of one metric, that of all of them, or the line as JSON.
struct FieldNames {
  const std::vector<std::string>* own_groups = nullptr;    // wins; may be absent, as the next
  const std::vector<std::string>* entry_groups = nullptr;
  bool json = false;  // whatever is no group is a member of the JSON object
  bool unknown = false;  // a pattern is wrong, which was said: any name may be one of its groups
};

struct Field {
  enum class From { own_groups, entry_groups, json };
  From from = From::json;
  std::size_t group = 0;
  std::vector<std::string> path;  // of JSON
};

// Error::what lists the names that there are. `name` is without the dollar sign.
Result<Field> find_field(std::string_view name, const FieldNames& names);

// One line taken apart.
struct LineParts {
  std::vector<std::string_view> own_groups;  // [0] is the whole match
  std::vector<std::string_view> entry_groups;
  JsonValue json;

  // Appends what the field holds; nothing where it is absent, null, an object or a list. Without NUL bytes.
  void append(const Field& field, std::string& out) const;
};

class FieldText {
 public:
  // Error::what says what is wrong with a name in it.
  static Result<FieldText> parse(std::string_view text, const FieldNames& names);

  bool is_constant() const;
  bool uses_json() const;
  bool uses_own_groups() const;
  void append_to(std::string& out, const LineParts& parts) const;

 private:
  struct Piece {
    std::string literal;         // before the field
    std::optional<Field> field;
  };
  std::vector<Piece> pieces_;
};

}  // namespace sidewatch::log

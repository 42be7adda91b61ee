// One condition on a label, as in {job="api", path=~"/v1/.*"}. Regular expressions are RE2 and anchored at both ends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/result.h"

namespace sidewatch {

class Matcher {
 public:
  enum class Op { equal, not_equal, regex, not_regex };

  static Result<Matcher> make(std::string name, Op op, std::string value);

  bool matches(std::string_view value) const;  // an absent label matches as ""

  const std::string& name() const { return name_; }
  Op op() const { return op_; }
  const std::string& value() const { return value_; }
  std::string to_string() const;  // path=~"/v1/.*"

  // The only values that it takes, in order, when it asks for some by name: a="x", a=~"x|y". Empty when it takes others
  // too, an absent label among them.
  const std::vector<std::string>& only() const { return only_; }

 private:
  Matcher(std::string name, Op op, std::string value, Regex regex);
  std::string name_;
  Op op_;
  std::string value_;
  Regex regex_;
  std::vector<std::string> only_;
};

}  // namespace sidewatch

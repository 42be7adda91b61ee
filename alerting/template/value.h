// What the expressions of a template are made of, with Go's types where they show: 5 is an int, 5.0 and $value are
// float64, and a comparison of the two is an error.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "alerting/template.h"
#include "base/time.h"
#include "metrics/labels.h"

namespace sidewatch {

// One element of what `query` gives.
struct TemplateSample {
  Labels labels;
  double value = 0;
};

struct TemplateTime {
  WallTime at;
};

struct TemplateRoot {};  // the data of the template: .Labels, .Value, ...

struct TemplateValue;
using TemplateArguments = std::map<std::string, TemplateValue>;  // what `args` makes: arg0, arg1, ...
using TemplateSamples = std::vector<std::shared_ptr<const TemplateSample>>;

struct TemplateValue {
  // std::monostate: there is no value.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, TemplateTime, TemplateRoot,
               std::shared_ptr<const Labels>, std::shared_ptr<const TemplateSample>,
               std::shared_ptr<const TemplateSamples>, std::shared_ptr<const TemplateArguments>>
      content;

  template <class T>
  const T* as() const { return std::get_if<T>(&content); }
  template <class T>
  const T* as_shared() const {
    const auto* held = std::get_if<std::shared_ptr<const T>>(&content);
    return held == nullptr ? nullptr : held->get();
  }
};

// Ends the rendering of one template; leaves alerting/ never. `offset` is a place in the template, or none.
struct TemplateFailure {
  std::string what;
};

// "float64", "map[string]string": as Go's error texts call it.
std::string_view type_name(const TemplateValue& value);

// How it stands in a text that no function has formatted; no value is "<no value>".
std::string to_text(const TemplateValue& value, NumberStyle numbers);

// Go's %v of a number: the shortest digits that read back equal, 1e+06 from there on.
std::string number_as_go(double value);
// The same digits without an exponent below 1e21.
std::string number_as_plain(double value);

// What `if` asks: not 0, not empty, not nothing.
bool is_true(const TemplateValue& value);

}  // namespace sidewatch

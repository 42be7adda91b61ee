// What can be configured, written from the same declarations that read it: a Markdown reference for people and a JSON
// Schema for editors.
//
// The declarations run over an empty section that only lists their fields (Section::describing() is true), with every
// nested section and list opened once, so nothing has to be said twice and nothing can go stale.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "config/section.h"

namespace sidewatch::config {

struct Shape;

class Reference {
 public:
  // Of a whole configuration (the document's own `include` key is added), from the root struct or from a function.
  template <class T>
  static Reference of() {
    T value{};
    return of([&](Section& top) { declare(top, value); });
  }
  static Reference of(const std::function<void(Section&)>& declare_all);

  // A heading and a table of keys for the top level and for each section below it.
  std::string markdown(std::string_view title = "Configuration reference") const;

  // JSON Schema, draft 2020-12. Values with ${...} are accepted everywhere.
  std::string json_schema(std::string_view title = "sidewatch configuration") const;

 private:
  std::shared_ptr<const Shape> shape_;
};

template <class T>
std::string reference_markdown() {
  return Reference::of<T>().markdown();
}

template <class T>
std::string json_schema() {
  return Reference::of<T>().json_schema();
}

}  // namespace sidewatch::config

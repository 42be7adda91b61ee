// What a section can hold, as its declarations say: the base of the written reference and of the JSON Schema.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace sidewatch::config {

struct Shape;

struct Field {
  enum class Type {
    text,
    boolean,
    duration,
    integer,
    number,
    size,
    secret,
    pattern,
    choice,
    texts,
    text_map,
    secret_map,
    section,
    list,
    text_or_section,
  };

  std::string key = {};
  Type type = Type::text;
  bool required = false;
  std::string help = {};
  std::string fallback = {};            // as it would be written; empty when there is none
  std::string low = {}, high = {};      // as they would be written; both empty when every value is taken
  std::vector<std::string> words = {};  // of a choice
  std::shared_ptr<Shape> nested = {};   // of a section, a list's element, a text_or_section
};

struct Shape {
  std::vector<Field> fields;
};

}  // namespace sidewatch::config

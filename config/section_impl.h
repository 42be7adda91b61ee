// What stands behind a Section: one mapping of the tree and what its declarations have asked for so far, or, while
// describing, the shape that they fill. Only config/ includes this.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "config/outside_texts.h"
#include "config/section.h"
#include "config/shape.h"

namespace sidewatch::config {

// Shared by all sections of one document.
struct SectionContext {
  std::vector<std::string> files;  // by Position::file
  std::function<std::optional<std::string>(const std::string&)> environment;
  Problems* problems = nullptr;
  std::set<std::string> secrets;  // texts, as written, that must not be shown
  std::shared_ptr<OutsideTexts> outside = std::make_shared<OutsideTexts>();
  bool incomplete = false;  // some file could not be read, so what is missing may stand there

  Mark mark(const Position& at) const;
  void report(const Position& at, std::string text) const { problems->add(mark(at), std::move(text)); }
};

// A scalar as it reads after expansion.
struct Scalar {
  std::string text;
  std::string written;  // before expansion
  Position at;
  Mark text_mark;
  TextPlaces places;
  bool plain = true;
  bool expanded = false;
  std::optional<std::string> only_file;
};

struct Section::Impl {
  std::shared_ptr<SectionContext> context;
  NodePtr node;
  std::string path;                // "receivers.webhook", empty at the top
  std::vector<std::string> known;  // keys declared so far

  std::shared_ptr<Shape> shape;    // while describing; everything above is then empty
  int depth = 0;

  static std::shared_ptr<Impl> describe(std::shared_ptr<Shape> shape, int depth);

  const Entry* entry(std::string_view key) const;

  // The node of a declared key. Null when it is absent (reported if required), unusable (reported already) or while
  // describing.
  const Node* find(Field field);

  // The scalar at `node`; reports what is none, and expansions that fail.
  std::optional<Scalar> scalar(const Node& node, std::string_view expected) const;
  void report_wrong_kind(const Node& node, std::string_view expected) const;
  // `why` quotes the value, so when the value came from a variable it is replaced by words that do not.
  void report_bad_value(const Scalar& scalar, std::string why, std::string_view expected) const;

  std::shared_ptr<Impl> nested(std::string_view key, NodePtr mapping) const;
  std::string place_name() const;  // " in http", " at the top level"
};

}  // namespace sidewatch::config

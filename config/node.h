// What a YAML file turns into once it has passed the strict reader: our own small tree, immutable and shared.
//
// Scalars keep their text as written; what type a text has is decided by whoever declares the key. An alias is a copy
// of its anchor's node that stands where the alias stands, sharing the children.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/problem.h"
#include "config/text_places.h"

namespace sidewatch::config {

// A place in the `file`th file of a document. 1-based, columns in characters; line 0 is the file as a whole.
struct Position {
  int file = 0;
  int line = 0;
  int column = 0;
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
  std::string key;
  Position at;  // of the key
  NodePtr value;
};

struct Node {
  // `broken` stands for a value about which a problem has been reported already.
  enum class Kind { scalar, mapping, sequence, broken };

  Kind kind = Kind::broken;
  Position at;
  Position text_at;               // scalars: where the text itself begins
  TextPlaces text_places;         // scalars: where the rest of it stands
  bool plain = true;              // scalars: without quotes
  std::string text;               // scalars
  std::vector<Entry> entries;     // mappings, in the order written
  std::vector<NodePtr> items;     // sequences
  std::size_t weight = 1;         // nodes in this tree, aliases counted at each use
  std::size_t height = 1;         // levels in this tree
};

}  // namespace sidewatch::config

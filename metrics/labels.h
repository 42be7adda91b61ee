// The label set of a series: sorted by name, no name twice, no empty value (an empty label is an absent one).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidewatch {

struct Label {
  std::string name;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

class Labels {
 public:
  Labels() = default;
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels);
  explicit Labels(std::vector<Label> labels);  // any order; of two with one name the later wins

  // The value, or "" when there is no such label.
  std::string_view get(std::string_view name) const;

  Labels with(std::string_view name, std::string_view value) const;  // sets, replaces, or (empty value) removes
  Labels without(std::string_view name) const;

  // Labels of both; where both have one name, `*this` wins.
  Labels or_else(const Labels& defaults) const;

  auto begin() const { return labels_.begin(); }
  auto end() const { return labels_.end(); }
  std::size_t size() const { return labels_.size(); }
  bool empty() const { return labels_.empty(); }

  auto operator<=>(const Labels&) const = default;
  bool operator==(const Labels&) const = default;

  std::size_t hash() const;

  // {a="b", c="d"}, escaped as in the exposition; "{}" when empty.
  std::string to_string() const;

 private:
  std::vector<Label> labels_;
};

struct LabelsHash {
  std::size_t operator()(const Labels& labels) const { return labels.hash(); }
};

}  // namespace sidewatch

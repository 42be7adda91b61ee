// The label set as a sorted vector: small, compared and hashed in one sweep. See labels.h.
#include "metrics/labels.h"

#include <algorithm>
#include <functional>

#include "metrics/text.h"

namespace sidewatch {
namespace {

bool name_less(const Label& label, std::string_view name) { return label.name < name; }

// Sorts, keeps the last of each name, then drops empty values.
void normalize(std::vector<Label>& labels) {
  std::stable_sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.name < b.name; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool overridden = i + 1 < labels.size() && labels[i + 1].name == labels[i].name;
    if (overridden || labels[i].value.empty()) continue;
    if (kept != i) labels[kept] = std::move(labels[i]);
    ++kept;
  }
  labels.erase(labels.begin() + static_cast<std::ptrdiff_t>(kept), labels.end());
}

void combine(std::size_t& hash, std::string_view text) {
  hash ^= std::hash<std::string_view>{}(text) + 0x9E3779B97F4A7C15U + (hash << 6) + (hash >> 2);
}

}  // namespace

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  labels_.reserve(labels.size());
  for (const auto& [name, value] : labels) labels_.push_back({std::string(name), std::string(value)});
  normalize(labels_);
}

Labels::Labels(std::vector<Label> labels) : labels_(std::move(labels)) { normalize(labels_); }

std::string_view Labels::get(std::string_view name) const {
  const auto found = std::lower_bound(labels_.begin(), labels_.end(), name, name_less);
  return found != labels_.end() && found->name == name ? std::string_view(found->value) : std::string_view();
}

Labels Labels::with(std::string_view name, std::string_view value) const {
  if (value.empty()) return without(name);
  Labels result = *this;
  const auto place = std::lower_bound(result.labels_.begin(), result.labels_.end(), name, name_less);
  if (place != result.labels_.end() && place->name == name) {
    place->value = value;
  } else {
    result.labels_.insert(place, {std::string(name), std::string(value)});
  }
  return result;
}

Labels Labels::without(std::string_view name) const {
  Labels result = *this;
  std::erase_if(result.labels_, [&](const Label& label) { return label.name == name; });
  return result;
}

Labels Labels::or_else(const Labels& defaults) const {
  Labels result;
  result.labels_.reserve(size() + defaults.size());
  std::set_union(begin(), end(), defaults.begin(), defaults.end(), std::back_inserter(result.labels_),
                 [](const Label& a, const Label& b) { return a.name < b.name; });
  return result;
}

std::size_t Labels::hash() const {
  std::size_t hash = labels_.size();
  for (const auto& label : labels_) {
    combine(hash, label.name);
    combine(hash, label.value);
  }
  return hash;
}

std::string Labels::to_string() const {
  std::string text = "{";
  for (const auto& label : labels_) {
    if (text.size() > 1) text += ", ";
    text += label.name;
    text += "=\"";
    append_escaped_label_value(text, label.value);
    text += '"';
  }
  text += '}';
  return text;
}

}  // namespace sidewatch

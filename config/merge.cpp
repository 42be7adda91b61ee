#include "config/merge.h"

#include <map>
#include <string_view>

#include "config/wording.h"

namespace sidewatch::config {
namespace {

std::string place_text(const Mark& mark) {
  return mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

std::string_view kind_words(Node::Kind kind) { return kind == Node::Kind::sequence ? "a list" : "a section"; }

void report_conflict(const Entry& first, const Entry& second, const SectionContext& context) {
  const std::string where = place_text(context.mark(first.at));
  const bool both_nested = first.value->kind != Node::Kind::scalar && second.value->kind != Node::Kind::scalar;
  if (both_nested) {
    context.report(second.at, quote(second.key) + " is " + std::string(kind_words(second.value->kind)) + " here but " +
                                  std::string(kind_words(first.value->kind)) + " at " + where);
  } else {
    context.report(second.at, quote(second.key) + " is already set at " + where);
  }
}

NodePtr append(const NodePtr& first, const NodePtr& second) {
  auto list = std::make_shared<Node>(*first);
  list->items.insert(list->items.end(), second->items.begin(), second->items.end());
  return list;
}

}  // namespace

NodePtr merge(const NodePtr& first, const NodePtr& second, const SectionContext& context) {
  auto merged = std::make_shared<Node>(*first);
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < first->entries.size(); ++i) index.emplace(first->entries[i].key, i);
  for (const auto& entry : second->entries) {
    const auto found = index.find(entry.key);
    if (found == index.end()) {
      merged->entries.push_back(entry);
      continue;
    }
    Entry& present = merged->entries[found->second];
    const auto kind = entry.value->kind;
    if (kind == Node::Kind::broken) continue;
    if (present.value->kind == Node::Kind::broken) {
      present = entry;
    } else if (kind != present.value->kind || kind == Node::Kind::scalar) {
      report_conflict(present, entry, context);
    } else {
      present.value = kind == Node::Kind::mapping ? merge(present.value, entry.value, context)
                                                  : append(present.value, entry.value);
    }
  }
  return merged;
}

}  // namespace sidewatch::config

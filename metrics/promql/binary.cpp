// Operators between two values.
//
// Between vectors, samples belong together when their signatures are equal: the labels of on(...), or all but those of
// ignoring(...) and the name. The signatures of the "one" side must be unique; with group_left or group_right several
// samples of the other side may match each.
#include <algorithm>
#include <cmath>
#include <vector>

#include "metrics/promql/evaluator.h"

namespace sidewatch::promql {
namespace {

double truth(bool value) { return value ? 1 : 0; }

// A comparison's value is its left side; `keep` says whether it holds.
struct Outcome {
  double value;
  bool keep;
};

Outcome apply(BinaryOperator op, double left, double right) {
  switch (op) {
    case BinaryOperator::add: return {left + right, true};
    case BinaryOperator::subtract: return {left - right, true};
    case BinaryOperator::multiply: return {left * right, true};
    case BinaryOperator::divide: return {left / right, true};
    case BinaryOperator::modulo: return {std::fmod(left, right), true};
    case BinaryOperator::power: return {std::pow(left, right), true};
    case BinaryOperator::atan2: return {std::atan2(left, right), true};
    case BinaryOperator::equal: return {left, left == right};
    case BinaryOperator::not_equal: return {left, left != right};
    case BinaryOperator::less: return {left, left < right};
    case BinaryOperator::less_equal: return {left, left <= right};
    case BinaryOperator::greater: return {left, left > right};
    case BinaryOperator::greater_equal: return {left, left >= right};
    case BinaryOperator::set_and:
    case BinaryOperator::set_or:
    case BinaryOperator::set_unless: break;  // no arithmetic: evaluate_set
  }
  return {left, false};
}

// Prometheus 2.42 leaves the name on the result of atan2.
bool drops_name(const Binary& binary) { return binary.op <= BinaryOperator::power || binary.returns_bool; }

Operand between_scalars(BinaryOperator op, double left, double right) {
  const Outcome outcome = apply(op, left, right);
  return Operand::of(is_comparison(op) ? truth(outcome.keep) : outcome.value);
}

enum class ScalarSide { left, right };

// In place. The vector's value is what a comparison keeps, on whichever side it stands.
Operand with_scalar(const Binary& binary, Items items, double scalar, ScalarSide side, LabelPool& pool) {
  const bool filters = is_comparison(binary.op) && !binary.returns_bool;
  const bool drops = drops_name(binary);
  std::size_t kept = 0;
  for (const Item& item : items) {
    const Outcome outcome = side == ScalarSide::right ? apply(binary.op, item.value, scalar)
                                                      : apply(binary.op, scalar, item.value);
    if (filters && !outcome.keep) continue;
    const double value = filters ? item.value : binary.returns_bool ? truth(outcome.keep) : outcome.value;
    items[kept++] = {drops ? pool.without_name(item.labels) : item.labels, value};
  }
  items.resize(kept);
  return Operand::of(std::move(items));
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

template <class Keep>
Labels filtered(const Labels& labels, Keep&& keep) {
  std::vector<Label> kept;
  for (const Label& label : labels) {
    if (keep(label.name)) kept.push_back(label);
  }
  return Labels(std::move(kept));
}

class VectorMatcher {
 public:
  VectorMatcher(const Binary& binary, const Node& node, Evaluation& evaluation)
      : binary_(binary), matching_(binary.matching), node_(node), pool_(evaluation.pool()),
        memory_(Memory::part(evaluation.memory().of(node).matching)) {}

  Items set_operation(Items left, Items right);
  Items arithmetic(const Items& left, const Items& right);

 private:
  LabelId signature(LabelId labels);
  LabelId result_labels(LabelId many, LabelId one);
  Labels make_result_labels(const Labels& many, const Labels& one) const;
  void index_one_side(const Items& one);
  void refuse_second_match(LabelId group, LabelId labels);
  [[noreturn]] void fail_duplicate(LabelId first, LabelId second);

  const Binary& binary_;
  const Matching& matching_;
  const Node& node_;
  LabelPool& pool_;
  MatchingMemory& memory_;
};

Items VectorMatcher::set_operation(Items left, Items right) {
  IndexByLabels& marked = memory_.matched;
  marked.clear();
  const bool is_or = binary_.op == BinaryOperator::set_or;
  for (const Item& item : is_or ? left : right) marked.set(signature(item.labels), 0);
  const auto is_marked = [&](const Item& item) { return marked.get(signature(item.labels)) != no_index; };
  if (is_or) {
    std::erase_if(right, is_marked);
    left.insert(left.end(), right.begin(), right.end());
  } else {
    const bool keep_marked = binary_.op == BinaryOperator::set_and;
    std::erase_if(left, [&](const Item& item) { return is_marked(item) != keep_marked; });
  }
  return left;
}

Items VectorMatcher::arithmetic(const Items& left, const Items& right) {
  Items results;
  if (left.empty() || right.empty()) return results;
  const bool swapped = matching_.cardinality == Cardinality::one_to_many;
  const Items& many = swapped ? right : left;
  const Items& one = swapped ? left : right;
  index_one_side(one);
  memory_.matched.clear();
  results.reserve(many.size());
  for (const Item& item : many) {
    const LabelId group = signature(item.labels);
    const std::uint32_t found = memory_.one_side.get(group);
    if (found == no_index) continue;
    const Item& other = one[found];
    const Outcome outcome = swapped ? apply(binary_.op, other.value, item.value)
                                    : apply(binary_.op, item.value, other.value);
    if (!binary_.returns_bool && !outcome.keep) continue;
    const LabelId labels = result_labels(item.labels, other.labels);
    refuse_second_match(group, labels);
    results.push_back({labels, binary_.returns_bool ? truth(outcome.keep) : outcome.value});
  }
  return results;
}

void VectorMatcher::index_one_side(const Items& one) {
  memory_.one_side.clear();
  for (std::uint32_t i = 0; i < one.size(); ++i) {
    const LabelId group = signature(one[i].labels);
    const std::uint32_t before = memory_.one_side.get(group);
    if (before != no_index) fail_duplicate(one[i].labels, one[before].labels);
    memory_.one_side.set(group, i);
  }
}

// One-to-one: a group matches once. Otherwise: the samples of a group must differ in the result's labels.
void VectorMatcher::refuse_second_match(LabelId group, LabelId labels) {
  const bool one_to_one = matching_.cardinality == Cardinality::one_to_one;
  const LabelId key = one_to_one ? group : labels;
  if (memory_.matched.get(key) == static_cast<std::uint32_t>(group)) {
    Evaluation::fail(one_to_one ? "multiple matches for labels: many-to-one matching must be explicit "
                                  "(group_left/group_right)"
                                : "multiple matches for labels: grouping labels must ensure unique matches",
                     node_);
  }
  memory_.matched.set(key, static_cast<std::uint32_t>(group));
}

void VectorMatcher::fail_duplicate(LabelId first, LabelId second) {
  const std::string side = matching_.cardinality == Cardinality::one_to_many ? "left" : "right";
  Evaluation::fail("found duplicate series for the match group " + pool_.labels(signature(first)).to_string() +
                       " on the " + side + " hand-side of the operation: [" + pool_.labels(first).to_string() + ", " +
                       pool_.labels(second).to_string() +
                       "];many-to-many matching not allowed: matching labels must be unique on one side",
                   node_);
}

LabelId VectorMatcher::signature(LabelId labels) {
  return memory_.signature.of(labels, [this](LabelId from) {
    return pool_.intern(filtered(pool_.labels(from), [this](const std::string& name) {
      const bool listed = contains(matching_.labels, name);
      return matching_.on ? listed : !listed && name != metric_name_label;
    }));
  });
}

LabelId VectorMatcher::result_labels(LabelId many, LabelId one) {
  if (matching_.include.empty()) {
    return memory_.result.of(many, [this](LabelId from) {
      return pool_.intern(make_result_labels(pool_.labels(from), Labels()));
    });
  }
  const std::uint64_t both = static_cast<std::uint64_t>(many) << 32U | static_cast<std::uint64_t>(one);
  const auto known = memory_.included.find(both);
  if (known != memory_.included.end()) return known->second;
  const LabelId made = pool_.intern(make_result_labels(pool_.labels(many), pool_.labels(one)));
  memory_.included.emplace(both, made);
  return made;
}

Labels VectorMatcher::make_result_labels(const Labels& many, const Labels& one) const {
  const bool one_to_one = matching_.cardinality == Cardinality::one_to_one;
  Labels result = filtered(many, [&](const std::string& name) {
    if (name == metric_name_label && binary_.op <= BinaryOperator::power) return false;
    return !one_to_one || contains(matching_.labels, name) == matching_.on;
  });
  for (const std::string& name : matching_.include) result = result.with(name, one.get(name));
  return binary_.returns_bool ? result.without(metric_name_label) : result;
}

}  // namespace

Operand evaluate_binary(const Binary& binary, const Node& node, Evaluation& evaluation) {
  Operand left = evaluation.operand_of(*binary.left);
  Operand right = evaluation.operand_of(*binary.right);
  const bool left_scalar = left.type == ValueType::scalar;
  const bool right_scalar = right.type == ValueType::scalar;
  if (left_scalar && right_scalar) return between_scalars(binary.op, left.scalar, right.scalar);

  Operand result;
  if (right_scalar) {
    result = with_scalar(binary, std::move(left.items), right.scalar, ScalarSide::right, evaluation.pool());
  } else if (left_scalar) {
    result = with_scalar(binary, std::move(right.items), left.scalar, ScalarSide::left, evaluation.pool());
  } else {
    VectorMatcher matcher(binary, node, evaluation);
    result = Operand::of(is_set_operator(binary.op)
                             ? matcher.set_operation(std::move(left.items), std::move(right.items))
                             : matcher.arithmetic(left.items, right.items));
  }
  if (result.items.size() > 1) evaluation.refuse_duplicates(result.items, node);
  return result;
}

}  // namespace sidewatch::promql

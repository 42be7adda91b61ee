// The aggregations that take a parameter: topk, bottomk, quantile, count_values, limitk and limit_ratio.
//
// Of equals topk and bottomk keep those that come first. limitk keeps the first of each group. limit_ratio keeps what
// a hash of the labels (FNV-1a, mixed) puts below the ratio, so the same series at every instant and in every process;
// a negative ratio keeps what its complement leaves out.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "metrics/promql/characters.h"
#include "metrics/promql/evaluator.h"
#include "metrics/promql/literals.h"
#include "metrics/promql/statistics.h"

namespace sidewatch::promql {
namespace {

struct Group {
  LabelId labels;
  Items members;
};

std::vector<Group> group_by_labels(const Aggregation& aggregation, const Node& node, const Items& items,
                                   Evaluation& evaluation) {
  LabelPool& pool = evaluation.pool();
  GroupingMemory& memory = Memory::part(evaluation.memory().of(node).grouping);
  memory.index.clear();
  std::vector<Group> groups;
  for (const Item& item : items) {
    const LabelId labels = memory.group.of(
        item.labels, [&](LabelId from) { return pool.intern(group_labels(aggregation, pool.labels(from))); });
    if (memory.index.get(labels) == no_index) {
      memory.index.set(labels, static_cast<std::uint32_t>(groups.size()));
      groups.push_back({labels, {}});
    }
    groups[memory.index.get(labels)].members.push_back(item);
  }
  return groups;
}

// NaN before every number, so that it is last in both rankings' reverse order.
bool lower(const Item& a, const Item& b) { return (std::isnan(a.value) && !std::isnan(b.value)) || a.value < b.value; }
bool higher(const Item& a, const Item& b) { return (std::isnan(a.value) && !std::isnan(b.value)) || a.value > b.value; }

std::size_t count_to_keep(double parameter, const Node& node) {
  constexpr double past_int64 = 9'223'372'036'854'775'808.0;
  if (!(parameter < past_int64 && parameter >= -past_int64)) {
    Evaluation::fail("Scalar value " + number_to_string(parameter) + " overflows int64", node);
  }
  return parameter < 1 ? 0 : static_cast<std::size_t>(parameter);
}

// The k greatest (topk) or least (bottomk) samples of each group, whole and in order; of equals the first.
Items rank(AggregationOperator op, std::vector<Group> groups, std::size_t k) {
  const auto worse = op == AggregationOperator::topk ? lower : higher;
  Items results;
  for (Group& group : groups) {
    std::ranges::stable_sort(group.members, [&](const Item& a, const Item& b) { return worse(b, a); });
    const auto kept = static_cast<std::ptrdiff_t>(std::min(k, group.members.size()));
    results.insert(results.end(), group.members.begin(), group.members.begin() + kept);
  }
  return results;
}

Items first_of_each(const std::vector<Group>& groups, std::size_t k) {
  Items results;
  for (const Group& group : groups) {
    const auto kept = static_cast<std::ptrdiff_t>(std::min(k, group.members.size()));
    results.insert(results.end(), group.members.begin(), group.members.begin() + kept);
  }
  return results;
}

std::uint64_t add_to_hash(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return (hash ^ 0xFF) * 0x100000001B3;  // no UTF-8 text has this byte
}

// Where among all label sets this one lies, from 0 to 1.
double place_of(const Labels& labels) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const Label& label : labels) hash = add_to_hash(add_to_hash(hash, label.name), label.value);
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
  return static_cast<double>((hash ^ (hash >> 33)) >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

Items share_of(Items items, double ratio, const LabelPool& pool, const Node& node) {
  if (std::isnan(ratio)) Evaluation::fail("Ratio value is NaN", node);
  std::erase_if(items, [&](const Item& item) {
    const double place = place_of(pool.labels(item.labels));
    return ratio >= 0 ? place >= ratio : place < 1 + ratio;
  });
  return items;
}

double quantile_of(double q, const Items& members) {
  std::vector<double> values;
  values.reserve(members.size());
  for (const Item& member : members) values.push_back(member.value);
  return quantile(q, values);
}

// How many samples of a group have each value, which becomes a label.
Items count_values(const Aggregation& aggregation, const Items& items, const std::string& label, LabelPool& pool) {
  Items counts;
  IndexByLabels index;
  for (const Item& item : items) {
    const std::string value = number_without_exponent(item.value);
    Labels labels = group_labels(aggregation, pool.labels(item.labels).with(label, value));
    if (!aggregation.without) labels = labels.with(label, value);
    const LabelId id = pool.intern(std::move(labels));
    if (index.get(id) == no_index) {
      index.set(id, static_cast<std::uint32_t>(counts.size()));
      counts.push_back({id, 0});
    }
    ++counts[index.get(id)].value;
  }
  return counts;
}

}  // namespace

Operand evaluate_parametric_aggregation(const Aggregation& aggregation, const Node& node, Evaluation& evaluation) {
  Operand operand = evaluation.operand_of(*aggregation.operand);
  if (aggregation.op == AggregationOperator::count_values) {
    const auto& label = std::get<StringLiteral>(without_parentheses(*aggregation.parameter).kind).value;
    if (!is_label_name(label)) Evaluation::fail("invalid label name " + quoted(label), node);
    return Operand::of(count_values(aggregation, operand.items, label, evaluation.pool()));
  }
  const double parameter = evaluation.operand_of(*aggregation.parameter).scalar;
  if (aggregation.op == AggregationOperator::quantile) {
    Items results;
    for (const Group& group : group_by_labels(aggregation, node, operand.items, evaluation)) {
      results.push_back({group.labels, quantile_of(parameter, group.members)});
    }
    return Operand::of(std::move(results));
  }
  if (aggregation.op == AggregationOperator::limit_ratio) {
    return Operand::of(share_of(std::move(operand.items), parameter, evaluation.pool(), node));
  }
  const std::size_t k = count_to_keep(parameter, node);
  std::vector<Group> groups = group_by_labels(aggregation, node, operand.items, evaluation);
  if (aggregation.op == AggregationOperator::limitk) return Operand::of(first_of_each(groups, k));
  return Operand::of(rank(aggregation.op, std::move(groups), k));
}

}  // namespace sidewatch::promql

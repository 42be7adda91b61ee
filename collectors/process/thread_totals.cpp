// Two maps by name, of which one entry beyond the limit is "overflow".
#include "collectors/process/thread_totals.h"

#include <algorithm>

#include "collectors/process/group_metrics.h"

namespace sidewatch {
namespace {

constexpr std::string_view overflow = "overflow";

struct CounterLabel {
  ThreadMetric metric;
  std::string_view label;  // empty: only groupname and threadname
  std::string_view value;
};
constexpr std::array<CounterLabel, process_counter_count> counter_labels = {{
    {ThreadMetric::cpu_seconds, "mode", "user"},
    {ThreadMetric::cpu_seconds, "mode", "system"},
    {ThreadMetric::minor_page_faults, "", ""},
    {ThreadMetric::major_page_faults, "", ""},
    {ThreadMetric::io_bytes, "iomode", "read"},
    {ThreadMetric::io_bytes, "iomode", "write"},
    {ThreadMetric::context_switches, "ctxswitchtype", "voluntary"},
    {ThreadMetric::context_switches, "ctxswitchtype", "nonvoluntary"},
}};

double number(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

ThreadTotals::ThreadTotals(const std::string& group, std::size_t max_names, Catalog& catalog)
    : catalog_(catalog), labels_{{"groupname", group}}, max_names_(max_names) {}

void ThreadTotals::begin_pass() {
  for (auto& [name, named] : names_) {
    begin_pass(named);
    named.totals.known = {};
  }
  for (auto& [name, waiting] : functions_) begin_pass(waiting);
  overflowing_before_ = overflowing_;
  overflowing_ = 0;
}

void ThreadTotals::begin_pass(Waiting& waiting) {
  waiting.threads_before = waiting.threads;
  waiting.threads = 0;
}

void ThreadTotals::add(std::string_view name, const ProcessCounters& present, bool counts_from_birth,
                       ProcessCounters& previous) {
  Named& named = find(names_, name, [this](std::string_view n) { return make_named(n); });
  ++named.threads;
  named.totals.add(present, counts_from_birth, previous);
}

void ThreadTotals::wait_in(std::string_view kernel_function) {
  ++find(functions_, kernel_function, [this](std::string_view n) { return make_waiting(n); }).threads;
}

void ThreadTotals::end_pass(Batch& batch) {
  for (const auto& [name, named] : names_) {
    if (named.threads == 0) continue;
    batch.add(named.count, number(named.threads));
    for (std::size_t i = 0; i < process_counter_count; ++i) {
      if (named.totals.known[i]) batch.add(named.counters[i], named.totals.value(i));
    }
  }
  for (const auto& [function, waiting] : functions_) {
    if (waiting.threads > 0) batch.add(waiting.count, number(waiting.threads));
  }
  if (overflowing_ > overflowing_before_) overflowed_ += overflowing_ - overflowing_before_;
}

ThreadTotals::Named ThreadTotals::make_named(std::string_view name) {
  Named named;
  const Labels labels = labels_.with("threadname", name);
  named.count = catalog_.series(metric_of(ThreadMetric::thread_count), labels);
  for (std::size_t i = 0; i < process_counter_count; ++i) {
    const auto& [metric, label, value] = counter_labels[i];
    named.counters[i] = catalog_.series(metric_of(metric), label.empty() ? labels : labels.with(label, value));
  }
  return named;
}

ThreadTotals::Waiting ThreadTotals::make_waiting(std::string_view function) {
  return {0, 0, catalog_.series(metric_of(ThreadMetric::wchan), labels_.with("wchan", function))};
}

template <class Value, class Make>
Value& ThreadTotals::find(std::map<std::string, Value, std::less<>>& by_name, std::string_view name,
                          const Make& make) {
  if (const auto known = by_name.find(name); known != by_name.end()) return known->second;
  const auto is_unused = [](const auto& entry) {
    return entry.second.threads == 0 && entry.second.threads_before == 0 && entry.first != overflow;
  };
  const std::size_t names = by_name.size() - (by_name.contains(overflow) ? 1U : 0U);
  const auto unused = names < max_names_ ? by_name.end() : std::find_if(by_name.begin(), by_name.end(), is_unused);
  if (unused != by_name.end()) {
    by_name.erase(unused);
  } else if (names >= max_names_) {
    ++overflowing_;
    name = overflow;
    if (const auto known = by_name.find(name); known != by_name.end()) return known->second;
  }
  return by_name.emplace(std::string(name), make(name)).first->second;
}

}  // namespace sidewatch

// Implementation of cpu_hardware.h.
#include "collectors/host/cpu_hardware.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_cpu_core_throttles_total", MetricType::counter, "", "Times that heat slowed this core down."},
    Metric{"node_cpu_package_throttles_total", MetricType::counter, "", "Times that heat slowed this package down."},
    Metric{"node_cpu_isolated", MetricType::gauge, "", "The core is isolated from the scheduler; always 1."},
    Metric{"node_cpu_info", MetricType::gauge, "", "What kind of core it is; always 1. Only with `cpu: {info: true}`."},
    Metric{"node_cpu_flag_info", MetricType::gauge, "",
           "A feature of the first core that `cpu: {flags}` asks for; always 1."},
    Metric{"node_cpu_bug_info", MetricType::gauge, "", "A flaw of the first core that `cpu: {bugs}` asks for; always 1."},
};

constexpr unsigned kPassesBetweenReads = 60;

// The labels of node_cpu_info and the key in /proc/cpuinfo that each shows.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kInfoKeys{{
    {"package", "physical id"},
    {"core", "core id"},
    {"cpu", "processor"},
    {"vendor", "vendor_id"},
    {"family", "cpu family"},
    {"model", "model"},
    {"model_name", "model name"},
    {"microcode", "microcode"},
    {"stepping", "stepping"},
    {"cachesize", "cache size"},
}};

bool in_cpu_list(std::string_view list, std::uint64_t cpu) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const auto range = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const auto dash = range.find('-');
    const auto first = parse_u64(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_u64(range.substr(dash + 1));
    if (first && last && *first <= cpu && cpu <= *last) return true;
  }
  return false;
}

void describe_core(DeviceTree& tree, const std::string& device) {
  const auto cpu = parse_u64(device.substr(3));
  if (!cpu) return;
  if (in_cpu_list(tree.text("../isolated"), *cpu)) {
    tree.constant(kMetrics[2], Labels{{"cpu", std::to_string(*cpu)}});
  }
  const std::string package = tree.text("topology/physical_package_id");
  const std::string core = tree.text("topology/core_id");
  if (!parse_u64(package) || !parse_u64(core)) return;
  if (tree.has("thermal_throttle/core_throttle_count") && tree.claim(package + ":" + core)) {
    tree.number("thermal_throttle/core_throttle_count", kMetrics[0], Labels{{"package", package}, {"core", core}});
  }
  if (tree.has("thermal_throttle/package_throttle_count") && tree.claim(package)) {
    tree.number("thermal_throttle/package_throttle_count", kMetrics[1], Labels{{"package", package}});
  }
}

// "key<tabs>: value"; the key empty at another line.
std::pair<std::string_view, std::string_view> parse_pair(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  return {trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

std::size_t info_label_of(std::string_view key) {
  return static_cast<std::size_t>(
      std::find_if(kInfoKeys.begin(), kInfoKeys.end(), [&](const auto& entry) { return entry.second == key; }) -
      kInfoKeys.begin());
}

// Over everything but what changes all the time (MHz).
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0;
  std::string_view line;
  while (next_line(text, line)) {
    const auto [key, value] = parse_pair(line);
    if (key.find("MHz") == std::string_view::npos) {
      hash = hash * 1099511628211u + std::hash<std::string_view>{}(value);
    }
  }
  return hash;
}

}  // namespace

DeviceClass cpu_throttle_class() {
  return {"devices/system/cpu", "cpu", {}, DeviceClass::Missing::nothing, describe_core};
}

CpuInfo::CpuInfo(HostSources& sources, const HostConfig& config) : sources_(sources), config_(config.cpu) {}

void CpuInfo::sample(Batch& batch, PartReport& report) {
  if (!config_.info) return;
  if (passes_until_read_ == 0) read(report);
  --passes_until_read_;
  for (const SeriesHandle& series : series_) batch.add(series, 1);
}

void CpuInfo::read(PartReport& report) {
  passes_until_read_ = kPassesBetweenReads;
  const FileText file = sources_.proc.read("cpuinfo", sources_.buffer);
  if (!file) return report.partial(sources_.proc.error("cpuinfo", file.error_number));
  const std::uint64_t hash = hash_of(file.text);
  if (std::exchange(hash_, hash) == hash) return;
  series_.clear();
  std::array<std::string_view, kInfoKeys.size()> values;
  const auto add_words = [&](const Metric& metric, const char* label, std::string_view words, const Regex& wanted) {
    for (auto word = next_field(words); !word.empty(); word = next_field(words)) {
      if (wanted.partial_match(word)) series_.push_back(sources_.catalog.series(metric, Labels{{label, word}}));
    }
  };
  bool first = true;  // of the cores
  std::string_view rest = file.text;
  std::string_view line;
  while (next_line(rest, line)) {
    const auto [key, value] = parse_pair(line);
    if (const std::size_t index = info_label_of(key); index < values.size()) values[index] = value;
    if (first && key == "flags") add_words(kMetrics[4], "flag", value, config_.flags);
    if (first && key == "bugs") add_words(kMetrics[5], "bug", value, config_.bugs);
    if (!key.empty()) continue;
    std::vector<Label> labels;
    for (std::size_t i = 0; i < values.size(); ++i) {
      labels.push_back({std::string(kInfoKeys[i].first), std::string(std::exchange(values[i], {}))});
    }
    series_.push_back(sources_.catalog.series(kMetrics[3], Labels(std::move(labels))));
    first = false;
  }
}

std::span<const Metric> cpu_hardware_metrics() { return kMetrics; }

}  // namespace sidewatch

// Implementation of cpu_info.h.
//
// The one idea: lines are "key : value"; a line "processor : N" begins a core, an empty line ends it. What stands before
// the first core holds for all. The rest is exceptions:
// - s390x lists "processor 0: version = ..." and later a block per core that begins with "cpu number : N".
// - Old ARM calls the model "Processor" above all cores, and with one core has no "processor" line at all.
// - What POWER and ARM say of the whole machine, below the cores, uses names that elsewhere are a core's.
// - "isa" is a core's model on RISC-V and a list of instruction sets on MIPS, whose files begin with "system type".
#include "collectors/host/cpu_info.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_cpu_info", MetricType::gauge, "", "What kind of core it is; always 1. Only with `cpu: {info: true}`."},
    Metric{"node_cpu_flag_info", MetricType::gauge, "",
           "A feature of the first core that `cpu: {flags}` asks for; always 1."},
    Metric{"node_cpu_bug_info", MetricType::gauge, "", "A flaw of the first core that `cpu: {bugs}` asks for; always 1."},
};

constexpr unsigned kPassesBetweenReads = 60;

constexpr std::size_t kPackage = 0;
constexpr std::size_t kCore = 1;
constexpr std::size_t kCpu = 2;
constexpr std::size_t kVendor = 3;
constexpr std::size_t kFamily = 4;
constexpr std::size_t kModel = 5;
constexpr std::size_t kModelName = 6;
constexpr std::size_t kMicrocode = 7;
constexpr std::size_t kStepping = 8;
constexpr std::size_t kCacheSize = 9;

struct InfoKey {
  std::string_view key;
  std::size_t label;
};

constexpr std::array kInfoKeys{
    InfoKey{"physical id", kPackage},
    InfoKey{"core id", kCore},
    InfoKey{"hart", kCore},            // RISC-V
    InfoKey{"vendor_id", kVendor},
    InfoKey{"vendor", kVendor},
    InfoKey{"cpu", kVendor},           // POWER
    InfoKey{"system type", kVendor},   // MIPS
    InfoKey{"cpu family", kFamily},
    InfoKey{"model", kModel},
    InfoKey{"model name", kModelName},
    InfoKey{"cpu model", kModelName},  // MIPS
    InfoKey{"isa", kModelName},        // RISC-V
    InfoKey{"Processor", kModelName},  // old ARM
    InfoKey{"microcode", kMicrocode},
    InfoKey{"stepping", kStepping},
    InfoKey{"cache size", kCacheSize},
};

// "key<tabs>: value"; the key empty at another line.
std::pair<std::string_view, std::string_view> parse_pair(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  return {trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

class CpuInfoParser {
 public:
  CpuDescription parse(std::string_view text) {
    std::string_view line;
    while (next_line(text, line)) {
      const auto [key, value] = parse_pair(line);
      if (key.empty()) {
        end_core();
      } else {
        take(key, value);
      }
    }
    // Of what is still open only a list of cores stands complete; another is cut short.
    if (listed_) end_core();
    return std::move(result_);
  }

 private:
  enum class Where { before_cores, in_core, behind_core };

  void take(std::string_view key, std::string_view value) {
    if (key == "flags" || key == "Features" || key == "features") {
      if (result_.flags.empty()) result_.flags = value;
    } else if (key == "bugs") {
      if (result_.bugs.empty()) result_.bugs = value;
    } else if (key == "processor") {
      end_core();
      begin_core(value);
    } else if (key.starts_with("processor ") && parse_u64(key.substr(10))) {  // s390x
      end_core();
      begin_core(key.substr(10));
      listed_ = true;
    } else if (key == "cpu number") {
      reopen_core(value);
    } else if (key == "BogoMIPS" && where_ == Where::before_cores && !common_[kModelName].empty()) {
      begin_core("0");
    } else {
      take_label(key, value);
    }
  }

  void take_label(std::string_view key, std::string_view value) {
    if (key == "system type") mips_ = true;
    if (key == "isa" && mips_) return;
    const auto known = std::find_if(kInfoKeys.begin(), kInfoKeys.end(),
                                    [&](const InfoKey& entry) { return entry.key == key; });
    if (known == kInfoKeys.end()) return;
    if (where_ == Where::before_cores) common_[known->label] = value;
    if (where_ == Where::in_core) core_[known->label] = value;
  }

  void begin_core(std::string_view number) {
    core_ = common_;
    core_[kCpu] = number;
    where_ = Where::in_core;
  }

  // A core of the list, to be told more of.
  void reopen_core(std::string_view number) {
    end_core();
    const auto core = std::find_if(result_.cores.begin(), result_.cores.end(),
                                   [&](const CpuDescription::Core& one) { return one[kCpu] == number; });
    if (core == result_.cores.end()) return;
    core_ = *core;
    reopened_ = static_cast<std::size_t>(core - result_.cores.begin());
    where_ = Where::in_core;
  }

  void end_core() {
    if (where_ != Where::in_core) return;
    where_ = Where::behind_core;
    if (reopened_) {
      result_.cores[*std::exchange(reopened_, std::nullopt)] = core_;
    } else {
      result_.cores.push_back(core_);
    }
  }

  CpuDescription result_;
  CpuDescription::Core common_{};
  CpuDescription::Core core_{};
  Where where_ = Where::before_cores;
  std::optional<std::size_t> reopened_;
  bool listed_ = false;  // a line per core, as on s390x
  bool mips_ = false;
};

// Over everything but what changes all the time (MHz).
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0;
  std::string_view line;
  while (next_line(text, line)) {
    const auto [key, value] = parse_pair(line);
    if (key.find("MHz") == std::string_view::npos && key != "clock") {
      hash = hash * 1099511628211u + std::hash<std::string_view>{}(value);
    }
  }
  return hash;
}

}  // namespace

CpuDescription parse_cpu_info(std::string_view text) { return CpuInfoParser().parse(text); }

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
  const CpuDescription description = parse_cpu_info(file.text);
  series_.clear();
  for (const CpuDescription::Core& core : description.cores) {
    std::vector<Label> labels;
    for (std::size_t i = 0; i < core.size(); ++i) {
      labels.push_back({std::string(kCpuInfoLabels[i]), std::string(core[i])});
    }
    series_.push_back(sources_.catalog.series(kMetrics[0], Labels(std::move(labels))));
  }
  add_words(kMetrics[1], "flag", description.flags, config_.flags);
  add_words(kMetrics[2], "bug", description.bugs, config_.bugs);
}

void CpuInfo::add_words(const Metric& metric, const char* label, std::string_view words, const Regex& wanted) {
  for (auto word = next_field(words); !word.empty(); word = next_field(words)) {
    if (wanted.partial_match(word)) series_.push_back(sources_.catalog.series(metric, Labels{{label, word}}));
  }
}

std::span<const Metric> cpu_info_metrics() { return kMetrics; }

}  // namespace sidewatch

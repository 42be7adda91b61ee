// Software RAID arrays, from /proc/mdstat (Linux Documentation/admin-guide/md.rst).
//
// An array is a line "md0 : active raid1 sdb1[1] sda1[0]", a line that begins with its blocks and may have "[2/2] [UU]"
// (wanted and working disks), perhaps lines about a running resync and its bitmap, and a blank line. Only what that
// blank line ends is believed: a file cut before it could lack the resync.
#include <algorithm>
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_md_state", MetricType::gauge, "", "Which state the array is in: 1 for it, 0 for the others."},
    Metric{"node_md_disks", MetricType::gauge, "", "Disks of the array by state."},
    Metric{"node_md_disks_required", MetricType::gauge, "", "Disks that the array wants."},
    Metric{"node_md_blocks", MetricType::gauge, "", "Blocks of 1 KiB of the array."},
    Metric{"node_md_blocks_synced", MetricType::gauge, "", "Blocks that are in sync."},
};

constexpr std::array<std::string_view, 5> kStates{"active", "inactive", "recovering", "resync", "check"};
constexpr std::size_t kRecovering = 2;
constexpr std::size_t kResync = 3;
constexpr std::size_t kCheck = 4;
constexpr std::array<std::string_view, 3> kDiskStates{"active", "failed", "spare"};

struct MdArray {
  std::string_view name;
  std::size_t state = kStates.size();  // an index of kStates; none when it is another, such as "broken"
  std::array<std::int64_t, kDiskStates.size()> disks{};
  std::int64_t required = 0;
  std::int64_t blocks = 0;
  std::int64_t synced = 0;
};

std::int64_t count(std::string_view text, std::string_view what) {
  std::int64_t found = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

// The two numbers of the first "<open>12/34<close>" in `text`.
std::optional<std::pair<std::int64_t, std::int64_t>> fraction(std::string_view text, char open, char close) {
  for (auto at = text.find(open); at != std::string_view::npos; at = text.find(open, at + 1)) {
    const auto end = text.find(close, at);
    if (end == std::string_view::npos) return std::nullopt;
    const auto inner = text.substr(at + 1, end - at - 1);
    const auto slash = inner.find('/');
    if (slash == std::string_view::npos) continue;
    const auto first = parse_i64(inner.substr(0, slash));
    const auto second = parse_i64(inner.substr(slash + 1));
    if (first && second) return std::pair(*first, *second);
  }
  return std::nullopt;
}

bool parse_status(std::string_view device, std::string_view status, MdArray& array) {
  std::string_view rest = status;
  const auto blocks = parse_i64(next_field(rest));
  if (!blocks) return false;
  array.blocks = array.synced = *blocks;
  if (device.find("raid0") != std::string_view::npos || device.find("linear") != std::string_view::npos) {
    array.required = array.disks[0] = count(device, "[");
    return true;
  }
  if (device.find("inactive") != std::string_view::npos) return true;
  const auto disks = fraction(status, '[', ']');
  if (!disks) return false;
  array.required = disks->first;
  array.disks[0] = disks->second;
  return true;
}

bool parse_progress(std::string_view line, MdArray& array) {
  const auto has = [&](std::string_view word) { return line.find(word) != std::string_view::npos; };
  if (!has("recovery") && !has("resync") && !has("check")) return true;
  array.state = has("recovery") ? kRecovering : has("check") ? kCheck : kResync;
  if (has("PENDING") || has("DELAYED")) {
    array.synced = 0;
    return true;
  }
  const auto blocks = fraction(line, '(', ')');
  if (blocks) array.synced = blocks->first;
  return blocks.has_value();
}

// The array whose first line is `device`; takes its other lines off `rest`, the blank one included.
std::optional<MdArray> parse_array(std::string_view device, std::string_view& rest) {
  MdArray array;
  std::string_view fields = device;
  array.name = next_field(fields);
  next_field(fields);  // ':'
  const auto state = next_field(fields);
  array.state = static_cast<std::size_t>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
  array.disks[1] = count(device, "(F)");
  array.disks[2] = count(device, "(S)");
  bool understood = !state.empty();
  bool first = true;
  std::string_view line;
  while (next_line(rest, line)) {
    if (trim(line).empty()) return understood && !first ? std::optional(array) : std::nullopt;
    if (first) {
      understood = parse_status(device, line, array) && understood;
    } else if (line.find("bitmap") == std::string_view::npos) {
      understood = parse_progress(line, array) && understood;
    }
    first = false;
  }
  return std::nullopt;
}

struct MdSeries {
  std::array<SeriesHandle, kStates.size()> states;
  std::array<SeriesHandle, kDiskStates.size()> disks;
  SeriesHandle required;
  SeriesHandle blocks;
  SeriesHandle synced;
};

MdSeries make_md_series(Catalog& catalog, std::string_view device) {
  MdSeries series;
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    series.states[i] = catalog.series(kMetrics[0], Labels{{"device", device}, {"state", kStates[i]}});
  }
  for (std::size_t i = 0; i < kDiskStates.size(); ++i) {
    series.disks[i] = catalog.series(kMetrics[1], Labels{{"device", device}, {"state", kDiskStates[i]}});
  }
  series.required = catalog.series(kMetrics[2], Labels{{"device", device}});
  series.blocks = catalog.series(kMetrics[3], Labels{{"device", device}});
  series.synced = catalog.series(kMetrics[4], Labels{{"device", device}});
  return series;
}

class MdadmPart final : public Part {
 public:
  explicit MdadmPart(HostSources& sources) : sources_(sources), file_(sources.proc, "mdstat", ProcFile::Keep::open, ProcFile::Lines::any_length) {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (file.status() == FileStatus::gone) return report.absent();
    if (!file) return report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line)) {
      if (trim(line).empty() || line[0] == ' ' || line.starts_with("Personalities") || line.starts_with("unused")) continue;
      if (const auto array = parse_array(line, rest)) {
        add(*array, batch);
      } else {
        report.partial({"array not understood: " + std::string(line), sources_.proc.path() + "/mdstat"});
      }
    }
    arrays_.forget_untaken();
  }

 private:
  void add(const MdArray& array, Batch& batch) {
    MdSeries* series = arrays_.take(array.name, [&] { return make_md_series(sources_.catalog, array.name); });
    if (series == nullptr) return;
    for (std::size_t i = 0; i < kStates.size(); ++i) batch.add(series->states[i], array.state == i ? 1 : 0);
    for (std::size_t i = 0; i < kDiskStates.size(); ++i) {
      batch.add(series->disks[i], static_cast<double>(array.disks[i]));
    }
    batch.add(series->required, static_cast<double>(array.required));
    batch.add(series->blocks, static_cast<double>(array.blocks));
    batch.add(series->synced, static_cast<double>(array.synced));
  }

  HostSources& sources_;
  ProcFile file_;
  KeyedSlots<MdSeries> arrays_;
};

}  // namespace

std::unique_ptr<Part> make_mdadm_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<MdadmPart>(sources);
}

std::span<const Metric> mdadm_metrics() { return kMetrics; }

}  // namespace sidewatch

// The connection tracking table: how full it is, from /proc/sys/net/netfilter, and what happened to packets, from
// /proc/net/stat/nf_conntrack (a line of names, then hexadecimal numbers per core, added up here). Absent without the
// kernel module.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_nf_conntrack_entries", MetricType::gauge, "", "Connections that are tracked now."},
    Metric{"node_nf_conntrack_entries_limit", MetricType::gauge, "", "Connections that can be tracked."},
    Metric{"node_nf_conntrack_stat_found", MetricType::gauge, "", "Lookups that found a connection."},
    Metric{"node_nf_conntrack_stat_invalid", MetricType::gauge, "", "Packets that could not be tracked."},
    Metric{"node_nf_conntrack_stat_ignore", MetricType::gauge, "", "Packets that belonged to a connection already."},
    Metric{"node_nf_conntrack_stat_insert", MetricType::gauge, "", "Connections that were put into the table."},
    Metric{"node_nf_conntrack_stat_insert_failed", MetricType::gauge, "", "Connections that could not be put into it."},
    Metric{"node_nf_conntrack_stat_drop", MetricType::gauge, "", "Packets dropped because tracking failed."},
    Metric{"node_nf_conntrack_stat_early_drop", MetricType::gauge, "", "Connections dropped to make room."},
    Metric{"node_nf_conntrack_stat_search_restart", MetricType::gauge, "", "Lookups restarted as the table grew."},
};

constexpr std::size_t kFirstStat = 2;
constexpr std::array<std::string_view, kMetrics.size() - kFirstStat> kStatColumns{
    "found", "invalid", "ignore", "insert", "insert_failed", "drop", "early_drop", "search_restart"};

using Stats = std::array<double, kStatColumns.size()>;

// Adds one core's line to `stats`; `names` is the line of headings.
bool add_line(std::string_view names, std::string_view line, Stats& stats) {
  for (auto name = next_field(names); !name.empty(); name = next_field(names)) {
    const auto value = parse_hex(next_field(line));
    if (!value) return false;
    for (std::size_t i = 0; i < kStatColumns.size(); ++i) {
      if (name == kStatColumns[i]) stats[i] += static_cast<double>(*value);
    }
  }
  return true;
}

class ConntrackPart final : public Part {
 public:
  explicit ConntrackPart(HostSources& sources)
      : sources_(sources),
        counts_{ProcFile(sources.proc, "sys/net/netfilter/nf_conntrack_count"),
                ProcFile(sources.proc, "sys/net/netfilter/nf_conntrack_max")},
        stats_(sources.proc, "net/stat/nf_conntrack"),
        series_(make_series(sources.catalog, kMetrics)) {}

  void sample(Batch& batch, PartReport& report) override {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const FileText file = counts_[i].read(sources_.buffer);
      if (!file) return file.status() == FileStatus::gone ? report.absent() : report.fail(counts_[i].error(file));
      const auto count = parse_u64(first_line(file.text));
      if (!count) return report.fail({"a number is expected", sources_.proc.path() + "/" + counts_[i].name()});
      batch.add(series_[i], static_cast<double>(*count));
    }
    sample_stats(batch, report);
  }

 private:
  void sample_stats(Batch& batch, PartReport& report) {
    const FileText file = stats_.read(sources_.buffer);
    if (file.status() == FileStatus::gone) return;
    if (!file) return report.partial(stats_.error(file));
    std::string_view rest = file.text;
    std::string_view names;
    std::string_view line;
    Stats stats{};
    bool understood = next_line(rest, names);
    while (understood && next_line(rest, line)) understood = add_line(names, line, stats);
    if (!understood) {
      return report.partial({"line not understood: " + std::string(line), sources_.proc.path() + "/" + stats_.name()});
    }
    for (std::size_t i = 0; i < stats.size(); ++i) batch.add(series_[kFirstStat + i], stats[i]);
  }

  HostSources& sources_;
  std::array<ProcFile, kFirstStat> counts_;
  ProcFile stats_;
  std::array<SeriesHandle, kMetrics.size()> series_;
};

}  // namespace

std::unique_ptr<Part> make_conntrack_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<ConntrackPart>(sources);
}

std::span<const Metric> conntrack_metrics() { return kMetrics; }

}  // namespace sidewatch

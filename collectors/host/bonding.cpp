// Bonded network interfaces and how many of their members have a link, from /sys/class/net/<bond>/bonding/slaves and
// the members' bonding_slave/mii_status (Linux Documentation/networking/bonding.rst).
//
// Members fail without any file coming or going, so all is read in every pass; a machine has few bonds.
#include <array>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_bonding_slaves", MetricType::gauge, "", "Interfaces that the bond is made of."},
    Metric{"node_bonding_active", MetricType::gauge, "", "Interfaces of the bond that have a link."},
};

struct Bond {
  std::array<SeriesHandle, kMetrics.size()> series;
};

class BondingPart final : public Part {
 public:
  explicit BondingPart(HostSources& sources) : sources_(sources), masters_(sources.sys, "class/net/bonding_masters") {}

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = masters_.read(masters_text_);
    if (file.status() == FileStatus::gone) return report.absent();
    if (!file) return report.fail(masters_.error(file));
    std::string_view names = first_line(file.text);
    for (auto name = next_field(names); !name.empty(); name = next_field(names)) add(name, batch, report);
    bonds_.forget_untaken();
  }

 private:
  void add(std::string_view name, Batch& batch, PartReport& report) {
    Bond* bond = bonds_.take(
        name, [&] { return Bond{make_series(sources_.catalog, kMetrics, Labels{{"master", name}})}; });
    if (bond == nullptr) return;
    const FileText file = sources_.sys.read(path({"class/net/", name, "/bonding/slaves"}), slaves_text_);
    if (!file) {
      if (file.status() != FileStatus::gone) report.partial(sources_.sys.error(path_, file.error_number));
      return;
    }
    if (!file.text.empty() && !file.text.ends_with('\n')) return;  // torn; a bond without members has an empty file
    double slaves = 0;
    double active = 0;
    std::string_view rest = first_line(file.text);
    for (auto slave = next_field(rest); !slave.empty(); slave = next_field(rest)) {
      const auto status = mii_status(name, slave);
      if (status.empty()) {
        return report.partial({"it does not say whether it has a link", sources_.sys.path() + "/" + path_});
      }
      ++slaves;
      if (status == "up") ++active;
    }
    batch.add(bond->series[0], slaves);
    batch.add(bond->series[1], active);
  }

  std::string_view mii_status(std::string_view bond, std::string_view slave) {
    for (const std::string_view prefix : {"/lower_", "/slave_"}) {  // as new and old kernels call the link
      const FileText file = sources_.sys.read(
          path({"class/net/", bond, prefix, slave, "/bonding_slave/mii_status"}), sources_.buffer);
      if (file) return first_line(file.text);
    }
    return {};
  }

  const char* path(std::initializer_list<std::string_view> pieces) {
    path_.clear();
    for (const std::string_view piece : pieces) path_ += piece;
    return path_.c_str();
  }

  HostSources& sources_;
  ProcFile masters_;
  ReadBuffer masters_text_;  // buffers of their own, because each is read while the one before is gone through
  ReadBuffer slaves_text_;
  std::string path_;         // kept for its capacity
  KeyedSlots<Bond> bonds_;
};

}  // namespace

std::unique_ptr<Part> make_bonding_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<BondingPart>(sources);
}

std::span<const Metric> bonding_metrics() { return kMetrics; }

}  // namespace sidewatch

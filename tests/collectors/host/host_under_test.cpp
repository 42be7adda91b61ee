#include "host_under_test.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "metrics/exposition.h"

namespace sidewatch {
namespace {

double no_time() { return 0; }
double fixed_wall() { return 1'767'225'600.25; }

void fixed_zone(TimeZone& zone) { zone = {"CET", 3600}; }

bool fixed_uname(utsname& name) {
  name = {};
  const auto put = [](char* to, std::string_view text) { std::memcpy(to, text.data(), text.size()); };
  put(name.sysname, "Linux");
  put(name.nodename, "front-1");
  put(name.release, "6.1.0-28-amd64");
  put(name.version, "#1 SMP");
  put(name.machine, "x86_64");
  return true;
}

int fixed_statfs(const char* path, FilesystemUsage& usage) {
  const std::string_view text(path);
  if (text.ends_with("broken")) return EIO;
  if (text.ends_with("missing")) return ENOENT;
  usage = {1'000'000, 500'000, 400'000, 1000, 900};
  return 0;
}

int fixed_clock(ClockReading& clock) {
  clock.state = TIME_OK;
  clock.time = {};
  clock.time.status = STA_PLL | STA_NANO;
  clock.time.offset = -1'250'000;       // nanoseconds
  clock.time.freq = 65'536 * 20;        // 20 parts per million
  clock.time.maxerror = 31'000;         // microseconds
  clock.time.esterror = 250;
  clock.time.constant = 7;
  clock.time.tick = 10'000;
  clock.time.jitcnt = 3;
  clock.time.tai = 37;
  return 0;
}

int fixed_addresses(std::vector<InterfaceAddress>& list) {
  list = {{"lo", "127.0.0.1", 8, "link-local"},
          {"eth0", "10.0.0.7", 24, "global"},
          {"eth0", "fe80::1", 64, "link-local"}};
  return 0;
}

// Two devices of which one has errors, at any mount point that ends with "pool"; elsewhere nobody is to be asked.
int fixed_btrfs(const char* mount_point, BtrfsFilesystem& filesystem) {
  if (!std::string_view(mount_point).ends_with("pool")) return ENOTTY;
  filesystem.id = "7f07c59f-6136-449c-ab87-e1cf2328731b";
  if (!filesystem.devices.empty()) return 0;
  filesystem.devices = {{"sda4", "ae0ee7a6-2ac6-4a3f-8e0a-6b3f0f5e2b11", 1e9, 4e8, {0, 0, 0, 0, 0}},
                        {"sdb4", "0c1b2a39-4857-4675-9384-a5b6c7d8e9f0", 2e9, 1e9, {3, 2, 0, 17, 1}}};
  return 0;
}

}  // namespace

std::filesystem::path host_cases() { return std::filesystem::path(SIDEWATCH_SOURCE_DIR) / "tests/cases/host"; }

HostConfig config_for(const std::filesystem::path& tree) {
  HostConfig config;
  config.roots = {(tree / "proc").string(), (tree / "sys").string(), (tree / "root").string(), ""};
  return config;
}

HostSystem fixed_system() {
  return {no_time, fixed_wall, fixed_zone, fixed_uname, fixed_statfs, fixed_clock, fixed_addresses,
          fixed_btrfs};
}

std::vector<PartKind> all_parts() {
  std::vector<PartKind> parts;
  for (const auto kinds : {host_parts(), filesystem_parts(), remote_filesystem_parts()}) {
    parts.insert(parts.end(), kinds.begin(), kinds.end());
  }
  return parts;
}

std::vector<PartKind> hardware_parts() {
  static const std::set<std::string_view> kNames{
      "bcache", "bonding", "btrfs", "cpu",  "cpufreq", "diskstats", "dmi", "edac", "fibrechannel", "hwmon", "infiniband",
      "ipvs", "mdadm", "nfs",  "nfsd", "nvme", "powersupplyclass", "rapl", "tapestats", "xfs", "zfs"};
  std::vector<PartKind> parts = all_parts();
  std::erase_if(parts, [](const PartKind& kind) { return !kNames.contains(kind.name); });
  return parts;
}

HostUnderTest::HostUnderTest(const HostConfig& config, HostSystem system, std::vector<PartKind> parts)
    : catalog_({}, {}),
      store_(catalog_, {}),
      source_(store_.add_source("host")),
      collector_(catalog_, config, parts, system) {}

Result<PassOutcome> HostUnderTest::pass(Duration later) {
  now_ += later;
  batch_.clear();
  auto outcome = collector_.collect(batch_, now_);
  if (outcome) {
    store_.append(source_, now_, batch_);
  } else {
    store_.mark_stale(source_, now_);
  }
  return outcome;
}

std::string HostUnderTest::page() const {
  std::string page;
  render_exposition(store_.snapshot(), ExpositionFormat::prometheus_text, page);
  return page;
}

std::map<std::string, double> HostUnderTest::values() const {
  std::map<std::string, double> values;
  for (const SeriesValue& series : store_.snapshot()) {
    const std::string& labels = series.info->label_text;
    values[series.info->family->name + (labels.empty() ? "" : "{" + labels + "}")] = series.last.value;
  }
  return values;
}

TemporaryTree::TemporaryTree() {
  std::string name = (std::filesystem::temp_directory_path() / "host_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory: " + name);
  path_ = name;
}

TemporaryTree::TemporaryTree(const std::filesystem::path& copied_from) : TemporaryTree() {
  std::filesystem::copy(copied_from, path_, std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
}

TemporaryTree::~TemporaryTree() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryTree::write(const std::string& name, const std::string& text) const {
  std::filesystem::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << text;
}

void TemporaryTree::remove(const std::string& name) const { std::filesystem::remove_all(path_ / name); }

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace sidewatch

// Side by side with the real prometheus-node-exporter: the same names, types, labels and values of all that it serves
// by default, on this machine and over the files of a case that has the hardware which this machine lacks.
//
// On this machine the exporter is scraped between two passes of ours; a counter must lie between them, a gauge near
// them. Over files nothing moves, and the values must be equal.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "collectors/host/host.h"
#include "host_under_test.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr const char* kExporter = "/usr/bin/prometheus-node-exporter";
constexpr auto kDeadline = 15s;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

// The body of GET /metrics; empty when nobody answers yet.
std::string get_metrics(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  std::string reply;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char bytes[16384];
    ssize_t got = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    while (got > 0 && (got = ::recv(fd, bytes, sizeof bytes, 0)) > 0) {
      reply.append(bytes, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  const auto body = reply.find("\r\n\r\n");
  return body == std::string::npos ? "" : reply.substr(body + 4);
}

// The exporter as a child, with our own choice of devices.
class Exporter {
 public:
  Exporter(const HostConfig& config, const std::vector<std::string>& more_arguments) : port_(free_port()) {
    std::vector<std::string> arguments{
        kExporter,
        "--web.listen-address=127.0.0.1:" + std::to_string(port_),
        "--web.disable-exporter-metrics",
        "--no-collector.systemd",  // on in Debian, off in the exporter's own defaults
        "--log.level=error",
        "--collector.diskstats.device-exclude=" + config.disks.exclude.pattern(),
        "--collector.netdev.device-exclude=" + config.interfaces.exclude.pattern(),
        "--collector.filesystem.mount-points-exclude=" + config.mounts.exclude.pattern(),
        "--collector.filesystem.fs-types-exclude=" + config.filesystem_types.exclude.pattern(),
    };
    arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execv(kExporter, argv.data());
      ::_exit(127);
    }
  }

  ~Exporter() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  bool wait_until_it_answers() const {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (get_metrics(port_).empty()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      ::poll(nullptr, 0, 20);
    }
    return true;
  }

  std::string page() const { return get_metrics(port_); }

 private:
  std::uint16_t port_;
  pid_t pid_ = -1;
};

struct Page {
  std::map<std::string, std::string> types;  // by family
  std::map<std::string, double> values;      // by name and labels, sorted, without empty ones
};

// `name{b="1",a=""}` as `name{b="1"}`, labels sorted. An empty label is an absent one.
std::string canonical(const std::string& series) {
  const auto brace = series.find('{');
  if (brace == std::string::npos) return series;
  std::set<std::string> labels;
  std::string label;
  bool quoted = false;
  for (std::size_t i = brace + 1; i + 1 < series.size(); ++i) {
    const char c = series[i];
    if (c == '"' && series[i - 1] != '\\') quoted = !quoted;
    if (c == ',' && !quoted) {
      labels.insert(std::exchange(label, ""));
    } else {
      label += c;
    }
  }
  labels.insert(label);
  std::string result = series.substr(0, brace) + "{";
  for (const std::string& one : labels) {
    if (!one.ends_with("=\"\"")) result += one + ",";
  }
  return result + "}";
}

Page parse_page(const std::string& text) {
  Page page;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      const auto blank = line.rfind(' ');
      page.types[line.substr(7, blank - 7)] = line.substr(blank + 1);
    } else if (!line.empty() && line[0] != '#') {
      const auto blank = line.rfind(' ');
      page.values[canonical(line.substr(0, blank))] = std::strtod(line.c_str() + blank, nullptr);
    }
  }
  return page;
}

std::string family_of(const std::string& series) { return series.substr(0, series.find('{')); }

// What we may have or lack, and why.
std::optional<std::string> reason_for_difference(const std::string& series) {
  const std::string family = family_of(series);
  if (family == "node_exporter_build_info") return "speaks of the exporter itself";
  if (family.starts_with("promhttp_")) return "speaks of the exporter itself";
  if (series.find("collector=\"filesystem_remote\"") != std::string::npos) return "a part that only we have";
  if (family == "node_pressure_irq_stalled_seconds_total") return "newer than this exporter";
  if (family == "node_cpu_scaling_governor") return "newer than this exporter";
  if (family.starts_with("node_watchdog_")) return "newer than this exporter";
  if (series.find("collector=\"watchdog\"") != std::string::npos) return "newer than this exporter";
  if (family.starts_with("node_btrfs_") && family.find("commit") != std::string::npos) return "newer than this exporter";
  if (family == "node_netstat_TcpExt_TCPOFOQueue" || family == "node_netstat_TcpExt_TCPRcvQDrop") {
    return "newer than this exporter";
  }
  return std::nullopt;
}

// Where their value is another than ours, and why.
std::optional<std::string> reason_for_other_value(const std::string& series) {
  const std::string family = family_of(series);
  if (family == "node_scrape_collector_duration_seconds") return "another program's duration";
  if (family == "node_bcache_btree_read_average_duration_seconds") return "they take microseconds for nanoseconds";
  return std::nullopt;
}

// How far a gauge may be from ours: what moves by itself may differ, what is a property may not.
double slack(const std::string& family) {
  static const std::vector<std::pair<std::string, double>> kMoving{
      {"node_cpu_seconds_total", 0.5},          // the exporter smooths steps back as we do, but from another start
      {"node_scrape_collector_duration", 1e3},  // another program's duration
      {"node_time_seconds", 5},
      {"node_load", 2},
      {"node_procs_", 200},
      {"node_disk_io_now", 1000},
      {"node_filefd_allocated", 10'000},
      {"node_entropy_available_bits", 256},
      {"node_nf_conntrack_", 1000},
      {"node_sockstat_", 1e9},
      {"node_netstat_Tcp_CurrEstab", 1000},
      {"node_memory_MemTotal", 0},
      {"node_memory_SwapTotal", 0},
      {"node_memory_Hugepagesize", 0},
      {"node_memory_", 4e9},  // builds run beside this test
      {"node_filesystem_files_free", 1e6},
      {"node_filesystem_free", 8e9},
      {"node_filesystem_avail", 8e9},
  };
  for (const auto& [prefix, allowed] : kMoving) {
    if (family.starts_with(prefix)) return allowed;
  }
  return 0;
}

std::string compare_sets(const std::map<std::string, double>& left, const std::map<std::string, double>& right,
                         const std::string& what) {
  std::string differences;
  for (const auto& [series, value] : left) {
    if (right.contains(series)) continue;
    const auto reason = reason_for_difference(series);
    if (reason) std::cout << what << series << ": " << *reason << "\n";
    if (!reason) differences += what + series + "\n";
  }
  return differences;
}

TEST(HostBesideNodeExporter, GivesTheSameNamesTypesLabelsAndValues) {
  if (::access(kExporter, X_OK) != 0) GTEST_SKIP() << kExporter << " is not installed";
  const HostConfig config;
  const Exporter exporter(config, {});
  ASSERT_TRUE(exporter.wait_until_it_answers());
  HostUnderTest host(config, HostSystem::real());
  ASSERT_TRUE(host.pass());
  ASSERT_TRUE(host.pass());
  const Page before = parse_page(host.page());
  const Page theirs = parse_page(exporter.page());
  ASSERT_TRUE(host.pass());
  const Page after = parse_page(host.page());
  ASSERT_GT(theirs.values.size(), 100u);

  EXPECT_EQ(compare_sets(theirs.values, after.values, "only they have "), "");
  EXPECT_EQ(compare_sets(after.values, theirs.values, "only we have "), "");
  for (const auto& [family, type] : theirs.types) {
    if (!reason_for_difference(family) && after.types.contains(family)) {
      EXPECT_EQ(after.types.at(family), type) << family;
    }
  }
  for (const auto& [series, value] : theirs.values) {
    if (!before.values.contains(series) || !after.values.contains(series)) continue;
    const auto [low, high] = std::minmax(before.values.at(series), after.values.at(series));
    const double allowed = slack(family_of(series)) + std::abs(value) * 1e-12;
    EXPECT_GE(value, low - allowed) << series;
    EXPECT_LE(value, high + allowed) << series;
  }
}

// With the paths of the case taken out, which only the exporter has in its labels.
Page page_without(const std::string& text, const std::string& path) {
  std::string cleaned = text;
  for (auto at = cleaned.find(path); at != std::string::npos; at = cleaned.find(path, at)) cleaned.erase(at, path.size());
  return parse_page(cleaned);
}

// Both programs over one tree of files, with these parts: the same series, types and values.
void expect_the_same_over(const std::filesystem::path& tree, const std::vector<PartKind>& parts,
                          const HostSystem& system, std::size_t least_series) {
  const HostConfig config = config_for(tree);
  std::vector<std::string> arguments{"--collector.disable-defaults", "--path.procfs=" + config.roots.procfs,
                                     "--path.sysfs=" + config.roots.sysfs, "--path.rootfs=" + config.roots.rootfs,
                                     "--path.udev.data=" + config.roots.rootfs + "/run/udev/data",
                                     "--no-collector.netdev.netlink"};  // which would tell of this machine
  for (const PartKind& kind : parts) {
    if (kind.name != "filesystem_remote" && kind.name != "watchdog") arguments.push_back("--collector." + std::string(kind.name));
  }
  const Exporter exporter(config, arguments);
  ASSERT_TRUE(exporter.wait_until_it_answers());
  const Page theirs = page_without(exporter.page(), tree.string());
  HostUnderTest host(config, system, parts);
  ASSERT_TRUE(host.pass());
  const Page ours = parse_page(host.page());
  ASSERT_GT(theirs.values.size(), least_series);

  EXPECT_EQ(compare_sets(theirs.values, ours.values, "only they have "), "");
  EXPECT_EQ(compare_sets(ours.values, theirs.values, "only we have "), "");
  for (const auto& [family, type] : theirs.types) {
    if (ours.types.contains(family)) {
      EXPECT_EQ(ours.types.at(family), type) << family;
    }
  }
  for (const auto& [series, value] : theirs.values) {
    if (!ours.values.contains(series) || reason_for_other_value(series)) continue;
    const bool moves = series.starts_with("node_filesystem_");  // it is a real filesystem that is asked
    EXPECT_NEAR(ours.values.at(series), value, std::abs(value) * 1e-9 + (moves ? slack(family_of(series)) : 0)) << series;
  }
}

TEST(HostBesideNodeExporter, GivesTheSameOverTheFilesOfHardwareThatThisMachineLacks) {
  if (::access(kExporter, X_OK) != 0) GTEST_SKIP() << kExporter << " is not installed";
  expect_the_same_over(host_cases() / "server-hardware", hardware_parts(), fixed_system(), 300);
}

// What is not in files is left out: the clock, the kernel's name, the real machine's SELinux.
std::vector<PartKind> parts_of_files() {
  static const std::set<std::string_view> kNotFiles{"time", "timex", "uname", "selinux", "textfile"};
  std::vector<PartKind> parts = all_parts();
  std::erase_if(parts, [](const PartKind& kind) { return kNotFiles.contains(kind.name); });
  return parts;
}

// Filesystems are asked for real, in both programs: the mount points of the tree are directories of this machine.
TEST(HostBesideNodeExporter, GivesTheSameOverTheFilesOfAnotherMachineItsFilesystemsAndInterfacesIncluded) {
  if (::access(kExporter, X_OK) != 0) GTEST_SKIP() << kExporter << " is not installed";
  const TemporaryTree tree(host_cases() / "linux-6.1");
  for (const auto* mount_point : {"", "/boot", "/srv/my data", "/mnt/nas", "/run"}) {
    std::filesystem::create_directories(tree.path() / "root" / std::string(mount_point).substr(mount_point[0] == '/'));
  }
  // What this exporter reads otherwise: it numbers the lines of softnet_stat, also where a core is off; rx_nohandler
  // it has from netlink only; without the directory of a bond it has no data at all.
  std::string softnet;
  for (const auto* core : {"00000000", "00000001"}) {
    softnet += "0000003e 00000001 00000002 0 0 0 0 0 0 0 0 0 " + std::string(core) + " 0 0\n";
  }
  tree.write("proc/net/softnet_stat", softnet);
  for (const auto* gone : {"lo/statistics", "eth0/statistics", "bonding_masters"}) {
    tree.remove("sys/class/net/" + std::string(gone));
  }
  HostSystem system = fixed_system();
  system.statfs = HostSystem::real().statfs;
  expect_the_same_over(tree.path(), parts_of_files(), system, 300);
}

}  // namespace
}  // namespace sidewatch

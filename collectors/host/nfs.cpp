// What NFS did here, as a client (/proc/net/rpc/nfs) and as a server (/proc/net/rpc/nfsd).
//
// A line is a word and numbers: "rpc 1218785755 374636 1218815394". Of the lines proc2 to proc4 and proc4ops the first
// number says how many procedures follow; newer kernels know more of them than are named here, older ones fewer, and
// then the rest is 0, as in node_exporter. A line that breaks its own count is reported and left out.
#include <array>
#include <vector>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr MetricType kCounter = MetricType::counter;

constexpr std::array kClientMetrics{
    Metric{"node_nfs_packets_total", kCounter, "", "Packets of NFS by protocol."},
    Metric{"node_nfs_connections_total", kCounter, "", "TCP connections of NFS."},
    Metric{"node_nfs_rpcs_total", kCounter, "", "Calls made."},
    Metric{"node_nfs_rpc_retransmissions_total", kCounter, "", "Calls that had to be sent again."},
    Metric{"node_nfs_rpc_authentication_refreshes_total", kCounter, "", "Times that credentials were renewed."},
    Metric{"node_nfs_requests_total", kCounter, "", "Procedures called, by version of the protocol and name."},
};

constexpr std::array kServerMetrics{
    Metric{"node_nfsd_reply_cache_hits_total", kCounter, "",
           "Requests answered from the reply cache: the client had lost the answer."},
    Metric{"node_nfsd_reply_cache_misses_total", kCounter, "", "Requests whose answers had to be cached."},
    Metric{"node_nfsd_reply_cache_nocache_total", kCounter, "", "Requests whose answers need no caching."},
    Metric{"node_nfsd_file_handles_stale_total", kCounter, "", "File handles that were no longer valid."},
    Metric{"node_nfsd_disk_bytes_read_total", kCounter, "", "Bytes read."},
    Metric{"node_nfsd_disk_bytes_written_total", kCounter, "", "Bytes written."},
    Metric{"node_nfsd_server_threads", MetricType::gauge, "", "Threads of the server."},
    Metric{"node_nfsd_read_ahead_cache_size_blocks", MetricType::gauge, "", "Size of the read-ahead cache in blocks."},
    Metric{"node_nfsd_read_ahead_cache_not_found_total", kCounter, "", "Reads not found in the read-ahead cache."},
    Metric{"node_nfsd_packets_total", kCounter, "", "Packets of NFS by protocol."},
    Metric{"node_nfsd_connections_total", kCounter, "", "TCP connections to the server."},
    Metric{"node_nfsd_rpc_errors_total", kCounter, "", "Bad calls by kind of error."},
    Metric{"node_nfsd_server_rpcs_total", kCounter, "", "Calls received."},
    Metric{"node_nfsd_requests_total", kCounter, "", "Requests by version of the protocol and name."},
};

// A number of a line: which one (from 0 behind the word), and what it is.
struct RpcNumber {
  std::size_t index;
  const Metric* metric;
  std::string_view label;
  std::string_view value;
};

struct RpcLine {
  std::string_view word;
  std::size_t least;  // numbers that it must have
  std::vector<RpcNumber> numbers;
  std::string_view version;                    // of the protocol, of a line of procedures
  std::vector<std::string_view> procedures{};  // names of the numbers behind the count; "" for one that is not shown
};

const std::vector<std::string_view> kV2{"Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache",
                                        "Write", "Create", "Remove", "Rename", "Link", "SymLink", "MkDir", "RmDir",
                                        "ReadDir", "FsStat"};
const std::vector<std::string_view> kV3{"Null", "GetAttr", "SetAttr", "Lookup", "Access", "ReadLink", "Read", "Write",
                                        "Create", "MkDir", "SymLink", "MkNod", "Remove", "RmDir", "Rename", "Link",
                                        "ReadDir", "ReadDirPlus", "FsStat", "FsInfo", "PathConf", "Commit"};
const std::vector<std::string_view> kV4Client{
    "Null", "Read", "Write", "Commit", "Open", "OpenConfirm", "OpenNoattr", "OpenDowngrade", "Close", "Setattr",
    "FsInfo", "Renew", "SetClientID", "SetClientIDConfirm", "Lock", "Lockt", "Locku", "Access", "Getattr", "Lookup",
    "LookupRoot", "Remove", "Rename", "Link", "Symlink", "Create", "Pathconf", "StatFs", "ReadLink", "ReadDir",
    "ServerCaps", "DelegReturn", "GetACL", "SetACL", "FsLocations", "ReleaseLockowner", "Secinfo", "FsidPresent",
    "ExchangeID", "CreateSession", "DestroySession", "Sequence", "GetLeaseTime", "ReclaimComplete", "LayoutGet",
    "GetDeviceInfo", "LayoutCommit", "LayoutReturn", "SecinfoNoName", "TestStateID", "FreeStateID", "GetDeviceList",
    "BindConnToSession", "DestroyClientID", "Seek", "Allocate", "DeAllocate", "LayoutStats", "Clone"};
const std::vector<std::string_view> kV4Server{
    "", "", "", "Access", "Close", "Commit", "Create", "DelegPurge", "DelegReturn", "GetAttr", "GetFH", "Link", "Lock",
    "Lockt", "Locku", "Lookup", "LookupRoot", "Nverify", "Open", "OpenAttr", "OpenConfirm", "OpenDgrd", "PutFH", "",
    "", "Read", "ReadDir", "ReadLink", "Remove", "Rename", "Renew", "RestoreFH", "SaveFH", "SecInfo", "SetAttr",
    "Verify", "Write", "RelLockOwner"};

// The server counts no Null.
std::vector<std::string_view> without_null(std::vector<std::string_view> names) {
  names[0] = "";
  return names;
}

std::vector<RpcLine> client_lines() {
  const auto& m = kClientMetrics;
  return {
      {"net", 4, {{1, &m[0], "protocol", "udp"}, {2, &m[0], "protocol", "tcp"}, {3, &m[1], "", ""}}, ""},
      {"rpc", 3, {{0, &m[2], "", ""}, {1, &m[3], "", ""}, {2, &m[4], "", ""}}, ""},
      {"proc2", 19, {}, "2", kV2},
      {"proc3", 23, {}, "3", kV3},
      {"proc4", 1, {}, "4", kV4Client},
  };
}

std::vector<RpcLine> server_lines() {
  const auto& m = kServerMetrics;
  return {
      {"rc", 3, {{0, &m[0], "", ""}, {1, &m[1], "", ""}, {2, &m[2], "", ""}}, ""},
      {"fh", 5, {{0, &m[3], "", ""}}, ""},
      {"io", 2, {{0, &m[4], "", ""}, {1, &m[5], "", ""}}, ""},
      {"th", 2, {{0, &m[6], "", ""}}, ""},
      {"ra", 12, {{0, &m[7], "", ""}, {11, &m[8], "", ""}}, ""},
      {"net", 4, {{1, &m[9], "proto", "udp"}, {2, &m[9], "proto", "tcp"}, {3, &m[10], "", ""}}, ""},
      {"rpc", 5, {{2, &m[11], "error", "fmt"}, {3, &m[11], "error", "auth"}, {4, &m[11], "error", "cInt"},
                  {0, &m[12], "", ""}}, ""},
      {"proc2", 19, {}, "2", without_null(kV2)},
      {"proc3", 23, {}, "3", without_null(kV3)},
      {"proc4ops", 40, {}, "4", kV4Server},
  };
}

// The numbers behind a line's word; empty when one is no number.
constexpr std::size_t kMaxNumbers = 128;
struct RpcNumbers {
  std::array<double, kMaxNumbers> values{};
  std::size_t count = 0;
};

std::optional<RpcNumbers> parse_numbers(std::string_view rest, std::size_t most) {
  RpcNumbers numbers;
  for (auto field = next_field(rest); !field.empty() && numbers.count < most; field = next_field(rest)) {
    const auto value = parse_u64(field);
    if (!value) return std::nullopt;
    numbers.values[numbers.count++] = static_cast<double>(*value);
  }
  return numbers;
}

class RpcPart final : public Part {
 public:
  RpcPart(HostSources& sources, const char* file, const Metric& requests, std::vector<RpcLine> lines)
      : sources_(sources), file_(sources.proc, file) {
    for (RpcLine& line : lines) lines_.push_back(make_line(std::move(line), requests));
  }

  void sample(Batch& batch, PartReport& report) override {
    const FileText file = file_.read(sources_.buffer);
    if (file.status() == FileStatus::gone) return report.absent();
    if (!file) return report.fail(file_.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line)) {
      const auto word = next_field(line);
      for (Line& known : lines_) {
        if (known.what.word != word) continue;
        if (!add(known, line, batch)) {
          report.partial({"line not understood: " + std::string(word), sources_.proc.path() + "/" + file_.name()});
        }
      }
    }
  }

 private:
  struct Line {
    RpcLine what;
    bool made = false;
    std::vector<SeriesHandle> series{};  // of numbers, then of procedures
  };

  static Line make_line(RpcLine what, const Metric& requests) {
    for (std::size_t i = 0; i < what.procedures.size(); ++i) {
      if (!what.procedures[i].empty()) what.numbers.push_back({i + 1, &requests, "method", what.procedures[i]});
    }
    return {std::move(what)};
  }

  bool add(Line& line, std::string_view text, Batch& batch) {
    // The server's threads are followed by a histogram of fractions.
    const auto numbers = parse_numbers(text, line.what.word == "th" ? 2 : kMaxNumbers);
    if (!numbers || numbers->count < line.what.least) return false;
    const bool counted = !line.what.version.empty();
    if (counted && numbers->values[0] + 1 != static_cast<double>(numbers->count)) return false;
    if (!std::exchange(line.made, true)) make_series_of(line);
    for (std::size_t i = 0; i < line.series.size(); ++i) {
      batch.add(line.series[i], numbers->values[line.what.numbers[i].index]);
    }
    return true;
  }

  void make_series_of(Line& line) {
    for (const RpcNumber& number : line.what.numbers) {
      std::vector<Label> labels;
      if (!line.what.version.empty()) labels.push_back({"proto", std::string(line.what.version)});
      if (!number.label.empty()) labels.push_back({std::string(number.label), std::string(number.value)});
      line.series.push_back(sources_.catalog.series(*number.metric, Labels(std::move(labels))));
    }
  }

  HostSources& sources_;
  ProcFile file_;
  std::vector<Line> lines_;
};

}  // namespace

std::unique_ptr<Part> make_nfs_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<RpcPart>(sources, "net/rpc/nfs", kClientMetrics.back(), client_lines());
}

std::unique_ptr<Part> make_nfsd_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<RpcPart>(sources, "net/rpc/nfsd", kServerMetrics.back(), server_lines());
}

std::span<const Metric> nfs_metrics() { return kClientMetrics; }
std::span<const Metric> nfsd_metrics() { return kServerMetrics; }

}  // namespace sidewatch

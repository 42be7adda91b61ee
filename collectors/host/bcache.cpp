// Block caches: a fast disk in front of a slow one (bcache), from /sys/fs/bcache/<uuid> (Linux
// Documentation/admin-guide/bcache.rst).
//
// A set has cache devices (cache0) and the backing devices behind them (bdev0). Sizes are written for people: "1.5k" is
// 1536, in powers of 1024 with one decimal, so they are as exact as that. What a kernel does not have (readahead is gone
// since 5.13) has no series. Two of node_exporter's readings are not repeated here: its tenths are a little off since
// the kernel (4.14) writes them as decimals, and it takes the microseconds of btree_read_average_duration_us for
// nanoseconds.
#include <array>
#include <cmath>

#include "collectors/host/device_tree.h"
#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_bcache_average_key_size_sectors", MetricType::gauge, "", "Average data per key of the tree."},
    Metric{"node_bcache_btree_cache_size_bytes", MetricType::gauge, "bytes", "Memory used for the tree's nodes."},
    Metric{"node_bcache_cache_available_percent", MetricType::gauge, "",
           "Share of the cache device that holds nothing unwritten, in percent."},
    Metric{"node_bcache_congested", MetricType::gauge, "", "How congested the cache device is."},
    Metric{"node_bcache_root_usage_percent", MetricType::gauge, "",
           "Share of the tree's root in use, in percent; when it is too high the tree gets deeper."},
    Metric{"node_bcache_tree_depth", MetricType::gauge, "", "Depth of the tree."},
    Metric{"node_bcache_active_journal_entries", MetricType::gauge, "", "Journal entries newer than the index."},
    Metric{"node_bcache_btree_nodes", MetricType::gauge, "", "Nodes of the tree."},
    Metric{"node_bcache_btree_read_average_duration_seconds", MetricType::gauge, "seconds",
           "How long reading the tree takes on average."},
    Metric{"node_bcache_cache_read_races_total", MetricType::counter, "",
           "Times that a bucket was given to something else while it was being read."},
    Metric{"node_bcache_dirty_data_bytes", MetricType::gauge, "bytes",
           "Data in the cache that the backing device does not have yet."},
    Metric{"node_bcache_dirty_target_bytes", MetricType::gauge, "bytes",
           "How much such data there is to be, as writing back is steered."},
    Metric{"node_bcache_writeback_rate", MetricType::gauge, "", "Bytes per second written back."},
    Metric{"node_bcache_writeback_rate_proportional_term", MetricType::gauge, "",
           "Share of that rate that comes from how far the target is."},
    Metric{"node_bcache_writeback_rate_integral_term", MetricType::gauge, "",
           "Share of that rate that comes from for how long it has been missed."},
    Metric{"node_bcache_writeback_change", MetricType::gauge, "", "The latest change of that rate."},
    Metric{"node_bcache_bypassed_bytes_total", MetricType::counter, "bytes", "Bytes that went past the cache."},
    Metric{"node_bcache_cache_hits_total", MetricType::counter, "", "Requests that the cache answered."},
    Metric{"node_bcache_cache_misses_total", MetricType::counter, "", "Requests that it could not answer."},
    Metric{"node_bcache_cache_bypass_hits_total", MetricType::counter, "",
           "Requests meant to go past the cache that it could have answered."},
    Metric{"node_bcache_cache_bypass_misses_total", MetricType::counter, "",
           "Requests meant to go past the cache that it could not have answered."},
    Metric{"node_bcache_cache_miss_collisions_total", MetricType::counter, "",
           "Times that data to be put into the cache after a miss was there already."},
    Metric{"node_bcache_cache_readaheads_total", MetricType::counter, "", "Times that more than asked for was read."},
    Metric{"node_bcache_io_errors", MetricType::gauge, "", "Errors of the cache device; they are forgotten with time."},
    Metric{"node_bcache_metadata_written_bytes_total", MetricType::counter, "bytes",
           "Bytes written to the cache device that are not data."},
    Metric{"node_bcache_written_bytes_total", MetricType::counter, "bytes", "Bytes of data written to the cache device."},
    Metric{"node_bcache_priority_stats_unused_percent", MetricType::gauge, "",
           "Share of the cache device that is empty, in percent; only with `bcache: {priority_stats: true}`."},
    Metric{"node_bcache_priority_stats_metadata_percent", MetricType::gauge, "",
           "Share of the cache device that is not data, in percent; only with `bcache: {priority_stats: true}`."},
};

// "1.5k", "-3.0M", "42": what bch_hprint of the kernel writes. A rate has "/sec" behind it. Before 4.14 what follows the
// point was the remainder in hundreds, of 1024: "10" is the highest.
std::optional<double> parse_human_number(std::string_view text) {
  constexpr std::string_view kUnits = "kMGTPEZY";
  if (text.ends_with("/sec")) text.remove_suffix(4);
  double times = 1;
  if (!text.empty()) {
    const auto unit = kUnits.find(text.back());
    if (unit != std::string_view::npos) {
      text.remove_suffix(1);
      times = std::pow(1024.0, static_cast<double>(unit + 1));
    }
  }
  constexpr std::string_view kHighestRemainder = ".10";
  const bool old = text.ends_with(kHighestRemainder);
  if (old) text.remove_suffix(kHighestRemainder.size());
  auto value = parse_double(text);
  if (value && old) *value += std::copysign(1000.0 / 1024, text.starts_with('-') ? -1.0 : 1.0);
  return value ? std::optional(std::trunc(*value * times)) : std::nullopt;
}

// "99%".
std::optional<double> parse_percent(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  return parse_double(text);
}

// A number of a file, or of the line of it that begins with `line`.
struct CacheNumber {
  const char* file;
  std::size_t metric;
  NumberForm form = {};
};

NumberForm human(std::string_view line = {}) { return {.line = line, .parse = parse_human_number}; }

const std::array kOfSet{
    CacheNumber{"average_key_size", 0, human()},
    CacheNumber{"btree_cache_size", 1, human()},
    CacheNumber{"cache_available_percent", 2},
    CacheNumber{"congested", 3, human()},
    CacheNumber{"root_usage_percent", 4},
    CacheNumber{"tree_depth", 5},
    CacheNumber{"internal/active_journal_entries", 6},
    CacheNumber{"internal/btree_nodes", 7},
    CacheNumber{"internal/btree_read_average_duration_us", 8, {.per = 1e6}},
    CacheNumber{"internal/cache_read_races", 9},
};

const std::array kOfBackingDevice{
    CacheNumber{"dirty_data", 10, human()},
    CacheNumber{"writeback_rate_debug", 11, human("target:")},
    CacheNumber{"writeback_rate_debug", 12, human("rate:")},
    CacheNumber{"writeback_rate_debug", 13, human("proportional:")},
    CacheNumber{"writeback_rate_debug", 14, human("integral:")},
    CacheNumber{"writeback_rate_debug", 15, human("change:")},
    CacheNumber{"stats_total/bypassed", 16, human()},
    CacheNumber{"stats_total/cache_hits", 17},
    CacheNumber{"stats_total/cache_misses", 18},
    CacheNumber{"stats_total/cache_bypass_hits", 19},
    CacheNumber{"stats_total/cache_bypass_misses", 20},
    CacheNumber{"stats_total/cache_miss_collisions", 21},
    CacheNumber{"stats_total/cache_readaheads", 22},
};

const std::array kOfCacheDevice{
    CacheNumber{"io_errors", 23},
    CacheNumber{"metadata_written", 24, human()},
    CacheNumber{"written", 25, human()},
};

const std::array kPriorities{
    CacheNumber{"priority_stats", 26, {.pace = NumberForm::Pace::seldom, .line = "Unused:", .parse = parse_percent}},
    CacheNumber{"priority_stats", 27, {.pace = NumberForm::Pace::seldom, .line = "Metadata:", .parse = parse_percent}},
};

void add_numbers(DeviceTree& tree, const std::string& directory, std::span<const CacheNumber> numbers,
                 const Labels& labels) {
  for (const CacheNumber& number : numbers) {
    tree.number(directory + number.file, kMetrics[number.metric], labels, number.form);
  }
}

bool is_numbered(std::string_view name, std::string_view kind) {
  return name.starts_with(kind) && parse_u64(name.substr(kind.size()));
}

void describe_set(DeviceTree& tree, const std::string& uuid, bool priorities) {
  if (uuid.find('-') == std::string::npos) return;  // "register" stands beside the sets
  add_numbers(tree, "", kOfSet, Labels{{"uuid", uuid}});
  for (const std::string& name : tree.list("")) {
    if (is_numbered(name, "bdev")) {
      add_numbers(tree, name + "/", kOfBackingDevice, Labels{{"uuid", uuid}, {"backing_device", name}});
    } else if (is_numbered(name, "cache")) {
      const Labels labels{{"uuid", uuid}, {"cache_device", name}};
      add_numbers(tree, name + "/", kOfCacheDevice, labels);
      if (priorities) add_numbers(tree, name + "/", kPriorities, labels);
    }
  }
}

constexpr std::array<const char*, 1> kLookedAt{""};

}  // namespace

std::unique_ptr<Part> make_bcache_part(HostSources& sources, const HostConfig& config) {
  const auto describe = [priorities = config.bcache_priority_stats](DeviceTree& tree, const std::string& uuid) {
    describe_set(tree, uuid, priorities);
  };
  return make_device_part(sources, {"fs/bcache", "", kLookedAt, DeviceClass::Missing::nothing, describe});
}

std::span<const Metric> bcache_metrics() { return kMetrics; }

}  // namespace sidewatch

#include "collectors/database/memcached/stats_fields.h"

#include <array>

namespace sidewatch::database::memcached {
namespace {

// OpenMetrics has the unit in the name.
constexpr std::string_view unit_in(std::string_view name) {
  if (name.ends_with("_total")) name.remove_suffix(6);
  for (const std::string_view unit : {"bytes", "seconds"}) {
    if (name.ends_with(unit)) return unit;
  }
  return {};
}

constexpr StatField gauge(std::string_view field, std::string_view name, std::string_view help) {
  return {field, {name, MetricType::gauge, unit_in(name), help}};
}

constexpr StatField counter(std::string_view field, std::string_view name, std::string_view help) {
  return {field, {name, MetricType::counter, unit_in(name), help}};
}

constexpr Metric kCommands{"memcached_commands_total", MetricType::counter, "",
                           "Commands by status: hit, miss, and badval of a cas that came too late."};
constexpr Metric kSlabCommands{"memcached_slab_commands_total", MetricType::counter, "",
                               "Commands on items of the class, by status: hit, and badval of a cas that came too "
                               "late."};
constexpr Metric kLruHits{"memcached_slab_lru_hits_total", MetricType::counter, "",
                          "Gets of items of the class, by the LRU that they were in: hot, warm, cold, temporary."};

// Of `stats`; those of extstore and of the proxy are there when they are in use.
constexpr std::array kGeneral{
    counter("uptime", "memcached_uptime_seconds", "Seconds since the server was started."),
    gauge("time", "memcached_time_seconds", "The server's clock, in seconds since 1970."),
    counter("rusage_user", "memcached_process_user_cpu_seconds_total", "CPU time of the server in its program."),
    counter("rusage_system", "memcached_process_system_cpu_seconds_total", "CPU time of the server in the kernel."),
    gauge("curr_connections", "memcached_current_connections", "Connections that are open."),
    counter("total_connections", "memcached_connections_total", "Connections that the server took."),
    counter("rejected_connections", "memcached_connections_rejected_total",
            "Connections that were refused because the limit (-c) was reached."),
    counter("conn_yields", "memcached_connections_yielded_total",
            "Times that a connection had to let others go first (-R)."),
    counter("listen_disabled_num", "memcached_connections_listener_disabled_total",
            "Times that the server stopped taking connections because the limit (-c) was reached."),
    gauge("accepting_conns", "memcached_accepting_connections", "Whether the server takes new connections."),
    counter("bytes_read", "memcached_read_bytes_total", "Bytes that the server received."),
    counter("bytes_written", "memcached_written_bytes_total", "Bytes that the server sent."),
    gauge("bytes", "memcached_current_bytes", "Bytes of all items."),
    gauge("limit_maxbytes", "memcached_limit_bytes", "Memory for items (-m)."),
    gauge("total_malloced", "memcached_malloced_bytes", "Memory of all slab pages."),
    gauge("curr_items", "memcached_current_items", "Items that are stored."),
    counter("total_items", "memcached_items_total", "Items that were stored since the start."),
    counter("evictions", "memcached_items_evicted_total",
            "Items that were thrown out, before they expired, to make room."),
    counter("reclaimed", "memcached_items_reclaimed_total", "Items that took the place of an expired one."),
    counter("store_too_large", "memcached_item_too_large_total", "Items that were refused because they are too large."),
    counter("store_no_memory", "memcached_item_no_memory_total",
            "Items that were refused because there was no memory."),
    counter("direct_reclaims", "memcached_direct_reclaims_total",
            "Times that a client's thread had to make room itself."),
    counter("lru_crawler_starts", "memcached_lru_crawler_starts_total", "Times that the LRU crawler was started."),
    counter("crawler_items_checked", "memcached_lru_crawler_items_checked_total",
            "Items that the LRU crawler looked at."),
    counter("crawler_reclaimed", "memcached_lru_crawler_reclaimed_total", "Items that the LRU crawler freed."),
    counter("moves_to_cold", "memcached_lru_crawler_moves_to_cold_total",
            "Items that moved from the hot or warm to the cold LRU."),
    counter("moves_to_warm", "memcached_lru_crawler_moves_to_warm_total",
            "Items that moved from the cold to the warm LRU."),
    counter("moves_within_lru", "memcached_lru_crawler_moves_within_lru_total",
            "Items that moved within the hot or warm LRU."),
    StatField{"get_hits", kCommands, "get", "hit"},
    StatField{"get_misses", kCommands, "get", "miss"},
    StatField{"delete_hits", kCommands, "delete", "hit"},
    StatField{"delete_misses", kCommands, "delete", "miss"},
    StatField{"incr_hits", kCommands, "incr", "hit"},
    StatField{"incr_misses", kCommands, "incr", "miss"},
    StatField{"decr_hits", kCommands, "decr", "hit"},
    StatField{"decr_misses", kCommands, "decr", "miss"},
    StatField{"cas_hits", kCommands, "cas", "hit"},
    StatField{"cas_misses", kCommands, "cas", "miss"},
    StatField{"touch_hits", kCommands, "touch", "hit"},
    StatField{"touch_misses", kCommands, "touch", "miss"},
    StatField{"cas_badval", kCommands, "cas", "badval"},
    StatField{"cmd_flush", kCommands, "flush", "hit"},
    counter("extstore_compact_lost", "memcached_extstore_compact_lost_total",
            "Extstore: items that compaction lost because they were locked."),
    counter("extstore_compact_rescues", "memcached_extstore_compact_rescued_total",
            "Extstore: items that compaction moved to another page."),
    counter("extstore_compact_skipped", "memcached_extstore_compact_skipped_total",
            "Extstore: items that compaction dropped because nobody asked for them."),
    counter("extstore_page_allocs", "memcached_extstore_pages_allocated_total", "Extstore: pages that were allocated."),
    counter("extstore_page_evictions", "memcached_extstore_pages_evicted_total",
            "Extstore: pages that were thrown out."),
    counter("extstore_page_reclaims", "memcached_extstore_pages_reclaimed_total",
            "Extstore: empty pages that were freed."),
    gauge("extstore_pages_free", "memcached_extstore_pages_free", "Extstore: pages without items."),
    gauge("extstore_pages_used", "memcached_extstore_pages_used", "Extstore: pages with items."),
    counter("extstore_objects_evicted", "memcached_extstore_objects_evicted_total",
            "Extstore: items that were thrown out to make room."),
    counter("extstore_objects_read", "memcached_extstore_objects_read_total", "Extstore: items that were read."),
    counter("extstore_objects_written", "memcached_extstore_objects_written_total",
            "Extstore: items that were written."),
    gauge("extstore_objects_used", "memcached_extstore_objects_used", "Extstore: items that are stored."),
    counter("extstore_bytes_evicted", "memcached_extstore_bytes_evicted_total",
            "Extstore: bytes that were thrown out to make room."),
    counter("extstore_bytes_written", "memcached_extstore_bytes_written_total", "Extstore: bytes that were written."),
    counter("extstore_bytes_read", "memcached_extstore_bytes_read_total", "Extstore: bytes that were read."),
    counter("extstore_bytes_used", "memcached_extstore_bytes_used", "Extstore: bytes of items that are stored."),
    gauge("extstore_bytes_fragmented", "memcached_extstore_bytes_fragmented",
          "Extstore: bytes of pages that hold no item."),
    gauge("extstore_limit_maxbytes", "memcached_extstore_bytes_limit", "Extstore: bytes that may be used."),
    gauge("extstore_io_queue", "memcached_extstore_io_queue_depth", "Extstore: reads and writes that wait."),
    counter("proxy_conn_requests", "memcached_proxy_conn_requests_total",
            "Proxy: connections to backends that were opened."),
    counter("proxy_conn_errors", "memcached_proxy_conn_errors_total", "Proxy: connections to backends that failed."),
    counter("proxy_conn_oom", "memcached_proxy_conn_oom_total",
            "Proxy: connections to backends for which there was no memory."),
    gauge("proxy_req_active", "memcached_proxy_req_active", "Proxy: requests that backends are answering."),
    counter("proxy_config_reloads", "memcached_proxy_config_reloads_total",
            "Proxy: times that the configuration was loaded anew."),
    counter("proxy_config_reload_fails", "memcached_proxy_config_reload_fails_total",
            "Proxy: times that the configuration could not be loaded."),
    counter("proxy_config_cron_runs", "memcached_proxy_config_cron_runs_total", "Proxy: times that a cron hook ran."),
    counter("proxy_config_cron_fails", "memcached_proxy_config_cron_fails_total",
            "Proxy: times that a cron hook failed."),
    gauge("proxy_backend_total", "memcached_proxy_backend_total", "Proxy: backends that are configured."),
    counter("proxy_backend_marked_bad", "memcached_proxy_backend_marked_bad_total",
            "Proxy: times that a backend was found bad."),
    gauge("proxy_backend_failed", "memcached_proxy_backend_failed", "Proxy: backends that are bad now."),
    counter("proxy_request_failed_depth", "memcached_proxy_request_failed_depth_total",
            "Proxy: requests that were dropped because too many waited for the backend."),
    counter("round_robin_fallback", "memcached_round_robin_fallback_total",
            "Times that a connection's thread was chosen in turn and not by its queue (NAPI)."),
    counter("unexpected_napi_ids", "memcached_unexpected_napi_ids_total",
            "Connections from a queue of the network card that is not expected."),
};

// Of `stats settings`.
constexpr std::array kSettings{
    gauge("maxconns", "memcached_max_connections", "Most connections that the server takes (-c)."),
    gauge("lru_crawler", "memcached_lru_crawler_enabled", "Whether the LRU crawler is on."),
    gauge("lru_crawler_sleep", "memcached_lru_crawler_sleep", "Microseconds that the LRU crawler rests between items."),
    gauge("lru_crawler_tocrawl", "memcached_lru_crawler_to_crawl",
          "Most items that the LRU crawler looks at in a slab class; 0 is all."),
    gauge("lru_maintainer_thread", "memcached_lru_crawler_maintainer_thread",
          "Whether a thread keeps the LRUs in order."),
    gauge("hot_lru_pct", "memcached_lru_crawler_hot_percent", "Share of a slab class for the hot LRU, in percent."),
    gauge("warm_lru_pct", "memcached_lru_crawler_warm_percent", "Share of a slab class for the warm LRU, in percent."),
    gauge("hot_max_factor", "memcached_lru_crawler_hot_max_factor",
          "Age of the cold LRU times this is the most for the hot LRU."),
    gauge("warm_max_factor", "memcached_lru_crawler_warm_max_factor",
          "Age of the cold LRU times this is the most for the warm LRU."),
};

// Of `stats slabs` and `stats items`.
constexpr std::array kSlabs{
    gauge("number", "memcached_slab_current_items", "Items in the class."),
    gauge("age", "memcached_slab_items_age_seconds", "Seconds for which the oldest item of the class has been there."),
    counter("crawler_reclaimed", "memcached_slab_items_crawler_reclaimed_total",
            "Items of the class that the LRU crawler freed."),
    counter("evicted", "memcached_slab_items_evicted_total", "Items of the class that were thrown out to make room."),
    counter("evicted_nonzero", "memcached_slab_items_evicted_nonzero_total",
            "Items of the class with an expiry that were thrown out before it."),
    counter("evicted_time", "memcached_slab_items_evicted_time_seconds",
            "Seconds for which the item that was thrown out last had not been asked for."),
    counter("evicted_unfetched", "memcached_slab_items_evicted_unfetched_total",
            "Items of the class that were thrown out and had never been asked for."),
    counter("expired_unfetched", "memcached_slab_items_expired_unfetched_total",
            "Items of the class that expired and had never been asked for."),
    counter("outofmemory", "memcached_slab_items_outofmemory_total",
            "Items of the class for which there was no memory."),
    counter("reclaimed", "memcached_slab_items_reclaimed_total",
            "Items of the class that took the place of an expired one."),
    counter("tailrepairs", "memcached_slab_items_tailrepairs_total", "Items of the class that had to be repaired."),
    counter("moves_to_cold", "memcached_slab_items_moves_to_cold",
            "Items of the class that moved from the hot or warm to the cold LRU."),
    counter("moves_to_warm", "memcached_slab_items_moves_to_warm",
            "Items of the class that moved from the cold to the warm LRU."),
    counter("moves_within_lru", "memcached_slab_items_moves_within_lru",
            "Items of the class that moved within the hot or warm LRU."),
    gauge("number_hot", "memcached_slab_hot_items", "Items of the class in the hot LRU."),
    gauge("number_warm", "memcached_slab_warm_items", "Items of the class in the warm LRU."),
    gauge("number_cold", "memcached_slab_cold_items", "Items of the class in the cold LRU."),
    gauge("number_temp", "memcached_slab_temporary_items", "Items of the class in the temporary LRU."),
    gauge("age_hot", "memcached_slab_hot_age_seconds", "Age of the oldest item in the hot LRU of the class."),
    gauge("age_warm", "memcached_slab_warm_age_seconds", "Age of the oldest item in the warm LRU of the class."),
    gauge("chunk_size", "memcached_slab_chunk_size_bytes", "Bytes of each chunk of the class."),
    gauge("chunks_per_page", "memcached_slab_chunks_per_page", "Chunks in a page of the class."),
    gauge("total_pages", "memcached_slab_current_pages", "Pages of the class."),
    gauge("total_chunks", "memcached_slab_current_chunks", "Chunks of the class."),
    gauge("used_chunks", "memcached_slab_chunks_used", "Chunks of the class that hold an item."),
    gauge("free_chunks", "memcached_slab_chunks_free", "Chunks of the class that hold none."),
    gauge("free_chunks_end", "memcached_slab_chunks_free_end",
          "Chunks of the class that were never used, at the end of its last page."),
    gauge("mem_requested", "memcached_slab_mem_requested_bytes", "Bytes that the items of the class need."),
    StatField{"hits_to_hot", kLruHits, {}, {}, "hot"},
    StatField{"hits_to_warm", kLruHits, {}, {}, "warm"},
    StatField{"hits_to_cold", kLruHits, {}, {}, "cold"},
    StatField{"hits_to_temp", kLruHits, {}, {}, "temporary"},
    StatField{"get_hits", kSlabCommands, "get", "hit"},
    StatField{"delete_hits", kSlabCommands, "delete", "hit"},
    StatField{"incr_hits", kSlabCommands, "incr", "hit"},
    StatField{"decr_hits", kSlabCommands, "decr", "hit"},
    StatField{"cas_hits", kSlabCommands, "cas", "hit"},
    StatField{"touch_hits", kSlabCommands, "touch", "hit"},
    StatField{"cas_badval", kSlabCommands, "cas", "badval"},
};

}  // namespace

std::span<const StatField> general_fields() { return kGeneral; }
std::span<const StatField> settings_fields() { return kSettings; }
std::span<const StatField> slab_fields() { return kSlabs; }
const Metric& commands_metric() { return kCommands; }
const Metric& slab_commands_metric() { return kSlabCommands; }

}  // namespace sidewatch::database::memcached

// What XFS did in each of its filesystems, from /sys/fs/xfs/<device>/stats/stats.
//
// A line is a word and its counters: "extent_alloc 1 0 0 0". Older kernels have fewer counters in a line; what is not
// there is not exported. Documented in the kernel's fs/xfs/xfs_stats.h.
#include <array>
#include <functional>

#include "collectors/host/parts.h"

namespace sidewatch {
namespace {

constexpr MetricType kCounter = MetricType::counter;

struct XfsCounter {
  std::string_view line;
  std::size_t index;
  Metric metric;
};

constexpr std::array kCounters{
    XfsCounter{"extent_alloc", 0,
               {"node_xfs_extent_allocation_extents_allocated_total", kCounter, "", "Extents allocated."}},
    XfsCounter{"extent_alloc", 1,
               {"node_xfs_extent_allocation_blocks_allocated_total", kCounter, "", "Blocks allocated."}},
    XfsCounter{"extent_alloc", 2, {"node_xfs_extent_allocation_extents_freed_total", kCounter, "", "Extents freed."}},
    XfsCounter{"extent_alloc", 3, {"node_xfs_extent_allocation_blocks_freed_total", kCounter, "", "Blocks freed."}},
    XfsCounter{"abt", 0, {"node_xfs_allocation_btree_lookups_total", kCounter, "", "Lookups in the allocation tree."}},
    XfsCounter{"abt", 1,
               {"node_xfs_allocation_btree_compares_total", kCounter, "", "Compares in the allocation tree."}},
    XfsCounter{"abt", 2,
               {"node_xfs_allocation_btree_records_inserted_total", kCounter, "",
                "Records put into the allocation tree."}},
    XfsCounter{"abt", 3,
               {"node_xfs_allocation_btree_records_deleted_total", kCounter, "",
                "Records taken from the allocation tree."}},
    XfsCounter{"blk_map", 0, {"node_xfs_block_mapping_reads_total", kCounter, "", "Block mappings for reading."}},
    XfsCounter{"blk_map", 1, {"node_xfs_block_mapping_writes_total", kCounter, "", "Block mappings for writing."}},
    XfsCounter{"blk_map", 2, {"node_xfs_block_mapping_unmaps_total", kCounter, "", "Blocks unmapped."}},
    XfsCounter{"blk_map", 3,
               {"node_xfs_block_mapping_extent_list_insertions_total", kCounter, "", "Extents put into lists."}},
    XfsCounter{"blk_map", 4,
               {"node_xfs_block_mapping_extent_list_deletions_total", kCounter, "", "Extents taken from lists."}},
    XfsCounter{"blk_map", 5,
               {"node_xfs_block_mapping_extent_list_lookups_total", kCounter, "", "Lookups in extent lists."}},
    XfsCounter{"blk_map", 6,
               {"node_xfs_block_mapping_extent_list_compares_total", kCounter, "", "Compares in extent lists."}},
    XfsCounter{"bmbt", 0, {"node_xfs_block_map_btree_lookups_total", kCounter, "", "Lookups in the block map tree."}},
    XfsCounter{"bmbt", 1, {"node_xfs_block_map_btree_compares_total", kCounter, "", "Compares in the block map tree."}},
    XfsCounter{"bmbt", 2,
               {"node_xfs_block_map_btree_records_inserted_total", kCounter, "",
                "Records put into the block map tree."}},
    XfsCounter{"bmbt", 3,
               {"node_xfs_block_map_btree_records_deleted_total", kCounter, "",
                "Records taken from the block map tree."}},
    XfsCounter{"dir", 0,
               {"node_xfs_directory_operation_lookup_total", kCounter, "",
                "Names looked up that the cache did not have."}},
    XfsCounter{"dir", 1, {"node_xfs_directory_operation_create_total", kCounter, "", "Directory entries made."}},
    XfsCounter{"dir", 2, {"node_xfs_directory_operation_remove_total", kCounter, "", "Directory entries removed."}},
    XfsCounter{"dir", 3, {"node_xfs_directory_operation_getdents_total", kCounter, "", "Reads of directories."}},
    XfsCounter{"ig", 0, {"node_xfs_inode_operation_attempts_total", kCounter, "", "Inodes looked for in the cache."}},
    XfsCounter{"ig", 1, {"node_xfs_inode_operation_found_total", kCounter, "", "Inodes found in the cache."}},
    XfsCounter{"ig", 2,
               {"node_xfs_inode_operation_recycled_total", kCounter, "",
                "Inodes found while they were being recycled."}},
    XfsCounter{"ig", 3, {"node_xfs_inode_operation_missed_total", kCounter, "", "Inodes not found in the cache."}},
    XfsCounter{"ig", 4,
               {"node_xfs_inode_operation_duplicates_total", kCounter, "",
                "Inodes that another process had put into the cache meanwhile."}},
    XfsCounter{"ig", 5,
               {"node_xfs_inode_operation_reclaims_total", kCounter, "",
                "Inodes dropped from the cache for want of memory."}},
    XfsCounter{"ig", 6,
               {"node_xfs_inode_operation_attribute_changes_total", kCounter, "", "Changes to attributes of inodes."}},
    XfsCounter{"rw", 0, {"node_xfs_write_calls_total", kCounter, "", "Calls of write(2)."}},
    XfsCounter{"rw", 1, {"node_xfs_read_calls_total", kCounter, "", "Calls of read(2)."}},
    XfsCounter{"vnodes", 0, {"node_xfs_vnode_active_total", kCounter, "", "Vnodes in use."}},
    XfsCounter{"vnodes", 1, {"node_xfs_vnode_allocate_total", kCounter, "", "Vnodes allocated."}},
    XfsCounter{"vnodes", 2, {"node_xfs_vnode_get_total", kCounter, "", "Vnodes got."}},
    XfsCounter{"vnodes", 3, {"node_xfs_vnode_hold_total", kCounter, "", "Vnodes held."}},
    XfsCounter{"vnodes", 4, {"node_xfs_vnode_release_total", kCounter, "", "Vnodes released."}},
    XfsCounter{"vnodes", 5, {"node_xfs_vnode_reclaim_total", kCounter, "", "Vnodes reclaimed."}},
    XfsCounter{"vnodes", 6, {"node_xfs_vnode_remove_total", kCounter, "", "Vnodes removed."}},
};

struct XfsFilesystem {
  ProcFile file;
  std::array<SeriesHandle, kCounters.size()> series;
};

class XfsPart final : public Part {
 public:
  explicit XfsPart(HostSources& sources) : sources_(sources) {}

  void sample(Batch& batch, PartReport& report) override {
    const auto visit = [&](std::string_view name) {
      if (name == "stats" || name == "debug") return;  // of all filesystems together
      XfsFilesystem* filesystem = filesystems_.take(name, [&] { return make_filesystem(name); });
      if (filesystem != nullptr) add(*filesystem, batch, report);
    };
    // The callback holds one reference, so that std::function need not allocate.
    const int error = sources_.sys.list("fs/xfs", listing_, std::ref(visit));
    filesystems_.forget_untaken();
    if (error != 0 && file_status(error) != FileStatus::gone) report.fail(sources_.sys.error("fs/xfs", error));
  }

 private:
  XfsFilesystem make_filesystem(std::string_view name) {
    XfsFilesystem filesystem{ProcFile(sources_.sys, "fs/xfs/" + std::string(name) + "/stats/stats"), {}};
    for (std::size_t i = 0; i < kCounters.size(); ++i) {
      filesystem.series[i] = sources_.catalog.series(kCounters[i].metric, Labels{{"device", name}});
    }
    return filesystem;
  }

  void add(XfsFilesystem& filesystem, Batch& batch, PartReport& report) {
    const FileText file = filesystem.file.read(sources_.buffer);
    if (file.status() == FileStatus::gone) return;
    if (!file) return report.partial(filesystem.file.error(file));
    std::string_view rest = file.text;
    std::string_view line;
    while (next_line(rest, line)) {
      const auto word = next_field(line);
      for (std::size_t i = 0; i < kCounters.size(); ++i) {
        if (kCounters[i].line != word) continue;
        std::string_view fields = line;
        std::string_view field;
        for (std::size_t skipped = 0; skipped <= kCounters[i].index; ++skipped) field = next_field(fields);
        if (const auto value = parse_u64(field)) batch.add(filesystem.series[i], static_cast<double>(*value));
      }
    }
  }

  HostSources& sources_;
  ReadBuffer listing_;  // apart from the shared one, into which files are read meanwhile
  KeyedSlots<XfsFilesystem> filesystems_;
};

}  // namespace

std::unique_ptr<Part> make_xfs_part(HostSources& sources, const HostConfig&) {
  return std::make_unique<XfsPart>(sources);
}

std::span<const Metric> xfs_metrics() {
  static const std::vector<Metric> kAll = [] {
    std::vector<Metric> all;
    for (const XfsCounter& counter : kCounters) all.push_back(counter.metric);
    return all;
  }();
  return kAll;
}

}  // namespace sidewatch

// Memory as cgroup v1 tells it (Documentation/admin-guide/cgroup-v1/memory.rst). The sums over the cgroup and all below
// it are taken ("total_..."), because the limit is over them. A limit of a cgroup above is compared with the usage
// there. hierarchical_memory_limit knows also of cgroups above that this view does not show; their usage cannot be
// known, and such a limit is compared with the cgroup's own.
#include "collectors/container/memory.h"

namespace sidewatch::container {
namespace {

constexpr std::array<std::string_view, 12> kStatKeys{
    "total_rss",           "total_cache",    "total_mapped_file",         "total_active_file",
    "total_inactive_file", "pgfault",        "pgmajfault",                "total_pgfault",
    "total_pgmajfault",    "total_swap",     "hierarchical_memory_limit", "hierarchical_memsw_limit"};
enum StatKey : std::size_t { rss, cache, mapped_file, active_file, inactive_file, page_fault, major_fault,
                             total_page_fault, total_major_fault, swap, hierarchical_limit, hierarchical_swap_limit };
constexpr std::array<std::string_view, 1> kOomKillKey{"oom_kill"};
constexpr WorkingSetFiles kWorkingSet{"memory.usage_in_bytes", "total_inactive_file"};

}  // namespace

MemoryV1::MemoryV1(const Levels& levels)
    : levels_(levels),
      usage_(levels, "memory.usage_in_bytes"),
      max_usage_(levels, "memory.max_usage_in_bytes"),
      failcnt_(levels, "memory.failcnt"),
      kernel_(levels, "memory.kmem.usage_in_bytes"),
      stat_(levels.own_file("memory.stat")),
      oom_(levels.own_file("memory.oom_control")),
      limit_(levels, "memory.limit_in_bytes"),
      swap_limit_(levels, "memory.memsw.limit_in_bytes"),
      reservation_(levels.own_file("memory.soft_limit_in_bytes")) {}

void MemoryV1::read(PassContext& pass, MemoryReading& out) {
  const auto usage = usage_.read(pass);
  out.values[memory_usage] = number(usage);
  out.values[memory_max_usage] = number(max_usage_.read(pass));
  out.values[memory_failcnt] = number(failcnt_.read(pass));
  out.values[memory_kernel] = number(kernel_.read(pass));
  out.limit = limit_.read(pass);
  const Limit swap_limit = swap_limit_.read(pass);

  const auto stat = read_keyed(pass, stat_, kStatKeys);
  out.values[memory_working_set] = working_set(usage, stat[inactive_file]);
  out.values[memory_rss] = number(stat[rss]);
  out.values[memory_cache] = number(stat[cache]);
  out.values[memory_mapped_file] = number(stat[mapped_file]);
  out.values[memory_swap] = number(stat[swap]);
  out.values[memory_active_file] = number(stat[active_file]);
  out.values[memory_inactive_file] = number(stat[inactive_file]);
  out.faults[own_faults] = number(stat[page_fault]);
  out.faults[own_major_faults] = number(stat[major_fault]);
  out.faults[all_faults] = number(stat[total_page_fault]);
  out.faults[all_major_faults] = number(stat[total_major_fault]);
  const Limit seen = out.limit;
  out.limit = tighter(seen, v1_limit(stat[hierarchical_limit]));
  if (stat[hierarchical_swap_limit]) {
    out.swap_limit = tighter(swap_limit, v1_limit(stat[hierarchical_swap_limit]));
    out.values[memory_swap_limit] = number_of(out.swap_limit);
  }
  out.own_level = levels_.all().size() - 1;
  out.level_of_limit = out.limit == seen ? limit_.level() : out.own_level;
  const bool above = out.level_of_limit < out.own_level;
  out.working_set_at_limit = above ? read_working_set(levels_.all()[out.level_of_limit], kWorkingSet, pass.buffer)
                                   : out.values[memory_working_set];

  out.events[event_oom_kill] = out.values[oom_events] = number(read_keyed(pass, oom_, kOomKillKey)[0]);

  const FileText reservation = reservation_.read(pass.buffer);
  report(pass, reservation_, reservation);
  if (reservation) out.values[memory_reservation] = number_of(parse_limit(reservation.text));
}

}  // namespace sidewatch::container

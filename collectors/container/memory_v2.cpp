// Memory as cgroup v2 tells it (Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files"). Every number is of
// the cgroup with all below it. The limit in force may stand at a cgroup above: usage is then compared with it there,
// because that cgroup's other children fill it too.
#include "collectors/container/memory.h"

namespace sidewatch::container {
namespace {

constexpr std::array<std::string_view, 8> kStatKeys{"anon",          "file",    "file_mapped", "active_file",
                                                    "inactive_file", "pgfault", "pgmajfault",  "kernel"};
enum StatKey : std::size_t { anon, file, file_mapped, active_file, inactive_file, page_fault, major_fault, kernel };
constexpr std::array<std::string_view, memory_event_count> kEventKeys{"low", "high",     "max",
                                                                      "oom", "oom_kill", "oom_group_kill"};
constexpr WorkingSetFiles kWorkingSet{"memory.current", "inactive_file"};

}  // namespace

MemoryV2::MemoryV2(const Levels& levels)
    : levels_(levels),
      current_(levels, "memory.current"),
      peak_(levels, "memory.peak"),
      swap_(levels, "memory.swap.current"),
      low_(levels.own_file("memory.low")),
      stat_(levels.own_file("memory.stat")),
      events_(levels.own_file("memory.events")),
      max_(levels, "memory.max"),
      high_(levels, "memory.high"),
      swap_max_(levels, "memory.swap.max") {}

void MemoryV2::read(PassContext& pass, MemoryReading& out) {
  const auto usage = current_.read(pass);
  out.values[memory_usage] = number(usage);
  out.values[memory_max_usage] = number(peak_.read(pass));
  out.values[memory_swap] = number(swap_.read(pass));

  const auto stat = read_keyed(pass, stat_, kStatKeys);
  out.values[memory_working_set] = working_set(usage, stat[inactive_file]);
  out.values[memory_rss] = number(stat[anon]);
  out.values[memory_cache] = number(stat[file]);
  out.values[memory_mapped_file] = number(stat[file_mapped]);
  out.values[memory_kernel] = number(stat[kernel]);
  out.values[memory_active_file] = number(stat[active_file]);
  out.values[memory_inactive_file] = number(stat[inactive_file]);
  out.faults[own_faults] = out.faults[all_faults] = number(stat[page_fault]);
  out.faults[own_major_faults] = out.faults[all_major_faults] = number(stat[major_fault]);

  const auto events = read_keyed(pass, events_, kEventKeys);
  for (std::size_t i = 0; i < memory_event_count; ++i) out.events[i] = number(events[i]);
  out.values[memory_failcnt] = out.events[event_max];
  out.values[oom_events] = out.events[event_oom_kill];

  out.values[memory_high] = number_of(high_.read(pass));
  out.swap_limit = swap_max_.read(pass);
  out.values[memory_swap_limit] = number_of(out.swap_limit);
  read_reservation(pass, out);
  out.limit = max_.read(pass);
  out.own_level = levels_.all().size() - 1;
  out.level_of_limit = max_.level();
  const bool above = out.level_of_limit < out.own_level;
  out.working_set_at_limit = above ? read_working_set(levels_.all()[out.level_of_limit], kWorkingSet, pass.buffer)
                                   : out.values[memory_working_set];
}

// "max" leaves all of its memory to the cgroup: a reservation, but none that a number could tell.
void MemoryV2::read_reservation(PassContext& pass, MemoryReading& out) {
  const FileText text = low_.read(pass.buffer);
  report(pass, low_, text);
  if (!text) return;
  const Limit low = parse_limit(text.text);
  if (low.state == LimitState::limited) out.values[memory_reservation] = low.value;
  if (low.state == LimitState::unknown) report(pass, levels_.own(), low_, "no number");
}

}  // namespace sidewatch::container

// What the `process` key of the configuration says: entries that select processes, and the group each belongs to.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/regex.h"
#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/table.h"
#include "config/section.h"

namespace sidewatch {

enum class ProcessWord { any, self };

// How a process is recognised. Everything that is given must hold, of a list one of its texts, but of cmdline every one;
// at least one key is required.
struct ProcessMatch {
  std::string pid_file;                         // its PID stands in this file
  std::vector<std::string> comm;                // its name, exactly; the kernel keeps 15 bytes, so only those count
  std::vector<std::string> exe;                 // its program: with a slash the whole path, without only the file name
  std::vector<Regex> cmdline;                   // each found somewhere in its arguments joined by single spaces
  std::int64_t port = 0;                        // it holds a TCP socket that listens on this port; 0 is any process
  std::vector<std::string> user;                // its effective user, by name or number
  std::string cgroup;                           // it is in this cgroup, or in one below it
  std::string unit;                             // it is in this systemd unit (a service, scope or slice)
  std::string container;                        // it is in the container whose id begins so
  ProcessWord pid = ProcessWord::any;           // self: it is the agent
  ProcessWord parent = ProcessWord::any;        // self: it was started by the agent
};

// What is sampled only when somebody asks, because it costs more or makes many series.
struct ProcessDetails {
  bool threads = false;          // thread_*, by the names of the threads
  bool wchan = false;            // threads_wchan: in which function of the kernel the threads wait
  bool process_metrics = false;  // process_*, as client libraries name them, of the oldest process
  std::optional<Duration> proportional_memory_every = {};  // absent: not at all
  std::size_t max_thread_names = 64;
};

struct ProcessGroupConfig {
  config::Located<std::string> name;  // the value of the `groupname` label, or a template of it
  ProcessMatch match;
  bool children = true;  // descendants of a member are members too, unless another group claims them
  ProcessDetails details;
  std::size_t max_groups = 100;                        // that a template makes
  Duration forget_after = std::chrono::minutes(10);    // a template's group without processes
  std::optional<Duration> interval;                    // agent.interval when absent
  std::string procfs = "/proc";

  // Whoever it selects is sampled by another collector: here it only keeps them from the entries behind it.
  bool sampled_elsewhere = false;
};

void declare(config::Section& section, ProcessMatch& match);
void declare(config::Section& section, ProcessGroupConfig& group);

// "exe checkout, port 8080": the conditions in words; also what tells two matches apart.
std::string conditions(const ProcessMatch& match);

// Declares `process` and plans a collector for the entries of each interval and procfs.
void configure_process(config::Section& collectors, std::vector<CollectorPlan>& plans);
std::vector<MetricGroup> process_metric_groups();

}  // namespace sidewatch

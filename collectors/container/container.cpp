// The container collector: one for all targets, so that processes are looked for once.
//
// A target that cannot be found or read costs its own series and nothing else; the collector fails never, as there is
// nothing that all targets share but the agent's own files.
#include "collectors/container/container.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "collectors/container/process_finder.h"
#include "collectors/container/target.h"

namespace sidewatch::container {
namespace {

std::vector<ProcessMatch> matches_of(const ContainerConfig& config) {
  std::vector<ProcessMatch> matches;
  for (const auto& target : config.targets) {
    if (target.process) matches.push_back(*target.process);
  }
  return matches;
}

// PIDs in a cgroup's list are those of the agent's namespace; they say something only where procfs is of the same.
bool is_own_namespace(const ProcDir& procfs, pid_t own_pid) {
  std::string target;
  return procfs.read_link("self", target) == 0 && target == std::to_string(own_pid);
}

// A target takes 20 to 40 open files. With many of them, only their directories stay open.
constexpr std::size_t kept_targets = 4;
ProcFile::Keep keep_files_of(const ContainerConfig& config) {
  return config.targets.size() <= kept_targets ? ProcFile::Keep::open : ProcFile::Keep::closed;
}

class ContainerCollector final : public Collector {
 public:
  ContainerCollector(const ContainerConfig& config, ContainerOptions options, Catalog& catalog)
      : own_pid_(options.own_pid == 0 ? getpid() : options.own_pid),
        around_(config.roots, options.own_pid, keep_files_of(config)),
        processes_{around_.procfs, is_own_namespace(around_.procfs, own_pid_), find_open_files_by(around_.procfs)},
        finder_(matches_of(config), around_.procfs, own_pid_) {
    std::size_t match = 0;
    for (const auto& target : config.targets) {
      targets_.push_back(std::make_unique<Target>(target, match, around_, processes_, catalog));
      if (target.process) ++match;
    }
  }

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    PassOutcome outcome;
    PassContext pass{batch, buffer_, outcome, now};
    for (const auto& target : targets_) target->sample(pass, finder_);
    return outcome;
  }

 private:
  const pid_t own_pid_;
  const Surroundings around_;
  const Processes processes_;
  ProcessFinder finder_;
  std::vector<std::unique_ptr<Target>> targets_;
  ReadBuffer buffer_;
};

}  // namespace

std::unique_ptr<Collector> make_container_collector(const ContainerConfig& config, ContainerOptions options,
                                                    Catalog& catalog) {
  return std::make_unique<ContainerCollector>(config, options, catalog);
}

}  // namespace sidewatch::container

// The container collector over a small tree of files, with its own catalog and store.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/container/container.h"
#include "metrics/store.h"

namespace sidewatch::container {

std::filesystem::path container_cases();  // tests/cases/container

// The configuration of a case: its targets, with proc, sys and cgroup under `tree` as roots. Where there is no cgroup
// folder, cgroups are looked for where proc says that they are mounted.
ContainerConfig config_of(const std::filesystem::path& tree);

class ContainerUnderTest {
 public:
  static constexpr pid_t own_pid = 77;  // whom every case takes for the agent

  explicit ContainerUnderTest(const ContainerConfig& config, ContainerOptions options = {own_pid});

  PassOutcome pass(Duration after = std::chrono::seconds(1));  // one more, taken into the store; it must succeed
  std::string page() const;                                    // as /metrics would show it
  std::map<std::string, double> values() const;                // what is not stale, by `name{label="value",...}`
  std::optional<double> value(const std::string& series) const;
  std::size_t samples() const { return batch_.size(); }  // of the last pass

 private:
  Catalog catalog_{{}, {}};
  Store store_{catalog_, {}};
  SourceId source_ = store_.add_source("container");
  std::unique_ptr<Collector> collector_;
  Batch batch_;
  Time now_ = time_at_ms(1'700'001'000'000);
};

// A directory under the system's one for temporary files, removed with all that is in it.
class FileTree {
 public:
  FileTree();
  explicit FileTree(const std::filesystem::path& copied_from);
  ~FileTree();
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const;
  void remove(const std::string& name) const { std::filesystem::remove_all(path_ / name); }
  void move(const std::string& from, const std::string& to) const { std::filesystem::rename(path_ / from, path_ / to); }

 private:
  std::filesystem::path path_;
};

std::string text_of(const std::filesystem::path& path);

// A case whose files a test may change.
struct Changing {
  explicit Changing(const std::string& name) : tree(container_cases() / name), container(config_of(tree.path())) {}

  void write(const std::string& file, const std::string& text) const { tree.write(cgroup + "/" + file, text); }
  std::optional<double> of(const std::string& metric) const {
    return container.value(metric + "{container=\"checkout\",name=\"checkout\"}");
  }
  std::optional<double> up() const { return container.value("sidewatch_target_up{name=\"checkout\"}"); }
  bool says(const std::string& series) const { return container.value(series) == 1; }

  const FileTree tree;
  ContainerUnderTest container;
  std::string cgroup;
};

// A service of a pod, seen through the root of its process 500.
struct Pod : Changing {
  Pod() : Changing("pod-with-shared-processes") { cgroup = "proc/500/root/sys/fs/cgroup"; }
};
// A service known by the path of its cgroup.
struct Path : Changing {
  Path() : Changing("half-vanished") {
    cgroup = "cgroup/system.slice/checkout.service";
    write("memory.stat", "inactive_file 0\n");
    write("memory.current", "104857600\n");
  }
};

}  // namespace sidewatch::container

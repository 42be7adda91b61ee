// A host collector with all parts over a small tree of files, with its own catalog and store.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "collectors/host/host.h"
#include "metrics/store.h"

namespace sidewatch {

// tests/cases/host
std::filesystem::path host_cases();

// The configuration whose roots are proc, sys and root under `tree`.
HostConfig config_for(const std::filesystem::path& tree);

// Answers that do not depend on the machine: every duration is 0, every filesystem the same, except that statfs fails
// with EIO where the path ends with "broken" and with ENOENT where it ends with "missing".
HostSystem fixed_system();

// Every part there is, in one list.
std::vector<PartKind> all_parts();

// Those of hardware that the case server-hardware has, and no others.
std::vector<PartKind> hardware_parts();

class HostUnderTest {
 public:
  explicit HostUnderTest(const HostConfig& config, HostSystem system = fixed_system(),
                         std::vector<PartKind> parts = all_parts());

  Result<PassOutcome> pass(Duration later = std::chrono::seconds(1));  // one more pass, taken into the store
  std::string page() const;                    // as /metrics would show it
  const Store& store() const { return store_; }
  Time last_pass() const { return now_; }  // when it was
  std::map<std::string, double> values() const;  // what is not stale, by `name{label="value",...}`

 private:
  Catalog catalog_;
  Store store_;
  SourceId source_;
  HostCollector collector_;
  Batch batch_;
  Time now_ = time_at_ms(1'000'000);
};

// A directory under the system's one for temporary files, removed with all that is in it.
class TemporaryTree {
 public:
  TemporaryTree();
  explicit TemporaryTree(const std::filesystem::path& copied_from);
  ~TemporaryTree();
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const;
  void remove(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& path);

}  // namespace sidewatch

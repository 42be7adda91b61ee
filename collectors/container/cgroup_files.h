// A located cgroup with its files open: the directories from the top of the mount down to the cgroup, and what is read
// in them.
//
// The directories stay open, so that a removed cgroup says `gone` although another one may have got its name. A limit
// is read at every level, because the smallest one holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/container/cgroup_place.h"
#include "collectors/container/cgroup_text.h"
#include "collectors/proc_file.h"

namespace sidewatch::container {

// One hierarchy as seen from a cgroup.
class Levels {
 public:
  static constexpr std::size_t max_levels = 32;  // deeper down, the cgroup counts as not found

  // `keep` is of the files: with many targets they are opened at each read, as descriptors are scarce.
  Levels(const Hierarchy& hierarchy, ProcFile::Keep keep);
  Levels(const Levels&) = delete;
  Levels& operator=(const Levels&) = delete;

  FileStatus status() const { return own().status(); }
  Error error() const { return own().error("", own().error_number()); }
  bool unified() const { return unified_; }
  ProcFile file(std::size_t level, const char* name) const { return {directories_[level], name, keep_}; }
  ProcFile own_file(const char* name) const { return {own(), name, keep_}; }
  bool is_root() const { return root_; }  // of all cgroups of the machine, not of a namespace
  const ProcDir& own() const { return directories_.back(); }
  const std::vector<ProcDir>& all() const { return directories_; }  // the topmost first

 private:
  bool unified_;
  ProcFile::Keep keep_;
  std::vector<ProcDir> directories_;
  bool root_ = false;
};

// What the parts of a target share in one pass.
struct PassContext {
  Batch& batch;
  ReadBuffer& buffer;
  PassOutcome& outcome;
  Time now;
};

// Counts a file that should be there and could not be read or understood. What is gone is not an error.
void report(PassContext& pass, const ProcFile& file, const FileText& text);
void report(PassContext& pass, const ProcDir& directory, const ProcFile& file, const char* what);

// The values of `keys` in a file of "key value" lines; what is not there stays empty.
template <std::size_t N>
using KeyedValues = std::array<std::optional<std::uint64_t>, N>;
template <std::size_t N>
KeyedValues<N> read_keyed(PassContext& pass, ProcFile& file, const std::array<std::string_view, N>& keys) {
  const FileText text = file.read(pass.buffer);
  report(pass, file, text);
  KeyedValues<N> values;
  if (text) parse_keyed(text.text, keys, values);
  return values;
}
// The same of another cgroup than the target's, where nothing is reported.
template <std::size_t N>
KeyedValues<N> read_keyed(const ProcDir& cgroup, const char* name, const std::array<std::string_view, N>& keys,
                          ReadBuffer& buffer) {
  const FileText text = cgroup.read(name, buffer);
  KeyedValues<N> values;
  if (text) parse_keyed(text.text, keys, values);
  return values;
}

// A file with one number in it.
class NumberFile {
 public:
  NumberFile(const Levels& levels, const char* name) : directory_(levels.own()), file_(levels.own_file(name)) {}
  std::optional<std::uint64_t> read(PassContext& pass);

 private:
  const ProcDir& directory_;
  ProcFile file_;
};

// A limit that the cgroup and each one above it may set.
class LimitChain {
 public:
  LimitChain(const Levels& levels, const char* file);

  // The limit in force; unknown when a level cannot be read, or none has the file although it is not the root.
  Limit read(PassContext& pass);
  // At which level the limit in force stands (an index into Levels::all()); the cgroup's own when there is none.
  std::size_t level() const { return level_; }

 private:
  const Levels& levels_;
  std::vector<ProcFile> files_;
  std::size_t level_;
};

// The same for the CPU quota: one file per level on v2, two on v1.
class QuotaChain {
 public:
  explicit QuotaChain(const Levels& levels);
  Quota read(PassContext& pass);
  std::size_t level() const { return level_; }

 private:
  Quota read_level(std::size_t level, PassContext& pass, bool& there);
  const Levels& levels_;
  std::vector<ProcFile> quotas_;
  std::vector<ProcFile> periods_;  // v1
  ReadBuffer period_buffer_;
  std::size_t level_;
};

}  // namespace sidewatch::container

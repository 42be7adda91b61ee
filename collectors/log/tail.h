// One log file that grows: gives each new line once.
//
// The file stays open, so it is the same file whatever becomes of its name, and its number (inode) cannot be somebody
// else's meanwhile. Where it was read to is a place behind a whole line; what comes after the last line end is looked at
// again in the next pass. That the file is still the one that was read shows in its first bytes and in those before the
// place: a file that was emptied and filled again (copytruncate) is read from its beginning, and a copy of it from where
// the original was read to. Refuses what is no ordinary file, without opening it, and links of others to what is not theirs.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace sidewatch::log {

// Longer lines are cut there, and counted.
inline constexpr std::size_t max_line_bytes = std::size_t{64} << 10;

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

struct TailCounts {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  std::uint64_t cut = 0;      // lines that were longer than max_line_bytes
  std::uint64_t emptied = 0;  // times that a file was emptied or written anew in its place
};

// How much may still be read in this pass.
struct ReadBudget {
  std::uint64_t bytes = 0;
  std::chrono::steady_clock::time_point until;

  bool is_spent() const { return bytes == 0 || std::chrono::steady_clock::now() >= until; }
};

using LineSink = std::function<void(std::string_view line)>;

class Tail {
 public:
  // At its beginning. Error::what tells which right is missing, where it is that.
  static Result<Tail> open(const std::string& path);

  Tail(Tail&& other) noexcept;
  Tail& operator=(Tail&& other) noexcept;
  ~Tail();

  FileId id() const { return id_; }

  // Where reading begins: behind the last whole line that is there now, or at a place that an earlier look has reached.
  void go_to_end();
  struct Place {
    std::uint64_t offset = 0;
    std::string head;  // the first bytes of the file as it was
  };
  Place place() const { return {offset_, head_}; }
  bool go_to(const Place& place);          // false when this is another file
  bool continue_copy(const Tail& original);  // to where `original` was read to; false when this is no copy of it

  // Gives the lines that are new and whole, until there are none or the budget is spent.
  Result<void> read(const LineSink& sink, ReadBudget& budget, TailCounts& counts);
  // The last line, which has no end: for a file that nobody writes any more.
  void finish(const LineSink& sink, TailCounts& counts);

  bool at_end() const { return backlog_ == 0; }
  std::uint64_t backlog() const { return backlog_; }  // bytes that were not read yet, as of the last read

 private:
  Tail(int fd, const struct stat& status);
  std::size_t read_at(std::uint64_t offset, char* into, std::size_t size) const;
  std::string text_at(std::uint64_t offset, std::size_t size) const;
  bool is_rewritten(std::uint64_t size) const;
  void start_anew();
  std::size_t take_lines(std::string_view chunk, const LineSink& sink, TailCounts& counts);
  void give(std::string_view line, const LineSink& sink, TailCounts& counts);
  void remember(std::string_view consumed);
  void learn_head();

  int fd_ = -1;
  FileId id_;
  std::uint64_t offset_ = 0;      // behind the last line that was given
  std::uint64_t incomplete_ = 0;  // bytes after it that are not a line yet
  std::uint64_t backlog_ = 0;
  bool skipping_ = false;  // the rest of a line that was cut
  std::string head_;       // the first bytes
  std::string before_;     // those before offset_
  timespec changed_{};
};

}  // namespace sidewatch::log

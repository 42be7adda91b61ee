// One log file that grows: gives each new line once.
//
// The file stays open, so it is the same file whatever becomes of its name, and its number (inode) cannot be somebody
// else's meanwhile. Where it was read to is a place behind a whole line; what comes after the last line end is looked at
// again in the next pass. That the file is still the one that was read shows in its first bytes and in those before the
// place: a file that was emptied and filled again (copytruncate) is read from its beginning. A copy of it waits until that
// has happened, however long the copying takes, and is then read from where the original was read to. Refuses what is no ordinary file, without opening it, and links of others to what is not theirs.
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

// When a file was made, in nanoseconds: its number alone may be given to another one later. 0: nobody knows.
std::int64_t birth_of(int directory, const char* path, int flags);

using LineSink = std::function<void(std::string_view line)>;

// A piece of a file, by which it is known again without being kept.
struct Fingerprint {
  std::size_t bytes = 0;  // 0: of nothing, which fits everywhere
  std::string hash = {};
  auto operator<=>(const Fingerprint&) const = default;
};
Fingerprint fingerprint_of(std::string_view text);

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
    std::int64_t born = 0;  // when the file was made, in nanoseconds; 0: its filesystem does not say
    Fingerprint head = {};    // the first bytes of the file as it was, and those before `offset`;
    Fingerprint before = {};  // of nothing when it was never open. Then the place may be within a line
    bool skipping = false;    // it is within a line that was cut
    auto operator<=>(const Place&) const = default;
  };
  Place place() const;
  bool go_to(const Place& place);          // false when this is another file
  bool go_to_as_copy(Place place);         // the same in a file that was made later: false when it begins otherwise
  std::uint64_t leave_out_all_but(std::uint64_t most);  // bytes, from the beginning of a line; how many were left out
  std::int64_t born() const { return born_; }

  // Whether everything that is in this file so far stands in `original` at the same place, or did before that was emptied.
  // Short beginnings are alike too often ("started" stands in many logs): they count where the names are alike as well.
  bool is_copy_of(const Tail& original, bool named_like_it) const;
  void wait_behind(const Tail& original);  // not read until resume(), and then from where `original` has been read to now
  void resume();
  void wait_no_more() { waits_for_ = {}; }  // it was no copy: it is read from its beginning
  bool is_empty() const { return size_now() == 0; }
  bool is_rewritten() const { return is_rewritten(size_now()); }
  std::uint64_t times_emptied() const { return times_emptied_; }

  // Gives the lines that are new and whole, until there are none or the budget is spent.
  Result<void> read(const LineSink& sink, ReadBudget& budget, TailCounts& counts);
  // The last line, which has no end: for a file that nobody writes any more.
  void finish(const LineSink& sink, TailCounts& counts);

  bool at_end() const { return backlog_ == 0; }
  std::uint64_t backlog() const { return backlog_; }  // bytes that were not read yet, as of the last read

 private:
  Tail(int fd, const struct stat& status);
  void go_behind_last_line(std::uint64_t size);
  std::size_t read_at(std::uint64_t offset, char* into, std::size_t size) const;
  std::string text_at(std::uint64_t offset, std::size_t size) const;
  std::string text_before(std::uint64_t offset, std::uint64_t most) const;
  std::uint64_t size_now() const;
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
  std::int64_t born_ = 0;
  std::uint64_t times_emptied_ = 0;
  struct {
    std::uint64_t offset = 0;
    std::string before;
    bool skipping = false;
  } waits_for_;  // of a copy: where its original was read to
};

}  // namespace sidewatch::log

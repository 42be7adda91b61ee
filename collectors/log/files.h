// Which files a log is, now and in the next pass: names come and go, what was written is read once.
//
// The one idea: a file is what it is by device and inode, not by its name. A file that was renamed stays open and is read
// to its end before the one that took its name; for a while longer somebody may still write into it. A file that was
// there before the first pass is read from its end (or where `from` says), one that comes later from its beginning,
// unless it is one that was read before, or a copy of one: that waits until its original is emptied. What an earlier life
// of the agent has read is gone on with, as if there had been no gap.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "collectors/collector.h"
#include "collectors/log/places.h"
#include "collectors/log/resumption.h"
#include "collectors/log/tail.h"

namespace sidewatch::log {

class Files {
 public:
  enum class From { end, beginning };
  struct Options {
    std::vector<std::string> paths;  // absolute; *, ? and [ as glob(7) has them
    From from = From::end;
    std::size_t max_files = 64;      // the newest by their last change
    std::uint64_t max_bytes = std::uint64_t{64} << 20;  // in one pass
    Duration max_time = std::chrono::seconds(1);        // of one pass
    std::uint64_t max_catch_up = std::uint64_t{64} << 20;  // of what was written while the agent did not run
    std::size_t max_found = 10'000;  // files that one pass tells apart; those behind, by their names, are left out
  };
  static constexpr Duration linger = std::chrono::seconds(30);  // a renamed or deleted file may still be written to
  static constexpr std::size_t max_remembered = 4096;           // places in files that are not open

  explicit Files(Options options) : options_(std::move(options)) {}

  // Before the first pass: what places() said in an earlier life of the agent.
  void go_on_from(Places places);
  Places places() const;

  // Gives the new lines of all files. What cannot be read is a partial error.
  void read(Time now, const LineSink& sink, PassOutcome& outcome);

  struct Counts {
    TailCounts tails;
    std::uint64_t rotated = 0;   // files that lost their name
    std::uint64_t left_out = 0;  // files now that are more than max_files, or than max_found
    std::uint64_t backlog_bytes = 0;
    std::uint64_t skipped_bytes = 0;  // beyond max_catch_up
    std::size_t open = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Followed {
    Tail tail;
    std::string path;
    std::int64_t changed = 0;  // when it was last looked at by its name
    std::uint64_t listed_in = 0;      // the pass that found a name for it
    std::optional<Time> nameless_since;
    bool failed = false;  // it could not be read; it is opened anew
    bool undecided = false;         // it is new and still empty: whether it will be a copy does not show yet
    std::optional<FileId> copy_of = {};  // it waits until that one is emptied
    std::uint64_t original_emptied = 0;  // how often that one had been when this was seen

    bool is_read() const { return !undecided && !copy_of; }
  };
  struct Candidate {
    std::string path;
    FileId id;
    std::int64_t changed = 0;
    std::uint64_t size = 0;
    std::vector<std::string> other_paths = {};  // of the same file
  };

  void look_for_names(PassOutcome& outcome, std::vector<Candidate>& found);
  std::vector<Candidate> find(PassOutcome& outcome);
  bool was_unreached(const std::string& path) const;
  void remember_unseen(const Candidate& candidate);
  void follow(const Candidate& candidate, PassOutcome& outcome);
  bool place(Tail& tail, const Candidate& candidate);
  void look_for_renamed();
  void leave_out_too_much(PassOutcome& outcome);
  void end_resumption();
  void look_for_copies();
  bool is_copy(const Followed& file, const Followed& original) const;
  void wait_or_go_on(Followed& file);
  void remember(const FileId& id, Tail::Place place);
  void note_nameless(Time now);
  std::vector<Followed*> in_order(bool nameless);
  void read_all(const std::vector<Followed*>& files, const LineSink& sink, ReadBudget& budget, PassOutcome& outcome);
  bool is_over(const Followed& file, Time now) const;
  void close_old(Time now, const LineSink& sink);

  const Options options_;
  std::uint64_t pass_ = 0;
  std::optional<Resumption> earlier_;  // until the first pass is over
  std::int64_t looked_ns_ = 0;
  std::map<FileId, Followed> followed_;
  struct Remembered {
    Tail::Place place;
    std::uint64_t number = 0;  // rises: which one was remembered before which
  };
  std::map<FileId, Remembered> remembered_;
  std::uint64_t next_number_ = 0;
  std::set<std::string> unreached_;  // files and directories without right, in all passes so far
  std::set<std::string> refused_;    // in this one
  Counts counts_;
};

}  // namespace sidewatch::log

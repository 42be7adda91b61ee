// What an earlier life of the agent knew of the files of a log, for the first pass of this one.
//
// The one idea: each file that is there now is one that was read before, and is gone on with; or one that came or was
// written anew since, and is all new; or one that nobody knows anything of, as when the configured paths were others.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/log/places.h"
#include "collectors/log/tail.h"

namespace sidewatch::log {

class Resumption {
 public:
  // `paths`: as they are configured now.
  Resumption(Places places, const std::vector<std::string>& paths) : places_(std::move(places)), same_paths_(places_.paths == paths) {}

  enum class Verdict { goes_on, is_new, unknown };
  // Moves `tail` to where it was read to. `changed_ns`: when the file was written last.
  Verdict take_up(Tail& tail, const std::string& path, std::int64_t changed_ns);

  // The same for what may be a copy of a file that has been emptied or is gone since. False when it is none.
  bool take_up_copy(Tail& tail, const std::string& path) const;

  // Where those are now that were being read and have not been taken up, in the directories in which they were.
  std::map<FileId, std::string> look_for_missing(std::size_t max_names) const;

  bool was_taken_up(const FileId& id) const { return taken_up_.contains(id); }
  std::vector<KeptPlace> not_taken_up() const;

 private:
  const KeptPlace* find(const FileId& id, const std::string& path) const;

  Places places_;
  bool same_paths_;
  std::set<FileId> taken_up_;  // by the number of that time
};

}  // namespace sidewatch::log

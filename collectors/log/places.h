// Where the files of a log were read to, as a text that survives the agent, and back; and how a file is found again that
// lost its name meanwhile.
//
// Holds no line of a log: a file is known again by its number, the time it was made and hashes of its first bytes and of
// those before the place.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collectors/log/tail.h"

namespace sidewatch::log {

struct KeptPlace {
  enum class State {
    followed,  // it is being read
    waiting,   // it may be a copy of another one, and nothing was read of it
    closed,    // it is read no more, or never was
  };
  FileId id;
  std::string path;  // of a closed one nobody asks for it
  State state = State::closed;
  Tail::Place place;
  auto operator<=>(const KeptPlace&) const = default;
};

struct Places {
  std::int64_t looked_ns = 0;       // when names were last looked for, since 1970
  std::vector<std::string> paths;   // as they are configured
  std::vector<KeptPlace> files;

  // Whether they say the same, whenever that was.
  bool same_as(const Places& other) const { return paths == other.paths && files == other.files; }
};

inline constexpr std::size_t max_kept_closed = 512;  // those that were closed last
inline constexpr std::size_t max_kept_places = 4096;
inline constexpr std::size_t max_places_bytes = std::size_t{8} << 20;  // of the text

std::string save_places(std::string_view log, const Places& places);

// Error: it is not such a text, or it is about another log.
Result<Places> read_places(std::string_view text, std::string_view log);

// The paths of the files of those numbers in a directory, of its first `max_names` names.
std::map<FileId, std::string> find_in(const std::string& directory, const std::set<FileId>& ids, std::size_t max_names);

}  // namespace sidewatch::log

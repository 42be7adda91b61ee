#include "collectors/log/resumption.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace sidewatch::log {
namespace {

constexpr std::int64_t slack_ns = 1'000'000'000;  // filesystems have coarse clocks
constexpr std::size_t telling_bytes = 256;        // shorter beginnings are alike too often

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool may_be_copy(const KeptPlace& original, const std::string& path) {
  if (original.place.head.bytes >= telling_bytes) return true;
  return path != original.path && path.starts_with(original.path);
}

}  // namespace

Resumption::Verdict Resumption::take_up(Tail& tail, const std::string& path, std::int64_t changed_ns) {
  if (const auto* kept = find(tail.id(), path)) {
    if (kept->state == KeptPlace::State::waiting || !tail.go_to(kept->place)) return Verdict::is_new;
    taken_up_.insert(kept->id);
    return Verdict::goes_on;
  }
  const auto since = tail.born() != 0 ? tail.born() : changed_ns;
  return same_paths_ && since >= places_.looked_ns - slack_ns ? Verdict::is_new : Verdict::unknown;
}

// A device may have another number after a restart of the machine or of a container.
const KeptPlace* Resumption::find(const FileId& id, const std::string& path) const {
  const KeptPlace* by_path = nullptr;
  for (const auto& kept : places_.files) {
    if (kept.id == id) return &kept;
    if (kept.id.inode == id.inode && kept.path == path && kept.place.head.bytes > 0) by_path = &kept;
  }
  return by_path;
}

bool Resumption::take_up_copy(Tail& tail, const std::string& path) const {
  return std::any_of(places_.files.begin(), places_.files.end(), [&](const auto& kept) {
    return kept.state == KeptPlace::State::followed && kept.id != tail.id() && !taken_up_.contains(kept.id) &&
           may_be_copy(kept, path) && tail.go_to_as_copy(kept.place);
  });
}

std::map<FileId, std::string> Resumption::look_for_missing(std::size_t max_names) const {
  std::map<std::string, std::set<FileId>> wanted;  // by their directories
  for (const auto& kept : not_taken_up()) {
    if (kept.state == KeptPlace::State::followed && kept.path.starts_with('/')) wanted[directory_of(kept.path)].insert(kept.id);
  }
  std::map<FileId, std::string> found;
  for (const auto& [directory, ids] : wanted) found.merge(find_in(directory, ids, max_names));
  return found;
}

std::vector<KeptPlace> Resumption::not_taken_up() const {
  std::vector<KeptPlace> rest;
  std::copy_if(places_.files.begin(), places_.files.end(), std::back_inserter(rest), [this](const auto& kept) {
    return kept.state != KeptPlace::State::waiting && !taken_up_.contains(kept.id);
  });
  return rest;
}

}  // namespace sidewatch::log

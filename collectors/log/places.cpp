#include "collectors/log/places.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/json.h"

namespace sidewatch::log {
namespace {

constexpr std::int64_t version = 1;
constexpr std::int64_t max_fingerprint_bytes = 1024;  // of what a file says: more than was ever made of
constexpr std::array states{std::pair{KeptPlace::State::followed, "followed"}, std::pair{KeptPlace::State::waiting, "waiting"},
                            std::pair{KeptPlace::State::closed, "closed"}};

void write(JsonWriter& json, std::string_view name, const Fingerprint& print) {
  if (print.bytes == 0) return;
  json.key(name).begin_object().key("bytes").integer(static_cast<std::int64_t>(print.bytes));
  json.key("sha256").text(print.hash).end_object();
}

Fingerprint read_fingerprint(const JsonValue& json) {
  const auto bytes = std::clamp<std::int64_t>(json["bytes"].integer_or(0), 0, max_fingerprint_bytes);
  if (bytes == 0) return {};
  return {static_cast<std::size_t>(bytes), std::string(json["sha256"].text_or(""))};
}

void write(JsonWriter& json, const KeptPlace& kept) {
  const auto state = std::find_if(states.begin(), states.end(), [&](const auto& each) { return each.first == kept.state; });
  json.begin_object().key("path").text(kept.path).key("state").text(state->second);
  json.key("device").integer(static_cast<std::int64_t>(kept.id.device));
  json.key("inode").integer(static_cast<std::int64_t>(kept.id.inode));
  json.key("born_ns").integer(kept.place.born).key("offset").integer(static_cast<std::int64_t>(kept.place.offset));
  if (kept.place.skipping) json.key("within_cut_line").boolean(true);
  write(json, "head", kept.place.head);
  write(json, "before", kept.place.before);
  json.end_object();
}

KeptPlace read_kept(const JsonValue& json) {
  KeptPlace kept;
  kept.path = json["path"].text_or("");
  const auto name = json["state"].text_or("");
  const auto state = std::find_if(states.begin(), states.end(), [&](const auto& each) { return each.second == name; });
  if (state != states.end()) kept.state = state->first;
  kept.id = {static_cast<dev_t>(json["device"].integer_or(0)), static_cast<ino_t>(json["inode"].integer_or(0))};
  kept.place.born = json["born_ns"].integer_or(0);
  kept.place.offset = static_cast<std::uint64_t>(std::max<std::int64_t>(json["offset"].integer_or(0), 0));
  kept.place.skipping = json["within_cut_line"].boolean_or(false);
  kept.place.head = read_fingerprint(json["head"]);
  kept.place.before = read_fingerprint(json["before"]);
  return kept;
}

}  // namespace

std::string save_places(std::string_view log, const Places& places) {
  JsonWriter json;
  json.begin_object().key("version").integer(version).key("log").text(log).key("looked_ns").integer(places.looked_ns);
  json.key("paths").begin_array();
  for (const auto& path : places.paths) json.text(path);
  json.end_array().key("files").begin_array();
  for (const auto& kept : places.files) write(json, kept);
  json.end_array().end_object();
  return json.take();
}

Result<Places> read_places(std::string_view text, std::string_view log) {
  const auto saved = JsonValue::parse(text, {max_places_bytes});
  if (!saved) return saved.error();
  if ((*saved)["version"].integer_or(0) != version) return Error{"it was not written by this version of sidewatch", ""};
  if ((*saved)["log"].text_or("") != log) return Error{"it is about another log", ""};
  Places places;
  places.looked_ns = (*saved)["looked_ns"].integer_or(0);
  for (const auto& path : (*saved)["paths"].items()) places.paths.emplace_back(path.text_or(""));
  for (const auto& file : (*saved)["files"].items()) {
    if (places.files.size() < max_kept_places) places.files.push_back(read_kept(file));
  }
  return places;
}

std::map<FileId, std::string> find_in(const std::string& directory, const std::set<FileId>& ids, std::size_t max_names) {
  std::map<FileId, std::string> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), &::closedir);
  if (!listing) return found;
  for (std::size_t names = 0; names < max_names && found.size() < ids.size(); ++names) {
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr) break;
    struct stat status {};
    if (::fstatat(::dirfd(listing.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const FileId id{status.st_dev, status.st_ino};
    if (S_ISREG(status.st_mode) && ids.contains(id)) found.emplace(id, directory + "/" + entry->d_name);
  }
  return found;
}

}  // namespace sidewatch::log

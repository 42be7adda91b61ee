// The seam of Abseil's time zones (absl/time): it reads the one file of a zone and nothing else, and goes on behind the
// last listed change by the rule at the file's end. It remembers also what it could not read, and takes an unreadable
// zone for UTC when asked carelessly, so a file is looked at here before Abseil sees it.
#include "base/time_zone.h"

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace sidewatch {

struct ZoneClock::Rules {
  absl::TimeZone zone;
};

namespace {

namespace fs = std::filesystem;
using std::chrono::floor;
using std::chrono::seconds;

constexpr std::size_t longest_name = 64;

std::string data_folder() {
  const char* folder = std::getenv("TZDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/usr/share/zoneinfo";
}

bool is_utc(std::string_view name) { return name == "UTC" || name == "Etc/UTC"; }

// What could be a zone's name, and no path out of the folder. right/ counts leap seconds, which nobody's clock does.
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > longest_name || name.front() == '/' || name.starts_with("right/")) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' || c == '/';
  });
}

// These are files among the zones, and mean another zone on each machine.
bool is_of_the_machine(std::string_view name) {
  return name == "localtime" || name == "posixrules" || name == "local" || name == "Local";
}

bool is_zone_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  file.read(magic.data(), magic.size());
  return file && std::string_view(magic.data(), magic.size()) == "TZif";
}

Error no_data(const std::string& folder) {
  return Error{"there is no time zone data on this machine: " + folder +
                   " is missing. Install the package tzdata (in a container: add it to the image, or mount that folder "
                   "from the host), or use UTC, which needs none", ""};
}

WallTime to_wall(absl::Time time) { return WallTime(seconds(absl::ToUnixSeconds(time))); }

absl::CivilSecond to_civil(LocalTime local) { return absl::CivilSecond() + local.time_since_epoch().count(); }

}  // namespace

ZoneClock::ZoneClock() : name_("UTC") {}

Result<ZoneClock> ZoneClock::named(const std::string& name) { return named(name, data_folder()); }

Result<ZoneClock> ZoneClock::named(const std::string& name, const std::string& folder) {
  ZoneClock zone;
  zone.name_ = name;
  if (is_utc(name)) return zone;
  if (is_of_the_machine(name)) {
    return Error{"the machine's own time zone is another one in a container or on the next machine: name the zone, "
                 "like Europe/Berlin", ""};
  }
  std::error_code error;
  if (!fs::is_directory(folder, error)) return no_data(folder);
  const std::string path = folder + "/" + name;
  auto rules = std::make_shared<Rules>();
  if (!is_name(name) || !is_zone_file(path) || !absl::LoadTimeZone(fs::absolute(path).string(), &rules->zone)) {
    return Error{"there is no such time zone in " + folder + ": name one like Europe/Berlin or America/New_York", ""};
  }
  zone.rules_ = std::move(rules);
  return zone;
}

std::vector<std::string> ZoneClock::names() { return names(data_folder()); }

std::vector<std::string> ZoneClock::names(const std::string& folder) {
  std::vector<std::string> names{"UTC"};
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().lexically_relative(folder).string();
    if (name == "right" || name == "posix") {
      at.disable_recursion_pending();
    } else if (is_name(name) && !is_of_the_machine(name) && is_zone_file(at->path())) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

LocalTime ZoneClock::local(WallTime at) const {
  const auto second = floor<seconds>(at);
  if (!rules_) return LocalTime(second.time_since_epoch());
  const absl::CivilSecond civil = rules_->zone.At(absl::FromUnixSeconds(second.time_since_epoch().count())).cs;
  return LocalTime(seconds(civil - absl::CivilSecond()));
}

LocalInstants ZoneClock::instants(LocalTime local) const {
  using Shown = LocalInstants::Shown;
  if (!rules_) return {Shown::once, WallTime(local.time_since_epoch()), WallTime(local.time_since_epoch())};
  const absl::TimeZone::TimeInfo found = rules_->zone.At(to_civil(local));
  switch (found.kind) {
    case absl::TimeZone::TimeInfo::UNIQUE: return {Shown::once, to_wall(found.pre), to_wall(found.pre)};
    case absl::TimeZone::TimeInfo::REPEATED: return {Shown::twice, to_wall(found.pre), to_wall(found.post)};
    case absl::TimeZone::TimeInfo::SKIPPED: break;
  }
  return {Shown::never, to_wall(found.trans), to_wall(found.trans)};
}

}  // namespace sidewatch

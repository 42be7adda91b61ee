#include "collectors/log/place_keeper.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/crypto.h"
#include "base/kept_file.h"

namespace sidewatch::log {
namespace {

constexpr Duration margin = std::chrono::seconds(1);  // beyond what samples need to get to the disk
constexpr std::size_t name_bytes = 8;                 // of the hash of a log's name, which may be no name for a file

}  // namespace

PlaceKeeper::PlaceKeeper(const std::string& state_dir, std::string log, Duration until_on_disk)
    : log_(std::move(log)), delay_(until_on_disk + margin) {
  if (!state_dir.empty()) path_ = state_dir + "/log-" + to_hex(sha256(log_).substr(0, name_bytes)) + ".json";
}

Result<std::optional<Places>> PlaceKeeper::load() const {
  const auto refuse = [this](const Error& error) {
    return Error{"where it was read to is lost, reading begins as at the first start: " + error.what, path_};
  };
  if (!keeps()) return std::optional<Places>();
  auto text = read_kept_file(path_, max_places_bytes);
  if (!text) return refuse(text.error());
  if (!*text) return std::optional<Places>();
  auto places = read_places(**text, log_);
  if (!places) return refuse(places.error());
  return std::optional<Places>(std::move(*places));
}

void PlaceKeeper::keep_until(int wake, std::optional<Places> places, Counted counted) {
  if (places) {
    const auto delay = counted == Counted::nothing ? Duration(0) : delay_;
    if (!waiting_ || counted == Counted::nothing) waiting_ = Waiting{*places, std::chrono::steady_clock::now() + delay};
    last_ = std::move(places);
  }
  while (true) {
    const auto left = waiting_ ? std::chrono::ceil<Duration>(waiting_->ripe - std::chrono::steady_clock::now()) : Duration(-1);
    if (waiting_ && left <= Duration(0)) {
      save(std::exchange(waiting_, std::nullopt)->places);
      continue;
    }
    pollfd awaited{wake, POLLIN, 0};
    const int ready = ::poll(&awaited, 1, static_cast<int>(std::min<Duration::rep>(left.count(), 60'000)));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return;
  }
}

void PlaceKeeper::keep_last() {
  if (last_) save(*last_);
}

void PlaceKeeper::save(const Places& places) {
  if (!keeps() || (trouble_.empty() && saved_ && saved_->same_as(places))) return;
  const auto written = write_kept_file(path_, save_places(log_, places));
  trouble_ = written ? "" : "where this log was read to would not survive a restart: " + written.error().text();
  saved_ = places;
}

}  // namespace sidewatch::log

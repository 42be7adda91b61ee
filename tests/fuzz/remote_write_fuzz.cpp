// Any bytes as a request of remote write, packed with snappy (when the first byte is 's') or as they are when unpacked.
//
// Beside not crashing it must hold that what breaks the rules changes nothing and that what stands stays within its bounds.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/snappy.h"
#include "collectors/remote_write/table.h"

namespace sidewatch::remote_write {
namespace {

constexpr std::size_t max_series = 100;
constexpr std::size_t max_bytes = std::size_t{1} << 16;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view body) {
  TableLimits limits;
  limits.max_series = max_series;
  limits.max_age = Duration(0);
  static Table table(limits);  // its names are costly to make
  static Time now = time_at_ms(1'000'000);
  now += std::chrono::hours(1);  // whatever stood has ended
  table.settle(now);
  require(table.board().size() == 0);
  const WallTime wall(std::chrono::hours(1'000'000));
  const auto taken = table.take(body, now, wall);
  table.settle(now);
  require(table.board().size() <= max_series);
  if (!taken) require(table.board().size() == 0);
  if (!taken) return;
  const auto size = table.board().size();
  require(static_cast<bool>(table.take(body, now, wall)));
  table.settle(now);
  require(table.board().size() == size);
}

}  // namespace
}  // namespace sidewatch::remote_write

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text[0] != 's') {
    sidewatch::remote_write::check(text.substr(1));
    return 0;
  }
  const auto unpacked = sidewatch::snappy_decompress(text.substr(1), sidewatch::remote_write::max_bytes);
  if (unpacked.state == sidewatch::SnappyText::State::whole) sidewatch::remote_write::check(unpacked.text);
  return 0;
}

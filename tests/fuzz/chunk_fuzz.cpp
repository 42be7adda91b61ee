// Any bytes as a chunk of samples: loaded or refused, never anything else. What was loaded is saved, loaded and appended
// to as if it had been written here.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/chunk.h"

namespace sidewatch {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<Point> points_of(const Chunk& chunk) {
  std::vector<Point> points;
  chunk.for_each([&](Point point) { points.push_back(point); });
  return points;
}

bool same(const std::vector<Point>& a, const std::vector<Point>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].time != b[i].time) return false;
    if (std::bit_cast<std::uint64_t>(a[i].value) != std::bit_cast<std::uint64_t>(b[i].value)) return false;
  }
  return true;
}

void check(std::string_view bytes) {
  ByteReader reader(bytes);
  auto chunk = Chunk::load(reader, Duration(0));
  if (!chunk) return;
  auto points = points_of(*chunk);
  require(points.size() == chunk->size() && points.front().time == chunk->first_time());
  require(points.back().time == chunk->last_time());
  for (std::size_t i = 1; i < points.size(); ++i) require(points[i - 1].time < points[i].time);

  std::string saved;
  chunk->save(saved);
  ByteReader again(saved);
  const auto loaded = Chunk::load(again, Duration(0));
  require(loaded && again.at_end() && same(points_of(*loaded), points));

  const std::size_t wanted = points.size() + 5;
  for (double value = 0.25; chunk->size() < wanted; value *= -3) {
    const Point point{chunk->last_time() + Duration(1000), value};
    if (!chunk->append(point)) break;
    points.push_back(point);
  }
  require(same(points_of(*chunk), points));
}

}  // namespace
}  // namespace sidewatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sidewatch::check(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}

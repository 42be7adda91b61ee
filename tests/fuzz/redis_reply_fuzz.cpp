// Any bytes as what a Redis server (or whoever listens there) answers, and any text as that of INFO.
//
// Beside not crashing it must hold that an answer is the same however it is torn, that no more than the limits is kept,
// and that what is left begins where the answer ended.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/database/redis/info.h"
#include "collectors/database/redis/reply.h"

namespace sidewatch::database::redis {
namespace {

constexpr ReplyLimits limits{.max_bytes = 1 << 14, .max_elements = 256, .max_depth = 4};

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t elements_of(const Reply& reply, std::size_t depth = 0) {
  require(depth <= limits.max_depth);
  require(reply.text.size() <= limits.max_bytes);
  std::size_t count = reply.elements.size();
  for (const auto& element : reply.elements) count += elements_of(element, depth + 1);
  return count;
}

ReplyReader::State read(std::string_view bytes, std::size_t step, Reply& reply, std::size_t& used) {
  ReplyReader reader(limits);
  reader.begin(reply);
  auto state = ReplyReader::State::incomplete;
  std::string received;
  used = 0;
  for (std::size_t at = 0; at < bytes.size() && state == ReplyReader::State::incomplete; at += step) {
    received += bytes.substr(at, step);
    std::string_view rest = received;
    state = reader.take(rest);
    used += received.size() - rest.size();
    received.erase(0, received.size() - rest.size());
  }
  return state;
}

void check_reply(std::string_view bytes) {
  Reply whole;
  Reply torn;
  std::size_t used_whole = 0;
  std::size_t used_torn = 0;
  const auto state = read(bytes, bytes.size() + 1, whole, used_whole);
  require(elements_of(whole) <= limits.max_elements);
  require(read(bytes, 7, torn, used_torn) == state || state == ReplyReader::State::too_large);
  if (state == ReplyReader::State::complete) require(used_whole == used_torn);
}

void check_info(std::string_view text) {
  Catalog catalog({}, {});
  SeriesCache series(catalog, {});
  Batch batch;
  Output output(series, batch);
  InfoSamples info;
  info.add(text, time_at_ms(1'000'000), output);
  series.end_round();
  info.add(text, time_at_ms(2'000'000), output);
  require(batch.size() >= 2);  // redis_instance_info, twice
}

}  // namespace
}  // namespace sidewatch::database::redis

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sidewatch::database::redis::check_reply(text);
  sidewatch::database::redis::check_info(text);
  return 0;
}

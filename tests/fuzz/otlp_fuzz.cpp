// Any bytes as an OTLP request, in both encodings (the first byte chooses), sent twice to one target.
//
// Beside not crashing it must hold that what is answered 400 changes nothing, that a repeated request makes no further
// series, and that what stands stays within its bounds.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/otlp/otlp.h"

namespace sidewatch::otlp {
namespace {

constexpr std::size_t max_series = 500;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::string_view type, std::string_view body) {
  OtlpConfig config;
  config.limits.max_series = max_series;
  config.translation.scope_labels = body.size() % 2 == 1;
  config.translation.promote = {"a"};
  static const auto target = std::make_unique<OtlpTarget>(config);  // its names are costly to make
  static Time now = time_at_ms(1'000'000);
  now += std::chrono::hours(1);  // whatever stood has ended
  Catalog catalog({}, {});
  BoardWriter writer;
  Batch batch;
  target->write(writer, catalog, batch, now);
  require(batch.size() == 0);
  PushRequest request;
  request.method = "POST";
  request.content_type = type;
  request.body = body;
  request.now = now;
  request.wall = *from_rfc3339("2100-01-01T00:00:00Z");  // no usual time is ahead of it
  const auto answer = target->take(request);
  require(answer.status == 200 || answer.status == 400);
  const auto streams = target->write(writer, catalog, batch, now);
  const auto size = batch.size();
  require(size <= max_series);
  if (answer.status == 400) require(streams == 0);
  if (answer.status == 400) return;
  const auto again = target->take(request);
  require(again.status == 200);
  batch.clear();
  target->write(writer, catalog, batch, now);
  require(batch.size() <= max_series);
}

}  // namespace
}  // namespace sidewatch::otlp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sidewatch::otlp::check(text[0] == 'j' ? "application/json" : "application/x-protobuf", text.substr(1));
  return 0;
}

// Any bytes as what a program pushes, or as what was kept of it; the first byte says as which. Checked: the bounds hold, and
// what was kept is kept the same way again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_size.h"
#include "base/utf8.h"
#include "collectors/heartbeat/beats.h"
#include "collectors/push/body.h"
#include "collectors/pushgateway/group_key.h"
#include "collectors/pushgateway/metric_families.h"
#include "collectors/pushgateway/saved_groups.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_metrics = 50;

void require(bool condition) {
  if (!condition) std::abort();
}

void read_json(std::string_view text) {
  const auto body = push::read_push_body(text, max_metrics);
  if (!body) return require(!body.error().what.empty());
  require(body->samples.size() + body->rejected.size() <= max_metrics);
  require(count_json_values(text) > body->samples.size());
  for (const auto& sample : body->samples) {
    require(!sample.name.empty() && sample.name.size() <= push::max_name_bytes);
    require(!sample.values.empty() || sample.how == push::PushedSample::How::observe);
    require(sample.values.size() <= push::max_observations);
  }
  for (const auto& rejection : body->rejected) require(!rejection.why.empty());
}

void read_path(std::string_view text) {
  std::vector<std::string> segments(1);
  for (const char c : text) {
    if (c == '/') {
      segments.emplace_back();
    } else {
      segments.back() += c;
    }
  }
  const auto key = pushgateway::read_group_key(segments);
  if (key) require(!key->get("job").empty());
}

void read_families(std::string_view bytes) {
  PageOptions options;
  options.max_samples = max_metrics;
  const auto page = pushgateway::read_metric_families(bytes, options);
  if (!page) return require(!page.error().what.empty());
  require(page->samples.size() <= max_metrics);
  for (const auto& sample : page->samples) {
    require(is_legal_metric_name(sample.name));
    for (const auto& [name, value] : sample.labels) require(is_legal_label_name(name) && is_utf8(value));
  }
}

void read_groups(std::string_view text) {
  pushgateway::Groups groups{pushgateway::GroupLimits{}};
  if (!pushgateway::restore_groups(text, groups, Time{}, WallTime{})) return;
  const std::string saved = pushgateway::save_groups(groups);
  pushgateway::Groups again{pushgateway::GroupLimits{}};
  require(static_cast<bool>(pushgateway::restore_groups(saved, again, Time{}, WallTime{})));
  require(again.series() == groups.series() && again.all().size() == groups.all().size());
}

void read_beats(std::string_view text) {
  heartbeat::HeartbeatConfig config;
  config.name.value = "backup";
  config.every = Duration(1000);
  heartbeat::Beats beats({config});
  const Time now = time_at_ms(1'000'000);
  const heartbeat::SaveClocks clocks{now, to_wall(now, Duration(0)), {"boot", 1000}};
  if (!beats.restore(text, clocks)) return;
  beats.watch(now);
  const auto& beat = beats.all().at("backup");
  require(beat.since <= now && beat.last.value_or(now) <= now);
  require(beats.ping("backup", heartbeat::Ping::success, now, clocks.wall) && !beats.all().at("backup").is_overdue(now));
}

}  // namespace
}  // namespace sidewatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch ((data[0] - '0' + 250) % 5) {
    case 0: sidewatch::read_json(text); break;
    case 1: sidewatch::read_path(text); break;
    case 2: sidewatch::read_groups(text); break;
    case 3: sidewatch::read_beats(text); break;
    default: sidewatch::read_families(text); break;
  }
  return 0;
}

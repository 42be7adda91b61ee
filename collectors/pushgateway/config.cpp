// What the `pushgateway` key of the configuration says.
#include "collectors/pushgateway/pushgateway.h"

namespace sidewatch::pushgateway {

void declare(config::Section& section, PushgatewayConfig& config) {
  using namespace std::chrono_literals;
  auto& limits = config.limits;
  section.optional("interval", config.interval, "how often what was pushed becomes samples; agent.interval when absent",
                   config::between(100ms, 1h));
  section.optional("ttl", limits.ttl,
                   "a group that nobody has pushed for so long is dropped; 0s: never, as in the Pushgateway",
                   config::between(0s, 8784h));
  auto groups = static_cast<std::int64_t>(limits.max_groups);
  auto series = static_cast<std::int64_t>(limits.max_series);
  section.optional("max_groups", groups, "groups that stand; further ones are refused (429)",
                   config::between<std::int64_t>(1, 100'000));
  section.optional("max_series", series, "series of all groups; likewise; also of those that were replaced and are still "
                   "remembered (history.retention), beyond which new ones are left out",
                   config::between<std::int64_t>(1, 1'000'000));
  limits.max_groups = static_cast<std::size_t>(groups);
  limits.max_series = static_cast<std::size_t>(series);
}

}  // namespace sidewatch::pushgateway

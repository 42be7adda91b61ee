#include "collectors/heartbeat/config.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "collectors/heartbeat/heartbeat.h"

namespace sidewatch {
namespace heartbeat {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_name_bytes = 100;

// What can stand in a URL as it is.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

void check_names(config::Section& section, const std::vector<HeartbeatConfig>& configs) {
  std::set<std::string> names;
  for (const auto& config : configs) {
    if (config.name.value.empty()) continue;  // which was told already
    if (!names.insert(config.name.value).second) {
      section.problem(config.name.mark, "there is a heartbeat of that name already");
    }
  }
  if (configs.size() > max_heartbeats) section.problem("heartbeat", "more than 1000 heartbeats");
}

std::string fingerprint_of(const std::vector<HeartbeatConfig>& configs) {
  std::string text;
  for (const auto& config : configs) {
    text += config.name.value + ' ' + std::to_string(config.every.count()) + ' ' +
            std::to_string(config.grace.count()) + '\n';
  }
  return text;
}

}  // namespace

void declare(config::Section& section, HeartbeatConfig& config) {
  section.required("name", config.name,
                   "how the job is called: its address is /ping/NAME, and its label heartbeat=\"NAME\"");
  section.required("every", config.every, "how often the job runs: so long after its last ping the next one is due",
                   config::between(1s, 8784h));
  section.optional("grace", config.grace,
                   "how late a ping may be, and how long a run may take, before heartbeat_overdue becomes 1",
                   config::between(0s, 8784h));
  if (section.describing()) return;
  const auto& name = config.name.value;
  if (name.size() > max_name_bytes || !std::all_of(name.begin(), name.end(), is_plain)) {
    section.problem(config.name.mark, "a heartbeat's name has letters, digits, '-', '_' and '.', at most 100 of them");
  }
}

}  // namespace heartbeat

void configure_heartbeat(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<heartbeat::HeartbeatConfig> configs;
  collectors.list("heartbeat", configs,
                  "jobs that tell that they ran: GET or POST /ping/NAME of this agent's HTTP port");
  if (configs.empty()) return;
  heartbeat::check_names(collectors, configs);
  CollectorPlan plan;
  plan.name = "heartbeat";
  plan.watches = "whether jobs ping in time:";
  for (const auto& config : configs) plan.watches += (&config == &configs.front() ? " " : ", ") + config.name.value;
  plan.fingerprint = heartbeat::fingerprint_of(configs);
  const auto target = std::make_shared<heartbeat::HeartbeatTarget>(configs);
  plan.receives = target;
  plan.listens = true;
  plan.make = [target](const CollectorContext& context) {
    return heartbeat::make_heartbeat_collector(target, context.catalog);
  };
  plans.push_back(std::move(plan));
}

}  // namespace sidewatch

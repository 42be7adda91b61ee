#include "collectors/database/memcached/config.h"

#include "collectors/database/memcached/memcached.h"

namespace sidewatch {
namespace database::memcached {
namespace {

constexpr int default_port = 11211;

CollectorPlan plan_of(const MemcachedConfig& config) {
  CollectorPlan plan;
  plan.name = "memcached:" + config.instance.name.value;
  plan.interval = config.instance.interval;
  plan.watches = "memcached at " + config.server.text();
  plan.fingerprint = fingerprint_of(config.instance) + fingerprint_of(config.tls) + '\n' + config.address.value + '\n' +
                     config.user + '\n' + config.password.reveal() + (config.slabs ? "\n+" : "\n-");
  plan.make = [config](const CollectorContext& context) { return make_memcached_collector(config, context.catalog); };
  return plan;
}

}  // namespace

void declare(config::Section& section, MemcachedConfig& config) {
  declare_instance(section, config.instance);
  section.required("address", config.address,
                   "where it listens: 127.0.0.1:11211, or a Unix socket such as /run/memcached.sock");
  section.optional("user", config.user, "of the file that memcached -Y reads; SASL is not spoken");
  section.optional("password", config.password,
                   "such as \"${file:/run/secrets/memcached}\"; the file is read again whenever the agent connects");
  section.section("tls", config.tls, "when the server wants TLS");
  section.optional("slabs", config.slabs, "tell of each slab class: about 40 series for each that is in use");
  if (section.describing()) return;
  if (section.has("user") != section.has("password")) {
    section.problem(section.has("user") ? "user" : "password", "user and password belong together: give both or none");
  }
  if (!section.has("address")) return;
  if (const auto server = parse_address(config.address.value, default_port)) {
    config.server = *server;
  } else {
    section.problem("address", "'" + config.address.value +
                                   "' is not an address: write 127.0.0.1:11211, or /run/memcached.sock");
  }
}

}  // namespace database::memcached

void configure_memcached(config::Section& collectors, std::vector<CollectorPlan>& plans) {
  std::vector<database::memcached::MemcachedConfig> servers;
  collectors.list("memcached", servers,
                  "servers of memcached, under memcached_exporter's metric names; one entry for each server");
  std::vector<const database::InstanceConfig*> all;
  for (const auto& server : servers) all.push_back(&server.instance);
  database::check_names(collectors, "memcached", all);
  for (const auto& server : servers) plans.push_back(database::memcached::plan_of(server));
}

std::vector<MetricGroup> memcached_metric_groups() { return database::memcached::metric_groups(); }

}  // namespace sidewatch

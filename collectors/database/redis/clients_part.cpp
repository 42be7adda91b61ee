// CLIENT LIST, on request: the largest of the clients' buffers, who has been idle longest, and how many connections
// each host has. Not a series for each client: those come and go, and a full list is there for whoever asks the server.
#include <algorithm>
#include <map>

#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {
namespace {

constexpr std::size_t most_hosts = 100;

constexpr Metric output_max{"sidewatch_redis_client_output_buffer_max_bytes", MetricType::gauge, "bytes",
                            "On request (clients): largest output buffer of a client."};
constexpr Metric output_all{"sidewatch_redis_client_output_buffers_bytes", MetricType::gauge, "bytes",
                            "On request (clients): output buffers of all clients together."};
constexpr Metric query_max{"sidewatch_redis_client_query_buffer_max_bytes", MetricType::gauge, "bytes",
                           "On request (clients): largest input buffer of a client."};
constexpr Metric memory_max{"sidewatch_redis_client_memory_max_bytes", MetricType::gauge, "bytes",
                            "On request (clients): most memory that a client needs (Redis 6.2)."};
constexpr Metric idle_max{"sidewatch_redis_client_idle_max_seconds", MetricType::gauge, "seconds",
                          "On request (clients): how long the client that said nothing longest has been silent; "
                          "replicas and subscribers aside."};
constexpr Metric by_host{"sidewatch_redis_clients", MetricType::gauge, "",
                         "On request (clients): connections by host (the 100 first by name; others under host=\"\")."};

struct Totals {
  double output_max = 0, output_all = 0, query_max = 0, memory_max = 0, idle_max = 0;
  bool has_memory = false;
};

std::string_view host_of(std::string_view address) { return address.substr(0, address.rfind(':')); }

// One line: "id=3 addr=127.0.0.1:52555 name= age=8 idle=0 flags=N qbuf=26 omem=0 tot-mem=61466 ..."
std::string_view read_client(std::string_view line, Totals& totals) {
  std::string_view host;
  std::string_view flags;
  double idle = 0;
  while (!line.empty()) {
    const auto pair = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(pair.size() + 1, line.size()));
    const auto equal = pair.find('=');
    if (equal == std::string_view::npos) continue;
    const auto key = pair.substr(0, equal);
    const auto value = pair.substr(equal + 1);
    const auto number = number_of(value).value_or(0);
    if (key == "addr") host = host_of(value);
    if (key == "flags") flags = value;
    if (key == "idle") idle = number;
    if (key == "qbuf") totals.query_max = std::max(totals.query_max, number);
    if (key == "omem") totals.output_max = std::max(totals.output_max, number);
    if (key == "omem") totals.output_all += number;
    if (key == "tot-mem") totals.has_memory = true;
    if (key == "tot-mem") totals.memory_max = std::max(totals.memory_max, number);
  }
  if (flags.find_first_of("SMP") == std::string_view::npos) totals.idle_max = std::max(totals.idle_max, idle);
  return host;
}

class ClientsPart final : public Part {
 public:
  ClientsPart(Catalog& catalog, const Labels& labels) : Part("client list", Duration(0), catalog, labels) {}

 private:
  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"CLIENT", "LIST"}, reply)) return failure;
    Totals totals;
    std::map<std::string_view, double> hosts;
    std::string_view rest = reply->text;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (!line.empty()) ++hosts[read_client(line, totals)];
    }
    output.add(output_max, totals.output_max);
    output.add(output_all, totals.output_all);
    output.add(query_max, totals.query_max);
    if (totals.has_memory) output.add(memory_max, totals.memory_max);
    output.add(idle_max, totals.idle_max);
    std::size_t told = 0;
    double others = 0;
    for (const auto& [host, count] : hosts) {
      if (host.empty() || told == most_hosts) {
        others += count;
      } else {
        output.add(by_host, count, {{"host", host}});
        ++told;
      }
    }
    if (others > 0) output.add(by_host, others);
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Part> make_clients_part(Catalog& catalog, const Labels& labels) {
  return std::make_unique<ClientsPart>(catalog, labels);
}

std::vector<Metric> client_metrics() { return {output_max, output_all, query_max, memory_max, idle_max, by_host}; }

}  // namespace sidewatch::database::redis

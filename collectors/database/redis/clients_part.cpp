// CLIENT LIST, on request: the largest of the clients' buffers, who has been idle longest, how many connections each host
// has, and of so many clients as are wished for what each is like. Never of all: clients come and go, and each is a dozen
// series of its own.
#include <algorithm>
#include <array>
#include <map>
#include <vector>

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

// Of one client, under redis_exporter's names.
constexpr Metric client_info{"redis_connected_client_info", MetricType::gauge, "",
                             "On request (client_series): 1 for each of the clients that need the most memory."};
struct ClientField {
  std::string_view key;
  Metric metric;
};
constexpr std::array kClientFields{
    ClientField{"omem", {"redis_connected_client_output_buffer_memory_usage_bytes", MetricType::gauge, "bytes",
                         "Memory of the client's output buffers."}},
    ClientField{"tot-mem", {"redis_connected_client_total_memory_consumed_bytes", MetricType::gauge, "bytes",
                            "All memory that the client needs (Redis 6.2)."}},
    ClientField{"sub", {"redis_connected_client_channel_subscriptions_count", MetricType::gauge, "",
                        "Channels that the client has subscribed to."}},
    ClientField{"psub", {"redis_connected_client_pattern_matching_subscriptions_count", MetricType::gauge, "",
                         "Patterns of channels that the client has subscribed to."}},
    ClientField{"ssub", {"redis_connected_client_shard_channel_subscriptions_count", MetricType::gauge, "",
                         "Channels of a shard that the client has subscribed to (Redis 7)."}},
    ClientField{"watch", {"redis_connected_client_shard_channel_watched_keys", MetricType::gauge, "",
                          "Keys that the client watches (Redis 7.4)."}},
    ClientField{"qbuf", {"redis_connected_client_query_buffer_length_bytes", MetricType::gauge, "bytes",
                         "Bytes in the client's input buffer."}},
    ClientField{"qbuf-free", {"redis_connected_client_query_buffer_free_space_bytes", MetricType::gauge, "bytes",
                              "Free bytes of the client's input buffer."}},
    ClientField{"obl", {"redis_connected_client_output_buffer_length_bytes", MetricType::gauge, "bytes",
                        "Bytes in the client's fixed output buffer."}},
    ClientField{"oll", {"redis_connected_client_output_list_length", MetricType::gauge, "",
                        "Answers that wait behind the client's fixed output buffer."}},
};
constexpr Metric client_created{"redis_connected_client_created_at_timestamp", MetricType::gauge, "",
                                "When the client connected, in seconds since 1970."};
constexpr Metric client_idle{"redis_connected_client_idle_since_timestamp", MetricType::gauge, "",
                             "When the client last said something, in seconds since 1970."};

struct Totals {
  double output_max = 0, output_all = 0, query_max = 0, memory_max = 0, idle_max = 0;
  bool has_memory = false;
};

std::string_view host_of(std::string_view address) { return address.substr(0, address.rfind(':')); }

// Calls `take(key, value)` for each pair of a line such as
// "id=3 addr=127.0.0.1:52555 name= age=8 idle=0 flags=N qbuf=26 omem=0 tot-mem=61466 ...".
template <class Take>
void each_pair(std::string_view line, Take take) {
  while (!line.empty()) {
    const auto pair = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(pair.size() + 1, line.size()));
    const auto equal = pair.find('=');
    if (equal != std::string_view::npos) take(pair.substr(0, equal), pair.substr(equal + 1));
  }
}

struct Client {
  std::string_view line;
  std::string_view host;
  double memory = 0;
};

Client read_client(std::string_view line, Totals& totals) {
  Client client{line, {}, 0};
  std::string_view flags;
  double idle = 0;
  double buffers = 0;
  each_pair(line, [&](std::string_view key, std::string_view value) {
    const auto number = number_of(value).value_or(0);
    if (key == "addr") client.host = host_of(value);
    if (key == "flags") flags = value;
    if (key == "idle") idle = number;
    if (key == "qbuf") totals.query_max = std::max(totals.query_max, number);
    if (key == "qbuf" || key == "omem") buffers += number;
    if (key == "omem") totals.output_max = std::max(totals.output_max, number);
    if (key == "omem") totals.output_all += number;
    if (key == "tot-mem") totals.has_memory = true;
    if (key == "tot-mem") totals.memory_max = std::max(totals.memory_max, number);
    if (key == "tot-mem") client.memory = number;
  });
  client.memory = std::max(client.memory, buffers);  // before Redis 6.2 the buffers are what is known
  if (flags.find_first_of("SMP") == std::string_view::npos) totals.idle_max = std::max(totals.idle_max, idle);
  return client;
}

// `now`: of the server; 0 when it is not known.
void add_client(const Client& client, std::int64_t now, Output& output) {
  std::string_view id, name, flags, db, user, resp;
  each_pair(client.line, [&](std::string_view key, std::string_view value) {
    if (key == "id") id = value;
    if (key == "name") name = value;
    if (key == "flags") flags = value;
    if (key == "db") db = value;
    if (key == "user") user = value;
    if (key == "resp") resp = value;
  });
  output.add(client_info, 1,
             {{"id", id}, {"name", name}, {"flags", flags}, {"db", db}, {"host", client.host}, {"user", user},
              {"resp", resp}});
  const SeriesCache::LabelList labels{{"id", id}, {"name", name}};
  each_pair(client.line, [&](std::string_view key, std::string_view value) {
    const auto number = number_of(value);
    if (!number) return;
    for (const auto& field : kClientFields) {
      if (field.key == key) output.add(field.metric, *number, labels);
    }
    if (now > 0 && key == "age") output.add(client_created, static_cast<double>(now) - *number, labels);
    if (now > 0 && key == "idle") output.add(client_idle, static_cast<double>(now) - *number, labels);
  });
}

class ClientsPart final : public Part {
 public:
  ClientsPart(std::int64_t series, Catalog& catalog, const Labels& labels)
      : Part("client list", Duration(0), catalog, labels), series_(static_cast<std::size_t>(series)) {}

 private:
  std::optional<Failure> ask(Connection& connection, const ServerFacts& facts, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"CLIENT", "LIST"}, reply)) return failure;
    Totals totals;
    clients_.clear();
    std::map<std::string_view, double> hosts;
    std::string_view rest = reply->text;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.empty()) continue;
      const Client client = read_client(line, totals);
      ++hosts[client.host];
      if (series_ > 0) clients_.push_back(client);
    }
    add_totals(totals, output);
    add_hosts(hosts, output);
    add_largest(facts.now, output);
    return std::nullopt;
  }

  static void add_totals(const Totals& totals, Output& output) {
    output.add(output_max, totals.output_max);
    output.add(output_all, totals.output_all);
    output.add(query_max, totals.query_max);
    if (totals.has_memory) output.add(memory_max, totals.memory_max);
    output.add(idle_max, totals.idle_max);
  }

  static void add_hosts(const std::map<std::string_view, double>& hosts, Output& output) {
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
  }

  void add_largest(std::int64_t now, Output& output) {
    const auto count = std::min(series_, clients_.size());
    std::partial_sort(clients_.begin(), clients_.begin() + static_cast<std::ptrdiff_t>(count), clients_.end(),
                      [](const Client& a, const Client& b) { return a.memory > b.memory; });
    for (std::size_t i = 0; i < count; ++i) add_client(clients_[i], now, output);
    clients_.clear();  // they are views of the answer
  }

  const std::size_t series_;  // clients that are told of one by one
  std::vector<Client> clients_;
};

}  // namespace

std::unique_ptr<Part> make_clients_part(std::int64_t series, Catalog& catalog, const Labels& labels) {
  return std::make_unique<ClientsPart>(series, catalog, labels);
}

std::vector<Metric> client_metrics() {
  std::vector<Metric> metrics{output_max, output_all, query_max, memory_max, idle_max, by_host,
                              client_info, client_created, client_idle};
  for (const auto& field : kClientFields) metrics.push_back(field.metric);
  return metrics;
}

}  // namespace sidewatch::database::redis

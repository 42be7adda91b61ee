#include "collectors/database/redis/key_measures.h"

#include <algorithm>
#include <array>
#include <utility>

#include "collectors/database/redis/info_text.h"

namespace sidewatch::database::redis {
namespace {

constexpr std::int64_t longest_number = 32;
constexpr std::size_t most_groups = 100;     // of a stream
constexpr std::size_t most_consumers = 100;  // of all groups of a stream

constexpr Metric key_size{"redis_key_size", MetricType::gauge, "",
                          "On request (check_keys): elements of the key, or the length of a text; 0 when a key that is "
                          "named is not there, as an empty list never is."};
constexpr Metric key_memory{"redis_key_memory_usage_bytes", MetricType::gauge, "bytes",
                            "On request (check_keys): memory of the key."};
constexpr Metric key_value{"redis_key_value", MetricType::gauge, "",
                           "On request (check_keys): the key's value, where it is a number."};

constexpr Metric stream_gauge(std::string_view name, std::string_view help) {
  return {name, MetricType::gauge, "", help};
}

// What XINFO tells of something, and what becomes of it. An entry's number ("1638006862416-0") is its time in ms.
struct Field {
  std::string_view name;
  Metric metric;
  double factor = 1;
};
constexpr std::array kStream{
    Field{"length", stream_gauge("redis_stream_length", "On request (check_keys with groups): entries of the stream.")},
    Field{"radix-tree-keys", stream_gauge("redis_stream_radix_tree_keys", "Keys of the stream's tree.")},
    Field{"radix-tree-nodes", stream_gauge("redis_stream_radix_tree_nodes", "Nodes of the stream's tree.")},
    Field{"last-generated-id", stream_gauge("redis_stream_last_generated_id",
                                            "When the newest entry ever was added, in ms since 1970.")},
    Field{"groups", stream_gauge("redis_stream_groups", "Consumer groups of the stream.")},
    Field{"max-deleted-entry-id", stream_gauge("redis_stream_max_deleted_entry_id",
                                               "The newest entry that was deleted, in ms since 1970 (Redis 7).")},
    Field{"first-entry", stream_gauge("redis_stream_first_entry_id", "The oldest entry, in ms since 1970.")},
    Field{"last-entry", stream_gauge("redis_stream_last_entry_id", "The newest entry, in ms since 1970.")},
    Field{"entries-added", {"redis_stream_entries_added_total", MetricType::counter, "",
                            "Entries that were ever added to the stream (Redis 7)."}},
};
constexpr std::array kGroup{
    Field{"consumers", stream_gauge("redis_stream_group_consumers", "Consumers of the group.")},
    Field{"pending", stream_gauge("redis_stream_group_messages_pending",
                                  "Entries that were delivered to the group and not yet acknowledged.")},
    Field{"last-delivered-id", stream_gauge("redis_stream_group_last_delivered_id",
                                            "The newest entry that was delivered, in ms since 1970.")},
    Field{"entries-read", stream_gauge("redis_stream_group_entries_read",
                                       "Entries that the group has read, as the server reckons (Redis 7).")},
    Field{"lag", stream_gauge("redis_stream_group_lag",
                              "Entries that wait for being delivered to the group (Redis 7).")},
};
constexpr std::array kConsumer{
    Field{"pending", stream_gauge("redis_stream_group_consumer_messages_pending",
                                  "Entries that were delivered to the consumer and not yet acknowledged.")},
    Field{"idle", stream_gauge("redis_stream_group_consumer_idle_seconds",
                               "How long ago the consumer last asked for something."), 1e-3},
};

struct SizeCommand {
  std::string_view type;
  std::string_view command;
};
constexpr std::array kSizes{SizeCommand{"string", "STRLEN"}, SizeCommand{"list", "LLEN"},
                            SizeCommand{"set", "SCARD"},     SizeCommand{"zset", "ZCARD"},
                            SizeCommand{"hash", "HLEN"},     SizeCommand{"stream", "XLEN"}};

// A number, the time in an entry's number, or that of an entry (a list that begins with its number).
std::optional<double> number_in(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::number: return static_cast<double>(reply.number);
    case Reply::Kind::text: return number_of(std::string_view(reply.text).substr(0, reply.text.find('-')));
    case Reply::Kind::array: return reply.elements.empty() ? std::nullopt : number_in(reply.elements.front());
    case Reply::Kind::nil:
    case Reply::Kind::error: break;
  }
  return std::nullopt;
}

// Calls `take(metric, value)` for each field that the map has.
template <class Fields, class Take>
void each_number(const Reply& map, const Fields& fields, Take take) {
  for (std::size_t i = 0; i + 1 < map.elements.size(); i += 2) {
    for (const auto& field : fields) {
      if (map.elements[i].text != field.name) continue;
      if (const auto number = number_in(map.elements[i + 1])) take(field.metric, *number * field.factor);
    }
  }
}

// What a server refuses of this key and perhaps not of another.
bool is_about_the_key(std::string_view error) {
  return error.starts_with("NOPERM") && error.find("key") != std::string_view::npos;
}

}  // namespace

std::optional<Failure> KeyMeasures::ask(const KeyQuestion& question, Connection& connection,
                                        std::optional<Failure>& trouble) {
  measures_.clear();
  trouble.reset();
  const auto key = question.key;
  const Reply* reply = nullptr;
  if (auto failure = connection.ask_for_any({"TYPE", key}, reply)) return failure;
  if (reply->kind == Reply::Kind::error) {
    if (reply->text.starts_with("MOVED")) return std::nullopt;  // another node of the cluster has it
    auto failure = failure_of(reply->text, {"TYPE", key}, connection.user());
    if (!is_about_the_key(reply->text)) return failure;
    trouble = std::move(failure);
    trouble->text += " (" + std::string(key) + ")";
    return std::nullopt;
  }
  const auto has_type = [&](const SizeCommand& one) { return one.type == reply->text; };
  const auto type = std::find_if(kSizes.begin(), kSizes.end(), has_type);
  if (reply->text == "none" && question.must_exist) note(key_size, 0);
  if (type == kSizes.end()) return std::nullopt;  // gone, or of a module's type
  if (auto failure = connection.ask({type->command, key}, reply)) return failure;
  const std::int64_t size = reply->number;
  note(key_size, static_cast<double>(size));
  if (auto failure = connection.ask_for_any({"MEMORY", "USAGE", key}, reply)) return failure;
  if (reply->kind == Reply::Kind::number) note(key_memory, static_cast<double>(reply->number));
  if (type->type == "string" && size > 0 && size <= longest_number) return ask_value(key, connection);
  if (type->type == "stream" && question.streams) return ask_stream(key, connection);
  return std::nullopt;
}

std::optional<Failure> KeyMeasures::ask_value(std::string_view key, Connection& connection) {
  const Reply* reply = nullptr;
  if (auto failure = connection.ask_for_any({"GET", key}, reply)) return failure;
  if (reply->kind != Reply::Kind::text) return std::nullopt;
  if (reply->text.find_first_not_of("+-.0123456789eE") != std::string::npos) return std::nullopt;
  if (const auto value = number_of(reply->text)) note(key_value, *value);
  return std::nullopt;
}

std::optional<Failure> KeyMeasures::ask_stream(std::string_view key, Connection& connection) {
  const Reply* reply = nullptr;
  if (auto failure = connection.ask({"XINFO", "STREAM", key}, reply)) return failure;
  each_number(*reply, kStream, [&](const Metric& metric, double value) { note(metric, value); });
  if (auto failure = connection.ask({"XINFO", "GROUPS", key}, reply)) return failure;
  std::vector<std::string> groups;
  for (const auto& one : reply->elements) {
    const auto name = one.value_of("name");
    if (name.empty() || groups.size() == most_groups) continue;
    groups.emplace_back(name);
    each_number(one, kGroup, [&](const Metric& metric, double value) { note(metric, value, name); });
  }
  std::size_t left = most_consumers;
  for (const auto& group : groups) {
    if (auto failure = ask_consumers(key, group, connection, left)) return failure;
    if (left == 0) break;
  }
  return std::nullopt;
}

std::optional<Failure> KeyMeasures::ask_consumers(std::string_view key, std::string_view group,
                                                  Connection& connection, std::size_t& left) {
  const Reply* reply = nullptr;
  if (auto failure = connection.ask({"XINFO", "CONSUMERS", key, group}, reply)) return failure;
  for (const auto& one : reply->elements) {
    const auto name = one.value_of("name");
    if (name.empty() || left == 0) continue;
    --left;
    each_number(one, kConsumer, [&](const Metric& metric, double value) { note(metric, value, group, name); });
  }
  return std::nullopt;
}

void KeyMeasures::note(const Metric& metric, double value, std::string_view group, std::string_view consumer) {
  measures_.push_back({&metric, value, std::string(group), std::string(consumer)});
}

void KeyMeasures::add(std::string_view db, std::string_view key, Output& output) const {
  for (const auto& one : measures_) {
    const bool of_stream = one.metric->name.starts_with("redis_stream_");
    output.add(*one.metric, one.value,
               {{"db", db}, {of_stream ? "stream" : "key", key}, {"group", one.group}, {"consumer", one.consumer}});
  }
}

std::vector<Metric> key_measure_metrics() { return {key_size, key_memory, key_value}; }

std::vector<Metric> stream_metrics() {
  std::vector<Metric> metrics;
  for (const auto& field : kStream) metrics.push_back(field.metric);
  for (const auto& field : kGroup) metrics.push_back(field.metric);
  for (const auto& field : kConsumer) metrics.push_back(field.metric);
  return metrics;
}

}  // namespace sidewatch::database::redis

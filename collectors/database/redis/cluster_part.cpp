// CLUSTER INFO: how a node sees its cluster.
#include "collectors/database/redis/info_fields.h"
#include "collectors/database/redis/info_text.h"
#include "collectors/database/redis/part.h"

namespace sidewatch::database::redis {
namespace {

// What newer servers count beside the fields that have a row of their own: messages by their kind.
constexpr std::string_view messages = "cluster_stats_messages_";

class ClusterPart final : public Part {
 public:
  ClusterPart(Catalog& catalog, const Labels& labels) : Part("cluster info", Duration(0), catalog, labels) {}

 private:
  bool concerns(const ServerFacts& facts) const override { return facts.cluster; }

  std::optional<Failure> ask(Connection& connection, const ServerFacts&, Output& output) override {
    const Reply* reply = nullptr;
    if (auto failure = connection.ask({"CLUSTER", "INFO"}, reply)) return failure;
    InfoLines lines(reply->text);
    InfoLine line;
    while (lines.next(line)) {
      const auto number = number_of(line.value);
      if (!number) continue;
      if (const auto* field = find_info_field(line.key)) {
        output.add(field->metric, *number);
      } else if (line.key.starts_with(messages)) {
        name_.assign("redis_").append(line.key);
        output.add({name_, MetricType::gauge, "", "Messages of one kind over the cluster's bus."}, *number);
      }
    }
    return std::nullopt;
  }

  std::string name_;
};

}  // namespace

std::unique_ptr<Part> make_cluster_part(Catalog& catalog, const Labels& labels) {
  return std::make_unique<ClusterPart>(catalog, labels);
}

std::vector<Metric> cluster_metrics() {
  return {{"redis_cluster_stats_messages_*", MetricType::gauge, "", "Messages of one kind over the cluster's bus."}};
}

}  // namespace sidewatch::database::redis

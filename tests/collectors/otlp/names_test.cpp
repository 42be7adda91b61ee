#include "collectors/otlp/names.h"

#include <gtest/gtest.h>

namespace sidewatch::otlp {
namespace {

struct NameCase {
  std::string_view name, unit;
  Shows shows;
  std::string_view expected;
};

// As Prometheus's receiver has them.
TEST(OtlpNames, FollowThoseThatPrometheusGives) {
  constexpr NameCase cases[] = {
      {"http.server.request.duration", "s", Shows::nothing, "http_server_request_duration_seconds"},
      {"system.filesystem.usage", "By", Shows::nothing, "system_filesystem_usage_bytes"},
      {"system.network.io", "By", Shows::counter, "system_network_io_bytes_total"},
      {"orders", "", Shows::counter, "orders_total"},
      {"orders.total", "{order}", Shows::counter, "orders_total"},
      {"total.orders", "", Shows::counter, "orders_total"},
      {"cpu.utilization", "1", Shows::gauge, "cpu_utilization_ratio"},
      {"cpu.ratio.max", "1", Shows::gauge, "cpu_max_ratio"},
      {"active.requests", "1", Shows::nothing, "active_requests"},
      {"queue.length", "{message}", Shows::gauge, "queue_length"},
      {"request.bytes", "By", Shows::gauge, "request_bytes"},
      {"flow", "By/s", Shows::gauge, "flow_bytes_per_second"},
      {"rate", "{packet}/s", Shows::gauge, "rate_per_second"},
      {"fuel", "l/m", Shows::gauge, "fuel_l_per_minute"},
      {"load", "%", Shows::gauge, "load_percent"},
      {"heat", "Cel", Shows::gauge, "heat_celsius"},
      {"a..b__c-d", "", Shows::gauge, "a_b_c_d"},
      {"5xx.errors", "", Shows::counter, "_5xx_errors_total"},
      {"job:errors", "", Shows::gauge, "job:errors"},
      {"größe", " s ", Shows::gauge, "gr_e_seconds"},
  };
  for (const auto& [name, unit, shows, expected] : cases) {
    EXPECT_EQ(metric_name(name, unit, shows, NameStyle::prometheus), expected) << name << " " << unit;
  }
}

TEST(OtlpNames, StayAsTheyWereSentWhereThatIsAskedFor) {
  EXPECT_EQ(metric_name("http.server.duration", "s", Shows::counter, NameStyle::as_sent), "http_server_duration");
  EXPECT_EQ(metric_name("5xx", "", Shows::counter, NameStyle::as_sent), "_5xx");
}

TEST(OtlpNames, OfAttributesAreLegalAndNeverPrometheussOwn) {
  EXPECT_EQ(label_name("http.request.method"), "http_request_method");
  EXPECT_EQ(label_name("2xx"), "key_2xx");
  EXPECT_EQ(label_name("_private"), "key_private");
  EXPECT_EQ(label_name("__name__"), "key__name__");
  EXPECT_EQ(label_name("a:b"), "a_b");
}

TEST(OtlpNames, ThatBecomeOneLabelStandTogetherInOrder) {
  EXPECT_EQ(labels_of({{"a.b", "2"}, {"a-b", "1"}, {"c", ""}, {"a/b", "3"}}), (Labels{{"a_b", "1;2;3"}}));
}

}  // namespace
}  // namespace sidewatch::otlp

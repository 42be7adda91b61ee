// Events and checks in, labelled series out, for so long and no more than so many.
#include "collectors/statsd/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "collectors/statsd/aggregate.h"

namespace sidewatch::statsd {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class EventsTest : public ::testing::Test {
 protected:
  std::map<std::string, double> write() {
    batch.clear();
    aggregate.write(batch, now);
    std::map<std::string, double> found;
    for (const auto& sample : batch.samples()) {
      const auto info = catalog.info(sample.series);
      const auto& name = info->family->name;
      if (name == recent_events_metric.name || name == check_message_metric.name) found[info->labels.to_string()] = sample.value;
    }
    return found;
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Time now = time_at_ms(600'000);
  Aggregate aggregate{catalog, AggregateOptions{.events = {.enabled = true, .keep = 1min, .max = 3}}};
  Batch batch;
};

TEST_F(EventsTest, AreCountedByTitleUntilNoneComesAndThenAreZeroAndThenGone) {
  aggregate.take("_e{9,4}:Disk died|text|t:error|k:disk|s:cron|#room:b\n_e{9,5}:Disk died|again|t:error|k:disk|s:cron|#room:b");
  const char* const labels =
      R"({aggregation_key="disk", priority="normal", room="b", source="cron", title="Disk died", type="error"})";
  EXPECT_THAT(write(), ElementsAre(Pair(labels, 2)));
  now += 1min;
  aggregate.take("_e{9,4}:Disk died|text|t:error|k:disk|s:cron|#room:b");
  EXPECT_THAT(write(), ElementsAre(Pair(labels, 3)));
  now += 61s;
  EXPECT_THAT(write(), ElementsAre(Pair(labels, 0)));
  aggregate.take("_e{9,4}:Disk died|text|t:error|k:disk|s:cron|#room:b");
  EXPECT_THAT(write(), ElementsAre(Pair(labels, 1)));
  now += 121s;
  EXPECT_THAT(write(), IsEmpty());
}

TEST_F(EventsTest, BeyondTheirNumberAreToldTogether) {
  for (int i = 0; i < 100; ++i) aggregate.take("_e{2,1}:" + std::to_string(10 + i % 90) + "|x");
  const auto found = write();
  EXPECT_EQ(found.size(), 4U);
  EXPECT_EQ(found.at(R"_({priority="normal", title="(other events)", type="info"})_"), 94);
}

TEST_F(EventsTest, TellWhatACheckSaidLast) {
  aggregate.take("_sc|db|2|#shard:1|m:no route to host\n_sc|cache|0");
  EXPECT_THAT(write(), ElementsAre(Pair(R"({message="no route to host", name="db", shard="1"})", 1)));
  aggregate.take("_sc|db|2|#shard:1|m:timeout");
  EXPECT_THAT(write(), ElementsAre(Pair(R"({message="timeout", name="db", shard="1"})", 1)));
  for (int i = 0; i < 10; ++i) aggregate.take("_sc|c" + std::to_string(i) + "|1|m:slow");
  EXPECT_EQ(write().size(), 3U);
}

TEST(EventsByDefault, AreNotKeptInWords) {
  Catalog catalog{Catalog::Limits{}, Labels{}};
  Aggregate aggregate{catalog, AggregateOptions{}};
  Batch batch;
  aggregate.take("_e{5,4}:title|text\n_sc|db|2|m:message");
  aggregate.write(batch, time_at_ms(600'000));
  EXPECT_EQ(batch.size(), 2U);
  for (const auto& sample : batch.samples()) EXPECT_EQ(catalog.info(sample.series)->labels.get("title"), "");
}

}  // namespace
}  // namespace sidewatch::statsd

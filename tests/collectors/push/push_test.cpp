// Pushes in, answers and samples out.
#include "collectors/push/push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "metrics/outside_series.h"

namespace sidewatch::push {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::DoubleNear;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Pair;
using testing::UnorderedElementsAre;

class JsonPushTest : public testing::Test {
 protected:
  JsonPushTest() {
    config.limits.max_series = 5;
    config.limits.max_names = 4;
    config.limits.max_observed = 2;
    config.limits.buckets = {0.1, 1};
    config.limits.quantiles = {0.5};
    config.max_metrics = 10;
  }

  PushAnswer post(const std::string& body, std::string_view content_type = "application/json") {
    PushRequest request;
    request.method = "POST";
    request.content_type = content_type;
    request.body = body;
    request.now = now;
    return target().take(request);
  }
  // Why each metric was not taken, by its place.
  std::map<std::string, std::string> rejected(const std::string& body) {
    std::map<std::string, std::string> all;
    const auto answer = JsonValue::parse(post(body).body);
    for (const auto& each : (*answer)["rejected"].items()) {
      all[std::string(each["at"].text_or(""))] = std::string(each["why"].text_or(""));
    }
    return all;
  }
  std::map<std::string, double> pass() {
    Batch batch;
    target().series().write(catalog, handles, batch, now);
    began = by_name(batch.beginnings());
    return by_name(batch.samples());
  }
  std::map<std::string, double> by_name(const std::vector<Sample>& samples) {
    std::map<std::string, double> found;
    for (const auto& sample : samples) {
      const auto info = catalog.info(sample.series);
      found[info->family->name + (info->labels.empty() ? "" : info->labels.to_string())] = sample.value;
    }
    return found;
  }
  MetricType type_of(const std::string& name) {
    const auto found = catalog.find(std::vector{*Matcher::make("__name__", Matcher::Op::equal, name)});
    return found.empty() ? MetricType::untyped : found[0].info->family->type;
  }
  JsonPushTarget& target() {
    if (!target_) target_ = std::make_unique<JsonPushTarget>(config);
    return *target_;
  }

  JsonPushConfig config;
  std::unique_ptr<JsonPushTarget> target_;
  Catalog catalog{Catalog::Limits{}, Labels{}};
  PushedHandles handles;
  Time now = time_at_ms(600'000);
  std::map<std::string, double> began;  // what the series that the last pass() began with stood at before
};

TEST_F(JsonPushTest, ServesWhatWasPushedUntilItIsPushedAgain) {
  EXPECT_EQ(post(R"({"orders_total": 3, "queue_depth{queue=\"mail\"}": 7})").status, 200);
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("orders_total", 3), Pair(R"(queue_depth{queue="mail"})", 7)));
  now += 10s;
  EXPECT_EQ(pass().at("orders_total"), 3);
  post(R"({"orders_total": 5})");
  EXPECT_EQ(pass().at("orders_total"), 5);
  EXPECT_EQ(type_of("orders_total"), MetricType::counter);
  EXPECT_EQ(type_of("queue_depth"), MetricType::gauge);
}

TEST_F(JsonPushTest, AddsUpWhatIsSentWithAdd) {
  post(R"({"done_total": {"add": 2}})");
  post(R"({"done_total": {"add": 3}})");
  EXPECT_EQ(pass().at("done_total"), 5);
  post(R"({"metrics": [{"name": "level", "type": "gauge", "value": 10}]})");
  post(R"({"level": {"add": -4}})");
  EXPECT_EQ(pass().at("level"), 6) << "its type is known by then";
}

TEST_F(JsonPushTest, MakesAHistogramOfWhatIsObserved) {
  post(R"({"seconds": {"observe": [0.1, 0.5]}})");
  post(R"({"seconds": {"observe": 7}})");
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("seconds_count", 3), Pair("seconds_sum", testing::DoubleNear(7.6, 1e-9)),
                                           Pair(R"(seconds_bucket{le="0.1"})", 1), Pair(R"(seconds_bucket{le="1"})", 2),
                                           Pair(R"(seconds_bucket{le="+Inf"})", 3)));
}

TEST_F(JsonPushTest, MakesTrueQuantilesOverAWindowOfASummary) {
  post(R"({"seconds": {"type": "summary", "observe": [1, 2, 3, 4, 5]}})");
  const auto first = pass();
  EXPECT_NEAR(first.at(R"(seconds{quantile="0.5"})"), 3, 0.03);
  EXPECT_EQ(first.at("seconds_count"), 5);
  EXPECT_EQ(first.at("seconds_sum"), 15);
  now += 2min;
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("seconds_count", 5), Pair("seconds_sum", 15))) << "nothing in the last minute";
}

TEST_F(JsonPushTest, DropsWhatNobodyPushesAnyMore) {
  post(R"({"old": 1, "kept": 1})");
  pass();
  now += 4min;
  post(R"({"kept": 2})");
  now += 61s;
  EXPECT_THAT(pass(), ElementsAre(Pair("kept", 2)));
  EXPECT_EQ(handles.by_number.size(), 1u);
  EXPECT_EQ(post(R"({"metrics": [{"name": "old", "type": "counter", "value": 1}]})").status, 200) << "its type was forgotten with it";
}

TEST_F(JsonPushTest, TellsThatWhatIsAddedUpStoodAtZeroBeforeItCameFirst) {
  post(R"({"errors": {"add": 5}, "total_total": 5, "metrics": {"observe": 3}})");
  pass();
  EXPECT_THAT(began, UnorderedElementsAre(Pair("errors", 0), Pair("metrics_count", 0), Pair("metrics_sum", 0),
                                          Pair(R"(metrics_bucket{le="0.1"})", 0), Pair(R"(metrics_bucket{le="1"})", 0),
                                          Pair(R"(metrics_bucket{le="+Inf"})", 0)))
      << "a total is its program's to tell";
  post(R"({"errors": {"add": 5}})");
  pass();
  EXPECT_THAT(began, IsEmpty());
}

TEST_F(JsonPushTest, GoesOnAddingWhereItWasWhenACounterComesBackAfterItsTtl) {
  post(R"({"errors": {"add": 5}, "took": {"observe": [0.05, 0.5, 9]}, "total_total": 5})");
  pass();
  now += 6min;
  EXPECT_THAT(pass(), IsEmpty());
  post(R"({"errors": {"add": 5}, "took": {"observe": 0.5}, "total_total": 1})");
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("errors", 10), Pair("total_total", 1), Pair("took_count", 4),
                                           Pair("took_sum", DoubleNear(10.05, 1e-9)), Pair(R"(took_bucket{le="0.1"})", 1),
                                           Pair(R"(took_bucket{le="1"})", 3), Pair(R"(took_bucket{le="+Inf"})", 4)));
  EXPECT_THAT(began, IsSupersetOf({Pair("errors", 5), Pair("took_count", 3), Pair(R"(took_bucket{le="1"})", 2)}));
}

TEST_F(JsonPushTest, KeepsForEverWithoutATtl) {
  config.limits.ttl = 0s;
  post(R"({"old": 1})");
  now += 1000h;
  EXPECT_THAT(pass(), ElementsAre(Pair("old", 1)));
}

TEST_F(JsonPushTest, SaysWhatWasTakenAndWhatWasNot) {
  const auto answer = post(R"({"metrics": [{"name": "a", "value": 1}, {"name": "b-", "value": 1}, {"name": "c", "value": -1, "type": "counter"}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body,
            R"({"accepted":1,"rejected":[{"at":"metrics[1].name","why":"a name has letters, digits, '_' and ':', and no digit first; write b_"},)"
            R"({"at":"metrics[2]","why":"a counter never falls below 0"}]})"
            "\n");
  EXPECT_EQ(answer.samples, 1u);
  EXPECT_THAT(answer.refused, ElementsAre(Pair("name", 1), Pair("value", 1)));
}

TEST_F(JsonPushTest, AnswersWithAnErrorWhenNothingCanBeUsed) {
  EXPECT_EQ(post(R"({"a-": 1})").status, 400);
  EXPECT_EQ(post("{").status, 400);
  EXPECT_THAT(post("{").body, HasSubstr(R"({"accepted":0,"error":")"));
  EXPECT_EQ(post("{}").status, 200) << "nothing was wrong with nothing";
}

TEST_F(JsonPushTest, WantsToBeToldThatItIsJson) {
  EXPECT_EQ(post(R"({"a": 1})", "application/x-www-form-urlencoded").status, 415) << "what a page of another site can send";
  EXPECT_EQ(post(R"({"a": 1})", "").status, 415);
  EXPECT_EQ(post(R"({"a": 1})", "Application/JSON; charset=utf-8").status, 200);
  EXPECT_EQ(post(R"({"a": 1})", "application/vnd.shop+json").status, 200);
}

TEST_F(JsonPushTest, RefusesWhatIsAnotherTypeAlready) {
  post(R"({"a_total": 1, "seconds": {"observe": 1}})");
  EXPECT_THAT(rejected(R"({"metrics": [{"name": "a_total", "type": "gauge", "value": 1}]})"),
              ElementsAre(Pair("metrics[0]", "a_total is a counter already, and not a gauge")));
  EXPECT_THAT(rejected(R"({"seconds": 1})"), ElementsAre(Pair("seconds", "a histogram is sent with observe")));
  EXPECT_THAT(rejected(R"({"seconds_count": 1})"), ElementsAre(Pair("seconds_count", HasSubstr("among its parts"))));
  EXPECT_THAT(rejected(R"({"a_total": {"observe": 1}})"), ElementsAre(Pair("a_total", HasSubstr("what is observed"))));
}

TEST_F(JsonPushTest, RefusesTheNamesOfWhatTheAgentMeasuresItself) {
  EXPECT_THAT(rejected(R"({"node_load1": 99, "sidewatch_push_series": 1, "ALERTS": 1})"),
              ElementsAre(Pair("ALERTS", HasSubstr("belongs to")), Pair("node_load1", HasSubstr("belongs to")),
                          Pair("sidewatch_push_series", HasSubstr("belongs to"))));
}

TEST_F(JsonPushTest, RefusesAHistogramWhosePartsTheAgentMeasuresItself) {
  const auto why = rejected(R"({"pg_locks": {"observe": 1}, "redis_keys": {"observe": 1}, "fine": {"observe": 1}})");
  EXPECT_EQ(why.size(), 2U);
  for (const auto& [at, sentence] : why) EXPECT_THAT(sentence, HasSubstr("belongs to what the agent itself measures"));
  const auto samples = pass();
  EXPECT_EQ(samples.count("pg_locks_count"), 0U);
  EXPECT_EQ(samples.count("fine_count"), 1U);
}

TEST_F(JsonPushTest, RefusesLabelsThatTheAgentSets) {
  EXPECT_EQ(rejected(R"({"a{le=\"1\"}": {"observe": 1}})").size(), 1u);
  EXPECT_EQ(rejected(R"({"b{quantile=\"1\"}": {"type": "summary", "observe": 1}})").size(), 1u);
  EXPECT_EQ(rejected(R"({"c{le=\"1\"}": 1})").size(), 0u) << "of a gauge it is a label like any other";
}

TEST_F(JsonPushTest, RefusesWhatCannotBeAddedUp) {
  EXPECT_EQ(rejected(R"({"a": {"add": 1e200}, "b": {"observe": -1e200}})").size(), 2u);
  EXPECT_EQ(rejected(R"({"c": 1e200})").size(), 0u);
}

TEST_F(JsonPushTest, TakesNoMoreSeriesThanThereIsRoomFor) {
  const auto full = post(R"({"a{x=\"1\"}": 1, "a{x=\"2\"}": 1, "a{x=\"3\"}": 1, "a{x=\"4\"}": 1, "a{x=\"5\"}": 1, "a{x=\"6\"}": 1})");
  EXPECT_EQ(full.status, 200);
  EXPECT_EQ(full.samples, 5u);
  EXPECT_EQ(post(R"({"b": 1})").status, 429) << "nothing of it was taken for want of room";
  EXPECT_EQ(post(R"({"a{x=\"1\"}": 2})").status, 200) << "what there is goes on";
  EXPECT_EQ(pass().size(), 5u);
}

TEST_F(JsonPushTest, TakesNoMoreNamesAndHistogramsThanThereIsRoomFor) {
  EXPECT_EQ(post(R"({"a": 1, "b": {"observe": 1}, "c": {"observe": 1}})").samples, 3u);
  EXPECT_EQ(post(R"({"d": {"observe": 1}})").status, 429);
  EXPECT_THAT(post(R"({"d": {"observe": 1}})").body, HasSubstr("max_observed"));
  EXPECT_EQ(post(R"({"d": 1})").status, 200);
  EXPECT_EQ(post(R"({"e": 1})").status, 429);
  EXPECT_THAT(post(R"({"e": 1})").body, HasSubstr("max_names"));
}

TEST_F(JsonPushTest, NeverMakesMoreSeriesThanItsBudgetHoweverOftenNamesChange) {
  handles = PushedHandles(config.limits.max_catalog_series());
  for (int round = 0; round < 10; ++round) {
    const auto id = std::to_string(round);
    now += 6min;
    pass();  // which drops those of the round before
    EXPECT_EQ(post("{\"a" + id + "\": 1, \"b" + id + "\": 1, \"h" + id + "\": {\"observe\": 1}}").status, 200);
    pass();
  }
  EXPECT_EQ(catalog.size(), config.limits.max_catalog_series());
  EXPECT_EQ(handles.left_out, 3U);
}

TEST_F(JsonPushTest, RefusesWhatAPassFoundNoSeriesForUntilThereIsRoom) {
  Store store{catalog, {60s, std::size_t{1} << 20}};
  std::vector<OutsideSeries> others;
  for (std::size_t i = 0; i < room_for_outside(Catalog::Limits{}.max_series); ++i) {
    const std::string name = "m" + std::to_string(i % 5);
    others.push_back(series_from_outside(catalog, {name, MetricType::gauge, "", ""}, {{"i", std::to_string(i)}}));
  }
  EXPECT_EQ(post(R"({"a": 1, "sum": {"add": 1}})").status, 200) << "no pass has asked for series yet";
  pass();
  EXPECT_EQ(post(R"({"a": 2, "sum": {"add": 10}})").status, 429);
  EXPECT_THAT(rejected(R"({"b": 1})"), ElementsAre(Pair("b", HasSubstr("limits.max_series"))));
  others.clear();
  store.expire(now);
  const auto samples = pass();
  EXPECT_EQ(samples.at("a"), 2);
  EXPECT_EQ(samples.at("sum"), 1) << "what was refused is not added up";
  EXPECT_EQ(post(R"({"a": 3, "b": 1})").samples, 2U);
}

TEST_F(JsonPushTest, RefusesWhatAnotherInputSendsAlreadyUntilThatEnds) {
  Store store{catalog, {}};
  const SourceId statsd = store.add_source("statsd");
  const SourceId push = store.add_source("push");
  const auto orders = catalog.series({"orders", MetricType::counter, "", ""}, {});
  const auto turn = [&](bool is_sent) {
    now += 1s;
    Batch theirs;
    if (is_sent) theirs.add(orders, 7);
    store.append(statsd, now, theirs);
    Batch ours;
    handles.lost = store.lost("push");
    target().series().write(catalog, handles, ours, now);
    store.append(push, now, ours);
    return store.latest(orders.id(), now, 1min)->value;
  };
  EXPECT_EQ(post(R"({"orders": {"add": 1}, "depth": 1})").samples, 2U) << "no pass has told yet";
  EXPECT_EQ(turn(true), 7);
  EXPECT_EQ(turn(true), 7);
  const auto answer = post(R"({"orders": {"add": 10}, "depth": 2})");
  EXPECT_EQ(answer.samples, 1U);
  EXPECT_THAT(answer.refused, ElementsAre(Pair("taken", 1)));
  EXPECT_THAT(rejected(R"({"orders": {"add": 10}})"), ElementsAre(Pair("orders", HasSubstr("comes from statsd already"))));
  EXPECT_EQ(turn(false), 1) << "what was refused is not added up";
  EXPECT_EQ(turn(false), 1);
  EXPECT_EQ(post(R"({"orders": {"add": 10}})").samples, 1U);
  EXPECT_EQ(turn(false), 11);
}

TEST_F(JsonPushTest, FitsIntoItsBudgetWithAllThatMayStand) {
  handles = PushedHandles(config.limits.max_catalog_series());
  EXPECT_EQ(post(R"({"a": {"observe": 1}, "b": {"observe": 1}, "c{x=\"1\"}": 1, "c{x=\"2\"}": 1, "c{x=\"3\"}": 1})").status, 200);
  EXPECT_EQ(pass().size(), 13U);
  EXPECT_EQ(handles.left_out, 0U);
}

TEST_F(JsonPushTest, RefusesALargePushBeforeItIsParsed) {
  std::string many = "[0";
  for (int i = 0; i < 400; ++i) many += ",0";
  EXPECT_EQ(post(many + "]").status, 413);
}

TEST_F(JsonPushTest, ListsOnlySoManyRejections) {
  config.max_metrics = 1000;
  std::string body = "{";
  for (int i = 0; i < 150; ++i) body += (i > 0 ? ",\"" : "\"") + std::string(300, '-') + std::to_string(i) + "\": 1";
  const auto answer = post(body + "}");
  const auto parsed = JsonValue::parse(answer.body);
  EXPECT_EQ((*parsed)["rejected"].items().size(), 100u);
  EXPECT_EQ((*parsed)["further"].integer_or(0), 50);
  EXPECT_LT(answer.body.size(), 60'000u);
  EXPECT_THAT(answer.refused, ElementsAre(Pair("name", 150)));
}

}  // namespace
}  // namespace sidewatch::push

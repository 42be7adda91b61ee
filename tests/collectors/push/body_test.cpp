// A push's JSON in, samples and what is wrong with the others out.
#include "collectors/push/body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::push {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using How = PushedSample::How;

PushBody read(std::string_view json) {
  auto body = read_push_body(json, 10);
  EXPECT_TRUE(body) << body.error().text();
  return body ? std::move(*body) : PushBody{};
}

// The one thing that is wrong with a body of one metric.
Rejection wrong(std::string_view json) {
  const auto body = read(json);
  EXPECT_THAT(body.samples, IsEmpty()) << json;
  EXPECT_EQ(body.rejected.size(), 1u) << json;
  return body.rejected.empty() ? Rejection{} : body.rejected[0];
}

TEST(PushBody, ReadsTheLongForm) {
  const auto body = read(R"({"metrics": [{"name": "orders_total", "type": "counter", "value": 3, "labels": {"kind": "web"},
                                          "help": "Orders.", "unit": "orders"}]})");
  ASSERT_EQ(body.samples.size(), 1u);
  const auto& sample = body.samples[0];
  EXPECT_EQ(sample.at, "metrics[0]");
  EXPECT_EQ(sample.name, "orders_total");
  EXPECT_EQ(sample.type, MetricType::counter);
  EXPECT_EQ(sample.how, How::set);
  EXPECT_THAT(sample.values, ElementsAre(3));
  EXPECT_EQ(sample.labels, (Labels{{"kind", "web"}}));
  EXPECT_EQ(sample.help, "Orders.");
  EXPECT_EQ(sample.unit, "orders");
}

TEST(PushBody, ReadsTheShortForm) {
  const auto body = read(R"({"orders_total": 3, "queue_depth{queue=\"mail\"}": 7.5, "up": true,
                             "done_total": {"add": 2}, "seconds": {"type": "summary", "observe": [0.1, 2]}})");
  ASSERT_EQ(body.samples.size(), 5u);
  EXPECT_EQ(body.samples[0].name, "orders_total");
  EXPECT_EQ(body.samples[0].type, std::nullopt);
  EXPECT_EQ(body.samples[1].labels, (Labels{{"queue", "mail"}}));
  EXPECT_THAT(body.samples[1].values, ElementsAre(7.5));
  EXPECT_THAT(body.samples[2].values, ElementsAre(1));
  EXPECT_EQ(body.samples[3].how, How::add);
  EXPECT_EQ(body.samples[4].how, How::observe);
  EXPECT_EQ(body.samples[4].type, MetricType::summary);
  EXPECT_THAT(body.samples[4].values, ElementsAre(0.1, 2));
}

TEST(PushBody, TakesAMetricThatIsCalledMetrics) {
  EXPECT_EQ(read(R"({"metrics": 3, "b": 1})").samples.size(), 2u);
}

TEST(PushBody, RefusesOneMetricAndTakesTheOthers) {
  const auto body = read(R"({"metrics": [{"name": "a", "value": 1}, {"name": "b-c", "value": 1}, {"name": "d", "value": 1}]})");
  EXPECT_EQ(body.samples.size(), 2u);
  ASSERT_EQ(body.rejected.size(), 1u);
  EXPECT_EQ(body.rejected[0].at, "metrics[1].name");
  EXPECT_EQ(body.rejected[0].why, "a name has letters, digits, '_' and ':', and no digit first; write b_c");
  EXPECT_EQ(body.rejected[0].reason, Refusal::name);
}

TEST(PushBody, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string_view metric, at, why;
  };
  for (const auto& [metric, at, why] : std::vector<Case>{
           {R"(7)", "metrics[0]", "a metric is an object"},
           {R"({"value": 1})", "metrics[0].name", "a text is needed here"},
           {R"({"name": "", "value": 1})", "metrics[0].name", "no name"},
           {R"({"name": "a", "valeu": 1})", "metrics[0].valeu", "not a key of a metric"},
           {R"({"name": "a"})", "metrics[0]", "one of value"},
           {R"({"name": "a", "value": 1, "add": 1})", "metrics[0]", "one of value"},
           {R"({"name": "a", "value": "1"})", "metrics[0].value", "a number is needed here"},
           {R"({"name": "a", "value": null})", "metrics[0].value", "a number is needed here"},
           {R"({"name": "a", "value": 1, "type": "counters"})", "metrics[0].type", "a type is counter, gauge, histogram or summary"},
           {R"({"name": "a", "value": 1, "labels": ["x"]})", "metrics[0].labels", "labels are an object"},
           {R"({"name": "a", "value": 1, "labels": {"x": 1}})", "metrics[0].labels.x", "in quotes"},
           {R"({"name": "a", "value": 1, "labels": {"x-y": "1"}})", "metrics[0].labels", "write x_y"},
           {R"({"name": "a", "value": 1, "labels": {"__name__": "b"}})", "metrics[0].labels", "begin with __"},
           {R"({"name": "a", "observe": ["x"]})", "metrics[0].observe", "a number is needed here"}}) {
    const auto rejection = wrong(R"({"metrics": [)" + std::string(metric) + "]}");
    EXPECT_EQ(rejection.at, at) << metric;
    EXPECT_THAT(rejection.why, HasSubstr(why)) << metric;
  }
  EXPECT_THAT(wrong(R"({"a{b=}": 1})").why, HasSubstr("not a series: "));
  EXPECT_EQ(wrong(R"({"a{b=}": 1})").at, "a{b=}");
  EXPECT_THAT(wrong(R"({"a-b{c=\"d\"}": 1})").why, HasSubstr("write a_b"));
  EXPECT_THAT(wrong(R"({"{b=\"c\"}": 1})").why, HasSubstr("no name"));
  EXPECT_THAT(wrong(R"({"a": {"name": "b", "value": 1}})").why, HasSubstr("says name and labels already"));
}

TEST(PushBody, BoundsNamesLabelsAndObservations) {
  const auto metric = [](const std::string& name, const std::string& value, const std::string& observe) {
    return R"({"metrics": [{"name": ")" + name + R"(", "labels": {"x": ")" + value + R"("}, "observe": [)" + observe + "]}]}";
  };
  std::string observed = "1";
  for (std::size_t i = 1; i < max_observations; ++i) observed += ",1";
  EXPECT_EQ(read(metric(std::string(max_name_bytes, 'a'), std::string(max_label_bytes - 1, 'b'), observed)).samples.size(), 1u);
  EXPECT_EQ(wrong(metric(std::string(max_name_bytes + 1, 'a'), "b", "1")).reason, Refusal::name);
  EXPECT_EQ(wrong(metric("a", std::string(max_label_bytes, 'b'), "1")).reason, Refusal::label);
  EXPECT_EQ(wrong(metric("a", "b", observed + ",1")).reason, Refusal::value);
}

TEST(PushBody, RefusesWhatIsNoPushAtAll) {
  for (const std::string_view json : {"", "{", "7", "[]", "[{\"name\": \"a\", \"value\": 1}]", R"({"metrics": [], "other": 1})",
                                      R"({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1, "i": 1, "j": 1, "k": 1})"}) {
    EXPECT_FALSE(read_push_body(json, 10)) << json;
  }
  EXPECT_THAT(read_push_body("[]", 10).error().text(), HasSubstr("send an object, as in {\"orders_total\": 3}"));
}

TEST(PushBody, TakesAnEmptyPush) {
  EXPECT_THAT(read("{}").samples, IsEmpty());
  EXPECT_THAT(read(R"({"metrics": []})").rejected, IsEmpty());
}

}  // namespace
}  // namespace sidewatch::push

// Exports in, answers and samples out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "base/json.h"
#include "tests/collectors/otlp/otlp_fixture.h"

namespace sidewatch::otlp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using wire::cumulative;
using wire::delta;

TEST_F(OtlpTest, TakesGaugesAndSumsWithTheirAttributes) {
  const auto answer = post(wire::request(
      wire::gauge("queue.length", "{message}", number_point(7, 10, wire::attribute(7, "queue.name", "mail"))) +
          wire::sum("orders", "", cumulative, true, wire::fixed(3, 10) + wire::fixed(6, 42)) +
          wire::sum("active", "1", cumulative, false, number_point(-3, 10)),
      wire::attribute(1, "service.name", "checkout")));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/x-protobuf");
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.samples, 3U);
  EXPECT_THAT(answer.refused, IsEmpty());
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("queue_length{job=\"checkout\", queue_name=\"mail\"}", 7),
                                           Pair("orders_total{job=\"checkout\"}", 42), Pair("active{job=\"checkout\"}", -3)));
  EXPECT_THAT(family("orders_total"), StartsWith("counter: "));
  EXPECT_THAT(family("active"), StartsWith("gauge: "));
  EXPECT_EQ(standing, 3U);
}

TEST_F(OtlpTest, TakesTheSameInJson) {
  const auto answer = post_json(R"({"resourceMetrics":[{"resource":{"attributes":[
      {"key":"service.name","value":{"stringValue":"checkout"}}],"unknownMember":[1,{"a":null}]},
    "scopeMetrics":[{"scope":{"name":"s"},"metrics":[
      {"name":"queue.length","unit":"{message}","gauge":{"dataPoints":[{"asDouble":7.5,"timeUnixNano":"10",
         "attributes":[{"key":"queue.name","value":{"stringValue":"mail"}}]}]}},
      {"name":"orders","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asInt":"42","timeUnixNano":10}]}},
      {"name":"active","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE",
         "dataPoints":[{"asInt":-3,"timeUnixNano":"10"}]}}
    ]}]}]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body, "{}");
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("queue_length{job=\"checkout\", queue_name=\"mail\"}", 7.5),
                                           Pair("orders_total{job=\"checkout\"}", 42), Pair("active{job=\"checkout\"}", -3)));
}

TEST_F(OtlpTest, TellsWhoSendsInJobInstanceAndTargetInfo) {
  config.translation.promote = {"deployment.environment"};
  post(wire::request(wire::gauge("g", "", number_point(1, 10, wire::attribute(7, "job", "mine"))),
                     wire::attribute(1, "service.name", "checkout") + wire::attribute(1, "service.namespace", "shop") +
                         wire::attribute(1, "service.instance.id", "a1") + wire::attribute(1, "host.name", "h") +
                         wire::attribute(1, "deployment.environment", "live")));
  EXPECT_THAT(pass(),
              UnorderedElementsAre(
                  Pair("g{deployment_environment=\"live\", instance=\"a1\", job=\"shop/checkout\"}", 1),
                  Pair("target_info{deployment_environment=\"live\", host_name=\"h\", instance=\"a1\", job=\"shop/checkout\"}", 1)));
}

TEST_F(OtlpTest, MakesNoTargetInfoOfAResourceWithoutAnIdentity) {
  post(wire::request(wire::gauge("g", "", number_point(1, 10)), wire::attribute(1, "host.name", "h")));
  EXPECT_THAT(pass(), ElementsAre(Pair("g", 1)));
}

TEST_F(OtlpTest, AddsDeltasUpAndCountsARepeatedOneOnce) {
  const auto send = [&](double value, std::uint64_t time) {
    return post(wire::request(wire::sum("orders", "", delta, true, number_point(value, time))));
  };
  send(3, 10);
  send(4, 20);
  EXPECT_THAT(pass(), ElementsAre(Pair("orders_total", 7)));
  const auto repeated = send(4, 20);
  EXPECT_THAT(repeated.refused, ElementsAre(Pair("repeated", 1)));
  EXPECT_EQ(repeated.status, 200);
  EXPECT_THAT(send(9, 15).refused, ElementsAre(Pair("out_of_order", 1)));
  EXPECT_THAT(send(-1, 30).refused, ElementsAre(Pair("value", 1)));
  EXPECT_THAT(pass(), ElementsAre(Pair("orders_total", 7)));
  // The sender restarts and counts from the beginning: the series goes on.
  send(1, 100);
  EXPECT_THAT(pass(), ElementsAre(Pair("orders_total", 8)));
}

TEST_F(OtlpTest, TellsWhereADeltaBeganAndGoesOnThereWhenItComesBack) {
  const auto send = [&](double value, std::uint64_t time, std::uint64_t temporality) {
    return post(wire::request(wire::sum("errors", "", temporality, true, number_point(value, time))));
  };
  send(5, 10, delta);
  send(1, 20, delta);
  EXPECT_THAT(pass(), ElementsAre(Pair("errors_total", 6)));
  EXPECT_THAT(began, ElementsAre(Pair("errors_total", 0)));
  send(1, 30, delta);
  pass();
  EXPECT_THAT(began, IsEmpty());
  now += 6min;
  EXPECT_THAT(pass(), IsEmpty());
  send(5, 400, delta);
  EXPECT_THAT(pass(), ElementsAre(Pair("errors_total", 12)));
  EXPECT_THAT(began, ElementsAre(Pair("errors_total", 7)));
  now += 6min;
  pass();
  send(40, 800, cumulative);
  EXPECT_THAT(pass(), ElementsAre(Pair("errors_total", 40))) << "a total is its sender's to tell";
  EXPECT_THAT(began, IsEmpty());
  send(1, 900, delta);
  EXPECT_THAT(pass(), ElementsAre(Pair("errors_total", 41)));
}

TEST_F(OtlpTest, TakesATotalThatBeganAnewButNoneOfAnEarlierLife) {
  const auto send = [&](double value, std::uint64_t start, std::uint64_t time) {
    return post(wire::request(wire::sum("orders", "", cumulative, true,
                                        wire::fixed(2, start) + wire::fixed(3, time) + wire::real(4, value))));
  };
  send(100, 5, 10);
  send(2, 20, 30);
  EXPECT_THAT(pass(), ElementsAre(Pair("orders_total", 2)));
  EXPECT_THAT(send(101, 5, 40).refused, ElementsAre(Pair("out_of_order", 1)));
  EXPECT_THAT(send(2, 20, 30).refused, IsEmpty());  // sent again, as after an answer that was lost
  EXPECT_THAT(pass(), ElementsAre(Pair("orders_total", 2)));
}

TEST_F(OtlpTest, WritesAttributesOfEveryKindAsTexts) {
  post_json(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asInt":1,"attributes":[
    {"key":"a","value":{"boolValue":true}},{"key":"b","value":{"intValue":"-7"}},{"key":"c","value":{"doubleValue":0.25}},
    {"key":"d","value":{"bytesValue":"AQI="}},{"key":"e","value":{"arrayValue":{"values":[{"intValue":1},{"stringValue":"x"}]}}},
    {"key":"f","value":{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":false}}]}}},{"key":"h","value":{}}]}]}}]}]}]})");
  const std::string expected = R"(g{a="true", b="-7", c="0.25", d="AQI=", e="[1,\"x\"]", f="{\"k\":false}"})";
  EXPECT_THAT(pass(), ElementsAre(Pair(expected, 1)));

  const auto any = [](const std::string& key, const std::string& value) {
    return wire::bytes(7, wire::bytes(1, key) + wire::bytes(2, value));
  };
  const std::string attributes =
      any("a", wire::varint(2, 1)) + any("b", wire::varint(3, static_cast<std::uint64_t>(-7))) + any("c", wire::real(4, 0.25)) +
      any("d", wire::bytes(7, "\x01\x02")) +
      any("e", wire::bytes(5, wire::bytes(1, wire::varint(3, 1)) + wire::bytes(1, wire::bytes(1, "x")))) +
      any("f", wire::bytes(6, wire::bytes(1, wire::bytes(1, "k") + wire::bytes(2, wire::varint(2, 0))))) + any("h", "");
  EXPECT_EQ(post(wire::request(wire::gauge("g", "", number_point(2, 10, attributes)))).samples, 1U);
  EXPECT_THAT(pass(), ElementsAre(Pair(expected, 2)));
}

TEST_F(OtlpTest, EndsAStreamWhenItsSenderSaysSoOrStaysAway) {
  const auto send = [&](const std::string& queue, std::uint64_t flags) {
    return post(wire::request(wire::gauge(
        "length", "", number_point(1, 10, wire::attribute(7, "queue", queue)) + wire::varint(8, flags))));
  };
  send("a", 0);
  send("b", 0);
  EXPECT_EQ(pass().size(), 2U);
  EXPECT_EQ(send("a", 1).samples, 1U);
  EXPECT_THAT(pass(), ElementsAre(Pair("length{queue=\"b\"}", 1)));
  now += 4min;
  send("a", 0);
  EXPECT_EQ(pass().size(), 2U);
  now += 2min;
  EXPECT_THAT(pass(), ElementsAre(Pair("length{queue=\"a\"}", 1)));
  now += 6min;
  EXPECT_THAT(pass(), IsEmpty());
  // Somebody else's stream may have the number by now: what was remembered of the first is gone with it.
  send("c", 0);
  send("a", 0);
  EXPECT_EQ(pass().size(), 2U);
}

TEST_F(OtlpTest, SaysInAPartialSuccessWhatItRefusedAndWhy) {
  const auto body = wire::request(wire::gauge("sidewatch.series", "", number_point(1, 10)) +
                                  wire::gauge("fine", "", number_point(1, 10)) +
                                  wire::sum("unclear", "", 0, true, number_point(1, 10)) +
                                  wire::gauge("...", "", number_point(1, 10)) +
                                  wire::gauge(std::string(300, 'x'), "", number_point(1, 10)));
  const auto answer = post(body);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.samples, 1U);
  EXPECT_THAT(answer.refused, UnorderedElementsAre(Pair("reserved_name", 1), Pair("temporality", 1), Pair("name", 2)));
  EXPECT_EQ(answer.body[0], '\x0A');  // partial_success
  EXPECT_EQ(answer.body.substr(2 + (answer.body[1] < 0), 2), "\x08\x04");  // rejected_data_points: 4
  EXPECT_THAT(answer.body, HasSubstr("'sidewatch.series': the name belongs to what the agent itself measures"));
  const auto json = JsonValue::parse(
      post_json(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"target_info","gauge":{"dataPoints":[{"asInt":1}]}},
        {"name":"empty","gauge":{"dataPoints":[{"timeUnixNano":"1"}]}}]}]}]})").body);
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["partialSuccess"]["rejectedDataPoints"].text_or(""), "2");
  EXPECT_THAT(std::string((*json)["partialSuccess"]["errorMessage"].text_or("")), HasSubstr("'empty': a data point has no value"));
}

TEST_F(OtlpTest, RefusesAnotherTypeUnderOneName) {
  post(wire::request(wire::gauge("x", "", number_point(1, 10)) + wire::gauge("h_count", "", number_point(1, 10))));
  const auto histogram = [](const char* name) {
    return wire::metric(name, "", 9, wire::bytes(1, histogram_point(10, {1}, {}, 1, 1)) + wire::varint(2, cumulative));
  };
  EXPECT_THAT(post(wire::request(histogram("x"))).refused, ElementsAre(Pair("type_conflict", 1)));
  EXPECT_THAT(post(wire::request(histogram("h"))).refused, ElementsAre(Pair("type_conflict", 1)));
  EXPECT_EQ(pass().size(), 2U);
}

TEST_F(OtlpTest, RefusesWhatAnotherInputSendsAlreadyUntilThatEnds) {
  const auto send = [&](std::uint64_t time) {
    return post(wire::request(wire::sum("added", "", delta, true, number_point(1, time)) +
                              wire::sum("whole", "", cumulative, true, number_point(static_cast<double>(time), time)) +
                              wire::gauge("own", "", number_point(1, time)))).refused;
  };
  EXPECT_THAT(send(10), IsEmpty());
  pass();
  writer.lost({{catalog.series({"added_total", MetricType::counter, "", ""}, {}).id(), "statsd"},
               {catalog.series({"whole_total", MetricType::counter, "", ""}, {}).id(), "statsd"}});
  pass();
  EXPECT_THAT(send(20), ElementsAre(Pair("taken", 2)));
  writer.lost({});
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("added_total", 1), Pair("whole_total", 20), Pair("own", 1)));
  EXPECT_THAT(send(30), IsEmpty());
  EXPECT_EQ(pass().at("added_total"), 2) << "what was refused is not added up";
}

TEST_F(OtlpTest, TakesNothingOfARequestThatIsDamaged) {
  const auto whole = wire::request(wire::gauge("a", "", number_point(1, 10)) + wire::gauge("b", "", number_point(1, 10)));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto answer = post(whole.substr(0, size));
    EXPECT_EQ(answer.status, 400) << size;
    EXPECT_EQ(answer.body.substr(0, 3), "\x08\x03\x12") << size;  // code: 3, message
  }
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_EQ(post("").status, 200);
  const auto json = post_json(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"asInt":1}]}},
      {"name":"b","gauge":{"dataPoints":[{"asInt":"x"}]}}]}]}]})");
  EXPECT_EQ(json.status, 400);
  EXPECT_THAT(json.body, HasSubstr("asInt is not a whole number"));
  EXPECT_EQ(post_json("{").status, 400);
  EXPECT_EQ(post_json("[]").status, 400);
  EXPECT_EQ(post("", "text/plain").status, 415);
  EXPECT_THAT(pass(), IsEmpty());
}

TEST_F(OtlpTest, TellsScopesApartOnRequest) {
  const auto body = [](const char* scope) {
    return wire::request(wire::sum("n", "", delta, true, number_point(1, 10)), "",
                         wire::bytes(1, scope) + wire::bytes(2, "1.0") + wire::attribute(3, "team", "x"));
  };
  const auto both = body("a") + body("b");
  EXPECT_THAT(post(both).refused, ElementsAre(Pair("repeated", 1)));
  config.translation.scope_labels = true;
  OtlpTarget apart(config);
  PushRequest request;
  request.content_type = "application/x-protobuf";
  request.body = both;
  request.now = now;
  EXPECT_THAT(apart.take(request).refused, IsEmpty());
  Batch batch;
  BoardWriter other;
  EXPECT_EQ(apart.write(other, catalog, batch, now), 2U);
  EXPECT_EQ(catalog.info(batch.samples()[0].series)->labels.get("otel_scope_name"), "a");
  EXPECT_EQ(catalog.info(batch.samples()[1].series)->labels.get("otel_scope_team"), "x");
}

TEST_F(OtlpTest, RefusesWhatIsFarAheadAndTakesWhatComesBehindIt) {
  const auto send = [&](double value, std::int64_t ahead_ms) {
    const auto time = static_cast<std::uint64_t>(to_ms(now) + ahead_ms) * 1'000'000;
    return post(wire::request(wire::gauge("g", "", number_point(value, time)))).refused;
  };
  EXPECT_THAT(send(1, 601'000), ElementsAre(Pair("too_new", 1)));
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_THAT(send(2, 0), IsEmpty());
  EXPECT_THAT(send(3, 599'000), IsEmpty());
  EXPECT_THAT(pass(), ElementsAre(Pair("g", 3)));
}

TEST_F(OtlpTest, SaysWhichLimitWasReached) {
  config.limits.max_metrics = 2;
  config.limits.max_series = 3;
  config.limits.max_bytes = 20'000;
  const auto send = [&](const char* name, const std::string& id) {
    const auto answer = post(wire::request(wire::gauge(name, "", number_point(1, 10, wire::attribute(7, "id", id)))));
    return answer.refused.empty() ? std::string() : std::string(answer.refused[0].first) + answer.body.substr(6);
  };
  EXPECT_EQ(send("a", "1"), "");
  EXPECT_THAT(send("a", std::string(10'000, 'x')), HasSubstr("too_many_bytes"));
  EXPECT_EQ(send("b", "1"), "");
  EXPECT_THAT(send("c", "1"), testing::AllOf(HasSubstr("too_many_metrics"), HasSubstr("collectors.otlp.max_metrics")));
  EXPECT_EQ(send("b", "2"), "");
  EXPECT_THAT(send("b", "3"), testing::AllOf(HasSubstr("no_room"), HasSubstr("collectors.otlp.max_series")));
}

TEST_F(OtlpTest, IsBoundedWhateverIsSent) {
  config.limits.max_series = 10;
  std::string metrics;
  for (int i = 0; i < 1000; ++i) {
    metrics += wire::gauge("g", "", number_point(i, 10, wire::attribute(7, "id", std::to_string(i))));
  }
  const auto answer = post(wire::request(metrics));
  EXPECT_EQ(answer.samples, 10U);
  EXPECT_THAT(answer.refused, ElementsAre(Pair("no_room", 990)));
  EXPECT_EQ(pass().size(), 10U);
  // Those that there are go on.
  EXPECT_EQ(post(wire::request(wire::gauge("g", "", number_point(77, 20, wire::attribute(7, "id", "3"))))).samples, 1U);
  EXPECT_EQ(pass().at("g{id=\"3\"}"), 77);
  // And when they have ended there is room again.
  now += 6min;
  pass();
  EXPECT_EQ(post(wire::request(metrics)).samples, 10U);
}

}  // namespace
}  // namespace sidewatch::otlp

// Requests in, answers and samples out.
#include "collectors/remote_write/remote_write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <string>

#include "tests/collectors/board_fixture.h"
#include "tests/support/protobuf.h"

namespace sidewatch::remote_write {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// A snappy block of nothing but texts as they are.
std::string packed(std::string_view text) {
  std::string out;
  append_varint(out, text.size());
  for (std::size_t at = 0; at < text.size(); at += 60) {
    const auto piece = text.substr(at, 60);
    out += static_cast<char>((piece.size() - 1) << 2);
    out += piece;
  }
  return out;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string sample(double value, std::int64_t time_ms) {
  return wire::bytes(2, wire::real(1, value) + wire::varint(2, static_cast<std::uint64_t>(time_ms)));
}

std::string series(const Pairs& labels, const std::string& samples) {
  std::string message;
  for (const auto& [name, value] : labels) message += wire::bytes(1, wire::bytes(1, name) + wire::bytes(2, value));
  return wire::bytes(1, message + samples);
}

std::string metadata(std::uint64_t type, std::string_view family, std::string_view help) {
  return wire::bytes(3, wire::varint(1, type) + wire::bytes(2, family) + wire::bytes(4, help));
}

const double stale = std::bit_cast<double>(std::uint64_t{0x7FF0000000000002});

class RemoteWriteTest : public BoardFixture<RemoteWriteTarget, RemoteWriteConfig> {
 protected:
  PushAnswer post(const std::string& message) { return post_packed(packed(message)); }
  PushAnswer post_packed(const std::string& body, std::string_view type = "application/x-protobuf",
                         std::string_view encoding = "snappy", const std::string& version = "0.1.0") {
    PushRequest request;
    request.method = "POST";
    request.content_type = type;
    request.content_encoding = encoding;
    request.body = body;
    request.header = [&](std::string_view name) { return name == "X-Prometheus-Remote-Write-Version" ? version : ""; };
    request.now = now;
    request.wall = WallTime(now.time_since_epoch());
    return target().take(request);
  }
};

TEST_F(RemoteWriteTest, TakesTheNewestSampleOfEachSeries) {
  const auto answer = post(series({{"__name__", "up_total"}, {"job", "a"}},
                                  sample(1, 9'990'000) + sample(3, 9'999'000) + sample(2, 9'995'000)) +
                           series({{"__name__", "load"}}, sample(0.5, 9'999'000)));
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.samples, 2U);
  EXPECT_THAT(answer.refused, ElementsAre(Pair("superseded", 2)));
  EXPECT_THAT(pass(), UnorderedElementsAre(Pair("up_total{job=\"a\"}", 3), Pair("load", 0.5)));
  EXPECT_EQ(standing, 2U);
}

TEST_F(RemoteWriteTest, LeavesOutWhatIsOlderThanWhatStandsOrFarFromNow) {
  const auto send = [&](double value, std::int64_t time_ms) {
    return post(series({{"__name__", "a"}}, sample(value, time_ms))).refused;
  };
  EXPECT_THAT(send(1, 9'999'000), IsEmpty());
  EXPECT_THAT(send(2, 9'998'000), ElementsAre(Pair("out_of_order", 1)));
  EXPECT_THAT(send(3, 10'000'000 - 601'000), ElementsAre(Pair("too_old", 1)));
  EXPECT_THAT(send(4, 10'000'000 + 601'000), ElementsAre(Pair("too_new", 1)));
  EXPECT_THAT(send(-5, -1), ElementsAre(Pair("too_old", 1)));
  EXPECT_THAT(pass(), ElementsAre(Pair("a", 1)));
  EXPECT_THAT(send(6, 9'999'000), IsEmpty());  // the same instant again
  EXPECT_THAT(pass(), ElementsAre(Pair("a", 6)));
}

TEST_F(RemoteWriteTest, EndsASeriesAtItsStaleMarkerAndWhenItsSenderStaysAway) {
  const auto send = [&](double value, std::int64_t time_ms) {
    return post(series({{"__name__", "a"}}, sample(value, time_ms)));
  };
  send(1, 9'990'000);
  EXPECT_EQ(pass().size(), 1U);
  EXPECT_EQ(send(stale, 9'995'000).samples, 1U);
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_THAT(send(1, 9'993'000).refused, ElementsAre(Pair("out_of_order", 1)));  // does not bring it back
  EXPECT_THAT(pass(), IsEmpty());
  send(2, 9'999'000);
  EXPECT_THAT(pass(), ElementsAre(Pair("a", 2)));
  now += 5min;
  EXPECT_EQ(pass().size(), 1U);
  now += 1s;
  EXPECT_THAT(pass(), IsEmpty());
  // A NaN that is not the marker is a value.
  send(std::nan(""), to_ms(now));
  EXPECT_TRUE(std::isnan(pass().at("a")));
}

TEST_F(RemoteWriteTest, RefusesARequestWholeThatBreaksTheRulesOfLabels) {
  const std::string good = series({{"__name__", "good"}}, sample(1, 9'999'000));
  const auto why = [&](const std::string& bad) {
    const auto answer = post(good + bad);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.refused, ElementsAre(Pair("request", 1)));
    return answer.body;
  };
  const auto one = sample(1, 9'999'000);
  EXPECT_THAT(why(series({{"job", "a"}}, one)), HasSubstr("a series has no label __name__"));
  EXPECT_THAT(why(series({{"__name__", ""}}, one)), HasSubstr("a series has no label __name__"));
  EXPECT_THAT(why(series({{"__name__", "x"}, {"b", "1"}, {"a", "1"}}, one)), HasSubstr("'a' comes behind 'b'"));
  EXPECT_THAT(why(series({{"__name__", "x"}, {"a", "1"}, {"a", "1"}}, one)), HasSubstr("'a' is there twice"));
  EXPECT_THAT(why(series({{"__name__", "x"}, {"a", "\xFF"}}, one)), HasSubstr("'a' is not UTF-8"));
  EXPECT_THAT(why(series({{"", "x"}}, one)), HasSubstr("a label has no name"));
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_EQ(post(good).samples, 1U);
}

TEST_F(RemoteWriteTest, TakesNothingOfADamagedRequest) {
  const auto whole = series({{"__name__", "a"}}, sample(1, 9'999'000)) + series({{"__name__", "b"}}, sample(1, 9'999'000));
  const std::size_t first = whole.size() / 2;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    if (size == first) continue;  // that is the first series, and whole
    EXPECT_EQ(post(whole.substr(0, size)).status, 400) << size;
  }
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_EQ(post_packed("not snappy").status, 400);
  EXPECT_EQ(post_packed("").status, 400);
  EXPECT_EQ(post_packed(std::string("\xFF\xFF\xFF\xFF\x0F") + "a").status, 413);
}

TEST_F(RemoteWriteTest, AsksForTheVersionThatItKnows) {
  const auto body = packed(series({{"__name__", "a"}}, sample(1, 9'999'000)));
  EXPECT_EQ(post_packed(body, "application/x-protobuf;proto=io.prometheus.write.v2.Request").status, 415);
  EXPECT_EQ(post_packed(body, "application/x-protobuf", "snappy", "2.0.0").status, 415);
  EXPECT_EQ(post_packed(body, "application/json").status, 415);
  EXPECT_EQ(post_packed(body, "application/x-protobuf", "").status, 415);
  EXPECT_EQ(post_packed(body, "application/x-protobuf;proto=prometheus.WriteRequest").status, 204);
}

TEST_F(RemoteWriteTest, KnowsTypesFromMetadataOrElseFromNames) {
  const auto one = sample(1, 9'999'000);
  post(metadata(1, "requests", "All requests.") + metadata(3, "seconds", "Time.") + metadata(2, "temperature_total", "Odd.") +
       series({{"__name__", "requests_total"}}, one) + series({{"__name__", "seconds_bucket"}, {"le", "1"}}, one) +
       series({{"__name__", "seconds_sum"}}, one) + series({{"__name__", "temperature_total"}}, one) +
       series({{"__name__", "said_by_name_total"}}, one) + series({{"__name__", "size_count"}}, one) +
       series({{"__name__", "size_bucket"}, {"le", "1"}}, one) + series({{"__name__", "plain"}}, one) +
       series({{"__name__", "quick"}, {"quantile", "0.5"}}, one) + series({{"__name__", "quick_sum"}}, one));
  pass();
  EXPECT_EQ(family("requests_total"), "counter: All requests.");
  EXPECT_EQ(family("seconds_bucket"), "histogram: Time.");
  EXPECT_EQ(family("seconds_sum"), "histogram: Time.");
  EXPECT_EQ(family("temperature_total"), "gauge: Odd.");
  EXPECT_EQ(family("said_by_name_total"), "counter: Sent with remote write.");
  EXPECT_EQ(family("size_count"), "histogram: Sent with remote write.");
  EXPECT_EQ(family("plain"), "untyped: Sent with remote write.");
  EXPECT_EQ(family("quick"), "summary: Sent with remote write.");
  EXPECT_EQ(family("quick_sum"), "summary: Sent with remote write.");
}

TEST_F(RemoteWriteTest, LeavesOutTheAgentsOwnNamesAndNativeHistograms) {
  const auto one = sample(1, 9'999'000);
  const auto answer = post(series({{"__name__", "sidewatch_series"}}, one) + series({{"__name__", "a"}}, one) +
                           series({{"__name__", "native"}}, wire::bytes(4, "")));
  EXPECT_EQ(answer.status, 204);
  EXPECT_THAT(answer.refused, UnorderedElementsAre(Pair("reserved_name", 1), Pair("native_histogram", 1)));
  EXPECT_THAT(pass(), ElementsAre(Pair("a", 1)));
}

TEST_F(RemoteWriteTest, LeavesOutNamesThatWouldBeServedAsTheAgentsOwn) {
  const auto one = sample(99, 9'999'000);
  for (const char* name : {"node-load1", "node.load1", "sidewatch-collector-success", "sidewatch.x", "ALERTS"}) {
    EXPECT_THAT(post(series({{"__name__", name}, {"collector", "self"}}, one)).refused, ElementsAre(Pair("reserved_name", 1)));
  }
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_EQ(post(series({{"__name__", "http.requests"}}, one)).samples, 1U);
  EXPECT_THAT(pass(), ElementsAre(Pair("http_requests", 99)));
}

TEST_F(RemoteWriteTest, ServesOneOfTwoSeriesWhoseNamesAreMendedToOne) {
  const auto one = sample(1, 9'999'000);
  post(series({{"__name__", "a.b"}}, one) + series({{"__name__", "a_b"}}, sample(2, 9'999'000)));
  Batch batch;
  target().write(writer, catalog, batch, now);
  ASSERT_EQ(batch.size(), 1U);
  EXPECT_EQ(batch.samples()[0].value, 1);
  EXPECT_EQ(writer.left_out(), 1U);
  now += 4min;
  post(series({{"__name__", "a_b"}}, sample(3, to_ms(now))));
  now += 2min;
  pass();
  EXPECT_THAT(pass(), ElementsAre(Pair("a_b", 3))) << "once the other ended";
  EXPECT_EQ(writer.left_out(), 0U);
}

TEST_F(RemoteWriteTest, LeavesOutSeriesWhoseNamesOrLabelsAreHuge) {
  const auto one = sample(1, 9'999'000);
  Pairs many{{"__name__", "many"}};
  for (int i = 100; i < 100'000; ++i) many.emplace_back("l" + std::to_string(100'000 + i), "x");
  const auto answer = post(series({{"__name__", std::string(257, 'n')}}, one) + series(many, one) +
                           series({{"__name__", "name"}, {std::string(257, 'n'), "x"}}, one) +
                           series({{"__name__", "value"}, {"l", std::string(4097, 'v')}}, one) +
                           series({{"__name__", "fine"}, {"l", std::string(256, 'v')}}, one));
  EXPECT_EQ(answer.status, 204);
  EXPECT_THAT(answer.refused, ElementsAre(Pair("too_large", 4)));
  EXPECT_EQ(answer.samples, 1U);
  EXPECT_EQ(pass().size(), 1U);
}

TEST_F(RemoteWriteTest, KeepsExemplarsOfSeriesThatStand) {
  const auto exemplar = wire::bytes(3, wire::bytes(1, wire::bytes(1, "trace_id") + wire::bytes(2, "ab12")) + wire::real(2, 0.3) +
                                           wire::varint(3, 9'998'000));
  post(series({{"__name__", "a_total"}}, sample(1, 9'999'000)));
  pass();
  EXPECT_EQ(post(series({{"__name__", "a_total"}}, exemplar) + series({{"__name__", "unknown"}}, exemplar)).status, 204);
  Exemplars exemplars;
  Batch batch;
  target().write(writer, catalog, batch, now, &exemplars);
  ASSERT_EQ(exemplars.size(), 1U);
  const auto kept = exemplars.all().at(0);
  EXPECT_EQ(kept.series->family->name, "a_total");
  EXPECT_EQ(kept.exemplars[0].labels.to_string(), "{trace_id=\"ab12\"}");
  EXPECT_EQ(kept.exemplars[0].value, 0.3);
  EXPECT_EQ(kept.exemplars[0].at, WallTime(9'998s));
}

TEST_F(RemoteWriteTest, GivesTheRoomOfEndedSeriesToOthersAlsoWithoutATtl) {
  config.limits.max_series = 1;
  config.limits.ttl = 0s;
  const auto send = [&](const char* name, double value) {
    return post(series({{"__name__", name}}, sample(value, to_ms(now)))).refused;
  };
  send("a", 1);
  send("a", stale);
  pass();
  EXPECT_THAT(send("b", 1), ElementsAre(Pair("no_room", 1))) << "for an older sample of a might come";
  now += 11min;
  pass();
  EXPECT_THAT(send("b", 1), IsEmpty());
  now += 11min;
  EXPECT_THAT(pass(), ElementsAre(Pair("b", 1))) << "it has not ended";
}

TEST_F(RemoteWriteTest, ForgetsMetadataWithoutSeriesWhenThereIsNoRoomForMore) {
  const auto one = sample(1, 9'999'000);
  post(metadata(2, "kept", "Kept.") + series({{"__name__", "kept_total"}}, one));
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += metadata(2, "gone" + std::to_string(i), "Gone.");
  post(many);
  pass();
  post(metadata(2, "late_total", "Late.") + series({{"__name__", "late_total"}}, one));
  post(series({{"__name__", "kept_total"}, {"new", "1"}}, one));
  pass();
  EXPECT_EQ(family("late_total"), "gauge: Late.");
  EXPECT_EQ(family("kept_total"), "gauge: Kept.");
}

TEST_F(RemoteWriteTest, IsBoundedWhateverIsSent) {
  config.limits.max_series = 10;
  std::string message;
  for (int i = 0; i < 1000; ++i) {
    message += series({{"__name__", "a"}, {"id", std::to_string(i)}}, sample(i, 9'999'000));
  }
  const auto answer = post(message);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.samples, 10U);
  EXPECT_THAT(answer.refused, ElementsAre(Pair("no_room", 990)));
  EXPECT_EQ(pass().size(), 10U);
  EXPECT_EQ(post(series({{"__name__", "a"}, {"id", "3"}}, sample(77, 9'999'500))).samples, 1U);
  EXPECT_EQ(pass().at("a{id=\"3\"}"), 77);
}

}  // namespace
}  // namespace sidewatch::remote_write

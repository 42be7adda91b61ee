// The grammar of a line, case by case.
#include "collectors/statsd/line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sidewatch::statsd {
namespace {

Line line_of(std::string_view text) {
  Line line;
  EXPECT_EQ(parse_line(text, line), std::nullopt) << text;
  return line;
}

std::string error_of(std::string_view text) {
  Line line;
  const auto error = parse_line(text, line);
  return error ? std::string(to_string(*error)) : "";
}

TEST(StatsdLine, HasANameValuesAndAKind) {
  const std::pair<std::string_view, Kind> kinds[] = {
      {"a.b:1|c", Kind::counter},   {"a.b:1|g", Kind::gauge},        {"a.b:1|ms", Kind::timer},
      {"a.b:1|h", Kind::histogram}, {"a.b:1|d", Kind::distribution}, {"a.b:1|s", Kind::set}};
  for (const auto& [text, kind] : kinds) {
    const auto line = line_of(text);
    EXPECT_EQ(line.name, "a.b");
    EXPECT_EQ(line.values, "1");
    EXPECT_EQ(line.kind, kind) << text;
    EXPECT_EQ(line.rate, 1);
    EXPECT_EQ(line.tags, "");
  }
}

TEST(StatsdLine, TakesTheSectionsOfDogStatsdInAnyOrder) {
  for (const auto text : {"r:2|c|@0.25|#route:/cart,ok|T1656581400|c:in-4711|e:it-false|card:low",
                          "r:2|c|card:low|e:it-false|c:in-4711|T1656581400|#route:/cart,ok|@0.25"}) {
    const auto line = line_of(text);
    EXPECT_EQ(line.rate, 0.25);
    EXPECT_EQ(line.tags, "route:/cart,ok");
    EXPECT_EQ(line.unix_seconds, 1656581400);
    EXPECT_EQ(line.unknown_sections, 0u);
  }
}

TEST(StatsdLine, CountsSectionsThatItDoesNotKnow) {
  const auto line = line_of("r:2|c|x:1|#a:b|?|");
  EXPECT_EQ(line.unknown_sections, 2u);
  EXPECT_EQ(line.tags, "a:b");
}

TEST(StatsdLine, SaysWhyItIsNone) {
  for (const auto text : {"a", "a|c", ":1|c", "a:|c", "|c", "a|b:1|c"}) EXPECT_EQ(error_of(text), "no_value") << text;
  for (const auto text : {"a:1", "a:1c", "a:"}) EXPECT_EQ(error_of(text), "no_type") << text;
  for (const auto text : {"a:1|", "a:1|x", "a:1|cc", "a:1|m", "a:1|C", "a:1||c"}) {
    EXPECT_EQ(error_of(text), "unknown_type") << text;
  }
  for (const auto text : {"a:1|c|@", "a:1|c|@0", "a:1|c|@1.5", "a:1|c|@-1", "a:1|c|@nan", "a:1|c|@0.1x", "a:1|c|@1e-310"}) {
    EXPECT_EQ(error_of(text), "bad_rate") << text;
  }
}

TEST(StatsdLine, GivesItsValuesOneByOne) {
  std::string_view values = "1:-2.5:+3:1e3:0.000001:1234567890123";
  std::vector<double> numbers;
  while (!values.empty()) numbers.push_back(take_number(values).value());
  EXPECT_EQ(numbers, (std::vector<double>{1, -2.5, 3, 1000, 0.000001, 1234567890123}));
}

TEST(StatsdLine, TakesNothingButFiniteNumbers) {
  for (const std::string_view text : {"", "a", "1a", "++1", "+-1", "nan", "inf", "-inf", "0x10", "1e999", " 1", "1 ", "--1"}) {
    auto values = text;
    EXPECT_EQ(take_number(values), std::nullopt) << text;
  }
}

TEST(StatsdTags, AreNamesWithOrWithoutValues) {
  TagReader reader("a:b,c,,d:e:f,:x,g:");
  std::vector<std::string> seen;
  for (std::string_view name, value; reader.next(name, value);) {
    seen.push_back(std::string(name).append("=").append(value));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a=b", "c=", "d=e:f", "g="}));
}

TEST(StatsdEvent, IsReadByItsLengths) {
  const auto parsed = parse_event("_e{5,9}:ti|le|text|more|d:1|h:web|p:low|t:error|#a:b|k:key|s:src");
  const auto* const event = std::get_if<Event>(&parsed);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->title, "ti|le");
  EXPECT_EQ(event->text, "text|more");
  EXPECT_EQ(event->priority, "low");
  EXPECT_EQ(event->type, "error");
  EXPECT_EQ(event->tags, "a:b");
}

TEST(StatsdEvent, OfWrongLengthsIsNone) {
  for (const auto text : {"_e{", "_e{5}:title|text", "_e{5,4}title|text", "_e{5,5}:title|text", "_e{4,4}:title|text",
                          "_e{0,4}:|text", "_e{-1,4}:t|text", "_e{5,18446744073709551615}:title|text",
                          "_e{18446744073709551615,4}:title|text", "_e{5,4}:title|textmore"}) {
    const auto parsed = parse_event(text);
    EXPECT_TRUE(std::holds_alternative<LineError>(parsed)) << text;
  }
}

TEST(StatsdServiceCheck, HasAStatusAndAMessageThatMayHaveBars) {
  const auto parsed = parse_service_check("_sc|db.up|2|d:1|h:web|#a:b|m:it is | down");
  const auto* const check = std::get_if<ServiceCheck>(&parsed);
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->name, "db.up");
  EXPECT_EQ(check->status, 2);
  EXPECT_EQ(check->tags, "a:b");
  EXPECT_EQ(check->message, "it is | down");
  for (const auto text : {"_sc|", "_sc|a", "_sc||0", "_sc|a|4", "_sc|a|-1", "_sc|a|x", "_sc|a|"}) {
    EXPECT_TRUE(std::holds_alternative<LineError>(parse_service_check(text))) << text;
  }
}

}  // namespace
}  // namespace sidewatch::statsd

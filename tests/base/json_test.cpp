#include "base/json.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <limits>

namespace sidewatch {
namespace {

TEST(JsonWriter, PutsCommasAndBracketsWhereTheyBelong) {
  JsonWriter json;
  json.begin_object().key("a").integer(1).key("b").begin_array().text("x").null().boolean(true).end_array();
  json.key("c").begin_object().end_object().key("d").begin_array().end_array().key("e").number(0.5).end_object();
  EXPECT_EQ(json.take(), R"({"a":1,"b":["x",null,true],"c":{},"d":[],"e":0.5})");
}

TEST(JsonWriter, EscapesWhatJsonCannotHoldAndMendsWhatIsNotUtf8) {
  EXPECT_EQ(json_quoted("a\"b\\c\n\r\t\b\f"), R"("a\"b\\c\n\r\t\b\f")");
  EXPECT_EQ(json_quoted(std::string("\x01\x1b\x7f\0", 4)), R"("\u0001\u001b\u007f\u0000")");
  EXPECT_EQ(json_quoted("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x94\xA5"),
            "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x94\xA5\"");
  EXPECT_EQ(json_quoted("\xFFx\xC3"), "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"");
  EXPECT_EQ(json_quoted("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // a surrogate
  EXPECT_EQ(json_quoted("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                  // an overlong slash
}

TEST(JsonWriter, WritesNumbersShortestAndWhatIsNoNumberAsNull) {
  JsonWriter json;
  json.begin_array().number(0.1).number(1e300).number(-0.0).number(std::nan("")).number(
      std::numeric_limits<double>::infinity());
  json.integer(std::numeric_limits<std::int64_t>::min()).end_array();
  EXPECT_EQ(json.take(), "[0.1,1e+300,-0,null,null,-9223372036854775808]");
}

TEST(JsonValue, ReadsBackWhatTheWriterWrote) {
  JsonWriter json;
  json.begin_object().key("n").number(0.1).key("i").integer(-7).key("t").text("a\n\x7f").key("b").boolean(true);
  json.key("l").begin_array().integer(1).begin_array().integer(2).end_array().end_array().end_object();
  const auto value = JsonValue::parse(json.take());
  ASSERT_TRUE(value);
  EXPECT_EQ((*value)["n"].number_or(0), 0.1);
  EXPECT_EQ((*value)["i"].integer_or(0), -7);
  EXPECT_EQ((*value)["i"].number_or(0), -7.0);
  EXPECT_EQ((*value)["t"].text_or(""), "a\n\x7f");
  EXPECT_TRUE((*value)["b"].boolean_or(false));
  ASSERT_EQ((*value)["l"].items().size(), 2u);
  EXPECT_EQ((*value)["l"].items()[1].items()[0].integer_or(0), 2);
}

TEST(JsonValue, AnswersTheOtherwiseForWhatIsAbsentOrOfAnotherKind) {
  const auto value = JsonValue::parse(R"({"text":"x","half":0.5,"huge":18446744073709551615,"a":1,"a":2})");
  ASSERT_TRUE(value);
  EXPECT_EQ((*value)["absent"].text_or("none"), "none");
  EXPECT_FALSE(value->has("absent"));
  EXPECT_EQ((*value)["text"].number_or(3), 3);
  EXPECT_EQ((*value)["half"].integer_or(3), 3);
  EXPECT_EQ((*value)["huge"].integer_or(3), 3);
  EXPECT_EQ((*value)["a"].integer_or(0), 2);
  EXPECT_TRUE((*value)["text"]["deeper"].is_null());
}

TEST(JsonValue, RefusesWhatIsNotOneWholeJsonText) {
  for (const auto* text : {"", "{", "{\"a\":1} x", "[1,]", "nul", "\"\xFF\"", "'a'", "[1e999]", "{\"a\"}"}) {
    EXPECT_FALSE(JsonValue::parse(text)) << text;
  }
  EXPECT_EQ(JsonValue::parse("[1,]").error().what, "not JSON at byte 4");
}

TEST(JsonValue, RefusesWhatIsTooLongOrTooDeep) {
  EXPECT_TRUE(JsonValue::parse("[[[1]]]", {.max_bytes = 7, .max_depth = 3}));
  EXPECT_EQ(JsonValue::parse("[[[1]]]", {.max_bytes = 6}).error().what, "longer than 6 bytes");
  EXPECT_EQ(JsonValue::parse("[[[1]]]", {.max_depth = 2}).error().what, "nested deeper than 2 levels");
  EXPECT_FALSE(JsonValue::parse(std::string(500'000, '[')));
}

TEST(JsonValue, DoesNotLookAtTheLocale) {
  const std::string before = std::setlocale(LC_NUMERIC, nullptr);
  if (std::setlocale(LC_NUMERIC, "de_DE.UTF-8") == nullptr) std::setlocale(LC_NUMERIC, "C.UTF-8");
  const auto value = JsonValue::parse("[1.25]");
  std::setlocale(LC_NUMERIC, before.c_str());
  ASSERT_TRUE(value);
  EXPECT_EQ(value->items()[0].number_or(0), 1.25);
}

}  // namespace
}  // namespace sidewatch

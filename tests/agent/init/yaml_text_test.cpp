#include "agent/init/yaml_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/regex.h"
#include "config/document.h"

namespace sidewatch::discovery {
namespace {

// What the configuration makes of a value that was written.
struct Written {
  std::string value;
};
void declare(config::Section& section, Written& written) { section.required("value", written.value, ""); }

std::string read_back(const std::string& yaml) {
  config::Problems problems;
  const auto environment = [](const std::string&) { return std::optional<std::string>("EXPANDED"); };
  auto document = config::Document::parse("", "value: " + yaml + "\n", environment, problems);
  Written written;
  document.read(written);
  EXPECT_EQ(problems.text(), "") << yaml;
  return written.value;
}

TEST(YamlValue, IsReadBackAsItWas) {
  for (const char* text :
       {"nginx", "/usr/bin/node", "node .*bot", "it's", "''", "\"", "true", "No", "null", "~", "1", "0x10", "1e3", ".5",
        "-", "- a", "a: b", "a #b", "#", "{a}", "[a", "&a", "*a", "!a", "%a", "@a", "`", "|", ">", "?", ",", "a\\nb",
        "${HOME}", "$${HOME}", "$$$", "$", "$ {", "a$", "{{ $value }}", "日本語", "ü", " blank ", "---", "=", "<<"}) {
    EXPECT_EQ(read_back(yaml_value(text)), text) << yaml_value(text);
  }
}

TEST(YamlValue, IsPlainWhereThatIsSafe) {
  EXPECT_EQ(yaml_value("nginx"), "nginx");
  EXPECT_EQ(yaml_value("php-fpm8.2"), "php-fpm8.2");
  EXPECT_EQ(yaml_value("yes"), "'yes'");
}

TEST(CommentText, StaysOnOneLineWhateverItHolds) {
  EXPECT_EQ(comment_text("a\nb: c\r\x01\x7f"), "a?b: c???");
  EXPECT_EQ(comment_text("a\xc2\x85z"), "a?z");              // NEL, a line's end in YAML 1.1
  EXPECT_EQ(comment_text("a\xe2\x80\xa8z"), "a?z");          // U+2028, likewise
  EXPECT_EQ(comment_text("a\xe2\x80\xaez"), "a?z");          // turns the direction of writing
  EXPECT_EQ(comment_text("\xff\xc0\xaf"), "???");            // no UTF-8
  EXPECT_EQ(comment_text("\xed\xa0\x80"), "???");            // half of a surrogate pair
  EXPECT_EQ(comment_text("日本"), "日本");
}

TEST(CommentText, IsCutBetweenCharacters) {
  EXPECT_EQ(comment_text("日本語", 2), "日本...");
  EXPECT_EQ(comment_text("abc", 3), "abc");
}

TEST(Printable, IsWholeTextWithoutControls) {
  EXPECT_TRUE(is_printable("bücher 日本"));
  EXPECT_TRUE(is_printable(""));
  for (const char* text : {"a\n", "\t", "\x7f", "\xc3", "\xef\xbb\xbf", "\xf4\x90\x80\x80", "\xe2\x80\xa9"}) {
    EXPECT_FALSE(is_printable(text)) << testing::PrintToString(text);
  }
}

TEST(RegexLiteral, MatchesExactlyTheText) {
  for (const char* text : {"/srv/a.js", "a+b*c?", "[x](y){z}", "^$|\\", "ü.日"}) {
    const auto pattern = Regex::compile(regex_literal(text));
    ASSERT_TRUE(pattern) << text;
    EXPECT_TRUE(pattern->full_match(text)) << text;
    EXPECT_FALSE(pattern->full_match(std::string(text) + "x")) << text;
  }
  EXPECT_FALSE(Regex::compile(regex_literal("a.js"))->full_match("abjs"));
}

}  // namespace
}  // namespace sidewatch::discovery

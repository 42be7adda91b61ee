// However a text is written in YAML, the place of a character of it is where that character was typed.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/config/temporary_folder.h"
#include "config/document.h"
#include "config/section.h"

namespace sidewatch::config {
namespace {

struct OneText {
  Located<std::string> text;
};

void declare(Section& section, OneText& one) { section.required("text", one.text, "any text"); }

// 1-based line and column, in characters, of the only 'X'.
std::pair<int, int> place_of_x(std::string_view text) {
  int line = 1;
  int column = 1;
  for (const char c : text.substr(0, text.find('X'))) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      ++column;
    }
  }
  return {line, column};
}

Located<std::string> read(const std::string& yaml) {
  const TemporaryFolder folder;
  Problems problems;
  auto document = Document::load(folder.write("text.yaml", yaml), [](const std::string&) { return std::nullopt; }, problems);
  OneText one;
  document.read(one);
  EXPECT_EQ(problems.text(), "") << yaml;
  return one.text;
}

TEST(TextPlaces, PointAtWhatWasTypedHoweverTheTextIsQuotedOrFolded) {
  const std::string written[] = {
      "text: abc X\n",
      "text: \"abc X\"\n",
      "text: \"a\\\"b\\\" X\"\n",
      "text: \"\\u00e4\\x41\\t\\\\ X\"\n",
      "text: 'it''s ''quoted'' X'\n",
      "text: \"ä ö X\"\n",
      "text: |\n  first\n  second X\n",
      "text: |\n\n  behind an empty line\n\n    further in X\n",
      "text: >-\n  first\n  second\n\n  third X\n",
      "text: plain\n  over\n  lines X\n",
      "text: \"quoted\n  over \\\n  lines X\"\n",
      "text: 'quoted\n\n  over lines X'\n",
      "text: &name |\n  anchored X\n",
      "text: \"carriage\r\n  returns X\"\r\n",
  };
  for (const auto& yaml : written) {
    const auto text = read(yaml);
    const auto [line, column] = place_of_x(text.value);
    const auto [file_line, file_column] = place_of_x(yaml);
    const Mark place = place_in(text, line, column);
    EXPECT_EQ(place.line, file_line) << yaml;
    EXPECT_EQ(place.column, file_column) << yaml;
  }
}

TEST(TextPlaces, BehindTheEndIsTheEndOfTheLastLineThatSaysSomething) {
  const auto text = read("text: |\n  first\n  second\n\n");
  const Mark place = place_in(text, 3, 1);
  EXPECT_EQ(place.line, 3);
  EXPECT_EQ(place.column, 9);
}

TEST(TextPlaces, OfAnAliasAreTheAliasItself) {
  const TemporaryFolder folder;
  Problems problems;
  auto document = Document::load(folder.write("text.yaml", "labels: {a: &a \"x\\\"yz\"}\ntext: *a\n"),
                                 [](const std::string&) { return std::nullopt; }, problems);
  OneText one;
  document.read(one);
  const Mark place = place_in(one.text, 1, 4);
  EXPECT_EQ(place.line, 2);
  EXPECT_EQ(place.column, 7);
}

}  // namespace
}  // namespace sidewatch::config

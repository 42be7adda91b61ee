// What the parser below would swallow, one test each, and inputs made to cost time or memory.
#include "config/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>

#include "tests/config/sample.h"

namespace sidewatch::config {
namespace {

using testing::HasSubstr;

// The problems of `text`, or what it holds, flat: "a=1 b=[x y] c={d=2}".
std::string flat(const Node& node) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::scalar: return node.plain ? node.text : "\"" + node.text + "\"";
    case Node::Kind::broken: return "?";
    case Node::Kind::sequence:
      for (const auto& item : node.items) text += (text.empty() ? "" : " ") + flat(*item);
      return "[" + text + "]";
    case Node::Kind::mapping:
      for (const auto& entry : node.entries) text += (text.empty() ? "" : " ") + entry.key + "=" + flat(*entry.value);
      return "{" + text + "}";
  }
  return text;
}
std::string yaml(const std::string& text) {
  Problems problems;
  const auto root = read_yaml(text, "f", 0, {}, problems);
  EXPECT_TRUE(root || !problems.empty()) << text;
  return problems.empty() ? flat(*root) : problems.text();
}

TEST(YamlReader, ReadsOrdinaryYaml) {
  EXPECT_EQ(yaml("a: 1\nb: [x, \"y\", 'it''s']\nc:\n  d: {e: f}\n"), "{a=1 b=[x \"y\" \"it's\"] c={d={e=f}}}");
  EXPECT_EQ(yaml("a:\n- 1\n- b: 2\n  c: 3\n"), "{a=[1 {b=2 c=3}]}");
  EXPECT_EQ(yaml("a: |\n  x\n   y\nb: >-\n  x\n  y\n"), "{a=\"x\n y\n\" b=\"x y\"}");
  EXPECT_EQ(yaml("a: two\n  lines\n"), "{a=two lines}");
  EXPECT_EQ(yaml("---\na: 1\n"), "{a=1}");
  EXPECT_EQ(yaml("# before\na: 1 # beside\n# behind"), "{a=1}");
  EXPECT_EQ(yaml("a: http://x:1/#y\nb: ${X:-5s}\n"), "{a=http://x:1/#y b=${X:-5s}}");
}

TEST(YamlReader, KeepsBlockTextsAtTheEndAsTheyAre) {
  EXPECT_EQ(yaml("a: |\n  x"), "{a=\"x\n\"}");
  EXPECT_EQ(yaml("a: |\n  x\n"), "{a=\"x\n\"}");
  EXPECT_EQ(yaml("a: |-\n  x\n\n"), "{a=\"x\"}");
  EXPECT_EQ(yaml("a: |+\n  x\n\n"), "{a=\"x\n\n\"}");
  EXPECT_EQ(yaml("a: \"x\n  y\"\n"), "{a=\"x y\"}");
}

TEST(YamlReader, TakesByteOrderMarksWindowsLinesAndAMissingLastLineEnd) {
  EXPECT_EQ(yaml("\xEF\xBB\xBF" "a: 1"), "{a=1}");
  EXPECT_EQ(yaml("a: 1\r\nb:\r\n  - 2\r\n"), "{a=1 b=[2]}");
}

TEST(YamlReader, TakesNoTypeFromTheSpelling) {
  EXPECT_EQ(yaml("a: 010\nb: yes\nc: 1_000\nd: 0x1F\ne: .inf\nf: '5'\n"),
            "{a=010 b=yes c=1_000 d=0x1F e=.inf f=\"5\"}");
  EXPECT_EQ(yaml("a: \"null\"\nb: '~'\nc: ''\n"), "{a=\"null\" b=\"~\" c=\"\"}");
}

TEST(YamlReader, FindsQuotesThatAreNeverClosed) {
  EXPECT_EQ(yaml("a: \"abc\nb: c\n"), "f:1:4: this quote is never closed\n");
  EXPECT_EQ(yaml("a: 'abc\nb: c\n"), "f:1:4: this quote is never closed\n");
  EXPECT_EQ(yaml("a: 1\nb: [x, \"y]\nc: d\n"), "f:2:8: this quote is never closed\n");
  EXPECT_EQ(yaml("é: \"é\nb: \"c\"\n"), "f:1:4: the closing quote of this text is missing\n");
  EXPECT_THAT(yaml("a: \"abc\n"), HasSubstr("f:1:4: this quote is never closed"));
  EXPECT_THAT(yaml("\"abc: 1\n"), HasSubstr("f:1:1: "));
}

TEST(YamlReader, DropsNothingBehindTheDocument) {
  EXPECT_THAT(yaml("- a\nb: c"), HasSubstr("f:2:1: this does not continue what stands above it\n"));
  EXPECT_EQ(yaml("a: 1\n---\nb: 2\n"), "f:2:1: only one document per file: nothing may follow '---' or '...' here\n");
  EXPECT_EQ(yaml("a: 1\n...\nb: 2\n"), "f:2:1: only one document per file: nothing may follow '---' or '...' here\n");
  EXPECT_EQ(yaml("a: 1\n...\n"), "f:2:1: only one document per file: nothing may follow '---' or '...' here\n");
  EXPECT_EQ(yaml("{a: 1}\nb: 2\n"),
            "f:1:1: the top level cannot stand in braces, write it as lines of 'key: value'\n"
            "f:2:1: this does not continue what stands above it\n");
}

TEST(YamlReader, ReportsDuplicateKeysAtAnyDepthWithBothPlaces) {
  EXPECT_EQ(yaml("a: {b: 1, c: 2, b: 3}\n"), "f:1:17: duplicate key 'b', first written at 1:5\n");
  EXPECT_EQ(yaml("a: 1\n\"a\": 2\na: 3\n"),
            "f:2:1: duplicate key 'a', first written at 1:1\nf:3:1: duplicate key 'a', first written at 1:1\n");
}

TEST(YamlReader, RefusesMergeKeysButNotTheTextItself) {
  EXPECT_THAT(yaml("a: &x {b: 1}\nc: {<<: *x}\n"), HasSubstr("f:2:5: merge keys (<<) are not supported"));
  EXPECT_EQ(yaml("a: <<\n"), "{a=<<}");
}

TEST(YamlReader, PutsAnAliasWhereItStandsAndNotWhereItsAnchorIs) {
  Problems problems;
  const auto root = read_yaml("a: &x {b: 1}\nc:\n  - *x\n", "f", 0, {}, problems);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->entries[1].value->items[0]->at.line, 3);
  EXPECT_EQ(root->entries[1].value->items[0]->at.column, 5);
  EXPECT_EQ(root->entries[1].value->items[0]->entries[0].key, "b");
}

TEST(YamlReader, CannotBeCaughtInACircle) {
  EXPECT_EQ(yaml("a: &a [*a]\n"), "f:1:8: this alias stands inside of what it names\n");
  EXPECT_EQ(yaml("a: &a {b: {c: *a}}\n"), "f:1:15: this alias stands inside of what it names\n");
}

TEST(YamlReader, RefusesEmptyValues) {
  EXPECT_THAT(yaml("name: ~\n"), HasSubstr("f:1:1: 'name' has no value"));
  EXPECT_THAT(yaml("name:\n"), HasSubstr("f:1:1: 'name' has no value"));
  EXPECT_THAT(yaml("a: {name: null}\n"), HasSubstr("f:1:5: 'name' has no value"));
  EXPECT_THAT(yaml("a: {name}\n"), HasSubstr("f:1:5: 'name' has no value"));
  EXPECT_EQ(yaml("a: [1,,2]\n"), "f:1:7: this list item has no value\n");
  EXPECT_EQ(yaml("a:\n  -\n  - 1\n"), "f:2:3: this list item has no value\n");
}

TEST(YamlReader, RefusesFilesWithoutAnything) {
  for (const auto* text : {"", "\n\n", "# a comment", "---\n", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(yaml(text), "f: the file is empty, there is no configuration in it\n");
  }
}

TEST(YamlReader, RefusesTextThatIsNotUtf8AtItsLineAndColumn) {
  EXPECT_EQ(yaml("é: x\na: é\xFF\n"), "f:2:5: the byte 0xff is not UTF-8 text\n");
  EXPECT_EQ(yaml("a: \xC0\xAF\n"), "f:1:4: the byte 0xc0 is not UTF-8 text\n");
  EXPECT_EQ(yaml("a: \xED\xA0\x80\n"), "f:1:4: the byte 0xed is not UTF-8 text\n");
  EXPECT_EQ(yaml("a: \xF4\x90\x80\x80\n"), "f:1:4: the byte 0xf4 is not UTF-8 text\n");
  EXPECT_EQ(yaml("a: \xE2\x82"), "f:1:4: the byte 0xe2 is not UTF-8 text\n");
  EXPECT_EQ(yaml(std::string("a: x\0y\n", 7)), "f:1:5: the control byte 0x00 cannot stand in a text file\n");
  EXPECT_EQ(yaml("a: \x1b[1m\n"), "f:1:4: the control byte 0x1b cannot stand in a text file\n");
  EXPECT_EQ(yaml("\xFF\xFE" "a"), "f:1:1: the byte 0xff is not UTF-8 text\n");
  EXPECT_EQ(yaml("a: \U0001F600 \u00e9\n"), "{a=\U0001F600 \u00e9}");
}

TEST(YamlReader, LimitsDepth) {
  const auto nested = [](std::size_t levels) {
    return "a: " + std::string(levels, '[') + "1" + std::string(levels, ']') + "\n";
  };
  EXPECT_EQ(yaml(nested(62)).substr(0, 4), "{a=[");
  EXPECT_EQ(yaml(nested(64)), "f:1:67: nested deeper than 64 levels\n");
  std::string aliases = "a0: &a0 [[[[[[[[[[1]]]]]]]]]]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string inner = "[[[[[[[[[[*a" + std::to_string(i - 1) + "]]]]]]]]]]\n";
    aliases += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " " + inner;
  }
  EXPECT_THAT(yaml(aliases), HasSubstr("nested deeper than 64 levels"));
}

// What one reading may add to the process's peak: a child measures it, because a peak never falls again.
long peak_kib_of_reading(const std::string& text) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const long before = usage.ru_maxrss;
    Problems problems;
    (void)read_yaml(text, "f", 0, {}, problems);
    getrusage(RUSAGE_SELF, &usage);
    const long grown = usage.ru_maxrss - before;
    _exit(write(ends[1], &grown, sizeof grown) == sizeof grown ? 0 : 1);
  }
  close(ends[1]);
  long grown = -1;
  EXPECT_EQ(read(ends[0], &grown, sizeof grown), static_cast<ssize_t>(sizeof grown));
  close(ends[0]);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  return grown;
}

TEST(YamlReader, RefusesAMebibyteOfOpenBracketsWithoutKeepingThem) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's memory is not the reader's";
#endif
  for (const std::string part : {"[", "[\n", "[{", "[ # more\n  "}) {
    std::string text = "a: ";
    while (text.size() < 1'000'000) text += part;
    EXPECT_THAT(yaml(text), HasSubstr("nested deeper than 64 levels")) << part;
    EXPECT_LT(peak_kib_of_reading(text), 40 * 1024) << part;
  }
}

TEST(YamlReader, TakesARunOfBracketsInATextForText) {
  const std::string brackets(1000, '[');
  EXPECT_EQ(yaml("a: \"" + brackets + "\"\nb: '" + brackets + "'\nc: x" + brackets + "\n"),
            "{a=\"" + brackets + "\" b=\"" + brackets + "\" c=x" + brackets + "}");
  EXPECT_EQ(yaml("a: |-\n  " + brackets + "\nb: 1 # " + brackets + "\n"), "{a=\"" + brackets + "\" b=1}");
  EXPECT_THAT(yaml("a: \"" + brackets + "\"\nb: " + brackets), HasSubstr("nested deeper than 64 levels"));
}

// The parser recurses. A reload parses on a thread whose stack may be small (musl gives 128 KiB).
TEST(YamlReader, NeedsNoLargeStackForWhatIsNestedTooDeep) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t stack_bytes = std::size_t{1} << 20;
#else
  constexpr std::size_t stack_bytes = std::size_t{128} << 10;
#endif
  for (const std::string part : {"[", "{a: ", "- ", "? "}) {
    std::string text = part == "[" || part == "{a: " ? "a: " : "";
    while (text.size() < 100'000) text += part;
    pthread_attr_t small;
    ASSERT_EQ(pthread_attr_init(&small), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&small, stack_bytes), 0);
    pthread_t thread{};
    const auto read = [](void* given) -> void* {
      EXPECT_THAT(yaml(*static_cast<std::string*>(given)), testing::Not(testing::IsEmpty()));
      return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &small, read, &text), 0);
    EXPECT_EQ(pthread_join(thread, nullptr), 0);
    pthread_attr_destroy(&small);
  }
}

std::chrono::nanoseconds cpu_time() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

// A hang, or a cost that grows with the square of the input, is what this guards against; a sanitizer makes everything
// several times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::chrono::seconds patience{15};
#else
constexpr std::chrono::seconds patience{2};
#endif

// Reads `text` and fails when that takes `patience` or more of this thread's time.
std::string yaml_in_time(const std::string& text) {
  const auto start = cpu_time();
  Problems problems;
  Sample sample;
  auto document = Document::parse("f", text, sample_environment(), problems);
  document.read(sample);
  const auto result = problems.text();
  EXPECT_LT(cpu_time() - start, patience) << text.substr(0, 40);
  return result;
}

std::string repeated(std::string_view part, std::size_t bytes = 1'000'000) {
  std::string text;
  while (text.size() + part.size() <= bytes) text += part;
  return text;
}

TEST(YamlReader, EndsInTimeWhateverAMebibyteHolds) {
  EXPECT_THAT(yaml_in_time("a: " + repeated("[")), HasSubstr("nested deeper"));
  EXPECT_THAT(yaml_in_time("a: " + repeated("{a: ")), HasSubstr("nested deeper"));
  EXPECT_THAT(yaml_in_time(repeated("- ")), HasSubstr("nested deeper"));
  EXPECT_THAT(yaml_in_time("a: [" + repeated("x, ") + "x]"), HasSubstr("too many values"));
  EXPECT_THAT(yaml_in_time("é: [" + repeated("é, ") + "x]"), HasSubstr("too many values"));
  EXPECT_THAT(yaml_in_time("servers:\n" + repeated("- {name: a, nam: b}\n", 600'000)), HasSubstr("more\n"));
  EXPECT_THAT(yaml_in_time("é: [" + repeated("\"é\", ") + "x]"), HasSubstr("too many values"));
  EXPECT_THAT(yaml_in_time("a: \"" + repeated("é\n  ") + "\"\n"), HasSubstr("unknown key 'a'"));
  std::string keys;
  for (int i = 0; keys.size() < 1'000'000; ++i) keys += "key_" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(yaml_in_time(keys), HasSubstr("unknown key 'key_0'"));
  std::string labels = "agent:\n  labels:\n";
  for (int i = 0; labels.size() < 1'000'000; ++i) labels += "    label_" + std::to_string(i) + ": x\n";
  yaml_in_time(labels);
  // Nobody's mistake, but what could cost a parser its time: each part on its own and inside of a value.
  for (const auto* part : {"]", ":", "? ", "\"", "&a ", "*a ", "!a ", "---\n", "\n", "a\n", "a:\n", "a: b\n",
                           "- - - -\n"}) {
    yaml_in_time(repeated(part));
    yaml_in_time("agent:\n  state_dir: " + repeated(part));
  }
  for (const auto* part : {":", "'", "{a", "[a, ", "${", "a\n", "\\"}) {
    yaml_in_time("agent: [" + repeated(part) + "]\n");
    yaml_in_time("agent:\n  state_dir: \"" + repeated(part) + "\"\n");
  }
}

TEST(YamlReader, EndsAliasBombsInTime) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(yaml_in_time(bomb), HasSubstr("too many values, aliases counted at each use"));
}

}  // namespace
}  // namespace sidewatch::config

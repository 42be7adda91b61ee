#include "config/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/sample.h"

namespace sidewatch::config {
namespace {

using testing::HasSubstr;

TEST(Reference, ListsEveryFieldOnceWithTypeRangeAndDefault) {
  const auto text = reference_markdown<Sample>();
  for (const auto* row : {
           "| `include` |",
           "| `interval` | how often everything is sampled | duration, 100ms to 1h | `5s` |",
           "| `state_dir` | where state is kept | text | `/var/lib/sample` |",
           "| `path` | the file | text | **required** |",
           "| `port` | its port | whole number, 1 to 65535 | `80` |",
           "| `body_limit` | the largest body | size, 1KiB to 1GiB | `1MiB` |",
           "| `level` | how important it is | `low`, `high` | `low` |",
           "| `tls` | whether it is encrypted | true or false | `false` |",
           "| `servers` | what is served | list of sections |  |",
           "## `servers[].limit`",
           "| `above` | the threshold | number | **required** |",
       }) {
    const auto at = text.find(row);
    EXPECT_NE(at, std::string::npos) << row << "\n" << text;
    if (at != std::string::npos) {
      EXPECT_EQ(text.find(row, at + 1), std::string::npos) << row;
    }
  }
}

struct Tree {
  std::vector<Tree> children;
};
void declare(Section& s, Tree& tree) { s.list("children", tree.children, "more | of\nthe same \"kind\""); }

TEST(Reference, EndsForASectionThatContainsItself) {
  EXPECT_THAT(reference_markdown<Tree>(), HasSubstr("more \\| of the same"));
  EXPECT_THAT(json_schema<Tree>(), HasSubstr("more | of\\u000athe same \\\"kind\\\""));
}

TEST(Reference, DoesNotRunChecksAcrossFields) {
  bool described = false;
  Reference::of([&](Section& top) {
    described = top.describing();
    EXPECT_FALSE(top.has("x"));
    top.problem("x", "is ignored");
    top.problem(Mark{}, "is ignored too");
  });
  EXPECT_TRUE(described);
}

TEST(JsonSchema, SaysWhatTheReaderSays) {
  const auto schema = json_schema<Sample>();
  EXPECT_THAT(schema, HasSubstr("\"$schema\":\"https://json-schema.org/draft/2020-12/schema\""));
  EXPECT_THAT(schema, HasSubstr("\"additionalProperties\":false"));
  EXPECT_THAT(schema, HasSubstr("\"required\":[\"name\"]"));
  EXPECT_THAT(schema, HasSubstr("{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535}"));
  EXPECT_THAT(schema, HasSubstr("{\"enum\":[\"low\",\"high\"]}"));
}

TEST(JsonSchema, IsJson) {
  // Braces and brackets outside of texts close in order, and texts end: enough to catch a writer that forgets one.
  std::string open;
  bool text = false;
  const auto schema = json_schema<Sample>();
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const char c = schema[i];
    if (text) {
      if (c == '\\') ++i;
      if (c == '"') text = false;
      continue;
    }
    if (c == '"') text = true;
    if (c == '{' || c == '[') open += c;
    if (c == '}' || c == ']') {
      ASSERT_FALSE(open.empty());
      ASSERT_EQ(open.back(), c == '}' ? '{' : '[');
      open.pop_back();
    }
  }
  EXPECT_FALSE(text);
  EXPECT_EQ(open, "");
}

}  // namespace
}  // namespace sidewatch::config

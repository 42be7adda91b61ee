#include "config/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

#include "base/json.h"
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
           "| `servers` | what is served | [list of sections](#servers) |  |",
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
  EXPECT_THAT(json_schema<Tree>(), HasSubstr("more | of\\nthe same \\\"kind\\\""));
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

// The value at a path of member names, null when it is not there.
const JsonValue& at(const JsonValue& root, std::initializer_list<std::string_view> path) {
  const JsonValue* value = &root;
  for (const auto name : path) value = &(*value)[name];
  return *value;
}

TEST(JsonSchema, SaysWhatTheReaderSays) {
  const auto parsed = JsonValue::parse(json_schema<Sample>());
  ASSERT_TRUE(parsed) << parsed.error().what;
  const JsonValue& schema = *parsed;
  EXPECT_EQ(schema["$schema"].text_or(""), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_FALSE(schema["additionalProperties"].boolean_or(true));
  EXPECT_TRUE(at(schema, {"properties"}).has("include"));

  const JsonValue& server = at(schema, {"properties", "servers", "items"});
  EXPECT_EQ(server["type"].text_or(""), "object");
  ASSERT_EQ(server["required"].items().size(), 1u);
  EXPECT_EQ(server["required"].items()[0].text_or(""), "name");
  const JsonValue& port = at(server, {"properties", "port"});
  EXPECT_EQ(port["description"].text_or(""), "its port");
  EXPECT_EQ(port["default"].integer_or(0), 80);
  EXPECT_EQ(port["anyOf"].items().at(0)["minimum"].integer_or(0), 1);
  EXPECT_EQ(port["anyOf"].items().at(0)["maximum"].integer_or(0), 65535);
  const JsonValue& words = at(server, {"properties", "level"})["anyOf"].items().at(0)["enum"];
  ASSERT_EQ(words.items().size(), 2u);
  EXPECT_EQ(words.items()[1].text_or(""), "high");
  EXPECT_FALSE(at(server, {"properties", "tls", "default"}).boolean_or(true));
}

// Whether the `pattern` that a field's schema has matches `text`.
bool allows(std::string_view field, const std::string& text) {
  const auto schema = JsonValue::parse(json_schema<Sample>());
  const JsonValue& properties = at(*schema, {"properties", "servers", "items", "properties"});
  const JsonValue& agent = at(*schema, {"properties", "agent", "properties"});
  const JsonValue& choices = (agent.has(field) ? agent : properties)[field]["anyOf"];
  const auto pattern = Regex::compile(choices.items().at(1)["pattern"].text_or(""));
  return pattern && pattern->partial_match(text);
}

TEST(JsonSchema, AllowsTheTextsThatTheReaderAllows) {
  for (const auto* text : {"30s", "1h30m", "250ms", "7d", "1y1ms", "0s"}) {
    EXPECT_TRUE(allows("interval", text)) << text;
    EXPECT_TRUE(parse_duration(text)) << text;
  }
  for (const auto* text : {"", "s", "1h30", "30m1h", "5 s", "5minutes", "-5s"}) {
    EXPECT_FALSE(allows("interval", text)) << text;
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  for (const auto* text : {"512MiB", "10KB", "7B", "1GiB"}) {
    EXPECT_TRUE(allows("body_limit", text)) << text;
    EXPECT_TRUE(parse_size(text)) << text;
  }
  for (const auto* text : {"", "5 GB", "512M", "1.5GiB", "MiB", "10kb"}) {
    EXPECT_FALSE(allows("body_limit", text)) << text;
    EXPECT_FALSE(parse_size(text)) << text;
  }
  EXPECT_TRUE(allows("ratio", "99.9%"));
  EXPECT_FALSE(allows("ratio", "90 %"));
  for (const auto* field : {"interval", "body_limit", "ratio", "port", "tls", "level"}) {
    EXPECT_TRUE(allows(field, "${X:-5s}")) << field;
  }
}

}  // namespace
}  // namespace sidewatch::config

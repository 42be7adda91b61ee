// Templates of names, filled in as process-exporter fills them in.
#include "collectors/process/group_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch {
namespace {

ProcessDescription shop() {
  ProcessDescription process;
  process.pid = 42;
  process.comm = "shop-worker";
  process.exe = "/opt/shop/bin/python3";
  process.cmdline = "/usr/bin/python3 shop.py --config=/etc/shop.yaml";
  process.argv0_bytes = 16;
  process.user = "1000";
  process.user_name = "shop";
  process.cgroups = "1:name=systemd:/a\n0::/b/c\n";
  return process;
}

using Patterns = std::vector<std::string>;
std::vector<Regex> compiled(const Patterns& patterns) {
  std::vector<Regex> expressions;
  for (const auto& pattern : patterns) expressions.push_back(Regex::compile(pattern).value());
  return expressions;
}

std::string name(const std::string& text, const ProcessDescription& process = shop(), const Patterns& cmdline = {},
                 std::optional<double> start = std::nullopt) {
  const auto parsed = GroupName::parse(text, compiled(cmdline));
  EXPECT_TRUE(parsed) << parsed.error().text();
  return parsed ? parsed->of(process, start) : "";
}

std::string refusal(const std::string& text, const Patterns& cmdline = {}) {
  const auto parsed = GroupName::parse(text, compiled(cmdline));
  return parsed ? "" : parsed.error().what;
}

TEST(GroupName, IsFixedWithoutFields) {
  const auto fixed = GroupName::parse("check}}out", {});
  ASSERT_TRUE(fixed);
  EXPECT_TRUE(fixed->is_fixed());
  EXPECT_EQ(fixed->of(shop(), std::nullopt), "check}}out");
  EXPECT_FALSE(GroupName::parse("{{.Comm}}", {})->is_fixed());
}

TEST(GroupName, FillsInEveryField) {
  EXPECT_EQ(name("{{.Comm}}"), "shop-worker");
  EXPECT_EQ(name("{{.ExeBase}}"), "python3");
  EXPECT_EQ(name("{{.ExeFull}}"), "/usr/bin/python3") << "the first argument, not the program";
  EXPECT_EQ(name("{{.Username}}"), "shop");
  EXPECT_EQ(name("{{.PID}}"), "42");
  EXPECT_EQ(name("{{.Cgroups}}"), "[/a /b/c]");
  EXPECT_EQ(name("a-{{.Username}}:{{ .Comm }}-z"), "a-shop:shop-worker-z");
}

TEST(GroupName, PrintsTheStartTimeAsGoDoes) {
  const auto start = [](double seconds) { return name("{{.StartTime}}", shop(), {}, seconds); };
  EXPECT_EQ(start(1700000000), "2023-11-14 22:13:20 +0000 UTC");
  EXPECT_EQ(start(1700000010.5), "2023-11-14 22:13:30.5 +0000 UTC");
  EXPECT_EQ(start(1700000010.07), "2023-11-14 22:13:30.07 +0000 UTC");
  EXPECT_EQ(name("{{.StartTime}}"), "");
}

TEST(GroupName, FillsInWhatTheCmdlinePatternMatchedFirst) {
  const Patterns pattern = {R"((?P<script>\w+)\.py --config=(?P<file>\S+))"};
  EXPECT_EQ(name("{{.Matches.script}}:{{.Matches.file}}", shop(), pattern), "shop:/etc/shop.yaml");
  auto twice = shop();
  twice.cmdline = "x one.py --config=1 two.py --config=2";
  EXPECT_EQ(name("{{.Matches.script}}", twice, pattern), "one");
  twice.cmdline = "nothing of it";
  EXPECT_EQ(name("<{{.Matches.script}}>", twice, pattern), "<>");
  EXPECT_EQ(name("{{.Matches.a}}", shop(), {"(?i)(?P<a>PYTHON)|(?P<b>never)"}), "python");
  EXPECT_EQ(name("{{.Matches.b}}", shop(), {"(?i)(?P<a>PYTHON)|(?P<b>never)"}), "");
}

TEST(GroupName, FillsInWhatAnyOfSeveralPatternsMatched) {
  const Patterns patterns = {R"((?P<script>\w+)\.py)", R"(--config=(?P<file>\S+))"};
  EXPECT_EQ(name("{{.Matches.file}}:{{.Matches.script}}", shop(), patterns), "/etc/shop.yaml:shop");
  EXPECT_EQ(name("{{.Matches.x}}", shop(), {"(?P<x>python)", "(?P<x>shop)"}), "shop") << "the last, as process-exporter";
}

TEST(GroupName, TakesTheNameOfAProcessWithoutArgumentsForItsProgram) {
  auto kernel_thread = shop();
  kernel_thread.comm = "kworker/0:1";
  kernel_thread.cmdline = "";
  kernel_thread.argv0_bytes = 0;
  EXPECT_EQ(name("{{.ExeBase}}", kernel_thread), "kworker/0:1");
  EXPECT_EQ(name("{{.ExeFull}}", kernel_thread), "kworker/0:1");
}

TEST(GroupName, FindsTheFileNameAsGoDoes) {
  const auto base = [](const std::string& argument) {
    auto process = shop();
    process.cmdline = argument;
    process.argv0_bytes = argument.size();
    return name("{{.ExeBase}}", process);
  };
  EXPECT_EQ(base("sshd"), "sshd");
  EXPECT_EQ(base("nginx: master process /usr/sbin/nginx"), "nginx");
  EXPECT_EQ(base("/opt/a//"), "a");
  EXPECT_EQ(base("//"), "/");
}

TEST(GroupName, CutsWhatIsTooLongAtACharacter) {
  auto process = shop();
  process.comm = std::string(GroupName::max_bytes - 1, 'x') + "\xc3\xa9";
  EXPECT_EQ(name("{{.Comm}}", process), std::string(GroupName::max_bytes - 1, 'x'));
}

TEST(GroupName, RefusesTheRestOfTheTemplateLanguage) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("{{.Foo}}"), HasSubstr("'{{.Foo}}' is none of {{.Comm}}"));
  EXPECT_THAT(refusal("{{if .Comm}}"), HasSubstr("is none of"));
  EXPECT_THAT(refusal("{{}}"), HasSubstr("'{{}}' is none of"));
  EXPECT_THAT(refusal("{{.Matches}}"), HasSubstr("{{.Matches.NAME}}"));
  EXPECT_THAT(refusal("{{.Matches.x}}", {"(?P<y>a)"}), HasSubstr("has no (?P<x>...)"));
  EXPECT_THAT(refusal("a {{.Comm"), HasSubstr("not closed"));
}

TEST(GroupName, AsksOnlyForTheTextsThatItNeeds) {
  const auto needs = [](const std::string& text) { return GroupName::parse(text, {})->needs(); };
  EXPECT_FALSE(needs("{{.Comm}}{{.PID}}").cmdline);
  EXPECT_TRUE(needs("{{.ExeBase}}").cmdline);
  EXPECT_TRUE(needs("{{.Username}}").user);
  EXPECT_TRUE(needs("{{.Cgroups}}").cgroups);
  EXPECT_FALSE(needs("{{.Cgroups}}{{.ExeFull}}").exe);
}

}  // namespace
}  // namespace sidewatch

// The other things that programs write, and the mistakes in them.
#include "collectors/exec/measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/document.h"
#include "collectors/exec/config.h"

namespace sidewatch::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> lines(const Result<Reading>& reading) {
  if (!reading) return {reading.error().what};
  std::vector<std::string> all;
  for (const auto& measure : reading->measures) {
    all.push_back(measure.name + measure.labels.to_string() + " " + std::to_string(static_cast<int>(measure.value)));
  }
  return all;
}

ReadingOptions of(Format format) {
  ReadingOptions options;
  options.format = format;
  options.name = "n";
  return options;
}

TEST(ExecOutput, MayBeOneNumber) {
  EXPECT_THAT(lines(read_output(" 42\n", of(Format::value))), ElementsAre(R"(exec_value{name="n"} 42)"));
  EXPECT_THAT(lines(read_output("", of(Format::value))), ElementsAre("wrote nothing where a number was expected"));
  EXPECT_THAT(lines(read_output("42 files", of(Format::value))),
              ElementsAre("wrote '42 files' where a number was expected"));
}

TEST(ExecOutput, MayBeAPageOfMetrics) {
  const auto reading = read_output("# HELP jobs Waiting.\n# TYPE jobs gauge\njobs{queue=\"a\"} 3\nup 1\n", of(Format::prometheus));
  EXPECT_THAT(lines(reading), ElementsAre(R"(jobs{queue="a"} 3)", "up{} 1"));
  EXPECT_EQ(reading->measures[0].help, "Waiting.");
  EXPECT_THAT(lines(read_output("jobs{ 3\n", of(Format::prometheus))).front(), HasSubstr("wrote no Prometheus text: line 1:5"));
  EXPECT_THAT(lines(read_output("jobs 3", of(Format::prometheus))).front(), HasSubstr("wrote no Prometheus text"));
}

TEST(ExecOutput, MayBeJsonWhoseNumbersAreTaken) {
  EXPECT_THAT(lines(read_output(R"({"queue":{"depth":3,"name":"x"},"ok":true,"list":[1],"a-b":7})", of(Format::json))),
              UnorderedElementsAre(R"(queue_depth{name="n"} 3)", R"(ok{name="n"} 1)", R"(a_b{name="n"} 7)"));
  EXPECT_THAT(lines(read_output("[1]", of(Format::json))).front(), HasSubstr("wrote JSON that is no object"));
  EXPECT_THAT(lines(read_output("{", of(Format::json))).front(), HasSubstr("wrote no JSON"));
  EXPECT_THAT(lines(read_output(R"({"a-b":1,"a_b":2})", of(Format::json))).front(), HasSubstr("both called a_b"));
}

TEST(ExecOutput, MayBeJsonWhosePlacesAreNamed) {
  auto options = of(Format::json);
  options.values = {{"depth", "/queues/1/depth"}, {"slashed", "/a~1b"}, {"gone", "/nothing"}};
  const auto reading = read_output(R"({"queues":[{"depth":1},{"depth":2}],"a/b":5})", options);
  EXPECT_THAT(lines(reading), ElementsAre(R"(depth{name="n"} 2)", R"(slashed{name="n"} 5)"));
  EXPECT_EQ(reading->trouble, "wrote no number at /nothing");
}

TEST(ExecOutput, OfPluginsHasBoundsBesideTheValues) {
  EXPECT_THAT(lines(read_output("OK|load=2;5;@10:20;0 load=3", of(Format::nagios))),
              ElementsAre(R"(exec_perfdata_value{label="load", name="n"} 2)",
                          R"(exec_perfdata_warn{bound="high", label="load", name="n"} 5)",
                          R"(exec_perfdata_crit{bad="inside", bound="high", label="load", name="n"} 20)",
                          R"(exec_perfdata_crit{bad="inside", bound="low", label="load", name="n"} 10)",
                          R"(exec_perfdata_min{label="load", name="n"} 0)"));
}

TEST(ExecOutput, OfTooManySeriesIsNotTaken) {
  auto options = of(Format::json);
  options.max_series = 2;
  EXPECT_THAT(lines(read_output(R"({"a":1,"b":2,"c":3})", options)).front(), HasSubstr("more than 2 series (max_series)"));
  options.format = Format::nagios;
  EXPECT_EQ(read_output("x|a=1 b=2", options)->trouble, "");  // as many as they really are
  const auto reading = read_output("x|a=1 b=2;3", options);
  EXPECT_EQ(reading->measures.size(), 1U);
  EXPECT_THAT(reading->trouble, HasSubstr("more than 2 series (max_series)"));
}

std::string problems_of(const std::string& entry) {
  config::Problems problems;
  ExecConfig config;
  auto document = config::Document::parse("c.yaml", "exec: {name: n, " + entry + "}\n", {}, problems);
  document.visit([&](config::Section& top) {
    top.within("exec", "", [&](config::Section& section) { declare(section, config); });
  });
  return problems.text();
}

TEST(ExecConfiguration, SaysWhatIsWrong) {
  EXPECT_THAT(problems_of("command: [/bin/true]"), IsEmpty());
  EXPECT_THAT(problems_of("command: check_load -w 5"), HasSubstr("there is no shell"));
  EXPECT_THAT(problems_of("command: [check_load]"), HasSubstr("'check_load' is not an absolute path"));
  EXPECT_THAT(problems_of("command: []"), HasSubstr("the list begins with the program"));
  EXPECT_THAT(problems_of("command: [/x], interval: 5s, timeout: 5s"),
              HasSubstr("timeout must be shorter than interval, which is 5s"));
  EXPECT_THAT(problems_of("command: [/x], interval: 5s"), IsEmpty());  // the default gives way
  EXPECT_THAT(problems_of("command: [/x], format: json, values: {node_load1: /b}"),
              HasSubstr("'node_load1' is one of the agent's own metrics: choose another name"));
  EXPECT_THAT(problems_of("command: [/x], values: {a: /b}"), HasSubstr("places in JSON need format: json"));
  EXPECT_THAT(problems_of("command: [/x], format: json, values: {a: b}"), HasSubstr("'b' is not a place in JSON"));
  EXPECT_THAT(problems_of("command: [/x], environment: {\"A=B\": x}"), HasSubstr("cannot be the name of a variable"));
  EXPECT_THAT(problems_of("command: [/x], directory: tmp"), HasSubstr("'tmp' is not an absolute path"));
}

}  // namespace
}  // namespace sidewatch::exec

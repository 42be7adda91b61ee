#include "agent/query/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "agent/query/answer.h"
#include "metrics/promql/literals.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Form = QueryCommand::Form;

const Time now = time_at_ms(1'700'003'600'000);

class QueryOverAFile : public testing::Test {
 protected:
  QueryOverAFile() {
    write("# TYPE up gauge\n"
          "up{job=\"a\"} 1 1700000000\n"
          "up{job=\"a\"} 1 1700000060\n"
          "up{job=\"a\"} 0.5 1700000120\n"
          "up{job=\"long name\"} 12345 1700000120\n"
          "# EOF\n");
  }

  void write(const std::string& text) { std::ofstream(path()) << text; }
  std::string path() const { return directory_.path() + "/samples.om"; }

  CommandResult ask(QueryCommand command) const {
    command.load = path();
    return run_query(command, {.columns = 60, .colour = false, .unicode = true}, now);
  }

  TempDir directory_;
};

QueryCommand query(std::string expression) {
  QueryCommand command;
  command.expression = std::move(expression);
  return command;
}

TEST_F(QueryOverAFile, IsAnsweredAtTheTimeOfItsNewestSample) {
  const auto result = ask(query("up"));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "up{job=\"a\"}            0.5\n"
                        "up{job=\"long name\"}  12345\n");
  EXPECT_EQ(ask(query("time()")).out, "1700000120\n");
  EXPECT_EQ(ask(query("\"text\"")).out, "text\n");
}

TEST_F(QueryOverAFile, IsAnsweredAtAnyTimeThatIsGiven) {
  auto command = query("up{job=\"a\"}");
  for (const char* at : {"1700000061", "1700000061.5", "2023-11-14T22:14:30Z", "58m50s"}) {
    command.at = at;
    EXPECT_EQ(ask(command).out, "up{job=\"a\"}  1\n") << at;
  }
  command.at = "now";
  const auto empty = ask(command);
  EXPECT_EQ(empty.code, 0);
  EXPECT_EQ(empty.out, "");
  EXPECT_EQ(empty.err, "sidewatch: the answer is empty: nothing that the expression selects has a value at 2023-11-14 "
                       "23:13:20 UTC\n");
}

TEST_F(QueryOverAFile, OverARangeIsATableOfTimesAndSeries) {
  auto command = query("up");
  command.range = "2m";
  command.step = "1m";
  EXPECT_EQ(ask(command).out, "[1] up{job=\"a\"}\n"
                              "[2] up{job=\"long name\"}\n"
                              "\n"
                              "time (UTC)           [1]    [2]\n"
                              "2023-11-14 22:13:20    1      -\n"
                              "2023-11-14 22:14:20    1      -\n"
                              "2023-11-14 22:15:20  0.5  12345\n");
}

TEST_F(QueryOverAFile, ChoosesARoundStepWhereNoneIsGiven) {
  auto command = query("vector(1)");
  command.range = "1h";
  const auto result = ask(command);
  EXPECT_THAT(result.out, HasSubstr("\n2023-11-14 21:15:20    1\n2023-11-14 21:20:20    1\n"));
}

TEST_F(QueryOverAFile, IsJsonAsPrometheusAnswers) {
  auto command = query("up{job=\"a\"}");
  command.form = Form::json;
  EXPECT_EQ(ask(command).out,
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"up\","
            "\"job\":\"a\"},\"value\":[1700000120,\"0.5\"]}]}}\n");
  command.range = "1m";
  command.step = "1m";
  EXPECT_THAT(ask(command).out, HasSubstr("\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\",\"job\":"
                                          "\"a\"},\"values\":[[1700000060,\"1\"],[1700000120,\"0.5\"]]}]"));
  command = query("1");
  command.form = Form::json;
  EXPECT_THAT(ask(command).out,
              HasSubstr("\"resultType\":\"scalar\",\"result\":[1700000120,\"1\"]"));
}

TEST_F(QueryOverAFile, IsCsvForOtherPrograms) {
  auto command = query("up{job=\"a\"}");
  command.form = Form::csv;
  EXPECT_EQ(ask(command).out, "series,time,value\r\n\"up{job=\"\"a\"\"}\",2023-11-14T22:15:20.000Z,0.5\r\n");
}

TEST_F(QueryOverAFile, PointsAtTheMistakeInAnExpression) {
  const auto result = ask(query("sum(\n  up{ü=\"a\"}\n)"));
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("\n      up{ü=\"a\"}\n         ^\n"));
  const auto ambiguous = ask(query("up + on() up"));
  EXPECT_EQ(ambiguous.code, 1);
  EXPECT_THAT(ambiguous.err, StartsWith("sidewatch: the expression has no value: found duplicate series"));
}

TEST_F(QueryOverAFile, TakesAPageWithoutTimestampsAsOfTheTimeGiven) {
  write("# HELP a b\na{x=\"1\"} 5\na{x=\"2\"} 7\n");
  EXPECT_EQ(ask(query("sum(a)")).out, "{}  12\n");
  auto command = query("timestamp(a{x=\"1\"})");
  command.at = "100";
  EXPECT_EQ(ask(command).out, "{x=\"1\"}  100\n") << ask(command).err;
}

TEST_F(QueryOverAFile, LetsNoLabelSpeakToTheTerminal) {
  write("a{x=\"\x1b[31m red \xc2\x9b\"} 1\n");
  EXPECT_EQ(ask(query("a")).out, "a{x=\"\\x1b[31m red \\x9b\"}  1\n");
  auto plotted = query("a");
  plotted.form = Form::plot;
  EXPECT_EQ(ask(plotted).out.find('\x1b'), std::string::npos);
  EXPECT_THAT(ask(query("sum(\x1b[31m")).err, testing::Not(HasSubstr("\x1b")));
}

TEST_F(QueryOverAFile, SaysWhereAFileIsWrong) {
  write("up 1 1\nup one 2\n# EOF\n");
  const auto result = ask(query("up"));
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "sidewatch: " + path() + ":2:4: \"one\" is not a number\n");
}

TEST_F(QueryOverAFile, RefusesWhatItCannotUnderstandOnTheCommandLine) {
  auto command = query("up");
  command.at = "yesterday";
  EXPECT_EQ(ask(command).err, "sidewatch: --at: 'yesterday' is no time; write it as 2026-03-01T12:00:00Z, as seconds since "
                              "1970, as how long ago it was (10m), or now\n");
  command.at = "";
  command.step = "10s";
  EXPECT_EQ(ask(command).err, "sidewatch: --step: makes sense with --range only\n");
  command.range = "1 hour";
  EXPECT_EQ(ask(command).err, "sidewatch: --range: '1 hour' is no duration; write it as 30s, 5m or 1h30m\n");
  EXPECT_EQ(ask(command).code, 2);
}

TEST_F(QueryOverAFile, IsDrawnOverTheRange) {
  auto command = query("up{job=\"a\"}");
  command.form = Form::plot;
  command.range = "2m";
  const auto result = ask(command);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2023-11-14 22:13:20 to 2023-11-14 22:15:20 UTC\n\nup{job=\"a\"}  min 0.5, max 1, last 0.5\n"));
}

QueryFailure failure_in(std::string_view body) {
  const auto outcome = read_api_answer(body, now, "http://user:secret@127.0.0.1:9766/");
  const auto* failure = std::get_if<QueryFailure>(&outcome);
  return failure ? *failure : QueryFailure{};
}

// One line per series: its labels and `value@ms` for each point.
std::string answer_text(const QueryAnswer& answer) {
  std::string text;
  for (const auto& series : answer.series) {
    text += series.labels.to_string();
    for (const Point& point : series.points) {
      text += " " + promql::number_to_string(point.value) + "@" + std::to_string(to_ms(point.time));
    }
    text += "\n";
  }
  return text;
}

TEST(QueryOverHttp, ReadsEveryTypeOfResult) {
  const auto read = [](std::string_view result) {
    const std::string body = "{\"status\":\"success\",\"data\":{" + std::string(result) + "}}";
    const auto outcome = read_api_answer(body, now, "http://127.0.0.1:9766");
    return answer_text(std::get<QueryAnswer>(outcome));
  };
  EXPECT_EQ(read(R"("resultType":"scalar","result":[1.5,"-Inf"])"), "{} -Inf@1500\n");
  EXPECT_EQ(read(R"("resultType":"vector","result":[{"metric":{"__name__":"a","b":"c"},"value":[1,"1e-05"]}])"),
            "{__name__=\"a\", b=\"c\"} 1e-05@1000\n");
  EXPECT_EQ(read(R"("resultType":"matrix","result":[{"metric":{},"values":[[1,"NaN"],[2.001,"+Inf"]]}])"),
            "{} NaN@1000 +Inf@2001\n");
}

TEST(QueryOverHttp, TellsAWrongExpressionFromAFailureOfTheServer) {
  const auto wrong = failure_in(R"({"status":"error","errorType":"bad_data",)"
                                R"("error":"invalid parameter \"query\": 1:14: parse error: unexpected end of input"})");
  EXPECT_EQ(wrong.kind, QueryFailure::Kind::expression);
  EXPECT_EQ(wrong.sentence, "unexpected end of input");
  EXPECT_EQ(wrong.place, "1:14");
  const auto failed = failure_in(R"({"status":"error","errorType":"execution","error":"many-to-many"})");
  EXPECT_EQ(failed.kind, QueryFailure::Kind::evaluation);
  const auto late = failure_in(R"({"status":"error","errorType":"timeout","error":"query timed out"})");
  EXPECT_EQ(late.kind, QueryFailure::Kind::environment);
  EXPECT_EQ(late.sentence, "timeout: query timed out");
  for (const char* body : {"", "{", "[]", "{\"status\":\"success\"}", "{\"status\":\"success\",\"data\":{}}"}) {
    EXPECT_EQ(failure_in(body).sentence, "http://127.0.0.1:9766/... answered something that is no query result") << body;
  }
}

TEST(QueryOverHttp, AsksWhetherSidewatchRunsWhereNobodyListens) {
  auto command = query("up");
  command.url = "http://127.0.0.1:1";
  const auto result = run_query(command, {}, now);
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "sidewatch: cannot connect to http://127.0.0.1:1: is sidewatch running there? (--url says where "
                        "to ask)\n");
  command.url = "localhost";
  EXPECT_THAT(run_query(command, {}, now).err, StartsWith("sidewatch: --url: "));
}

}  // namespace
}  // namespace sidewatch

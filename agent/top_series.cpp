#include "agent/top_series.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "agent/agent_client.h"
#include "agent/exit_code.h"
#include "agent/query/table.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/utf8.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_answer_bytes = std::size_t{8} << 20;
constexpr std::size_t widest_name = 72;

// "1234567" as "1 234 567".
std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ' ');
  return digits;
}

struct Row {
  std::string name;
  std::string count;
};

std::vector<Row> rows_of(const JsonValue& table) {
  std::vector<Row> rows;
  for (const auto& entry : table.items()) {
    std::string name = printable(entry["name"].text_or(""));
    if (name.size() > widest_name) name = std::string(cut_at_character(name, widest_name - 3)) + "...";
    rows.push_back({std::move(name), grouped(entry["value"].integer_or(0))});
  }
  return rows;
}

std::string table_of(const std::string& title, const std::string& counted, const JsonValue& table) {
  const auto rows = rows_of(table);
  if (rows.empty()) return "";
  std::size_t name_width = title.size();
  std::size_t count_width = counted.size();
  for (const auto& row : rows) {
    name_width = std::max(name_width, row.name.size());
    count_width = std::max(count_width, row.count.size());
  }
  const auto line = [&](const std::string& name, const std::string& count) {
    return name + std::string(name_width - name.size() + 2 + count_width - count.size(), ' ') + count + "\n";
  };
  std::string text = "\n" + line(title, counted);
  for (const auto& row : rows) text += line(row.name, row.count);
  return text;
}

CommandResult fail(int code, const std::string& sentence) { return {code, "", "sidewatch: " + printable(sentence) + "\n"}; }

}  // namespace

std::string top_series_as_tables(std::string_view body) {
  const auto parsed = JsonValue::parse(body, {.max_bytes = max_answer_bytes, .max_depth = 8});
  if (!parsed || !(*parsed)["data"]["headStats"].has("numSeries")) return "";
  const JsonValue& data = (*parsed)["data"];
  std::string text = grouped(data["headStats"]["numSeries"].integer_or(0)) + " series with " +
                     grouped(data["headStats"]["numLabelPairs"].integer_or(0)) + " different pairs of a label and a value\n";
  text += table_of("metrics with most series", "series", data["seriesCountByMetricName"]);
  text += table_of("labels with most values", "values", data["labelValueCountByLabelName"]);
  text += table_of("pairs with most series", "series", data["seriesCountByLabelValuePair"]);
  const JsonValue& refused = data["refusedByMetricName"];
  text += table_of("metrics that a budget kept series out of", "times", refused);
  if (!refused.items().empty()) {
    text += "\nWhat was kept out is summed up or replaced in the series {overflow=\"true\"} of its metric. The budgets are\n"
            "limits.max_series_per_metric, limits.max_series and limits.max_labels; mostly a label holds what has no end,\n"
            "such as the id of a user: see which above.\n";
  }
  return text;
}

CommandResult run_top_series(const TopSeriesCommand& command) {
  const auto asked = ask_agent(command.url, "GET", "/api/v1/status/tsdb?limit=" + std::to_string(command.limit));
  if (const auto* failure = std::get_if<AgentFailure>(&asked)) return fail(failure->code, failure->what);
  const auto& answer = std::get<AgentAnswer>(asked);
  auto text = top_series_as_tables(answer.body);
  if (text.empty()) {
    return fail(exit_environment, url_without_secrets(command.url) + " answered with status " +
                                      std::to_string(answer.status) +
                                      ", but not with its series; is it sidewatch or a Prometheus?");
  }
  return {exit_ok, std::move(text), ""};
}

}  // namespace sidewatch

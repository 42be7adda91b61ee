#include "agent/query/command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/exit_code.h"
#include "agent/query/answer.h"
#include "agent/query/plot.h"
#include "agent/query/table.h"
#include "base/result.h"
#include "base/utf8.h"
#include "config/wording.h"
#include "metrics/promql/literals.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using Form = QueryCommand::Form;

constexpr std::int64_t lines_of_a_table = 20;  // about so many, where no step is given
constexpr Duration plotted_range = 1h;         // where no range is given

CommandResult fail(int code, const std::string& sentence) { return {code, "", "sidewatch: " + printable(sentence) + "\n"}; }

// --- what was typed ---

// "1700000000.5", "2026-03-01T12:00:00Z", "now", or "10m": so long ago.
Result<std::optional<Time>> read_time(const std::string& text, Time now) {
  if (text.empty()) return std::optional<Time>();
  if (text == "now") return std::optional(now);
  double seconds = 0;
  const auto number = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = number.ec == std::errc() && number.ptr == text.data() + text.size();
  if (whole && std::abs(seconds) < 1e12) return std::optional(time_at_ms(std::llround(seconds * 1000)));
  if (const auto wall = from_rfc3339(text)) return std::optional(from_wall(*wall, Duration(0)));
  if (const auto ago = promql::parse_duration(text)) return std::optional(now - *ago);
  return Error{config::quote(text) + " is no time; write it as 2026-03-01T12:00:00Z, as seconds since 1970, as how long "
               "ago it was (10m), or now", "--at"};
}

Result<std::optional<Duration>> read_duration(const std::string& text, const char* option) {
  if (text.empty()) return std::optional<Duration>();
  const auto duration = promql::parse_duration(text);
  if (duration) return std::optional(*duration);
  return Error{config::quote(text) + " is no duration; write it as 30s, 5m or 1h30m", option};
}

// A round step that takes at most about so many to walk through the range.
Duration round_step(Duration range, std::int64_t steps) {
  static constexpr std::array round = {1s,    2s,    5s,     10s,    15s,    30s,     60s,     120s,    300s,
                                       600s,  900s,  1800s,  3600s,  7200s,  21600s,  43200s,  86400s,  604800s};
  for (const auto& step : round) {
    if (step * steps >= range) return step;
  }
  return range / steps;
}

Result<QueryRequest> read_request(const QueryCommand& command, const Terminal& terminal, Time now) {
  QueryRequest request;
  request.expression = command.expression;
  auto at = read_time(command.at, now);
  if (!at) return at.error();
  auto range = read_duration(command.range, "--range");
  if (!range) return range.error();
  auto step = read_duration(command.step, "--step");
  if (!step) return step.error();
  request.at = *at;
  request.range = *range;
  const bool plotted = command.form == Form::plot;
  if (plotted && !request.range) request.range = plotted_range;
  if (*step && !request.range) return Error{"makes sense with --range only", "--step"};
  if (!request.range) return request;
  const auto steps = plotted ? static_cast<std::int64_t>(terminal.columns) : lines_of_a_table;
  request.step = *step ? **step : round_step(*request.range, steps);
  return request;
}

// --- what is shown ---

// The line of the expression that the place is in, and a caret under it.
std::string pointed_at(std::string_view expression, std::string_view place) {
  int line = 0;
  int column = 0;
  const char* const end = place.data() + place.size();
  const auto first = std::from_chars(place.data(), end, line);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return "";
  if (std::from_chars(first.ptr + 1, end, column).ec != std::errc() || line < 1 || column < 1) return "";
  for (; line > 1; --line) {
    const std::size_t next = expression.find('\n');
    if (next == std::string_view::npos) return "";
    expression.remove_prefix(next + 1);
  }
  expression = expression.substr(0, expression.find('\n'));
  std::string under;
  std::size_t byte = 0;
  for (int i = 1; i < column; ++i) {
    under += byte < expression.size() && expression[byte] == '\t' ? '\t' : ' ';
    if (byte < expression.size()) ++byte;
    while (byte < expression.size() && continues_character(expression[byte])) ++byte;
  }
  std::string shown(expression);
  std::replace_if(shown.begin(), shown.end(), [](char c) { return c >= 0 && c < ' ' && c != '\t'; }, '?');
  return "    " + shown + "\n    " + under + "^\n";
}

CommandResult explain(const QueryFailure& failure, const std::string& expression) {
  switch (failure.kind) {
    case QueryFailure::Kind::environment: return fail(exit_environment, failure.sentence);
    case QueryFailure::Kind::evaluation: {
      auto result = fail(exit_environment, "the expression has no value: " + failure.sentence);
      result.err += pointed_at(expression, failure.place);
      return result;
    }
    case QueryFailure::Kind::expression: break;
  }
  auto result = fail(exit_configuration, failure.sentence);
  result.err += pointed_at(expression, failure.place);
  return result;
}

bool is_empty(const QueryAnswer& answer) {
  return answer.type != promql::ValueType::string &&
         std::all_of(answer.series.begin(), answer.series.end(), [](const auto& series) { return series.points.empty(); });
}

std::string empty_answer(const QueryRequest& request, Time at) {
  const std::string when = request.range ? "from " + utc_text(at - *request.range) + " to " + utc_text(at)
                                         : "at " + utc_text(at);
  return "sidewatch: the answer is empty: nothing that the expression selects has a value " + when + " UTC\n";
}

std::string draw(const QueryAnswer& answer, const QueryRequest& request, const Terminal& terminal) {
  PlotOptions options;
  options.columns = terminal.columns;
  options.colour = terminal.colour;
  options.unicode = terminal.unicode;
  options.start = answer.at - *request.range;
  options.end = answer.at;
  options.step = request.step;
  options.unit = unit_of(request.expression);
  return plot(answer.series, options);
}

CommandResult show(const QueryAnswer& answer, const QueryRequest& request, Form form, const Terminal& terminal) {
  CommandResult result;
  for (const auto& warning : answer.warnings) result.err += "sidewatch: " + printable(warning) + "\n";
  const bool for_people = form == Form::table || form == Form::plot;
  if (for_people && is_empty(answer)) {
    result.err += empty_answer(request, answer.at);
    return result;
  }
  switch (form) {
    case Form::json: result.out = answer_as_json(answer); break;
    case Form::csv: result.out = answer_as_csv(answer); break;
    case Form::table: result.out = answer_as_table(answer, terminal.columns); break;
    case Form::plot:
      result.out = answer.type == promql::ValueType::matrix ? draw(answer, request, terminal)
                                                            : answer_as_table(answer, terminal.columns);
      break;
  }
  return result;
}

bool knows_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    return locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos;
  }
  return true;  // nothing is said: containers
}

std::size_t columns_of_terminal() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* given = std::getenv("COLUMNS");
  const long columns = given ? std::strtol(given, nullptr, 10) : 0;
  return columns >= 20 && columns <= 1000 ? static_cast<std::size_t>(columns) : 80;
}

}  // namespace

Terminal standard_output() {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool wanted = no_colour == nullptr || *no_colour == '\0';
  return {columns_of_terminal(), wanted && isatty(STDOUT_FILENO) == 1, knows_unicode()};
}

CommandResult run_query(const QueryCommand& command, const Terminal& terminal, Time now) {
  const auto request = read_request(command, terminal, now);
  if (!request) return fail(exit_configuration, request.error().text());
  const QueryOutcome outcome =
      command.load.empty() ? ask_agent(command.url, *request, now) : ask_file(command.load, *request, now);
  if (const auto* failure = std::get_if<QueryFailure>(&outcome)) return explain(*failure, command.expression);
  return show(std::get<QueryAnswer>(outcome), *request, command.form, terminal);
}

}  // namespace sidewatch

#include "alerting/routes/route_config.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "alerting/routes/matchers.h"
#include "config/wording.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using config::Located;
using config::Section;

constexpr Duration default_group_wait = 5s;
constexpr Duration longest_group_wait = 1h;
constexpr std::string_view all_labels = "...";  // Alertmanager's way of saying: do not group

struct RouteEntry {
  Route route;
  config::Mark mark;
  bool takes_all = false;  // it was written without `match`
  bool left_out = false;
};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string place(const config::Mark& mark) {
  return mark.file + ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

void read_match(Section& section, Route& route) {
  std::vector<Located<std::string>> match;
  section.optional("match", match,
                   "conditions on an alert's labels, all of which must hold: severity=\"critical\", team=~\"pay.*\", also "
                   "!= and !~; besides its labels an alert has a level, warning or critical. Without it the route takes "
                   "every alert");
  for (const auto& text : match) {
    auto matchers = parse_matchers(text.value);
    if (matchers) {
      std::move(matchers->begin(), matchers->end(), std::back_inserter(route.matchers));
    } else {
      section.problem(text.mark, matchers.error().what);
    }
  }
  if (section.has("match") && match.empty()) {
    section.problem("match",
                    "write conditions, such as 'severity=critical', or a list of them; leave `match` out where the route "
                    "is to take every alert");
  }
}

std::string no_such_receiver(const std::string& name, const ReceiverNames& receivers) {
  std::vector<std::string_view> known(receivers.used.begin(), receivers.used.end());
  known.insert(known.end(), receivers.left_out.begin(), receivers.left_out.end());
  const auto near = config::nearest(name, known);
  std::string text = "there is no receiver " + config::quote(name);
  if (near) return text + ", did you mean '" + std::string(*near) + "'?";
  return text + (known.empty() ? "; there are none" : "; there are " + config::list_of(known));
}

void read_receivers(Section& section, const ReceiverNames& receivers, RouteEntry& entry) {
  std::vector<Located<std::string>> names;
  section.optional("receivers", names,
                   "who is told, by name; [] for nobody. A receiver that its only_if leaves out is left out here too");
  if (!section.has("receivers") && !section.describing()) {
    section.problem("receivers", "this route has no `receivers`: name who is told, or write `receivers: []` for nobody");
  }
  for (const auto& name : names) {
    if (contains(receivers.used, name.value)) {
      if (!contains(entry.route.receivers, name.value)) entry.route.receivers.push_back(name.value);
    } else if (!contains(receivers.left_out, name.value)) {
      section.problem(name.mark, no_such_receiver(name.value, receivers));
    }
  }
  entry.left_out = !names.empty() && entry.route.receivers.empty();
}

void read_grouping(Section& section, Route& route) {
  std::vector<Located<std::string>> names;
  section.optional("group_by", names,
                   "alerts with the same values of these labels are told in one message, by receivers that can; [] puts "
                   "all of the route in one. Without it each alert is a message of its own");
  std::optional<Duration> wait;
  section.optional("group_wait", wait,
                   "how long the first alert of a group waits for others; 5s when there is a group_by",
                   config::between(0s, longest_group_wait));
  if (section.describing()) return;
  const bool apart = std::any_of(names.begin(), names.end(), [](const auto& name) { return name.value == all_labels; });
  for (const auto& name : names) {
    if (name.value != all_labels && !is_legal_label_name(name.value)) {
      section.problem(name.mark, config::quote(name.value) + " is not the name of a label");
    }
  }
  if (wait && !section.has("group_by")) {
    section.problem("group_wait", "without a `group_by` there is no group to wait for");
  }
  if (!section.has("group_by") || apart) return;
  route.group_by.emplace();
  for (const auto& name : names) route.group_by->push_back(name.value);
  route.group_wait = wait.value_or(default_group_wait);
}

void read_mute(Section& section, const std::vector<std::string>& mute_times, Route& route) {
  std::vector<Located<std::string>> names;
  section.optional("mute", names,
                   "names of mute_times: while one of them lasts nobody is told by this route; what still fires when it "
                   "ends is told then");
  for (const auto& name : names) {
    if (contains(mute_times, name.value)) {
      if (!contains(route.mute, name.value)) route.mute.push_back(name.value);
      continue;
    }
    const std::vector<std::string_view> known(mute_times.begin(), mute_times.end());
    section.problem(name.mark, "there is no " + config::quote(name.value) + " among the mute_times" +
                                   (known.empty() ? "; there are none" : "; there are " + config::list_of(known)));
  }
}

RouteEntry read_route(Section& section, const ReceiverNames& receivers, const std::vector<std::string>& mute_times) {
  RouteEntry entry;
  entry.mark = section.mark();
  entry.takes_all = !section.has("match");
  read_match(section, entry.route);
  read_receivers(section, receivers, entry);
  read_grouping(section, entry.route);
  read_mute(section, mute_times, entry.route);
  section.optional("continue", entry.route.goes_on, "ask the routes behind this one too, although it takes the alert");
  section.optional("send_resolved", entry.route.send_resolved, "tell also when an alert is over");
  return entry;
}

void check_reachable(Section& top, const std::vector<RouteEntry>& entries) {
  for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
    if (!entries[i].takes_all || entries[i].route.goes_on || entries[i].left_out) continue;
    top.problem(entries[i + 1].mark, "no alert comes this far: the route at " + place(entries[i].mark) +
                                         " has no `match` and takes them all; put it last, or write `continue: true` there");
    return;
  }
}

// A level that the agent gives no alert: `level="page"`, `severity="Critical"`. Where the alerts have such a label of their
// own it is what was meant.
std::optional<std::string> doubt_about(const Matcher& matcher) {
  const auto& only = matcher.only();
  const auto is = [](std::string_view level) { return [level](const std::string& value) { return value == level; }; };
  const auto has = [&](std::string_view level) { return std::any_of(only.begin(), only.end(), is(level)); };
  if (only.empty() || has("warning") || has("critical")) return std::nullopt;
  const auto written_otherwise = [](std::string value) {
    for (char& c : value) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return value == "warning" || value == "critical";
  };
  const bool level = matcher.name() == "level";
  if (!level && (matcher.name() != "severity" || std::none_of(only.begin(), only.end(), written_otherwise))) {
    return std::nullopt;
  }
  return "the route for " + matcher.to_string() + " takes nothing, unless alerts have such a label of their own: the agent " +
         "writes warning and critical";
}

}  // namespace

Router configure_routes(Section& top, const ReceiverNames& receivers, const std::vector<std::string>& mute_times) {
  std::vector<RouteEntry> entries;
  top.each("routes",
           "who is told of which alerts: the first route that takes an alert decides. Without routes every receiver is "
           "told of every alert",
           [&](Section& section) { entries.push_back(read_route(section, receivers, mute_times)); });
  if (!top.has("routes")) return Router(receivers.used);
  check_reachable(top, entries);
  std::vector<Route> routes;
  for (auto& entry : entries) {
    if (!entry.left_out) routes.push_back(std::move(entry.route));
  }
  return Router(receivers.used, std::move(routes));
}

std::vector<std::string> doubts_about(const Router& router, const std::vector<ReceiverPlan>& receivers) {
  std::vector<std::string> doubts;
  if (!router.has_routes() || receivers.empty()) return doubts;
  const auto& routes = router.routes();
  if (std::none_of(routes.begin(), routes.end(), [](const Route& route) { return route.catches_all(); })) {
    doubts.push_back("alerts that no route takes are told to nobody; a last route without `match` would take them");
  }
  for (const auto& route : routes) {
    for (const auto& matcher : route.matchers) {
      if (auto doubt = doubt_about(matcher)) doubts.push_back(std::move(*doubt));
    }
  }
  for (const auto& receiver : receivers) {
    const bool routed = std::any_of(routes.begin(), routes.end(),
                                    [&](const Route& route) { return contains(route.receivers, receiver.name); });
    const bool stands_in = std::any_of(receivers.begin(), receivers.end(),
                                       [&](const ReceiverPlan& other) { return other.fallback == receiver.name; });
    if (routed || stands_in) continue;
    doubts.push_back("receiver " + receiver.name + " is told nothing: no route names it, and it is nobody's fallback");
  }
  return doubts;
}

}  // namespace sidewatch

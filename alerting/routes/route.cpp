#include "alerting/routes/route.h"

#include <algorithm>
#include <set>
#include <utility>

#include "alerting/alert.h"
#include "alerting/routes/matchers.h"
#include "config/literals.h"
#include "config/wording.h"

namespace sidewatch {
namespace {

std::string list_of(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Labels labels_for(const std::vector<std::string>& names, const Labels& labels) {
  std::vector<Label> chosen;
  for (const auto& name : names) {
    if (const auto value = labels.get(name); !value.empty()) chosen.push_back({name, std::string(value)});
  }
  return Labels(std::move(chosen));
}

// The same over restarts and reloads for as long as the route says the same.
std::string group_key(const Route& route, const Labels& group_labels) {
  return to_hex(stable_hash(to_string(route.matchers) + "\n" + list_of(*route.group_by) + "\n" + group_labels.to_string()));
}

}  // namespace

Router::Router(std::vector<std::string> everybody) : receivers_(std::move(everybody)) {}

Router::Router(std::vector<std::string> receivers, std::vector<Route> routes)
    : receivers_(std::move(receivers)),
      routes_(std::make_shared<const std::vector<Route>>(std::move(routes))),
      has_routes_(true) {}

Labels Router::to_match(const Labels& labels) const { return labels_to_match(labels, host_); }

std::vector<std::size_t> Router::taken_by(const Labels& labels, Level level) const {
  const bool has_level = !labels.get("level").empty() || level == Level::ok;
  const Labels seen = has_level ? to_match(labels) : to_match(labels).with("level", to_string(level));
  std::vector<std::size_t> taken;
  for (std::size_t i = 0; i < routes_->size(); ++i) {
    const Route& route = (*routes_)[i];
    if (!all_match(route.matchers, seen)) continue;
    taken.push_back(i);
    if (!route.goes_on) break;
  }
  return taken;
}

std::vector<Recipient> Router::recipients(const Labels& labels, Level level) const {
  std::vector<Recipient> recipients;
  if (!has_routes_) {
    for (const auto& receiver : receivers_) recipients.push_back({receiver, nullptr});
    return recipients;
  }
  for (const std::size_t place : taken_by(labels, level)) {
    const Route& route = (*routes_)[place];
    for (const auto& receiver : route.receivers) {
      const bool known = std::any_of(recipients.begin(), recipients.end(),
                                     [&](const Recipient& other) { return other.receiver == receiver; });
      if (!known) recipients.push_back({receiver, &route});
    }
  }
  return recipients;
}

Routing routing_of(const Recipient& recipient, const Labels& labels) {
  Routing routing;
  if (recipient.route == nullptr) return routing;
  const Route& route = *recipient.route;
  routing.tells_end = route.send_resolved;
  routing.mute = route.mute;
  if (!route.group_by) return routing;
  routing.group_labels = labels_for(*route.group_by, labels);
  routing.group = group_key(route, routing.group_labels);
  routing.group_wait = route.group_wait;
  return routing;
}

std::string describe(const Route& route) {
  std::string text = route.catches_all() ? "every alert" : to_string(route.matchers);
  text += ": " + (route.receivers.empty() ? "nobody" : list_of(route.receivers));
  if (route.group_by) {
    text += route.group_by->empty() ? ", all in one group" : ", grouped by " + list_of(*route.group_by);
    if (route.group_wait > Duration(0)) text += " (the first waits " + config::write_duration(route.group_wait) + ")";
  }
  if (!route.mute.empty()) text += ", not during " + list_of(route.mute);
  if (!route.send_resolved) text += ", not when it is over";
  if (route.goes_on) text += "; then on to the next";
  return text;
}

}  // namespace sidewatch

// Who is told of an alert, by its labels: an ordered list of routes, of which the first that takes the alert decides (and,
// where it says `continue`, those behind it too). Without routes every receiver is told of everything.
//
// A Router decides about one message. That whoever heard of an incident also hears how it goes on, whatever its labels are
// by then, is the business of announce() and the dispatcher.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alerting/notification.h"
#include "base/time.h"
#include "metrics/labels.h"
#include "metrics/matcher.h"

namespace sidewatch {

struct Route {
  std::vector<Matcher> matchers;       // all must hold; none: it takes every alert
  std::vector<std::string> receivers;  // none: nobody is to be told
  bool goes_on = false;                // the routes behind it are asked too
  std::optional<std::vector<std::string>> group_by;  // absent: each alert by itself; empty: all in one group
  Duration group_wait{};               // how long the first of a group waits for others
  bool send_resolved = true;
  std::vector<std::string> mute;  // names of mute times: while one lasts, nobody is told by this route

  bool catches_all() const { return matchers.empty(); }
};

struct Recipient {
  std::string receiver;
  const Route* route = nullptr;  // by which it is told; null: there are no routes
};

class Router {
 public:
  Router() = default;                                // there is nobody to tell
  Router(std::vector<std::string> everybody);        // not explicit: a list of receivers is the simplest router
  Router(std::vector<std::string> receivers, std::vector<Route> routes);

  // Who is told of an alert with these labels, in the order of the routes, nobody twice. Beside its labels an alert has a
  // `level` to be matched by (warning, critical), unless it has a label of that name. The routes stay the router's.
  std::vector<Recipient> recipients(const Labels& labels, Level level) const;

  // What this agent calls its machine: an alert without `instance` is matched by it. Empty: such an alert has none.
  void name_host(std::string host) { host_ = std::move(host); }
  Labels to_match(const Labels& labels) const;

  // Those routes that take the alert, in order, as places in routes().
  std::vector<std::size_t> taken_by(const Labels& labels, Level level) const;

  const std::vector<std::string>& receivers() const { return receivers_; }  // all there are
  const std::vector<Route>& routes() const { return *routes_; }
  bool has_routes() const { return has_routes_; }

 private:
  std::vector<std::string> receivers_;
  std::shared_ptr<const std::vector<Route>> routes_ = std::make_shared<const std::vector<Route>>();
  bool has_routes_ = false;
  std::string host_;
};

// How a message to this recipient travels; `labels` are those that its route was matched by.
Routing routing_of(const Recipient& recipient, const Labels& labels);

// In words: severity="critical": oncall, chat; then on to the next
std::string describe(const Route& route);

}  // namespace sidewatch

#include "alerting/receivers/alertmanager.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "alerting/human_value.h"
#include "alerting/receivers/http_outcome.h"
#include "alerting/receivers/http_receiver.h"
#include "alerting/routes/matchers.h"
#include "base/json.h"

namespace sidewatch {

using namespace std::chrono_literals;

struct AlertmanagerConfig {
  std::vector<config::Located<std::string>> urls;
  Duration interval = 1min;
  std::string instance;
  std::string username;
  config::Secret password;
  config::Secret bearer_token;
  HttpReceiverSettings http;
};

void declare(config::Section& s, AlertmanagerConfig& c) {
  s.optional("urls", c.urls,
             "every Alertmanager of the cluster, such as http://alertmanager:9093; the path in front of /api");
  s.optional("interval", c.interval,
             "how often what fires is sent again; four of them after the last time Alertmanager takes it for resolved",
             config::between(5s, 1h));
  s.optional(
      "instance", c.instance,
      "label `instance` of alerts that have none, so that the same alert of two machines is two alerts (default: "
      "agent.host)");
  s.optional("username", c.username, "HTTP basic authentication");
  s.optional("password", c.password, "its password");
  s.optional("bearer_token", c.bearer_token, "sent as 'Authorization: Bearer ...'");
  declare_http(s, c.http);
}

namespace {

constexpr int intervals_until_resolved = 4;
constexpr int attempts_with_a_new_absence = 3;
constexpr std::size_t max_peers = 16;
constexpr std::size_t max_remembered = 10'000;  // alerts, and deliveries that some peers have
constexpr std::size_t max_held_of_one = 8;      // labels that one alert may have at the peers

// As Alertmanager has it: another label, another alert.
struct HeldAlert {
  Labels labels;
  WallTime starts_at;
  WallTime ends_at;  // by itself, when nothing more is heard
};

// What some peer may take for firing of each alert, by alert_key: the last that was sent, and what it was before for as
// long as a peer may not have heard of its end.
using HeldOnes = std::vector<HeldAlert>;
using HeldAlerts = std::map<std::string, HeldOnes>;

class AlertmanagerPeer final : public HttpReceiver {
 public:
  AlertmanagerPeer(const AlertmanagerConfig& config, std::string url, const ReceiverContext& context)
      : HttpReceiver(config.http, context), config_(config), url_(std::move(url)) {
    while (url_.ends_with('/')) url_.pop_back();
    url_ += "/api/v2/alerts";
  }

  // What the next send() posts.
  void set_body(const std::string& body) { body_ = body; }
  std::string place() const { return url_without_secrets(url_); }

  bool away = false;  // the last attempt failed

 protected:
  Result<OutgoingRequest> request_for(const Delivery&) override {
    OutgoingRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = body_;
    const auto token = reveal(config_.bearer_token, "bearer_token");
    if (!token) return token.error();
    if (!token->empty()) request.headers.push_back({"Authorization", "Bearer " + *token});
    const auto password = reveal(config_.password, "password");
    if (!password) return password.error();
    request.username = config_.username;
    request.password = *password;
    return request;
  }

  Attempt judge_answer(const OutgoingResponse& answer, Attempt usual) const override {
    return unless_web_page(answer, std::move(usual), "Alertmanager", "urls");
  }

 private:
  const AlertmanagerConfig config_;
  std::string url_;
  std::string body_;
};

// A delivery that not every peer has yet.
struct Spread {
  std::set<const AlertmanagerPeer*> done;
  bool taken = false;  // by one of them
  int attempts = 0;
  bool new_absence = false;  // a peer that failed was there before
};

enum class Reach { everybody, somebody, nobody };  // somebody: it may be

class AlertmanagerReceiver final : public Receiver {
 public:
  AlertmanagerReceiver(AlertmanagerConfig config, const ReceiverContext& context)
      : config_(std::move(config)), context_(context) {
    for (const auto& url : config_.urls) {
      peers_.push_back(std::make_unique<AlertmanagerPeer>(config_, url.value, context));
    }
  }

  Attempt send(const Delivery& delivery) override;
  void interrupt() override {
    interrupted_ = true;
    for (const auto& peer : peers_) peer->interrupt();
  }

 private:
  HeldAlert alert_of(const Notification& n, WallTime now) const;
  // What is held of the alerts of the delivery once a peer may have taken it goes into `held`.
  std::string body_of(const Delivery& delivery, WallTime now, HeldAlerts& held) const;
  void write_alert(JsonWriter& json, const Notification& n, const HeldAlert& as, WallTime ends_at) const;
  void remember(const Delivery& delivery, HeldAlerts held, Reach reach, WallTime now);
  Attempt ask(AlertmanagerPeer& peer, const Delivery& delivery, const std::string& body, Spread& spread);
  WallTime wall() const {
    return context_.wall ? context_.wall() : std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }

  const AlertmanagerConfig config_;
  const ReceiverContext context_;
  std::vector<std::unique_ptr<AlertmanagerPeer>> peers_;
  HeldAlerts held_;
  std::map<std::string, Spread> under_way_;  // by delivery
  std::atomic<bool> interrupted_ = false;
};

Attempt AlertmanagerReceiver::send(const Delivery& delivery) {
  HeldAlerts held;
  const WallTime now = wall();
  const std::string body = body_of(delivery, now, held);
  Spread spread;
  if (const auto known = under_way_.extract(delivery.id)) spread = known.mapped();
  ++spread.attempts;
  std::vector<AlertmanagerPeer*> order;
  for (const auto& peer : peers_) order.push_back(peer.get());
  std::stable_partition(order.begin(), order.end(), [](const AlertmanagerPeer* peer) { return !peer->away; });

  std::optional<RetryLater> later;
  std::optional<Rejected> rejected;
  const bool all_are_asked = spread.done.empty();
  for (AlertmanagerPeer* peer : order) {
    if (spread.done.contains(peer)) continue;
    const bool was_away = peer->away;
    Attempt attempt = ask(*peer, delivery, body, spread);
    if (auto* wait = std::get_if<RetryLater>(&attempt)) {
      spread.new_absence = spread.new_absence || !was_away;
      if (!later) later = std::move(*wait);
    } else if (auto* refusal = std::get_if<Rejected>(&attempt)) {
      rejected = std::move(*refusal);
    }
  }
  const bool refused_by_all = rejected && !later && !spread.taken;
  const bool everybody = all_are_asked && !later;  // has this very body
  remember(delivery, std::move(held),
           refused_by_all ? Reach::nobody : everybody ? Reach::everybody : Reach::somebody, now);
  if (later && !interrupted_) {
    const bool enough =
        spread.attempts >= attempts_with_a_new_absence || !spread.new_absence || is_resend(delivery.id);
    if (spread.taken && enough) return Delivered{};
  }
  if (later) {
    later->whole_receiver = later->whole_receiver && !spread.taken;
    later->refused = later->refused && !spread.taken;
    if (spread.taken) later->after.reset();
    if (is_resend(delivery.id)) return *later;
    if (under_way_.size() >= max_remembered) under_way_.erase(under_way_.begin());
    under_way_[delivery.id] = std::move(spread);
    return *later;
  }
  if (refused_by_all) return *rejected;
  return Delivered{};
}

Attempt AlertmanagerReceiver::ask(AlertmanagerPeer& peer, const Delivery& delivery, const std::string& body,
                                  Spread& spread) {
  peer.set_body(body);
  Attempt attempt = peer.send(delivery);
  const bool failed = std::holds_alternative<RetryLater>(attempt);
  if (failed && !peer.away && !interrupted_ && context_.log && peers_.size() > 1) {
    context_.log(Level::warning, "alertmanager " + peer.place() + ": " + std::get<RetryLater>(attempt).why);
  }
  peer.away = failed;
  if (!failed) spread.done.insert(&peer);
  spread.taken = spread.taken || std::holds_alternative<Delivered>(attempt);
  return attempt;
}

HeldAlert AlertmanagerReceiver::alert_of(const Notification& n, WallTime now) const {
  const Labels labels = n.labels.or_else(Labels{{"alertname", n.rule}, {"severity", to_string(n.worst)}});
  return {labels_to_match(labels, config_.instance), n.starts_at,
          n.problem() ? now + intervals_until_resolved * config_.interval : n.ends_at.value_or(now)};
}

std::string AlertmanagerReceiver::body_of(const Delivery& delivery, WallTime now, HeldAlerts& held) const {
  JsonWriter json;
  json.begin_array();
  for (const Notification& n : delivery.alerts) {
    const HeldAlert alert = alert_of(n, now);
    const auto known = held_.find(n.alert_key);
    auto& of_this = held.try_emplace(n.alert_key, known == held_.end() ? HeldOnes() : known->second).first->second;
    std::erase_if(of_this, [now](const HeldAlert& before) { return before.ends_at <= now; });
    const auto same = [&](const HeldAlert& before) { return before.labels == alert.labels; };
    for (const HeldAlert& before : of_this) {
      if (!same(before)) write_alert(json, n, before, now);
    }
    write_alert(json, n, alert, alert.ends_at);
    if (!n.problem()) continue;
    std::erase_if(of_this, same);
    if (of_this.size() == max_held_of_one) of_this.erase(of_this.begin());
    of_this.push_back(alert);
  }
  json.end_array();
  return json.take();
}

void AlertmanagerReceiver::remember(const Delivery& delivery, HeldAlerts held, Reach reach, WallTime now) {
  if (reach == Reach::nobody) return;
  if (held_.size() >= max_remembered) {
    std::erase_if(held_, [now](const auto& alert) {
      return std::all_of(alert.second.begin(), alert.second.end(),
                         [now](const HeldAlert& each) { return each.ends_at <= now; });
    });
  }
  for (const Notification& n : delivery.alerts) {
    auto& of_this = held[n.alert_key];
    if (reach == Reach::everybody && n.problem()) of_this.erase(of_this.begin(), of_this.end() - 1);
    if (of_this.empty() || (reach == Reach::everybody && !n.problem())) {
      held_.erase(n.alert_key);
    } else if (held_.size() < max_remembered || held_.contains(n.alert_key)) {
      held_[n.alert_key] = of_this;
    }
  }
}

void AlertmanagerReceiver::write_alert(JsonWriter& json, const Notification& n, const HeldAlert& as,
                                       WallTime ends_at) const {
  json.begin_object().key("labels").begin_object();
  for (const auto& [name, value] : as.labels) json.key(name).text(value);
  json.end_object().key("annotations").begin_object();
  const Labels all = n.annotations.or_else(Labels{{"value", human_value(n.value, n.unit)}});
  for (const auto& [name, value] : all) json.key(name).text(value);
  json.end_object().key("startsAt").text(to_rfc3339(as.starts_at));
  json.key("endsAt").text(to_rfc3339(std::max(ends_at, as.starts_at)));
  if (parse_http_url(context_.external_url)) json.key("generatorURL").text(context_.external_url);
  json.end_object();
}

void check(config::Section& entry, const AlertmanagerConfig& c) {
  check_http(entry, c.http);
  if (c.urls.empty())
    entry.problem("alertmanager", "'urls' is missing in receivers.alertmanager: every Alertmanager of the cluster");
  if (c.urls.size() > max_peers) entry.problem("alertmanager", "urls has more than 16 addresses");
  std::set<std::string> seen;
  for (const auto& url : c.urls) {
    check_receiver_url(entry, url, "urls", c.http.allow_link_local);
    if (url.value.find("/api/v") != std::string::npos) {
      entry.problem(url.mark, "urls: leave out /api/..., it is added");
    }
    if (!seen.insert(url.value).second) entry.problem(url.mark, "urls: the same address is there already");
  }
  if (c.username.empty() != c.password.empty()) {
    entry.problem("alertmanager",
                  c.username.empty() ? "has a password without username" : "has a username without password");
  }
  if (!c.username.empty() && !c.bearer_token.empty()) {
    entry.problem("alertmanager", "has both bearer_token and username, which fill the same header");
  }
}

std::string fingerprint_of(const AlertmanagerConfig& c) {
  Fingerprint print("alertmanager");
  for (const auto& url : c.urls) print.add(url.value);
  print.add(std::to_string(c.interval.count())).add(c.instance).add(c.username).add(c.password).add(c.bearer_token);
  return print.add(c.http).text();
}

}  // namespace

std::optional<ReceiverPlan> configure_alertmanager(config::Section& entry, const ReceiverContext& context,
                                                   EntryUse use) {
  std::optional<AlertmanagerConfig> config;
  entry.section("alertmanager", config,
                "sends alerts to every peer of an Alertmanager cluster, and again while they fire");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  if (config->instance.empty()) config->instance = context.host;
  ReceiverPlan plan;
  plan.description = "Alertmanager";
  for (const auto& url : config->urls)
    plan.description += (&url == &config->urls.front() ? " " : ", ") + url_without_secrets(url.value);
  plan.takes_groups = true;
  plan.resend_every = config->interval;
  plan.warning = http_warning(config->http);
  plan.fingerprint = fingerprint_of(*config);
  plan.make = [config = *config, context] { return std::make_unique<AlertmanagerReceiver>(config, context); };
  return plan;
}

}  // namespace sidewatch

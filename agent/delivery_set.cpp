#include "agent/delivery_set.h"

#include <algorithm>
#include <utility>

#include "agent/resend.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

}  // namespace

DeliverySet::DeliverySet(Dispatcher& dispatcher, std::shared_ptr<LoopMailbox> loop)
    : dispatcher_(dispatcher), loop_(std::move(loop)) {}

DeliverySet::~DeliverySet() = default;

void DeliverySet::configure(const std::vector<ReceiverPlan>& plans) {
  std::vector<Entry> kept;
  for (const auto& plan : plans) {
    const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.runner && entry.plan.name == plan.name && entry.plan.fingerprint == plan.fingerprint;
    });
    if (same != entries_.end()) {
      kept.push_back(std::move(*same));
    } else {
      kept.push_back({plan, std::make_unique<DeliveryRunner>(next_id_++, plan, loop_), false});
    }
  }
  for (auto& gone : entries_) {
    if (!gone.runner) continue;
    if (gone.resending) dispatcher_.occupy(gone.plan.name, false);  // the one in its place is free
    gone.runner->request_stop();
    retired_.push_back(std::move(gone));
  }
  entries_ = std::move(kept);
  bury_retired();
}

void DeliverySet::hand_out(Time now) {
  for (auto& delivery : dispatcher_.due(now)) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.plan.name == delivery.receiver; });
    const std::string receiver = delivery.receiver;
    const std::string id = delivery.id;
    if (entry == entries_.end() || entry->busy || !entry->runner->send(std::move(delivery))) {
      dispatcher_.hand_back(receiver, id);
      continue;
    }
    entry->busy = true;
    ++in_flight_;
  }
}

void DeliverySet::resend(const std::vector<AlertView>& alerts, Time now, WallTime wall) {
  for (auto& entry : entries_) {
    const Duration every = entry.plan.resend_every;
    if (every <= Duration(0) || entry.busy || (!entry.in_round && now - entry.resent_at < every)) continue;
    if (dispatcher_.left_alone(entry.plan.name, now)) continue;
    Delivery piece = next_piece(entry, alerts, now, wall);
    if (piece.alerts.empty() || !entry.runner->send(std::move(piece))) continue;
    entry.resending = entry.busy = true;
    dispatcher_.occupy(entry.plan.name, true);
    ++in_flight_;
  }
}

Delivery DeliverySet::next_piece(Entry& entry, const std::vector<AlertView>& alerts, Time now, WallTime wall) const {
  const std::string& name = entry.plan.name;
  const auto told = [&](const std::string& incident) { return dispatcher_.told(name, incident); };
  Delivery piece = what_fires(name, alerts, told, entry.resent_up_to, wall);
  if (!entry.in_round) {
    if (piece.alerts.empty() && !entry.resent_up_to.empty()) piece = what_fires(name, alerts, told, "", wall);
    entry.resent_at = now;
  }
  entry.in_round = piece.alerts.size() == max_alerts_per_delivery;
  entry.resent_up_to = entry.in_round ? piece.alerts.back().alert_key : "";
  return piece;
}

Result<void> DeliverySet::take(const AttemptDone& done, Time now, WallTime wall) {
  Entry* const entry = find(done.runner);
  const bool resent = entry != nullptr && std::exchange(entry->resending, false);
  if (entry != nullptr) entry->busy = false;
  if (in_flight_ > 0) --in_flight_;
  if (resent) {
    if (std::holds_alternative<RetryLater>(done.attempt)) entry->in_round = false;
    dispatcher_.occupy(done.receiver, false);
    dispatcher_.heed(done.receiver, done.attempt, now);
    bury_retired();
    return {};
  }
  auto recorded = dispatcher_.finished(done.receiver, done.delivery_id, done.attempt, now, wall);
  bury_retired();
  return recorded;
}

bool DeliverySet::recovered(const AttemptDone& done) {
  Entry* const entry = find(done.runner);
  if (entry == nullptr || is_resend(done.delivery_id)) return false;
  if (std::holds_alternative<RetryLater>(done.attempt)) entry->failing = true;
  return std::holds_alternative<Delivered>(done.attempt) && std::exchange(entry->failing, false);
}

DeliverySet::Entry* DeliverySet::find(std::uint64_t runner) {
  for (auto* entries : {&entries_, &retired_}) {
    for (auto& entry : *entries) {
      if (entry.runner->id() == runner) return &entry;
    }
  }
  return nullptr;
}

void DeliverySet::bury_retired() {
  std::erase_if(retired_, [this](Entry& entry) {
    if (entry.busy) return false;
    if (!entry.runner->join(100ms)) left_behind_ = true;
    return true;
  });
}

void DeliverySet::request_stop() {
  stopping_ = true;
  for (auto& entry : entries_) entry.runner->request_stop();
}

bool DeliverySet::join(Duration patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (auto* entries : {&entries_, &retired_}) {
    for (auto& entry : *entries) {
      const auto left = std::chrono::duration_cast<Duration>(until - std::chrono::steady_clock::now());
      if (!entry.runner->join(std::max(left, Duration(0)))) left_behind_ = true;
    }
  }
  return !left_behind_;
}

std::vector<std::string> receiver_names(const std::vector<ReceiverPlan>& plans) {
  std::vector<std::string> names;
  for (const auto& plan : plans) names.push_back(plan.name);
  return names;
}

std::vector<DispatchTarget> dispatch_targets(const std::vector<ReceiverPlan>& plans) {
  std::vector<DispatchTarget> targets;
  for (const auto& plan : plans) {
    DispatchTarget target;
    target.name = plan.name;
    target.fallback = plan.fallback;
    target.send_resolved = plan.send_resolved;
    target.takes_groups = plan.takes_groups;
    target.rate_limit = plan.rate_limit;
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace sidewatch

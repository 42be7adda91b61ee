// What an outbox must hold after a sequence of transactions, written as simply as it can be.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "alerting/outbox.h"

namespace sidewatch {

struct OutboxModel {
  std::map<std::string, std::string> states;
  std::vector<std::string> pending;  // ids, in order

  void apply(const Transaction& transaction) {
    for (const auto& [key, blob] : transaction.states) {
      if (blob.empty()) {
        states.erase(key);
      } else {
        states[key] = blob;
      }
    }
    for (const auto& added : transaction.add) pending.push_back(added.id);
    for (const auto& finished : transaction.finished) std::erase(pending, finished.id);
  }

  static OutboxModel of(const Loaded& loaded) {
    OutboxModel model;
    for (const auto& [key, blob] : loaded.states) model.states[key] = blob;
    for (const auto& entry : loaded.pending) model.pending.push_back(entry.notification.id);
    return model;
  }

  bool operator==(const OutboxModel&) const = default;
};

}  // namespace sidewatch

#include "collectors/database/redis/part.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace sidewatch::database::redis {
namespace {

using namespace std::chrono_literals;

constexpr Duration pause_after_refusal = 5min;
constexpr Duration pause_after_failure = 30s;
// A part that ended so many connections in a row is what ends them. (The first time it may be the server.)
constexpr int guilty = 2;
// A pass is never exactly on time: what is due within this time is due now.
constexpr Duration early = 250ms;

}  // namespace

Part::Part(std::string_view name, Duration every, Catalog& catalog, const Labels& labels)
    : name_(name), every_(every), series_(catalog, labels) {}

std::optional<Failure> Part::run(Connection& connection, const ServerFacts& facts, Pass& pass) {
  if (!concerns(facts)) return std::nullopt;
  if (!next_ || pass.now + early >= *next_) {
    if (auto lost = ask_now(connection, facts, pass)) return lost;
  }
  if (trouble_) pass.report(name_, *trouble_);
  pass.batch.add(answer_);
  return std::nullopt;
}

std::optional<Failure> Part::ask_now(Connection& connection, const ServerFacts& facts, Pass& pass) {
  answer_.clear();
  const auto before = std::exchange(trouble_, std::nullopt);
  Output output(series_, answer_);
  auto failure = ask(connection, facts, output);
  series_.end_round();
  next_ = pass.now + every_;
  if (!failure || !failure->connection_lost) ended_connections_ = 0;
  if (!failure && output.noted()) {
    trouble_ = output.noted();
    if (!before || before->text != trouble_->text) pass.failures.count(name_, trouble_->kind);
  }
  if (!failure) return std::nullopt;
  const bool missing = failure->kind == FailureKind::missing;
  next_ = pass.now + std::max(every_, missing || failure->kind == FailureKind::denied ? pause_after_refusal
                                                                                      : pause_after_failure);
  if (missing) return std::nullopt;  // an older server, or one whose provider took the command away: no trouble
  pass.failures.count(name_, failure->kind);
  if (!failure->connection_lost) {
    trouble_ = std::move(failure);
  } else {
    if (++ended_connections_ >= guilty) {
      trouble_ = *failure;
      next_ = pass.now + pause_after_refusal;
    }
    // A server that hangs or goes away does so whatever it is asked.
    const bool is_of_server = failure->kind == FailureKind::timeout || failure->kind == FailureKind::lost;
    if (!is_of_server) failure->text = "query '" + std::string(name_) + "': " + failure->text;
    return failure;
  }
  return std::nullopt;
}

void Part::start_over() {
  answer_.clear();
  series_.end_round();
  forget();
  if (ended_connections_ >= guilty) return;  // it stays left alone
  trouble_.reset();
  next_.reset();
}

}  // namespace sidewatch::database::redis

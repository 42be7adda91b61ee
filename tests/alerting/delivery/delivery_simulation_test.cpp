// Days of alerts, bad receivers, crashes and busy people in a moment, from a seed: simulated_delivery.h is the world, and
// what it promises is written out here. When the faults end and the queue has drained, for each receiver:
//
// - **Nothing is invented, nothing is lost.** What arrives was committed. Who was to be told of an incident has heard of it,
//   unless what told it was refused or dropped, or the incident began and ended while it was held back.
// - **It hears the end if and only if it heard the beginning or may have**: never an end alone, and no beginning for ever,
//   whatever became of the message that told it; unless the end itself was refused or dropped.
// - **One id, one message**: what comes twice is the same, to the byte, and comes twice only where an answer was lost. What
//   the receiver has taken is not told again under another id; after the end nothing is.
// - **In order**: of one alert nothing arrives behind something later, but for what somebody has sent again.
// - **The last that it hears is what is the case.**
// - **What is held is not told**, but for the end of what may have been heard of.
// - **What was dropped does not come back.**
// - The queue drains within the longest backoff, and the same seed gives the same run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "tests/alerting/delivery/simulated_delivery.h"

namespace sidewatch {
namespace {

using What = Happened::What;

constexpr unsigned seeds = 40;
constexpr unsigned seeds_of_long_tests = 2'000;

bool tells_a_beginning(const Notification& message) {
  return message.problem() || message.reason == Reason::fired_and_resolved;
}

std::string who_falls_back_on(const std::string& receiver) { return receiver == "backup" ? "pager" : "nobody"; }

// What a receiver can see: how the message travels is the dispatcher's business.
std::string content_of(Notification message) {
  message.routing = {};
  message.fallback_has_it = false;
  return encode(message);
}

// One receiver and what it knows, while its part of the story is read.
class Reader {
 public:
  Reader(const SimulatedDelivery& world, std::string receiver) : world_(world), receiver_(std::move(receiver)) {}

  void read(const Happened& line) {
    const Notification& message = line.message;
    Knowledge& its = of_[message.incident];
    switch (line.what) {
      case What::attempted:
        EXPECT_FALSE(dropped_.contains(message.id)) << message.id << " was dropped";
        EXPECT_TRUE(!line.held || (!message.problem() && its.attempted)) << message.id << " is held";
        its.attempted = its.attempted || tells_a_beginning(message);
        break;
      case What::arrived: arrives(line, its); break;
      case What::delivered: is_taken(line, its); break;
      case What::refused:
      case What::dropped:
        its.refused = true;
        if (!message.problem()) its.end_refused = true;
        if (line.what == What::dropped) dropped_.insert(message.id);
        break;
      case What::sent_again:
        dropped_.erase(message.id);
        if (line.by_hand) its.from_elsewhere = true;
        break;
    }
  }

  // What is dropped before its receiver can refuse it does not go to the fallback, which may have the beginning.
  void was_not_passed_on(const Notification& message) const {
    if (!message.problem()) of_[message.incident].end_refused = true;
  }

  void close() const {
    for (const auto& letter : world_.dead_letters()) died(letter.notification);
    std::set<std::string> over;
    for (const auto& [id, message] : world_.committed()) {
      if (!message.problem()) over.insert(message.incident);
    }
    for (const auto& [id, message] : world_.committed()) {
      if (message.receiver != receiver_) continue;
      const auto found = of_.find(message.incident);
      const Knowledge its = found == of_.end() ? Knowledge() : found->second;
      SCOPED_TRACE(message.incident + " (" + id + ")");
      const bool ended = over.contains(message.incident);
      const bool held = world_.held().contains({receiver_, message.incident});
      EXPECT_TRUE(its.begun || its.refused || message.routing.follow_up || (held && ended)) << "never heard of";
      EXPECT_TRUE(!its.begun || !ended || its.ended || its.end_refused) << "the end was never heard";
      if (its.taken.empty() || its.refused || ended) continue;
      EXPECT_EQ(to_string(its.last_level), to_string(world_.level_of(message.incident))) << "it believes something else";
    }
  }

  int repetitions() const { return repetitions_; }

 private:
  struct Knowledge {
    bool attempted = false;       // a beginning was handed out: it may have heard of it
    bool begun = false;           // it has
    bool ended = false;
    bool end_taken = false;       // and the agent knows
    bool refused = false;         // something about it was a dead letter, or dropped
    bool end_refused = false;
    bool from_elsewhere = false;  // somebody sent it what was another receiver's
    std::string taken = {};       // the id under which the agent knows that it heard the beginning
    Level last_level = Level::ok;
  };

  void died(const Notification& letter) const {
    if (letter.receiver == who_falls_back_on(receiver_)) was_not_passed_on(letter);
    if (letter.receiver != receiver_) return;
    of_[letter.incident].refused = true;
    if (!letter.problem()) of_[letter.incident].end_refused = true;
  }

  void arrives(const Happened& line, Knowledge& its) {
    const Notification& message = line.message;
    SCOPED_TRACE(line.delivery + ": " + encode(message));
    EXPECT_TRUE(world_.committed().contains("n" + std::to_string(world_.order_of(message.id)))) << "invented";
    const auto [first, fresh] = contents_.emplace(message.id, content_of(message));
    EXPECT_EQ(first->second, content_of(message)) << "one id, one message";
    if (!fresh) ++repetitions_;
    EXPECT_TRUE(tells_a_beginning(message) || its.begun) << "the end alone";
    if (!its.from_elsewhere) {
      EXPECT_FALSE(its.end_taken) << "told after the end";
      const bool begins = message.reason == Reason::fired || message.reason == Reason::fired_and_resolved;
      EXPECT_TRUE(!begins || its.taken.empty()) << "told of already, as " << its.taken;
    }
    int& last = last_of_alert_[message.alert_key];
    const int order = world_.order_of(message.id);
    EXPECT_TRUE(line.by_hand || last <= order) << "too late";
    last = std::max(last, order);
    its.begun = its.begun || tells_a_beginning(message);
    its.ended = its.ended || !message.problem();
    its.last_level = message.level;
  }

  void is_taken(const Happened& line, Knowledge& its) {
    if (line.message.problem() && its.taken.empty()) its.taken = line.message.id;
    if (!line.message.problem()) its.end_taken = true;
  }

  const SimulatedDelivery& world_;
  std::string receiver_;
  mutable std::map<std::string, Knowledge> of_;  // by incident
  std::map<std::string, std::string> contents_;  // by id
  std::map<std::string, int> last_of_alert_;
  std::set<std::string> dropped_;  // ids
  int repetitions_ = 0;
};

void judge(const SimulatedDelivery& world) {
  int repetitions = 0;
  for (const auto& receiver : simulated_receivers) {
    SCOPED_TRACE(receiver);
    Reader reader(world, receiver);
    for (const Happened& line : world.story()) {
      if (line.receiver == receiver) reader.read(line);
      const bool lost = line.what == What::refused || line.what == What::dropped;
      if (lost && line.receiver == who_falls_back_on(receiver)) reader.was_not_passed_on(line.message);
    }
    reader.close();
    repetitions += reader.repetitions();
  }
  EXPECT_LE(repetitions, world.lost_answers());
}

std::string told(const SimulatedDelivery& world) {
  std::string text;
  for (const Happened& line : world.story()) {
    text += std::to_string(static_cast<int>(line.what)) + " " + line.receiver + " " + line.delivery + " " +
            (line.held ? "held " : "") + (line.by_hand ? "by hand " : "") + encode(line.message) + "\n";
  }
  return text;
}

// SIDEWATCH_SEED=n: that one alone, with its story.
TEST(DeliverySimulation, KeepsItsPromisesOverManySeeds) {
  const char* const one = std::getenv("SIDEWATCH_SEED");
  const char* const wish = std::getenv("SIDEWATCH_LONG_TESTS");
  const unsigned first = one != nullptr ? static_cast<unsigned>(std::atoi(one)) : 1;
  const unsigned last = one != nullptr ? first : wish != nullptr && std::string(wish) == "1" ? seeds_of_long_tests : seeds;
  std::map<What, std::size_t> lines;
  std::size_t held = 0;
  int crashes = 0, by_hand = 0;
  for (unsigned seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE("SIDEWATCH_SEED=" + std::to_string(seed));
    SimulatedDelivery world(seed);
    world.run();
    world.drain();
    judge(world);
    for (const Happened& line : world.story()) ++lines[line.what];
    held += world.held().size();
    crashes += world.crashes();
    by_hand += world.by_hand();
    if (one != nullptr && HasFailure()) std::cout << told(world);
  }
  if (one != nullptr) return;
  EXPECT_GT(crashes, 300);
  EXPECT_GT(by_hand, 600);
  EXPECT_GT(held, 300U);
  EXPECT_GT(lines[What::delivered], 1'000U);
  EXPECT_GT(lines[What::dropped], 100U);
  EXPECT_GT(lines[What::sent_again], 100U);
}

TEST(DeliverySimulation, TheSameSeedGivesTheSameRun) {
  const auto story_of = [](unsigned seed) {
    SimulatedDelivery world(seed);
    world.run();
    world.drain();
    return told(world);
  };
  EXPECT_EQ(story_of(7), story_of(7));
  EXPECT_NE(story_of(7), story_of(8));
}

}  // namespace
}  // namespace sidewatch

// A world of alerts, receivers and people around a dispatcher, moved from a seed, that writes down what happens.
//
// Alerts fire, rise, fall and resolve; their messages go through a real outbox. Receivers take, refuse, fail, lose their
// answers; people set silences and end them, have messages tried at once, drop them, send dead letters again, to somebody
// else as well; nights begin and end; the process is killed at any step (the files are copied as they are and opened as a
// restart would) or stopped, and is away for a while.
//
// The receivers: "oncall" is routed what is critical and follows what it has heard of; "chat" is told everything, in
// groups, but not by night; "pager" is told everything, has a short queue, and what it refuses goes to "backup", which is
// told of nothing else.
//
// What a receiver saw and what people did is `story()`; the test holds it against the promises.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "alerting/dispatcher.h"
#include "alerting/outbox.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {

inline const std::vector<std::string> simulated_receivers = {"oncall", "chat", "pager", "backup"};

// One line of the story of one receiver and one message.
struct Happened {
  enum class What {
    attempted,  // handed out: from now on it may have arrived
    arrived,    // the receiver has it, whether or not the agent learns of that
    delivered,  // and the agent has
    refused,    // for good: a dead letter
    dropped,    // by a person's hand, while it waited or when it was a dead letter
    sent_again, // a dead letter that waits again, for this receiver
  };
  What what = What::attempted;
  std::string receiver;
  Notification message;
  std::string delivery = {};  // id
  bool held = false;          // something held such a message back at that moment
  bool by_hand = false;       // arrived after somebody had sent it again
};

class SimulatedDelivery {
 public:
  using Incident = std::pair<std::string, std::string>;  // receiver, incident

  explicit SimulatedDelivery(unsigned seed);

  void run();
  void drain();  // no faults, no people, no silences any more: everything must go out within the longest backoff

  const std::vector<Happened>& story() const { return story_; }
  const std::map<std::string, Notification>& committed() const { return committed_; }
  // The place of a message in the order of all; ids that were made from it (-fallback, ...) count as it does.
  int order_of(const std::string& id) const { return std::stoi(id.substr(1)); }
  Level level_of(const std::string& incident) const;  // at the end; ok: it is over
  const std::set<Incident>& held() const { return held_; }
  std::vector<DeadLetter> dead_letters() const { return outbox_->dead_letters(10'000); }
  int lost_answers() const { return lost_answers_; }  // messages that arrived and will come again: nobody can know
  int crashes() const { return crashes_; }
  int by_hand() const { return by_hand_; }

 private:
  struct Alert {
    int incident = 0;
    Level level = Level::ok;  // ok: not firing
    WallTime since;
  };
  struct UnderWay {
    Delivery delivery;
    bool arrived = false;
  };

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  bool chance(unsigned percent) { return pick(100) < percent; }
  WallTime wall() const { return to_wall(now_, Duration(0)); }

  void start();
  void restore(const std::vector<StateRow>& rows);
  void kill();
  void stop_and_start();
  void reload();
  void change_an_alert();
  void commit(int number, Reason reason);
  Notification message_for(const std::string& receiver, int number, Reason reason);
  std::optional<Time> held_until(const Notification& message) const;
  void change_what_is_silent();
  void do_something_by_hand();
  Chosen something_that_waits();
  void drop(const Chosen& which);
  void drop_dead_letters();
  void send_again();
  void hand_out();
  void answer_some();
  void answer(const UnderWay& attempt);
  void arrive(UnderWay& attempt);
  void finish(const Delivery& delivery, const Attempt& attempt);
  void note(Happened::What what, const Delivery& delivery);

  std::mt19937_64 random_;
  std::unique_ptr<TempDir> directory_ = std::make_unique<TempDir>();
  std::optional<Outbox> outbox_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Time now_ = time_at_ms(1'000'000);
  bool faults_ = true;
  int last_id_ = 0;
  int crashes_ = 0;
  int by_hand_ = 0;
  int lost_answers_ = 0;
  std::map<int, Alert> alerts_;
  std::map<std::string, Time> silent_until_;  // by alert; over restarts
  Time night_until_ = now_;
  std::map<std::string, UnderWay> under_way_;  // by receiver
  std::map<std::string, std::string> deliveries_;  // what each id means: the ids of its messages
  std::map<std::string, Notification> committed_;
  std::set<Incident> held_;
  std::set<std::string> sent_again_;  // receiver and id
  std::vector<Happened> story_;
};

}  // namespace sidewatch

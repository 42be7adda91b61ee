// The outbox over the HTTP API: a handler asks on a thread of its own, and the loop answers between its other work.
#include <gmock/gmock.h>

#include <thread>

#include "agent/api/outbox.h"
#include "agent/http/router.h"
#include "agent/outbox_call.h"
#include "base/json.h"
#include "tests/agent/loop_world.h"
#include "tests/support/notifications.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

struct Reply {
  int status = 0;
  JsonValue json;
  const JsonValue& data() const { return json["data"]; }
  std::string error() const { return std::string(json["error"].text_or("")); }
};

// A receiver that takes what its test says.
struct Moody {
  ReceiverPlan plan(const std::string& name) {
    return receiver_plan(name, [this](const Notification& notification) -> Attempt {
      const std::lock_guard lock(mutex);
      if (!refuses) taken.push_back(notification.id);
      if (refuses) return Rejected{"HTTP 400"};
      return Delivered{};
    });
  }
  void set(bool refuse) {
    const std::lock_guard lock(mutex);
    refuses = refuse;
  }
  std::mutex mutex;
  bool refuses = false;
  std::vector<std::string> taken;
};

class LoopOutbox : public testing::Test {
 protected:
  Reply send(const std::string& method, const std::string& target, Duration loop_patience = patience, bool moves = true) {
    std::vector<HttpRoute> routes;
    add_outbox_routes(routes, {world_.mailbox, silences_, [this] { return to_wall(world_.clock.now(), {}); }, allow_remote_,
                               loop_patience});
    HttpRouter router(std::move(routes));
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.peer.is_loopback = from_here_;
    const auto routed = router.answer(request);
    HttpResponse response = routed.response;
    if (routed.route != nullptr) {
      std::atomic<bool> answered{false};
      std::thread worker([&] {
        response = routed.route->handler(request);
        answered = true;
      });
      while (moves && !answered) {
        if (auto message = world_.mailbox->take(1ms)) world_.tell(std::move(*message));
        world_.tick();
      }
      worker.join();
    }
    auto json = JsonValue::parse(response.body ? *response.body : "");
    return {response.status, json ? std::move(*json) : JsonValue{}};
  }

  void enqueue(const NotificationOf& of) { ASSERT_TRUE(world_.dispatcher.enqueue({make_notification(of)}, {}, world_.clock.now())); }
  void die(const std::string& id) {
    moody_.set(true);
    enqueue({.id = id, .alert = id});
    world_.tick();
    while (world_.outbox.dead_letter_count() == 0) world_.tick_with_message();
    moody_.set(false);
  }
  // Nothing is handed out: what waits stays.
  void keep_busy() { world_.dispatcher.occupy("oncall", true); }

  Moody moody_;
  Silences silences_ = Silences::open("", WallTime()).value();
  bool from_here_ = true;
  bool allow_remote_ = false;
  LoopWorld world_{Outbox::in_memory(), settings_of({}, memory_rule, {moody_.plan("oncall")})};
};

TEST_F(LoopOutbox, ShowsWhatWaitsAndWhatDied) {
  die("dead");
  keep_busy();
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .incident = "a1/2"});
  const Reply all = send("GET", "/api/v1/outbox");
  ASSERT_EQ(all.status, 200) << all.error();
  ASSERT_EQ(all.data()["waiting"].items().size(), 2U);
  const JsonValue& first = all.data()["waiting"].items()[0];
  EXPECT_EQ(first["id"].text_or(""), "n1");
  EXPECT_EQ(first["labels"]["instance"].text_or(""), "a1");
  EXPECT_EQ(first["waits"].text_or(""), "next");
  EXPECT_EQ(all.data()["waiting"].items()[1]["waits"].text_or(""), "behind");
  EXPECT_EQ(all.data()["receivers"].items().at(0)["waiting"].integer_or(0), 2);
  EXPECT_EQ(all.data()["deadLettersTotal"].integer_or(0), 1);
  EXPECT_EQ(all.data()["deadLetters"].items().at(0)["why"].text_or(""), "HTTP 400");

  const Reply some = send("GET", "/api/v1/outbox?limit=1&receiver=oncall");
  EXPECT_EQ(some.data()["waiting"].items().size(), 1U);
  EXPECT_EQ(some.data()["receivers"].items().at(0)["waiting"].integer_or(0), 2);
  EXPECT_EQ(send("GET", "/api/v1/outbox/n2").data()["waiting"].items().size(), 1U);
  EXPECT_EQ(send("GET", "/api/v1/outbox/n3").status, 404);
}

TEST_F(LoopOutbox, NamesTheSilenceThatHoldsAMessageBack) {
  Silence silence;
  silence.matchers.push_back(Matcher::make("instance", Matcher::Op::equal, "a1").value());
  silence.ends_at = to_wall(world_.clock.now(), {}) + 1h;
  const auto id = std::get<std::string>(silences_.set(silence, to_wall(world_.clock.now(), {})));
  world_.dispatcher.set_hold_back([&](const Notification&, Time now) { return std::optional(now + 1h); });
  enqueue({.id = "n1"});
  const Reply reply = send("GET", "/api/v1/outbox");
  const JsonValue& held = reply.data()["waiting"].items().at(0);
  EXPECT_EQ(held["waits"].text_or(""), "held");
  EXPECT_EQ(held["until"].text_or(""), "2026-03-01T13:00:00.000Z");
  EXPECT_EQ(held["silences"].items().at(0).text_or(""), id);
  EXPECT_EQ(send("POST", "/api/v1/outbox/retry?all=true").data()["held"].integer_or(0), 1);
}

TEST_F(LoopOutbox, SendsADeadLetterAgainAndLogsIt) {
  die("dead");
  const Reply reply = send("POST", "/api/v1/outbox/retry?dead=true");
  ASSERT_EQ(reply.status, 200) << reply.error();
  EXPECT_EQ(reply.data()["sentAgain"].integer_or(0), 1);
  while (world_.dispatcher.queued() > 0) world_.tick_with_message();
  EXPECT_THAT(moody_.taken, testing::ElementsAre("dead-over")) << "no rule fires here: it is told as what is over";
  EXPECT_EQ(world_.outbox.dead_letter_count(), 0U);
  EXPECT_THAT(world_.logged(), HasSubstr("msg=\"dead letters were sent again by hand\" messages=1"));
}

TEST_F(LoopOutbox, DropsWhatIsMeantAndCountsIt) {
  die("dead");
  keep_busy();
  enqueue({.id = "n1"});
  enqueue({.id = "n2", .alert = "a2"});
  EXPECT_EQ(send("DELETE", "/api/v1/outbox/n1").data()["dropped"].integer_or(0), 1);
  EXPECT_EQ(send("DELETE", "/api/v1/outbox/dead").data()["forgotten"].integer_or(0), 1);
  EXPECT_EQ(send("DELETE", "/api/v1/outbox?dead=true").data()["forgotten"].integer_or(-1), 0);
  EXPECT_EQ(send("DELETE", "/api/v1/outbox?receiver=oncall").data()["dropped"].integer_or(0), 1);
  EXPECT_EQ(world_.dispatcher.queued(), 0U);
  EXPECT_EQ(world_.outbox.dead_letter_count(), 0U);
  world_.tick_a_second_later();
  EXPECT_EQ(world_.own("sidewatch_notifications_discarded_total", {{"receiver", "oncall"}}), 2);
  EXPECT_THAT(world_.logged(), HasSubstr("msg=\"messages were dropped by hand\" id=n1 waiting=1"));
}

TEST_F(LoopOutbox, SaysWhatIsWrongWithAQuestion) {
  EXPECT_THAT(send("POST", "/api/v1/outbox/retry").error(), HasSubstr("say which: id, receiver, all=true or dead=true"));
  EXPECT_THAT(send("DELETE", "/api/v1/outbox").error(), HasSubstr("say which: receiver or dead=true"));
  EXPECT_THAT(send("POST", "/api/v1/outbox/retry?all=true&id=n1").error(), HasSubstr("only one"));
  EXPECT_THAT(send("POST", "/api/v1/outbox/retry?all=true&to=chat").error(), HasSubstr("only dead letters"));
  EXPECT_THAT(send("POST", "/api/v1/outbox/retry?all=yes").error(), HasSubstr("true or false"));
  EXPECT_THAT(send("GET", "/api/v1/outbox?limit=0").error(), HasSubstr("from 1 to 1000"));
  EXPECT_EQ(send("GET", "/api/v1/outbox?receiver=nobody").status, 404);
  EXPECT_EQ(send("DELETE", "/api/v1/outbox?receiver=nobody").status, 404);
}

TEST_F(LoopOutbox, LetsOnlyThisMachineChangeAnythingUnlessToldOtherwise) {
  from_here_ = false;
  EXPECT_EQ(send("POST", "/api/v1/outbox/retry?all=true").status, 403);
  EXPECT_EQ(send("DELETE", "/api/v1/outbox?dead=true").status, 403);
  EXPECT_EQ(send("GET", "/api/v1/outbox").status, 200);
  allow_remote_ = true;
  EXPECT_EQ(send("POST", "/api/v1/outbox/retry?all=true").status, 200);
}

TEST_F(LoopOutbox, WhatTheLoopDidNotComeToInTimeItDoesNotDoLater) {
  keep_busy();
  enqueue({.id = "n1"});
  const Reply late = send("DELETE", "/api/v1/outbox/n1", 1ms, false);
  EXPECT_EQ(late.status, 503);
  EXPECT_THAT(late.error(), HasSubstr("nothing was changed"));
  world_.tick();
  EXPECT_EQ(world_.dispatcher.queued(), 1U);
  world_.mailbox->close();
  EXPECT_THAT(send("GET", "/api/v1/outbox").error(), HasSubstr("the agent is stopping"));
}

}  // namespace
}  // namespace sidewatch

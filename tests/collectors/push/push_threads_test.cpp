// Several workers push while passes are made: nothing is lost, and nobody gets in another's way.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "collectors/heartbeat/heartbeat.h"
#include "collectors/push/push.h"
#include "collectors/pushgateway/pushgateway.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

constexpr int workers = 3;
constexpr int requests = 200;
const Time now = time_at_ms(1'000'000'000);

PushRequest request(std::string_view method, std::vector<std::string> segments, std::string_view body) {
  PushRequest request;
  request.method = method;
  request.segments = std::move(segments);
  request.content_type = "application/json";
  request.body = body;
  request.now = now;
  request.wall = to_wall(now, Duration(0));
  return request;
}

// `push` on several threads, and `pass` on this one until they have ended, and once more.
template <class Push, class Pass>
void push_and_pass(const Push& push, const Pass& pass) {
  std::atomic<int> left{workers};
  std::vector<std::thread> threads;
  for (int worker = 0; worker < workers; ++worker) {
    threads.emplace_back([&, worker] {
      for (int i = 0; i < requests; ++i) push(worker, i);
      --left;
    });
  }
  while (left > 0) pass();
  for (auto& thread : threads) thread.join();
  pass();
}

double sum_of(const Batch& batch, const Catalog& catalog, std::string_view name) {
  double sum = 0;
  for (const auto& sample : batch.samples()) {
    if (catalog.info(sample.series)->family->name == name) sum += sample.value;
  }
  return sum;
}

class PushThreads : public testing::Test {
 protected:
  Catalog catalog{Catalog::Limits{}, Labels{}};
  TempDir directory;
  Batch batch;
};

TEST_F(PushThreads, NothingThatIsAddedIsLost) {
  push::JsonPushTarget target{push::JsonPushConfig{}};
  push::PushedHandles handles;
  push_and_pass(
      [&](int worker, int) {
        const std::string body = "{\"hits_total\": {\"add\": 1}, \"seconds\": {\"observe\": 0.1}, \"of{worker=\\\"" +
                                 std::to_string(worker) + "\\\"}\": 1}";
        EXPECT_EQ(target.take(request("POST", {}, body)).status, 200);
      },
      [&] {
        batch.clear();
        target.series().write(catalog, handles, batch, now);
      });
  EXPECT_EQ(sum_of(batch, catalog, "hits_total"), workers * requests);
  EXPECT_EQ(sum_of(batch, catalog, "seconds_count"), workers * requests);
  EXPECT_EQ(sum_of(batch, catalog, "of"), workers);
}

TEST_F(PushThreads, NoPingIsLost) {
  heartbeat::HeartbeatConfig config;
  config.name.value = "job";
  config.every = Duration(1000);
  heartbeat::HeartbeatTarget target({config});
  target.keep_in(directory.path());
  std::string trouble;
  (void)target.at(now, trouble);  // before the first pass only so many pings are taken
  push_and_pass([&](int, int) { EXPECT_EQ(target.take(request("GET", {"job"}, "")).status, 200); },
                [&] { (void)target.at(now, trouble); });
  EXPECT_EQ(target.at(now, trouble).all().at("job").successes, static_cast<std::uint64_t>(workers * requests));
  EXPECT_EQ(trouble, "");
}

TEST_F(PushThreads, GroupsStandSideBySide) {
  pushgateway::PushgatewayTarget target{pushgateway::GroupLimits{}};
  target.keep_in(directory.path());
  pushgateway::GroupHandles handles;
  std::string trouble;
  push_and_pass(
      [&](int worker, int i) {
        const std::string job = std::to_string(worker);
        const std::string_view method = i % 10 == 5 ? "DELETE" : "POST";
        EXPECT_LT(target.take(request(method, {"job", job}, "last " + std::to_string(i) + "\n")).status, 300);
      },
      [&] {
        batch.clear();
        target.write(catalog, handles, batch, now, trouble);
      });
  EXPECT_EQ(sum_of(batch, catalog, "last"), workers * (requests - 1));
  EXPECT_EQ(trouble, "");
}

}  // namespace
}  // namespace sidewatch

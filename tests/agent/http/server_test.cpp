// How the server behaves when there are many clients, slow ones, hostile ones, and when it has to end.
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "tests/agent/http/server_fixture.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

// Waits for something that another thread brings about.
template <class Condition>
bool eventually(Condition condition) {
  const auto until = RawClient::Clock::now() + RawClient::patience;
  while (!condition()) {
    if (RawClient::Clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

double cpu_seconds_of_this_process() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double cpu_seconds_while_nothing_happens(std::chrono::milliseconds time) {
  const double before = cpu_seconds_of_this_process();
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, time, [] { return false; });
  return cpu_seconds_of_this_process() - before;
}

std::vector<RawClient> half_requests(int port, std::size_t count) {
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back(port);
    clients.back().send("GET /-/healthy HTTP/1.1\r\nHost: local");
  }
  return clients;
}

TEST_F(HttpServerTest, Answers64DrippingConnectionsNoLaterThanNone) {
  start();
  const auto dripping = half_requests(server_->bound_port(), 64);
  for (int round = 0; round < 20; ++round) {
    for (const auto& each : dripping) each.send("h");
    EXPECT_LT(time_of_healthy(), 100ms);
  }
  EXPECT_EQ(server_->counters().evicted, 0u);
}

TEST_F(HttpServerTest, AnswersBeyondItsConnectionCapNoLaterThanBelow) {
  start();
  const auto dripping = half_requests(server_->bound_port(), 200);
  for (int round = 0; round < 20; ++round) {
    for (const auto& each : dripping) each.send("h");
    EXPECT_LT(time_of_healthy(), 100ms);
  }
  EXPECT_LE(server_->counters().connections, 128u);
  EXPECT_GE(server_->counters().evicted, 72u);
}

TEST_F(HttpServerTest, AThousandSilentConnectionsDoNotShutAnyoneOut) {
  start();
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  if (files.rlim_cur < 1300) GTEST_SKIP() << "needs 1300 file descriptors";
  std::vector<RawClient> silent;
  for (int i = 0; i < 1000; ++i) silent.emplace_back(server_->bound_port());
  for (int round = 0; round < 20; ++round) EXPECT_LT(time_of_healthy(), 100ms);
  EXPECT_LE(server_->counters().connections, 128u);
}

TEST_F(HttpServerTest, EvictsWhoCompletedNoRequestForLongest) {
  HttpLimits limits;
  limits.max_connections = 4;
  start(limits);
  auto silent = client();
  std::vector<RawClient> busy;
  for (int i = 0; i < 3; ++i) busy.push_back(client());
  const auto later = RawClient::Clock::now() + 20ms;  // well beyond the server's resolution of a millisecond
  do {
    for (auto& each : busy) ASSERT_TRUE(each.get("/-/healthy"));
  } while (RawClient::Clock::now() < later);
  auto newcomer = client();
  ASSERT_TRUE(newcomer.get("/-/healthy")) << "a newcomer is always served";
  EXPECT_TRUE(silent.closed());
  for (auto& each : busy) EXPECT_TRUE(each.get("/-/healthy"));
  EXPECT_EQ(server_->counters().evicted, 1u);
}

TEST_F(HttpServerTest, DropsDripsAtTheDeadlineHoweverTheyDrip) {
  HttpLimits limits;
  limits.header_timeout = 300ms;
  start(limits);
  auto one = client();
  const auto begin = RawClient::Clock::now();
  ASSERT_TRUE(one.send("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n"));
  std::atomic<bool> done{false};
  std::thread dripper([&] {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (!done && one.send("X: y\r\n")) never.wait_for(lock, 20ms, [&] { return done.load(); });
  });
  const auto response = one.response();
  done = true;
  dripper.join();
  const auto took = RawClient::Clock::now() - begin;
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 408);
  EXPECT_GE(took, 290ms);
  EXPECT_LT(took, 3s);
  EXPECT_EQ(server_->counters().timed_out, 1u);
}

TEST_F(HttpServerTest, ClosesIdleConnectionsInTime) {
  HttpLimits limits;
  limits.idle_timeout = 200ms;
  start(limits);
  auto one = client();
  ASSERT_TRUE(one.get("/-/healthy"));
  EXPECT_TRUE(one.closed());
  EXPECT_EQ(server_->counters().timed_out, 1u);
}

TEST_F(HttpServerTest, SlowReadersOfABigPageDisturbNobody) {
  start();
  std::vector<RawClient> slow;
  for (int i = 0; i < 20; ++i) {
    slow.emplace_back(server_->bound_port(), 4096);
    ASSERT_TRUE(slow.back().send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  }
  ASSERT_TRUE(eventually([&] { return server_->counters().requests >= 20; }));
  for (int round = 0; round < 20; ++round) {
    for (auto& each : slow) each.take_bytes(1);
    EXPECT_LT(time_of_healthy(), 100ms);
  }
  EXPECT_LE(big_.use_count(), 22) << "shared by all of them";
}

TEST_F(HttpServerTest, CutsOffASlowReaderAtTheWriteDeadline) {
  HttpLimits limits;
  limits.write_timeout = 200ms;
  start(limits);
  RawClient slow(server_->bound_port(), 4096);
  ASSERT_TRUE(slow.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return server_->counters().timed_out == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->counters().connections == 0; }));
  EXPECT_EQ(big_.use_count(), 1);
}

TEST_F(HttpServerTest, DeliversABigPageWhole) {
  start();
  const auto response = client().get("/big");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, *big_);
}

TEST_F(HttpServerTest, AFloodOfPipelinedRequestsStarvesNobody) {
  start();
  auto flood = client();
  std::atomic<bool> done{false};
  std::thread sender([&] {
    std::string many;
    for (int i = 0; i < 500; ++i) many += "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";
    while (!done && flood.send(many)) {
    }
  });
  std::thread reader([&] {
    while (flood.take_waiting()) {
    }
  });
  ASSERT_TRUE(eventually([&] { return server_->counters().requests > 2000; }));
  for (int round = 0; round < 20; ++round) EXPECT_LT(time_of_healthy(), 100ms);
  done = true;
  sender.join();
  server_->stop(0ms);
  reader.join();
}

TEST_F(HttpServerTest, SleepsWhileNobodyAsks) {
  start();
  const auto idle = half_requests(server_->bound_port(), 8);
  auto one = client();
  ASSERT_TRUE(one.get("/-/healthy"));
  EXPECT_LT(cpu_seconds_while_nothing_happens(500ms), 0.02);
}

TEST_F(HttpServerTest, ServesManyThreadsAtOnce) {
  start();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto one = client();
      for (int i = 0; i < 200; ++i) {
        const auto response = one.get("/-/healthy");
        if (response && response->body == "ok\n") ++good;
        (void)server_->counters();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 800);
}

TEST_F(HttpServerTest, ListensOnSeveralAddresses) {
  std::string folder = (std::filesystem::temp_directory_path() / "sidewatch-http-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  HttpConfig config;
  config.listen = {{"unix:" + folder + "/agent.sock", {}}, {"127.0.0.1:0", {}}};
  start(config);
  ASSERT_EQ(server_->addresses().size(), 2u);
  EXPECT_EQ(server_->addresses()[1], "127.0.0.1:" + std::to_string(server_->bound_port()));
  EXPECT_EQ(client().get("/peer")->body, "127.0.0.1 loopback");
  RawClient local(folder + "/agent.sock");
  ASSERT_TRUE(local.connected());
  ASSERT_TRUE(local.send("GET /peer HTTP/1.1\r\nHost: any-name\r\n\r\n"));
  EXPECT_EQ(local.response()->body, "unix loopback");
  server_.reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

TEST_F(HttpServerTest, SaysThatItsPortIsTaken) {
  start();
  HttpConfig config;
  config.listen = {{server_->addresses()[0], {}}};
  const auto second = HttpServer::start(config, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text(), server_->addresses()[0] +
                                       " is already in use; is another sidewatch running? choose another http.listen");
}

TEST_F(HttpServerTest, StopsAtOnceWhenNothingIsUnderWay) {
  start();
  auto idle = client();
  ASSERT_TRUE(idle.get("/-/healthy"));
  const auto begin = RawClient::Clock::now();
  EXPECT_TRUE(server_->stop(5s));
  EXPECT_LT(RawClient::Clock::now() - begin, 2s);
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(client().connected());
  EXPECT_TRUE(server_->stop(5s)) << "twice is no trouble";
}

TEST_F(HttpServerTest, StopsInTimeWhateverItsClientsDo) {
  start();
  const auto dripping = half_requests(server_->bound_port(), 20);
  RawClient slow(server_->bound_port(), 4096);
  ASSERT_TRUE(slow.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return server_->counters().requests == 1; }));
  const auto begin = RawClient::Clock::now();
  EXPECT_TRUE(server_->stop(300ms));
  EXPECT_LT(RawClient::Clock::now() - begin, 2s);
  EXPECT_EQ(server_->counters().connections, 0u);
}

TEST_F(HttpServerTest, LetsAResponseUnderWayFinishWhenItStops) {
  start();
  RawClient reader(server_->bound_port(), 65536);
  ASSERT_TRUE(reader.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return server_->counters().requests == 1; }));
  std::thread stopper([&] { EXPECT_TRUE(server_->stop(10s)); });
  const auto response = reader.response();
  reader.close();
  stopper.join();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body.size(), big_page_bytes);
}

TEST_F(HttpServerTest, SaysWhenAHandlerKeepsItFromStopping) {
  std::mutex mutex;
  std::condition_variable changed;
  bool inside = false;
  bool released = false;
  HttpConfig config;
  config.listen = {{"127.0.0.1:0", {}}};
  auto server = HttpServer::start(config, {{"GET", "/stuck", [&](const HttpRequest&) {
                                              std::unique_lock lock(mutex);
                                              inside = true;
                                              changed.notify_all();
                                              changed.wait(lock, [&] { return released; });
                                              return HttpResponse::text(200, "");
                                            }}});
  ASSERT_TRUE(server);
  RawClient one((*server)->bound_port());
  ASSERT_TRUE(one.send("GET /stuck HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 10s, [&] { return inside; }));
  }
  EXPECT_FALSE((*server)->stop(50ms));
  {
    const std::lock_guard lock(mutex);
    released = true;
  }
  changed.notify_all();
  EXPECT_TRUE((*server)->stop(10s));
}

// In a child of its own, for the limit is the whole process's. Exit codes say what went wrong.
[[noreturn]] void starve_and_exit() {
  const rlimit few{64, 64};
  if (::setrlimit(RLIMIT_NOFILE, &few) != 0) ::_exit(10);
  HttpConfig config;
  config.listen = {{"127.0.0.1:0", {}}};
  auto server = HttpServer::start(
      config, {{"GET", "/-/healthy", [](const HttpRequest&) { return HttpResponse::text(200, "ok\n"); }}});
  if (!server) ::_exit(11);
  auto early = std::make_unique<RawClient>((*server)->bound_port());
  if (!early->get("/-/healthy")) ::_exit(12);
  // The rest of the process takes every descriptor but the client's one.
  std::vector<int> hoard;
  for (int copy = 0; (copy = ::dup(0)) >= 0;) hoard.push_back(copy);
  ::close(hoard.back());
  hoard.pop_back();
  {
    // The server has none for this connection: it makes room by closing `early`, and serves.
    RawClient late((*server)->bound_port());
    if (!late.connected() || !late.get("/-/healthy")) ::_exit(13);
    if (!early->closed()) ::_exit(14);
    if (!late.get("/-/healthy")) ::_exit(19);  // nobody else is waiting, so it stays
    early.reset();
    hoard.push_back(::dup(0));
  }
  if ((*server)->counters().accept_failures == 0) ::_exit(15);
  // Without a connection of its own to close, it turns the newcomer away and does not spin.
  while (true) {
    const int copy = ::dup(0);
    if (copy < 0) break;
    hoard.push_back(copy);
  }
  ::close(hoard.back());
  hoard.pop_back();
  {
    RawClient turned_away((*server)->bound_port());
    if (!turned_away.closed()) ::_exit(16);
  }
  if (cpu_seconds_while_nothing_happens(300ms) > 0.05) ::_exit(17);
  for (const int copy : hoard) ::close(copy);
  RawClient recovered((*server)->bound_port());
  if (!recovered.get("/-/healthy")) ::_exit(18);
  ::_exit(0);
}

TEST(HttpServerDescriptors, SurvivesHavingNoneLeft) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(starve_and_exit(), ::testing::ExitedWithCode(0), "");
}

// 0 when a crowd of 20 gets no more than a quarter of 64 descriptors.
[[noreturn]] void crowd_and_exit() {
  const rlimit few{64, 64};
  if (::setrlimit(RLIMIT_NOFILE, &few) != 0) ::_exit(10);
  HttpConfig config;
  config.listen = {{"127.0.0.1:0", {}}};
  auto server = HttpServer::start(config, {});
  if (!server) ::_exit(11);
  std::vector<RawClient> crowd;
  for (int i = 0; i < 20; ++i) crowd.emplace_back((*server)->bound_port());
  if (!eventually([&] { return (*server)->counters().accepted == 20; })) ::_exit(12);
  ::_exit((*server)->counters().connections <= 16 ? 0 : 13);
}

TEST(HttpServerDescriptors, LeavesMostOfThemToTheRestOfTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(crowd_and_exit(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sidewatch

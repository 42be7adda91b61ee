// Several senders at once, and passes between them: nothing is lost and nothing is mixed up.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "collectors/otlp/otlp.h"
#include "tests/collectors/otlp/request.h"

namespace sidewatch::otlp {
namespace {

constexpr int senders = 4;
constexpr int exports = 200;

TEST(OtlpThreads, AddUpWhatSeveralSendersExportWhilePassesRun) {
  OtlpTarget target(OtlpConfig{});
  const Time now = time_at_ms(1'000'000);
  std::atomic<int> running{senders};
  std::atomic<std::size_t> taken{0};
  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender) {
    threads.emplace_back([&, sender] {
      for (std::uint64_t time = 1; time <= exports; ++time) {
        const auto body = wire::request(
            wire::sum("orders", "", wire::delta, true,
                      wire::attribute(7, "from", std::to_string(sender)) + wire::fixed(3, time) + wire::real(4, 1)),
            wire::attribute(1, "service.name", std::to_string(sender % 2)));
        PushRequest request;
        request.content_type = "application/x-protobuf";
        request.body = body;
        request.now = now;
        taken += target.take(request).samples;
      }
      --running;
    });
  }
  Catalog catalog{{}, {}};
  BoardWriter writer;
  Batch batch;
  while (running > 0) {
    batch.clear();
    target.write(writer, catalog, batch, now);
    std::this_thread::yield();
  }
  for (auto& thread : threads) thread.join();
  batch.clear();
  EXPECT_EQ(target.write(writer, catalog, batch, now), static_cast<std::size_t>(senders));
  EXPECT_EQ(taken, static_cast<std::size_t>(senders * exports));
  double sum = 0;
  for (const auto& sample : batch.samples()) sum += sample.value;
  EXPECT_EQ(sum, senders * exports);
}

}  // namespace
}  // namespace sidewatch::otlp

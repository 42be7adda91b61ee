// A pass in which nothing changes allocates next to nothing: an agent that runs for months must not wear out its heap.
#include <gtest/gtest.h>

#include "tests/collectors/process/harness.h"
#include "tests/support/counted_allocations.h"

namespace sidewatch {
namespace {

TEST(ProcessAllocation, DoesNotDependOnHowManyProcessesAreWatched) {
  const auto per_pass = [](int processes) {
    FakeProc proc;
    for (int pid = 100; pid < 100 + processes; ++pid) proc.write({.pid = pid, .open_files = 2});
    Catalog catalog({}, {});
    const auto collector =
        make_process_collector({group_named("shop", by_exe("service"))}, {.procfs = proc.root()}, catalog);
    Batch batch;
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(collector->collect(batch, time_at_ms(100'000 + i)));
    batch.clear();
    const auto before = allocations_so_far();
    EXPECT_TRUE(collector->collect(batch, time_at_ms(200'000)));
    return allocations_so_far() - before;
  };
  const auto few = per_pass(5);
  const auto many = per_pass(60);
  // What remains are the texts of the two processes that are described again.
  EXPECT_LE(few, 16u);
  EXPECT_LE(many, 16u);
}

TEST(ProcessAllocation, DoesNotDependOnHowManyThreadsAreTold) {
  const auto per_pass = [](int threads) {
    FakeProc proc;
    proc.write({.pid = 100, .threads = static_cast<std::uint64_t>(threads)});
    for (int id = 100; id < 100 + threads; ++id) proc.write(100, {.id = id, .wchan = "futex_do_wait"});
    auto group = group_named("{{.Username}}:{{.ExeBase}}", by_exe("service"));
    group.details = {.threads = true, .wchan = true, .process_metrics = true,
                     .proportional_memory_every = std::chrono::milliseconds(1)};
    Catalog catalog({}, {});
    const auto collector = make_process_collector({group}, {.procfs = proc.root()}, catalog);
    Batch batch;
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(collector->collect(batch, time_at_ms(100'000 + i)));
    batch.clear();
    const auto before = allocations_so_far();
    EXPECT_TRUE(collector->collect(batch, time_at_ms(200'000)));
    return allocations_so_far() - before;
  };
  EXPECT_LE(per_pass(2), 16u);
  EXPECT_LE(per_pass(60), 16u);
}

}  // namespace
}  // namespace sidewatch

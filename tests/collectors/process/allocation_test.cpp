// A pass in which nothing changes allocates next to nothing: an agent that runs for months must not wear out its heap.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/collectors/process/harness.h"

namespace {

std::atomic<std::size_t> allocations{0};

// All forms of them, so that memory never comes from one allocator and goes to another; not inlined, or GCC takes the
// malloc in one and the free in the other for a mismatch.
[[gnu::noinline]] void* counted(std::size_t size) noexcept {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void release(void* memory) noexcept { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

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
    const auto before = allocations.load();
    EXPECT_TRUE(collector->collect(batch, time_at_ms(200'000)));
    return allocations.load() - before;
  };
  const auto few = per_pass(5);
  const auto many = per_pass(60);
  // What remains are the texts of the two processes that are described again in each pass.
  EXPECT_LE(few, 16u);
  EXPECT_LE(many, 16u);
}

}  // namespace
}  // namespace sidewatch

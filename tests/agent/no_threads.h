// A machine that has no thread to spare.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstddef>

namespace sidewatch {

// While it lives no thread can be started: each would get a stack as large as the address space.
class NoThreads {
 public:
  NoThreads() {
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    pthread_attr_t greedy;
    EXPECT_EQ(pthread_attr_init(&greedy), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&greedy, std::size_t{1} << 47), 0);
    EXPECT_EQ(pthread_setattr_default_np(&greedy), 0);
    pthread_attr_destroy(&greedy);
  }
  ~NoThreads() {
    EXPECT_EQ(pthread_setattr_default_np(&before_), 0);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_{};
};

}  // namespace sidewatch

// What accept(2) can answer beside a connection: each of it is the end of one connection, or of none, and never of the
// server. accept4 of the C library is replaced in this program and fails on order.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "tests/agent/http/server_fixture.h"

namespace {

std::atomic<int> failing_with{0};
std::atomic<int> failures_left{0};
std::atomic<long> calls{0};

}  // namespace

extern "C" int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  ++calls;
  if (failures_left > 0) {
    --failures_left;
    errno = failing_with;
    return -1;
  }
  return static_cast<int>(syscall(SYS_accept4, fd, address, length, flags));
}

namespace sidewatch {
namespace {

class HttpAcceptFaults : public HttpServerTest {
 protected:
  ~HttpAcceptFaults() override { failures_left = 0; }
};

TEST_F(HttpAcceptFaults, EndNoServer) {
  start();
  for (const int error : {ECONNABORTED, EINTR, ENOBUFS, ENOMEM, EPROTO, EPERM, ENETDOWN, ETIMEDOUT, EINVAL}) {
    failing_with = error;
    failures_left = 3;
    EXPECT_LT(time_of_healthy(), RawClient::patience) << std::strerror(error);
    EXPECT_EQ(failures_left, 0) << std::strerror(error);
  }
  EXPECT_EQ(server_->counters().requests, 9u);
}

TEST_F(HttpAcceptFaults, AreNoReasonToTryWithoutAPause) {
  start();
  for (const int error : {ENOBUFS, ENOMEM, EINVAL}) {
    failing_with = error;
    failures_left = 1'000'000;
    const long before = calls;
    RawClient waiting(server_->bound_port());
    ASSERT_TRUE(waiting.send("GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    ASSERT_FALSE(waiting.response_within(std::chrono::milliseconds(300))) << std::strerror(error);
    EXPECT_LT(calls - before, 300) << std::strerror(error);
    failures_left = 0;
    const auto answer = waiting.response();
    ASSERT_TRUE(answer) << std::strerror(error);
    EXPECT_EQ(answer->status, 200);
  }
}

}  // namespace
}  // namespace sidewatch

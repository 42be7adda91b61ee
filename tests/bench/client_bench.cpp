// What one call of the header for services costs, with the datagrams that it leads to: to a UDP socket of this machine
// that nobody reads (the kernel takes and drops what arrives), from one thread and from two.
#include <benchmark/benchmark.h>

#include "collectors/application/sidewatch.hpp"

namespace {

class Sink {
 public:
  Sink() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in inet{};
    inet.sin_family = AF_INET;
    inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof inet;
    if (bind(fd_, reinterpret_cast<sockaddr*>(&inet), size) != 0) std::abort();
    getsockname(fd_, reinterpret_cast<sockaddr*>(&inet), &size);
    address = "udp://127.0.0.1:" + std::to_string(ntohs(inet.sin_port));
  }
  ~Sink() { close(fd_); }
  std::string address;

 private:
  const int fd_;
};

sidewatch::Client& client() {
  static Sink sink;
  static sidewatch::Client one(sink.address);
  return one;
}

void count(benchmark::State& state) {
  const sidewatch::Counter counter(client(), "shop.orders", {{"kind", "web"}});
  for (auto _ : state) counter.add();
}
BENCHMARK(count)->ThreadRange(1, 2)->UseRealTime();

void set_gauge(benchmark::State& state) {
  const sidewatch::Gauge gauge(client(), "shop.depth");
  double value = 0;
  for (auto _ : state) gauge.set(value += 0.25);
}
BENCHMARK(set_gauge);

void time_a_block(benchmark::State& state) {
  const sidewatch::Timer timer(client(), "shop.took", {{"route", "/cart"}});
  for (auto _ : state) const auto scope = timer.scope();
}
BENCHMARK(time_a_block);

}  // namespace

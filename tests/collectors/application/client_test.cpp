// The headers that a service includes, in C++17: what arrives at a socket, and what is dropped, from one thread and many.
#include "collectors/application/sidewatch.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "in_c.h"

namespace sidewatch {
namespace {

using std::chrono::milliseconds;

// A datagram socket of 127.0.0.1 or of a path.
class Receiver {
 public:
  explicit Receiver(const std::string& path = {}) : fd_(socket(path.empty() ? AF_INET : AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{5, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int large = 4 << 20;
    if (path.empty()) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
    sockaddr_in inet{};
    inet.sin_family = AF_INET;
    inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    path.copy(local.sun_path, sizeof local.sun_path - 1);
    const auto* const name = path.empty() ? reinterpret_cast<sockaddr*>(&inet) : reinterpret_cast<sockaddr*>(&local);
    EXPECT_EQ(bind(fd_, name, path.empty() ? sizeof inet : sizeof local), 0);
    socklen_t size = sizeof inet;
    if (path.empty()) getsockname(fd_, reinterpret_cast<sockaddr*>(&inet), &size);
    address = path.empty() ? "udp://127.0.0.1:" + std::to_string(ntohs(inet.sin_port)) : "unixgram://" + path;
  }
  ~Receiver() { ::close(fd_); }

  std::string next(int flags = 0) const {
    std::array<char, 1 << 16> bytes{};
    const auto count = recv(fd_, bytes.data(), bytes.size(), flags);
    return count < 0 ? "" : std::string(bytes.data(), static_cast<std::size_t>(count));
  }

  std::string address;

 private:
  const int fd_;
};

class Folder {
 public:
  Folder() {
    char text[] = "/tmp/sidewatch-client-XXXXXX";
    path = mkdtemp(text);
  }
  ~Folder() {
    unlink(socket().c_str());
    rmdir(path.c_str());
  }
  std::string socket() const { return path + "/app.sock"; }
  std::string path;
};

TEST(ApplicationClient, SendsOneOfEachInC) {
  const Receiver receiver;
  in_c_send_one_of_each(receiver.address.c_str());
  EXPECT_EQ(receiver.next(),
            "c.orders:3|c|#kind:web\nc.depth:0|g\nc.depth:-2.5|g\nc.depth:+4|g\nc.depth:-0.25|g\nc.took:12.345678|ms\n"
            "c.size:512|h|#unit:bytes,big");
}

TEST(ApplicationClient, SendsOneOfEachInCpp) {
  const Receiver receiver;
  Client client(receiver.address, milliseconds(0));
  Counter(client, "orders", {{"kind", "web"}, {"paid", ""}}).add();
  Gauge(client, "depth").set(1e6);
  Histogram(client, "size").record(0.125);
  Timer(client, "took").record(milliseconds(3));
  const Timer block(client, "block");
  { const auto scope = block.scope(); }
  client.flush();
  const auto text = receiver.next();
  EXPECT_EQ(text.substr(0, text.rfind('\n')), "orders:1|c|#kind:web,paid\ndepth:1000000|g\nsize:0.125|h\ntook:3|ms");
  const auto last = text.substr(text.rfind('\n') + 1);
  EXPECT_EQ(last.substr(0, 6), "block:");
  EXPECT_EQ(client.sent(), 5u);
  EXPECT_EQ(client.dropped(), 0u);
}

TEST(ApplicationClient, WritesNumbersOfEveryMagnitudeAndNoneThatIsNotFinite) {
  const Receiver receiver;
  Client client(receiver.address, milliseconds(0));
  const Gauge gauge(client, "g");
  const std::vector<double> numbers{0, 1, 0.5, 123.456, 1e-9, 12345678901234.0, 1.5e300, 0.001, 999999.999999};
  std::size_t usable = 0;
  for (const double number : numbers) {
    gauge.set(number);
    usable += number <= 1e100;
  }
  gauge.set(std::nan(""));
  gauge.set(std::numeric_limits<double>::infinity());
  Counter(client, "c").add(-1);
  client.flush();
  std::string text = receiver.next() + "\n";
  for (const double number : numbers) {
    if (number > 1e100) continue;
    const auto line = text.substr(0, text.find('\n'));
    EXPECT_DOUBLE_EQ(std::stod(line.substr(2)), number) << line;
    text.erase(0, line.size() + 1);
  }
  EXPECT_EQ(text, "");
  EXPECT_EQ(client.sent(), usable);
  EXPECT_EQ(client.dropped(), 4u);
}

TEST(ApplicationClient, PutsNoPunctuationOfTheProtocolIntoNamesAndTags) {
  const Receiver receiver;
  Client client(receiver.address, milliseconds(0));
  Counter(client, "a:b|c\n#d", {{"x,y:z", "1,2:3|4\n5"}}).add();
  client.flush();
  EXPECT_EQ(receiver.next(), "a_b_c__d:1|c|#x_y_z:1_2:3_4_5");
  const Counter too_long(client, std::string(201, 'x'));
  EXPECT_FALSE(too_long.usable());
  too_long.add();
  EXPECT_EQ(client.dropped(), 1u);
}

TEST(ApplicationClient, FillsDatagramsAndSendsTheLastOnesByItself) {
  const Receiver receiver;
  Client client(receiver.address, milliseconds(5));
  const Counter counter(client, "hits", {{"route", "/cart"}});
  constexpr std::size_t lines = 1000;
  for (std::size_t i = 0; i < lines; ++i) counter.add();
  std::size_t seen = 0;
  std::size_t datagrams = 0;
  while (seen < lines) {
    const auto text = receiver.next();
    ASSERT_FALSE(text.empty());
    ASSERT_LE(text.size(), std::size_t{SIDEWATCH_DATAGRAM});
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) == std::string::npos ? text.size() : text.find('\n', at) + 1) ++seen;
    ++datagrams;
  }
  EXPECT_EQ(seen, lines);
  EXPECT_LT(datagrams, lines / 10);
}

TEST(ApplicationClient, WaitsForNobodyAndCountsWhatIsLost) {
  const Folder folder;
  const Receiver receiver(folder.socket());  // which nobody reads
  Client client(receiver.address, milliseconds(0));
  ASSERT_FALSE(client.error());
  const Counter counter(client, "hits");
  constexpr std::uint64_t lines = 200'000;
  for (std::uint64_t i = 0; i < lines; ++i) counter.add();
  client.flush();
  EXPECT_GT(client.sent(), 0u);
  EXPECT_GT(client.dropped(), 0u);
  EXPECT_EQ(client.sent() + client.dropped(), lines);
}

TEST(ApplicationClient, FindsASocketThatComesLater) {
  const Folder folder;
  Client client("unixgram://" + folder.socket(), milliseconds(1));
  EXPECT_TRUE(client.error());
  const Counter counter(client, "hits");
  counter.add();
  while (client.dropped() == 0) std::this_thread::yield();
  const Receiver receiver(folder.socket());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (client.sent() == 0 && std::chrono::steady_clock::now() < deadline) {
    counter.add();
    client.flush();
    std::this_thread::yield();
  }
  EXPECT_EQ(receiver.next().substr(0, 8), "hits:1|c");
}

TEST(ApplicationClient, SaysWhichAddressesAreNone) {
  for (const char* address : {"", "127.0.0.1:8125", "udp://", "udp://127.0.0.1", "udp://127.0.0.1:0", "udp://127.0.0.1:70000",
                              "udp://some.name:8125", "udp://::1:8125", "unixgram://relative", "tcp://127.0.0.1:8125"}) {
    Client client(address, milliseconds(0));
    EXPECT_EQ(client.error(), std::errc::invalid_argument) << address;
    Counter(client, "x").add();
    client.flush();
    EXPECT_EQ(client.dropped(), 1u);
  }
  EXPECT_FALSE(Client("udp://localhost:8125", milliseconds(0)).error());
}

TEST(ApplicationClient, LosesNoCountOfManyThreads) {
  const Receiver receiver;
  Client client(receiver.address, milliseconds(1));
  constexpr std::size_t threads = 12;  // more than there are buffers
  constexpr std::uint64_t each = 3000;
  std::map<std::string, std::uint64_t> seen;
  std::uint64_t received = 0;
  std::vector<std::thread> senders;
  for (std::size_t i = 0; i < threads; ++i) {
    senders.emplace_back([&client, i] {
      const Counter counter(client, "hits", {{"thread", std::to_string(i)}});
      for (std::uint64_t n = 0; n < each; ++n) counter.add();
    });
  }
  const auto take = [&](const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      ++seen[text.substr(at, end - at)];
      ++received;
      at = end + 1;
    }
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (received + client.dropped() < threads * each && std::chrono::steady_clock::now() < deadline) take(receiver.next(MSG_DONTWAIT));
  for (auto& sender : senders) sender.join();
  client.flush();
  take(receiver.next(MSG_DONTWAIT));
  EXPECT_EQ(client.sent() + client.dropped(), threads * each);
  ASSERT_EQ(seen.size(), threads) << "each line is whole";
  for (std::size_t i = 0; i < threads; ++i) EXPECT_EQ(seen.count("hits:1|c|#thread:" + std::to_string(i)), 1u);
}

}  // namespace
}  // namespace sidewatch

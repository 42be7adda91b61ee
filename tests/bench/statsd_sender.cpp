// Sends StatsD lines over UDP as fast as it is told to, for statsd_bench.py.
//
//     statsd_sender PORT SAMPLES SAMPLES_PER_DATAGRAM SAMPLES_PER_SECOND plain|tagged
//
// SAMPLES_PER_SECOND 0 means without pause. The datagrams are made before the first is sent, and neighbours of one length
// are given to the kernel in one call, which takes them apart (UDP_SEGMENT, udp(7)): each arrives as a datagram of its own,
// and on a machine of two cores one is enough to send. Says on stdout what went out, as JSON.
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t templates = 256;  // different datagrams
constexpr std::size_t most_segments = 64;   // that a kernel takes in one call (UDP_MAX_SEGMENTS)
constexpr std::size_t most_bytes = 60'000;
constexpr auto shortest_sleep = std::chrono::microseconds(60);

// What a service counts: 50 names of each kind, in turn. Half are counters, and a quarter each are timings and gauges.
std::string line_of(std::size_t number, bool tagged) {
  const std::string part = std::to_string(number / 4 % 50);
  const std::string tags = tagged ? "|#route:/cart/" + part + ",method:get" : "";
  switch (number % 4) {
    case 0: return "shop.orders." + part + ":1|c" + tags;
    case 1: return "shop.took." + part + ":" + std::to_string(1 + number % 97) + ".5|ms" + tags;
    case 2: return "shop.requests." + part + ":3|c" + tags;
    default: return "shop.depth." + part + ":" + std::to_string(number % 1000) + "|g" + tags;
  }
}

std::vector<std::string> make_datagrams(std::size_t samples_each, bool tagged) {
  std::vector<std::string> datagrams(templates);
  std::size_t number = 0;
  for (auto& datagram : datagrams) {
    for (std::size_t i = 0; i < samples_each; ++i) datagram += (i == 0 ? "" : "\n") + line_of(number++, tagged);
  }
  std::stable_sort(datagrams.begin(), datagrams.end(),
                   [](const std::string& one, const std::string& other) { return one.size() < other.size(); });
  return datagrams;
}

int connected_socket(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("statsd_sender");
    std::exit(1);
  }
  return fd;
}

// How many datagrams of those from `first` on went out.
std::size_t send_some(int fd, std::vector<std::string>& datagrams, std::size_t first, std::size_t most) {
  const std::size_t bytes = datagrams[first % templates].size();
  std::array<iovec, most_segments> vectors{};
  std::size_t count = 0;
  for (; count < std::min({most, most_segments, std::max<std::size_t>(1, most_bytes / bytes)}); ++count) {
    std::string& datagram = datagrams[(first + count) % templates];
    if (datagram.size() != bytes) break;
    vectors[count] = {datagram.data(), datagram.size()};
  }
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto segment = static_cast<std::uint16_t>(bytes);
  std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
  if (sendmsg(fd, &message, 0) >= 0) return count;
  if (errno == EINTR || errno == ENOBUFS || errno == EAGAIN) return 0;
  std::perror("statsd_sender");
  std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 6) {
    std::fprintf(stderr, "statsd_sender PORT SAMPLES SAMPLES_PER_DATAGRAM SAMPLES_PER_SECOND plain|tagged\n");
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
  const auto samples = static_cast<std::size_t>(std::atoll(arguments[2]));
  const auto samples_each = static_cast<std::size_t>(std::max(1, std::atoi(arguments[3])));
  const double per_second = std::atof(arguments[4]);
  auto datagrams = make_datagrams(samples_each, std::strcmp(arguments[5], "tagged") == 0);
  const int fd = connected_socket(port);
  const std::size_t wanted = samples / samples_each;
  const auto began = Steady::now();
  std::size_t sent = 0;
  while (sent < wanted) {
    sent += send_some(fd, datagrams, sent, wanted - sent);
    if (per_second <= 0) continue;
    const auto due = began + std::chrono::duration_cast<Steady::duration>(
                                 std::chrono::duration<double>(static_cast<double>(sent * samples_each) / per_second));
    if (due - Steady::now() > shortest_sleep) std::this_thread::sleep_until(due);
  }
  const double seconds = std::chrono::duration<double>(Steady::now() - began).count();
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  std::printf("{\"samples\": %zu, \"datagrams\": %zu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"bytes_each\": %zu}\n",
              sent * samples_each, sent, seconds, static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9,
              datagrams.front().size());
  close(fd);
  return 0;
}

#include "collectors/probe/icmp_check.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/crypto.h"
#include "collectors/probe/tcp_check.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr Metric duration_metric{"probe_icmp_duration_seconds", MetricType::gauge, "seconds",
                                 "Time of each phase of an ICMP check: resolve, setup, rtt (the average round trip)."};
constexpr Metric rtt_metric{"probe_icmp_rtt_seconds", MetricType::gauge, "seconds",
                            "Round trips of the last run: the label stat is min, avg or max."};
constexpr Metric loss_metric{"probe_icmp_loss_ratio", MetricType::gauge, "ratio",
                             "Share of the packets that had no reply."};
constexpr Metric sent_metric{"probe_icmp_packets_sent", MetricType::gauge, "", "Echo requests that the last run sent."};
constexpr Metric hop_limit_metric{"probe_icmp_reply_hop_limit", MetricType::gauge, "",
                                  "TTL, or hop limit, of the last reply."};

constexpr std::size_t header_bytes = 8;
constexpr std::size_t token_bytes = 16;
constexpr unsigned char echo_request_v4 = 8, echo_reply_v4 = 0, echo_request_v6 = 128, echo_reply_v6 = 129;
constexpr std::size_t most_reply_bytes = 2048;
constexpr auto pause_after_error = 5ms;     // one that stays would be told again at once
constexpr std::size_t most_strangers = 64;  // that are read in one go: others wait for the thread as well

std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    sum += i % 2 == 0 ? static_cast<std::uint32_t>(byte) << 8 : byte;
  }
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void put_u16(std::string& bytes, std::size_t at, std::uint16_t number) {
  bytes[at] = static_cast<char>(number >> 8);
  bytes[at + 1] = static_cast<char>(number & 0xFF);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

// One socket for one run, and how its packets are known again.
struct PingSocket {
  Socket socket;
  bool raw = false;
  bool ipv6 = false;
  std::uint16_t id = 0;  // a ping socket's is the kernel's
  std::string token;     // in each payload: raw sockets hear the replies to everybody
};

// What came, and the hop limit that it came with.
struct Received {
  ssize_t count = -1;
  std::optional<int> hop_limit;
};

Received receive(const PingSocket& ping, std::array<char, most_reply_bytes>& bytes) {
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, 128> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  Received received;
  received.count = recvmsg(ping.socket.get(), &message, 0);
  if (received.count < 0) return received;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    const bool v4 = one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_TTL;
    const bool v6 = one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_HOPLIMIT;
    if (!v4 && !v6) continue;
    int value = 0;
    std::memcpy(&value, CMSG_DATA(one), sizeof value);
    received.hop_limit = value;
  }
  return received;
}

std::optional<Trouble> open_socket(const Address& address, PingSocket& ping) {
  ping.ipv6 = address.family() == AF_INET6;
  const int protocol = ping.ipv6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  ping.socket = Socket(::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!ping.socket) {
    ping.socket = Socket(::socket(address.family(), SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    ping.raw = true;
  }
  if (!ping.socket && (errno == EPERM || errno == EACCES)) {
    return Trouble{
        Reason::permission,
        "the agent may not send pings: allow it with `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"`, or "
        "give it CAP_NET_RAW"};
  }
  if (!ping.socket) return Trouble{Reason::internal, std::string("no socket for ICMP: ") + std::strerror(errno)};
  const int on = 1;
  if (ping.ipv6) {
    setsockopt(ping.socket.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
  } else {
    setsockopt(ping.socket.get(), IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
  }
  ping.token = random_bytes(token_bytes);
  ping.id = u16_at(ping.token, 0);
  if (::connect(ping.socket.get(), address.get(), address.size) != 0) {
    return Trouble{Reason::connect, "no way to " + address.text() + ": " + std::strerror(errno)};
  }
  return std::nullopt;
}

class IcmpCheck final : public Check {
 public:
  explicit IcmpCheck(std::shared_ptr<const IcmpCheckConfig> config) : config_(std::move(config)) {}

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    Verdict verdict;
    auto pinging = ping_all(surroundings, until, verdict);
    const auto trouble = co_await pinging;
    if (trouble) verdict.fail(trouble->reason, trouble->text);
    co_return verdict;
  }

 private:
  using Outcome = Task<std::optional<Trouble>>;

  // One packet of the run: when it was sent, and how long its reply took.
  struct Packet {
    TimePoint sent;
    std::optional<double> seconds;
    bool is_out = true;  // false: it could not even be sent
  };

  Outcome ping_all(Surroundings& surroundings, TimePoint until, Verdict& verdict) {
    auto begin = steady_clock::now();
    std::vector<Address> addresses;
    auto resolving = resolve(surroundings, config_->place, config_->family, until, addresses, verdict);
    auto trouble = co_await resolving;
    verdict.add(duration_metric, seconds_since(begin), Labels{{"phase", "resolve"}});
    if (trouble) co_return trouble;
    begin = steady_clock::now();
    PingSocket ping;
    trouble = open_socket(addresses[0], ping);
    verdict.add(duration_metric, seconds_since(begin), Labels{{"phase", "setup"}});
    verdict.add(ip_protocol_metric, addresses[0].family() == AF_INET ? 4 : 6);
    if (trouble && trouble->reason == Reason::connect) tell_packets({}, verdict);
    if (trouble) co_return trouble;

    std::vector<Packet> packets;
    std::optional<int> hop_limit;
    std::size_t replies = 0;
    int error = 0;  // the last that the network told: the packet that it is about is lost, the others may come
    const auto wanted = static_cast<std::size_t>(config_->packets);
    // Every packet has its share of the time, so that the last one's reply can come as well.
    const auto spacing =
        std::min<steady_clock::duration>(config_->spacing, (until - steady_clock::now()) / (config_->packets + 1));
    auto next = steady_clock::now();
    std::size_t unsent = 0;
    while (replies + unsent < wanted && (packets.size() < wanted || steady_clock::now() < until)) {
      const auto now = steady_clock::now();
      if (packets.size() < wanted && now >= next) {
        send_one(ping, packets, error);
        unsent += packets.back().is_out ? 0 : 1;
        next = now + spacing;
      }
      const auto wake = packets.size() < wanted ? std::min(next, until) : until;
      const bool readable = co_await surroundings.loop.readable(ping.socket.get(), wake);
      const int before = std::exchange(error, 0);
      if (readable) take_replies(ping, packets, replies, hop_limit, error);
      if (error != 0) co_await surroundings.loop.until(steady_clock::now() + pause_after_error);
      if (error == 0) error = before;
      if (steady_clock::now() >= until) break;
    }
    if (hop_limit) verdict.add(hop_limit_metric, *hop_limit);
    co_return judge_packets(packets, addresses[0], error, verdict);
  }

  // What cannot be sent counts as lost.
  void send_one(const PingSocket& ping, std::vector<Packet>& packets, int& error) const {
    std::string payload = ping.token;
    payload.resize(std::max(payload.size(), static_cast<std::size_t>(config_->payload)), '.');
    const auto bytes = encode_echo(ping.ipv6, ping.id, static_cast<std::uint16_t>(packets.size()), payload);
    packets.push_back({steady_clock::now(), std::nullopt});
    // The socket may tell first what became of an earlier packet; then this one has not been sent yet.
    for (int tries = 0; tries < 2; ++tries) {
      if (::send(ping.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0) return;
      if (errno != EAGAIN && errno != ENOBUFS) error = errno;
    }
    packets.back().is_out = false;
  }

  // A reply counts once, and only where it answers a packet of this run.
  static void take_replies(const PingSocket& ping, std::vector<Packet>& packets, std::size_t& replies,
                           std::optional<int>& hop_limit, int& error) {
    std::array<char, most_reply_bytes> bytes{};
    for (std::size_t strangers = 0; strangers < most_strangers;) {
      const auto received = receive(ping, bytes);
      if (received.count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (received.count < 0) {
        error = errno;
        return;
      }
      const auto reply = decode_echo_reply({bytes.data(), static_cast<std::size_t>(received.count)}, ping.ipv6,
                                           ping.raw && !ping.ipv6);
      const bool ours = reply && reply->payload.starts_with(ping.token) && reply->sequence < packets.size();
      if (!ours || packets[reply->sequence].seconds) {
        ++strangers;
        continue;
      }
      auto& packet = packets[reply->sequence];
      packet.seconds = seconds_since(packet.sent);
      replies += 1;
      hop_limit = received.hop_limit;
    }
  }

  // The share that is lost: all, where none could be sent.
  static double tell_packets(const std::vector<Packet>& packets, Verdict& verdict) {
    double least = 0;
    double most = 0;
    double sum = 0;
    std::size_t came = 0;
    for (const auto& packet : packets) {
      if (!packet.seconds) continue;
      least = came == 0 ? *packet.seconds : std::min(least, *packet.seconds);
      most = std::max(most, *packet.seconds);
      sum += *packet.seconds;
      came += 1;
    }
    const double loss = packets.empty() ? 1 : 1 - static_cast<double>(came) / static_cast<double>(packets.size());
    verdict.add(sent_metric, static_cast<double>(packets.size()));
    verdict.add(loss_metric, loss);
    if (came == 0) return 1;
    const double average = sum / static_cast<double>(came);
    verdict.add(duration_metric, average, Labels{{"phase", "rtt"}});
    verdict.add(rtt_metric, least, Labels{{"stat", "min"}});
    verdict.add(rtt_metric, average, Labels{{"stat", "avg"}});
    verdict.add(rtt_metric, most, Labels{{"stat", "max"}});
    return loss;
  }

  std::optional<Trouble> judge_packets(const std::vector<Packet>& packets, const Address& address, int error,
                                       Verdict& verdict) const {
    const double loss = tell_packets(packets, verdict);
    if (loss < 1 && loss * 100 <= config_->max_loss) return std::nullopt;
    const auto lost = std::count_if(packets.begin(), packets.end(), [](const Packet& one) { return !one.seconds; });
    if (static_cast<std::size_t>(lost) < packets.size()) {
      return Trouble{Reason::lost, "replies to " + std::to_string(lost) + " of " + std::to_string(packets.size()) +
                                       " packets to " + address.text() + " are missing"};
    }
    if (error == 0) return Trouble{Reason::timeout, "no reply from " + address.text() + " in time"};
    return Trouble{Reason::connect, "no ping to " + address.text() + ": " + std::strerror(error)};
  }

  const std::shared_ptr<const IcmpCheckConfig> config_;
};

}  // namespace

std::string encode_echo(bool ipv6, std::uint16_t id, std::uint16_t sequence, std::string_view payload) {
  std::string bytes(header_bytes, '\0');
  bytes[0] = static_cast<char>(ipv6 ? echo_request_v6 : echo_request_v4);
  put_u16(bytes, 4, id);
  put_u16(bytes, 6, sequence);
  bytes += payload;
  if (!ipv6) put_u16(bytes, 2, checksum(bytes));
  return bytes;
}

std::optional<EchoReply> decode_echo_reply(std::string_view bytes, bool ipv6, bool raw_ipv4) {
  if (raw_ipv4) {
    if (bytes.empty()) return std::nullopt;
    const std::size_t ip_header = (static_cast<unsigned char>(bytes[0]) & 0x0Fu) * 4u;
    if (ip_header < 20 || bytes.size() < ip_header) return std::nullopt;
    bytes.remove_prefix(ip_header);
  }
  if (bytes.size() < header_bytes) return std::nullopt;
  if (static_cast<unsigned char>(bytes[0]) != (ipv6 ? echo_reply_v6 : echo_reply_v4) || bytes[1] != 0)
    return std::nullopt;
  return EchoReply{u16_at(bytes, 4), u16_at(bytes, 6), bytes.substr(header_bytes)};
}

void declare(config::Section& section, IcmpCheckConfig& config) {
  section.required("host", config.host, "a name or an address");
  section.choice("ip_protocol", config.family, {{"any", Family::any}, {"ip4", Family::ipv4}, {"ip6", Family::ipv6}},
                 "the addresses of the host that are tried");
  section.optional("packets", config.packets, "how many are sent in each run", config::between(1, 20));
  section.optional("spacing", config.spacing, "the time between two of them", config::between(10ms, 10s));
  section.optional("payload", config.payload, "bytes in each", config::between(16, 1400));
  section.optional("max_loss", config.max_loss, "percent of the packets that may be lost", config::between(0.0, 100.0));
  config.place.host = config.host.value;
  declare_link_local(section, "host", config.place);
  require_ascii(section, "host", config.place.host);
  if (section.describing() || !section.has("host")) return;
  if (config.host.value.empty() || config.host.value.find_first_of(" /?#@[]") != std::string::npos) {
    section.problem("host", "'" + config.host.value + "' is not a host: write shop.example, 192.0.2.1 or 2001:db8::1");
  }
}

std::string fingerprint_of(const IcmpCheckConfig& config) {
  return config.host.value + '\n' + std::to_string(static_cast<int>(config.family)) +
         (config.place.allow_link_local ? "\n+\n" : "\n-\n") +
         std::to_string(config.packets) + '\n' + std::to_string(config.spacing.count()) + '\n' +
         std::to_string(config.payload) + '\n' + std::to_string(config.max_loss);
}

std::unique_ptr<Check> make_check(std::shared_ptr<const IcmpCheckConfig> config) {
  return std::make_unique<IcmpCheck>(std::move(config));
}

std::vector<Metric> icmp_check_metrics() {
  return {duration_metric, rtt_metric, loss_metric, sent_metric, hop_limit_metric};
}

}  // namespace sidewatch::probe

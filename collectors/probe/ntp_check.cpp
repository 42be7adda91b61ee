#include "collectors/probe/ntp_check.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/crypto.h"
#include "collectors/probe/tcp_check.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr int ntp_port = 123;
constexpr std::size_t packet_bytes = 48;
constexpr std::uint32_t seconds_1900_to_1970 = 2'208'988'800u;

constexpr Metric offset_metric{"probe_ntp_offset_seconds", MetricType::gauge, "seconds",
                               "How far the server's clock is ahead of this machine's."};
constexpr Metric delay_metric{"probe_ntp_delay_seconds", MetricType::gauge, "seconds",
                              "Round trip to the server, without the time that it took itself."};
constexpr Metric stratum_metric{"probe_ntp_stratum", MetricType::gauge, "",
                                "How many servers stand between the server and a clock, counting itself."};
constexpr Metric leap_metric{"probe_ntp_leap", MetricType::gauge, "",
                             "Leap indicator: 0 none, 1 or 2 a leap second ahead, 3 the server's clock is not set."};
constexpr Metric root_delay_metric{"probe_ntp_root_delay_seconds", MetricType::gauge, "seconds",
                                   "The server's round trip to the clock it follows."};
constexpr Metric root_dispersion_metric{"probe_ntp_root_dispersion_seconds", MetricType::gauge, "seconds",
                                        "The server's own estimate of its error."};

double wall_seconds() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

std::uint64_t u64_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint64_t>(u32_at(bytes, at)) << 32 | u32_at(bytes, at + 4);
}

// Seconds since 1970. The era after 2036 begins at 0 again (RFC 5905, 6): a small number is of that one.
double time_at(std::string_view bytes, std::size_t at) {
  constexpr double era = 4'294'967'296.0;
  const std::uint32_t whole = u32_at(bytes, at);
  const double seconds = static_cast<double>(whole) + static_cast<double>(u32_at(bytes, at + 4)) / era;
  return seconds - seconds_1900_to_1970 + (whole < 0x80000000u ? era : 0);
}

// 16 bits of seconds, 16 of their fraction.
double short_time_at(std::string_view bytes, std::size_t at) {
  return static_cast<double>(u32_at(bytes, at)) / 65536.0;
}

// What a kiss of death means, of the codes that people meet.
std::string kiss_words(const std::string& code) {
  if (code == "RATE") return "the server is asked too often (RATE): raise the interval";
  if (code == "DENY" || code == "RSTR") return "the server refuses this machine (" + code + ")";
  return "the server sends the kiss of death '" + code + "'";
}

class NtpCheck final : public Check {
 public:
  explicit NtpCheck(std::shared_ptr<const NtpCheckConfig> config) : config_(std::move(config)) {}

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    Verdict verdict;
    auto asking = ask(surroundings, until, verdict);
    const auto trouble = co_await asking;
    if (trouble) verdict.fail(trouble->reason, "time server " + config_->place.text() + ": " + trouble->text);
    co_return verdict;
  }

 private:
  using Outcome = Task<std::optional<Trouble>>;

  Outcome ask(Surroundings& surroundings, TimePoint until, Verdict& verdict) {
    std::vector<Address> addresses;
    auto resolving = resolve(surroundings, config_->place, config_->family, until, addresses, verdict);
    const auto trouble = co_await resolving;
    if (trouble) co_return trouble;
    const Address& address = addresses[0];
    verdict.add(ip_protocol_metric, address.family() == AF_INET ? 4 : 6);
    std::uint64_t cookie = 0;
    const Socket socket(::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) co_return Trouble{Reason::internal, std::string("no socket: ") + std::strerror(errno)};
    std::memcpy(&cookie, random_bytes(sizeof cookie).data(), sizeof cookie);
    const auto request = encode_ntp_request(cookie);
    const bool connected = ::connect(socket.get(), address.get(), address.size) == 0;
    const double sent = wall_seconds();
    if (!connected || ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
      co_return Trouble{Reason::connect, std::strerror(errno)};
    }
    while (true) {
      const bool readable = co_await surroundings.loop.readable(socket.get(), until);
      if (!readable) co_return timed_out("no answer came");
      const double arrived = wall_seconds();
      std::array<char, 512> bytes{};
      const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count < 0) co_return Trouble{Reason::connect, std::string("nobody answers: ") + std::strerror(errno)};
      const auto answer = decode_ntp_answer({bytes.data(), static_cast<std::size_t>(count)}, cookie, sent, arrived);
      if (answer) co_return judge_answer(*answer, verdict);
    }
  }

  std::optional<Trouble> judge_answer(const NtpAnswer& answer, Verdict& verdict) const {
    verdict.add(stratum_metric, answer.stratum);
    verdict.add(leap_metric, answer.leap);
    if (answer.stratum == 0) return Trouble{Reason::answer, kiss_words(answer.reference)};
    verdict.add(offset_metric, answer.offset);
    verdict.add(delay_metric, answer.delay);
    verdict.add(root_delay_metric, answer.root_delay);
    verdict.add(root_dispersion_metric, answer.root_dispersion);
    if (answer.leap == 3) return Trouble{Reason::answer, "the server says that its own clock is not set"};
    if (answer.stratum > config_->max_stratum) {
      return Trouble{Reason::answer, "its stratum is " + std::to_string(answer.stratum) + ", more than " +
                                         std::to_string(config_->max_stratum)};
    }
    if (std::abs(answer.offset) <= to_seconds(config_->max_offset)) return std::nullopt;
    return Trouble{Reason::offset, "this machine's clock is more than " + std::to_string(config_->max_offset.count()) +
                                       " ms " + (answer.offset > 0 ? "behind" : "ahead of") + " the server's"};
  }

  const std::shared_ptr<const NtpCheckConfig> config_;
};

}  // namespace

std::string encode_ntp_request(std::uint64_t cookie) {
  std::string packet(packet_bytes, '\0');
  packet[0] = 0x23;  // no leap second, version 4, client
  for (std::size_t i = 0; i < 8; ++i) packet[40 + i] = static_cast<char>(cookie >> (56 - 8 * i) & 0xFF);
  return packet;
}

Result<NtpAnswer> decode_ntp_answer(std::string_view bytes, std::uint64_t cookie, double sent, double arrived) {
  constexpr int server_mode = 4;
  if (bytes.size() < packet_bytes) return Error{"what came is shorter than an NTP packet", ""};
  const auto first = static_cast<unsigned char>(bytes[0]);
  if ((first & 7) != server_mode) return Error{"what came is not a server's answer", ""};
  if (u64_at(bytes, 24) != cookie) return Error{"what came answers another request", ""};
  NtpAnswer answer;
  answer.leap = first >> 6;
  answer.stratum = static_cast<unsigned char>(bytes[1]);
  if (answer.stratum < 2) {
    for (const char c : bytes.substr(12, 4)) {
      if (c > 0x20 && c < 0x7f) answer.reference += c;
    }
  }
  answer.root_delay = short_time_at(bytes, 4);
  answer.root_dispersion = short_time_at(bytes, 8);
  const double received = time_at(bytes, 32);
  const double transmitted = time_at(bytes, 40);
  answer.offset = ((received - sent) + (transmitted - arrived)) / 2;
  answer.delay = (arrived - sent) - (transmitted - received);
  return answer;
}

void declare(config::Section& section, NtpCheckConfig& config) {
  section.required("server", config.server, "a time server, such as ntp.example or 192.0.2.1:123");
  declare_family(section, config.family);
  section.optional("max_offset", config.max_offset, "this machine's clock may be off by so much",
                   config::between(1ms, 24h));
  section.optional("max_stratum", config.max_stratum, "of the server; 16 stands for one that follows no clock",
                   config::between(1, 16));
  const auto place = parse_place(config.server.value, ntp_port);
  if (place) config.place = *place;
  declare_link_local(section, "server", config.place);
  require_ascii(section, "server", config.place.host);
  if (section.describing() || !section.has("server") || place) return;
  section.problem("server", "'" + config.server.value + "' is not an address: write ntp.example or 192.0.2.1:123");
}

std::string fingerprint_of(const NtpCheckConfig& config) {
  return config.server.value + '\n' + std::to_string(static_cast<int>(config.family)) +
         (config.place.allow_link_local ? "\n+\n" : "\n-\n") +
         std::to_string(config.max_offset.count()) + '\n' + std::to_string(config.max_stratum);
}

std::unique_ptr<Check> make_check(std::shared_ptr<const NtpCheckConfig> config) {
  return std::make_unique<NtpCheck>(std::move(config));
}

std::vector<Metric> ntp_check_metrics() {
  return {offset_metric, delay_metric, stratum_metric, leap_metric, root_delay_metric, root_dispersion_metric};
}

}  // namespace sidewatch::probe

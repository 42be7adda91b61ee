// DNS, NTP and ICMP against servers that answer as the test says.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <ctime>
#include <functional>
#include <thread>

#include "collectors/probe/dns_message.h"
#include "tests/collectors/probe/run_check.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

// Answers each datagram with those that the test makes of it, until it is gone.
class DatagramServer {
 public:
  using Answers = std::function<std::vector<std::string>(const std::string& request)>;

  explicit DatagramServer(Answers answers) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answers = std::move(answers)] { serve(answers); });
  }
  ~DatagramServer() {
    ending_ = true;
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  std::string place() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }

 private:
  void serve(const Answers& answers) const {
    while (!ending_) {
      char bytes[2048];
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const auto count = recvfrom(fd_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (count <= 0 || ending_) return;
      for (const auto& answer : answers({bytes, static_cast<std::size_t>(count)})) {
        sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      }
    }
  }
  int fd_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

std::string dns_answer(std::string request, int rcode, int addresses) {
  request[2] = static_cast<char>(0x81);
  request[3] = static_cast<char>(0x80 | rcode);
  request[7] = static_cast<char>(addresses);
  for (int i = 0; i < addresses; ++i) {
    request +=
        std::string("\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x3C\x00\x04\xC0\x00\x02", 15) + static_cast<char>(i + 1);
  }
  return request;
}

std::string dns_entry(const DatagramServer& server, const std::string& more = "") {
  return "{name: a, dns: {query_name: shop.example, server: '" + server.place() + "'" +
         (more.empty() ? "" : ", " + more) + "}}";
}

TEST(DnsCheck, CountsWhatTheNameServerAnswers) {
  DatagramServer server([](const std::string& request) { return std::vector{dns_answer(request, 0, 2)}; });
  const auto verdict = run_entry(dns_entry(server, "expect: {answers_match: ['^192\\.0\\.2\\.2$'], min_answers: 2}"));
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(fact(verdict, "probe_dns_answer_rrs"), 2);
  EXPECT_EQ(fact(verdict, "probe_dns_query_succeeded"), 1);
  EXPECT_EQ(fact(verdict, "probe_dns_rcode"), 0);
  EXPECT_GT(fact(verdict, "probe_dns_duration_seconds", Labels{{"phase", "request"}}), 0);
}

TEST(DnsCheck, SaysWhatIsNotAsExpected) {
  DatagramServer server([](const std::string& request) { return std::vector{dns_answer(request, 0, 1)}; });
  EXPECT_EQ(why(run_entry(dns_entry(server, "expect: {answers_match: ['^203']}"))),
            "A of shop.example: no record matches '^203'");
  EXPECT_EQ(why(run_entry(dns_entry(server, "expect: {answers_not_match: ['^192']}"))),
            "A of shop.example: a record matches '^192'");
  EXPECT_EQ(why(run_entry(dns_entry(server, "expect: {min_answers: 2}"))),
            "A of shop.example: 1 records, fewer than 2");
}

TEST(DnsCheck, TellsANameThatThereIsNotFromOneThatIsToBeMissing) {
  DatagramServer server([](const std::string& request) { return std::vector{dns_answer(request, 3, 0)}; });
  const auto missing = run_entry(dns_entry(server));
  EXPECT_EQ(why(missing), "A of shop.example: the name server answers NXDOMAIN");
  EXPECT_EQ(reason(missing), "status");
  EXPECT_EQ(why(run_entry(dns_entry(server, "expect: {rcode: NXDOMAIN}"))), "");
}

TEST(DnsCheck, BelievesNobodyWhoAnswersAnotherQuestion) {
  DatagramServer server([](const std::string& request) {
    std::string other_id = dns_answer(request, 0, 1);
    other_id[0] = static_cast<char>(other_id[0] + 1);
    std::string other_name = dns_answer(request, 0, 1);
    other_name[13] = 'x';
    return std::vector<std::string>{"", "nonsense", other_id, other_name, dns_answer(request, 0, 2)};
  });
  EXPECT_EQ(fact(run_entry(dns_entry(server)), "probe_dns_answer_rrs"), 2);
}

TEST(DnsCheck, IsOverInTimeWhereNobodyAnswers) {
  DatagramServer server([](const std::string&) { return std::vector<std::string>{}; });
  const auto verdict = run_entry(dns_entry(server), 200ms);
  EXPECT_EQ(reason(verdict), "timeout");
  EXPECT_EQ(fact(verdict, "probe_dns_query_succeeded"), 0);
}

TEST(DnsCheck, FindsTheMachinesNameServer) {
  EXPECT_EQ(first_name_server("# comment\nsearch a\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n"), "192.0.2.53");
  EXPECT_EQ(first_name_server("search nameserver\n"), std::nullopt);
}

// An answer of a server whose clock is `ahead` seconds ahead.
std::string ntp_answer(const std::string& request, double ahead, int stratum = 2, int leap = 0) {
  std::string packet(48, '\0');
  packet[0] = static_cast<char>(leap << 6 | 4 << 3 | 4);
  packet[1] = static_cast<char>(stratum);
  std::memcpy(packet.data() + 12, stratum == 0 ? "RATE" : "GPS", stratum == 0 ? 4 : 3);
  std::memcpy(packet.data() + 24, request.data() + 40, 8);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const double seconds =
      static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 + ahead + 2'208'988'800.0;
  const auto whole = static_cast<std::uint32_t>(static_cast<std::uint64_t>(seconds));
  const auto fraction = static_cast<std::uint32_t>((seconds - std::floor(seconds)) * 4'294'967'296.0);
  for (const std::size_t at : {32, 40}) {
    for (std::size_t i = 0; i < 4; ++i) {
      packet[at + i] = static_cast<char>(whole >> (24 - 8 * i) & 0xFF);
      packet[at + 4 + i] = static_cast<char>(fraction >> (24 - 8 * i) & 0xFF);
    }
  }
  return packet;
}
std::string ntp_entry(const DatagramServer& server, const std::string& more = "") {
  return "{name: a, ntp: {server: '" + server.place() + "'" + (more.empty() ? "" : ", " + more) + "}}";
}

TEST(NtpCheck, TellsHowFarTheClockIsOff) {
  DatagramServer server([](const std::string& request) { return std::vector{ntp_answer(request, 0.25)}; });
  const auto verdict = run_entry(ntp_entry(server));
  EXPECT_EQ(why(verdict), "");
  EXPECT_NEAR(fact(verdict, "probe_ntp_offset_seconds").value_or(9), 0.25, 0.2);
  EXPECT_GE(fact(verdict, "probe_ntp_delay_seconds").value_or(-1), -1e-6);
  EXPECT_EQ(fact(verdict, "probe_ntp_stratum"), 2);
}

TEST(NtpCheck, FailsWhereTheClockIsTooFarOff) {
  DatagramServer server([](const std::string& request) { return std::vector{ntp_answer(request, -100)}; });
  const auto verdict = run_entry(ntp_entry(server, "max_offset: 1s"));
  EXPECT_EQ(why(verdict),
            "time server " + server.place() + ": this machine's clock is more than 1000 ms ahead of the server's");
  EXPECT_EQ(reason(verdict), "offset");
}

TEST(NtpCheck, UnderstandsAKissOfDeathAndAClockThatIsNotSet) {
  DatagramServer kiss([](const std::string& request) { return std::vector{ntp_answer(request, 0, 0)}; });
  EXPECT_EQ(why(run_entry(ntp_entry(kiss))),
            "time server " + kiss.place() + ": the server is asked too often (RATE): raise the interval");
  DatagramServer unset([](const std::string& request) { return std::vector{ntp_answer(request, 0, 16, 3)}; });
  EXPECT_EQ(why(run_entry(ntp_entry(unset))),
            "time server " + unset.place() + ": the server says that its own clock is not set");
}

TEST(NtpCheck, BelievesNobodyWhoDoesNotRepeatItsRandomNumber) {
  DatagramServer server([](const std::string& request) {
    std::string forged = ntp_answer(request, 1000);
    forged[24] = static_cast<char>(forged[24] + 1);
    return std::vector<std::string>{"x", forged, ntp_answer(request, 0)};
  });
  EXPECT_EQ(why(run_entry(ntp_entry(server))), "");
}

TEST(NtpCheck, KnowsTheEraAfter2036) {
  std::string packet(48, '\0');
  packet[0] = 0x24;
  packet[1] = 1;
  packet[35] = packet[43] = 10;  // ten seconds after the counter began anew
  const double began_anew = 4'294'967'296.0 - 2'208'988'800.0;
  const auto answer = decode_ntp_answer(packet, 0, began_anew + 9, began_anew + 9);
  ASSERT_TRUE(answer);
  EXPECT_DOUBLE_EQ(answer->offset, 1);
}

TEST(IcmpCheck, CountsRepliesAndTheirTime) {
  const auto verdict = run_entry("{name: a, icmp: {host: 127.0.0.1, packets: 3, spacing: 10ms}}");
  ASSERT_EQ(why(verdict), "") << "this test needs the right to send pings";
  EXPECT_EQ(fact(verdict, "probe_icmp_packets_sent"), 3);
  EXPECT_EQ(fact(verdict, "probe_icmp_loss_ratio"), 0);
  EXPECT_EQ(fact(verdict, "probe_ip_protocol"), 4);
  const auto least = fact(verdict, "probe_icmp_rtt_seconds", Labels{{"stat", "min"}});
  const auto most = fact(verdict, "probe_icmp_rtt_seconds", Labels{{"stat", "max"}});
  ASSERT_TRUE(least && most);
  EXPECT_GT(*least, 0);
  EXPECT_LE(*least, *most);
  EXPECT_EQ(fact(verdict, "probe_icmp_reply_hop_limit"), 64);
}

TEST(DnsCheck, GivesAServerUpThatFloodsItWithWhatWasNotAskedFor) {
  DatagramServer server([](const std::string& request) {
    std::string other = dns_answer(request, 0, 1);
    other[0] = static_cast<char>(other[0] + 1);
    return std::vector<std::string>(40, other);
  });
  const auto begin = steady_clock::now();
  const auto verdict = run_entry(dns_entry(server), 1h);
  EXPECT_EQ(reason(verdict), "protocol");
  EXPECT_EQ(why(verdict),
            "name server " + server.place() + ": it sends what was not asked for, and no answer");
  EXPECT_LT(steady_clock::now() - begin, 30min);
}

TEST(DnsCheck, FindsTheAnswerAmongAFewThatAreNot) {
  DatagramServer server([](const std::string& request) {
    std::string other = dns_answer(request, 0, 1);
    other[0] = static_cast<char>(other[0] + 1);
    std::vector<std::string> all(32, other);
    all.push_back(dns_answer(request, 0, 2));
    return all;
  });
  EXPECT_EQ(fact(run_entry(dns_entry(server)), "probe_dns_answer_rrs"), 2);
}

TEST(IcmpCheck, TellsThatAllIsLostWhereThereIsNoWay) {
  const auto verdict = run_entry("{name: a, icmp: {host: 255.255.255.255, packets: 2, spacing: 10ms}}", 500ms);
  EXPECT_EQ(reason(verdict), "connect");
  EXPECT_EQ(fact(verdict, "probe_icmp_loss_ratio"), 1);
}

TEST(IcmpCheck, TakesOnlyWholeEchoReplies) {
  const std::string reply = std::string("\x00\x00\x12\x34\x00\x07\x00\x02", 8) + "token";
  const auto read = decode_echo_reply(reply, false, false);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, 7);
  EXPECT_EQ(read->sequence, 2);
  EXPECT_EQ(read->payload, "token");
  EXPECT_TRUE(decode_echo_reply("\x45" + std::string(19, 'i') + reply, false, true));
  EXPECT_FALSE(decode_echo_reply(reply.substr(0, 7), false, false));
  EXPECT_FALSE(decode_echo_reply("\x08" + reply.substr(1), false, false));
  EXPECT_FALSE(decode_echo_reply(reply, true, false));
  EXPECT_FALSE(decode_echo_reply("", false, true));
  EXPECT_FALSE(decode_echo_reply("\x4f", false, true));
}

TEST(IcmpCheck, SumsARequestUpAsRfc1071Has) {
  const auto request = encode_echo(false, 1, 2, "abc");
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < request.size(); ++i) {
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(request[i])) << (i % 2 == 0 ? 8 : 0);
  }
  EXPECT_EQ((sum & 0xFFFF) + (sum >> 16), 0xFFFFu);
}

}  // namespace
}  // namespace sidewatch::probe

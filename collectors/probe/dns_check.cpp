#include "collectors/probe/dns_check.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/crypto.h"
#include "collectors/probe/dns_message.h"
#include "collectors/probe/tcp_check.h"

namespace sidewatch::probe {
namespace {

constexpr int dns_port = 53;
constexpr const char* resolv_conf_path = "/etc/resolv.conf";

constexpr Metric duration_metric{"probe_dns_duration_seconds", MetricType::gauge, "seconds",
                                 "Time of each phase of a DNS check: resolve, connect, request."};
constexpr Metric succeeded_metric{"probe_dns_query_succeeded", MetricType::gauge, "",
                                  "1 when the name server answered, whatever it answered."};
constexpr Metric answers_metric{"probe_dns_answer_rrs", MetricType::gauge, "", "Records in the answer section."};
constexpr Metric authorities_metric{"probe_dns_authority_rrs", MetricType::gauge, "",
                                    "Records in the authority section."};
constexpr Metric additionals_metric{"probe_dns_additional_rrs", MetricType::gauge, "",
                                    "Records in the additional section."};
constexpr Metric serial_metric{"probe_dns_serial", MetricType::gauge, "",
                               "Serial number of the zone, of an SOA answer."};
constexpr Metric rcode_metric{"probe_dns_rcode", MetricType::gauge, "",
                              "Response code: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN ..."};

constexpr int max_strangers = 32;  // datagrams that answer something else, before the server is given up

std::uint16_t random_id() {
  std::uint16_t id = 0;
  std::memcpy(&id, random_bytes(sizeof id).data(), sizeof id);
  return id;
}

bool answers(const DnsMessage& message, std::uint16_t id, const DnsQuestion& question) {
  if (!message.is_answer || message.id != id) return false;
  if (!message.question) return message.rcode != 0;  // some refuse without repeating what was asked
  return message.question->type == question.type && same_dns_name(message.question->name, question.name);
}

class DnsCheck final : public Check {
 public:
  explicit DnsCheck(std::shared_ptr<const DnsCheckConfig> config) : config_(std::move(config)) {
    question_ = {config_->query_name.value, config_->type, config_->recursion};
  }

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    Verdict verdict;
    auto asking = ask(surroundings, until, verdict);
    const auto trouble = co_await asking;
    verdict.add(succeeded_metric, trouble ? 0 : 1);
    if (trouble) verdict.fail(trouble->reason, trouble->text);
    if (!trouble) judge_dns_answer(*config_, message_, verdict);
    co_return verdict;
  }

 private:
  using Outcome = Task<std::optional<Trouble>>;

  Outcome ask(Surroundings& surroundings, TimePoint until, Verdict& verdict) {
    Place place = config_->place.value_or(Place{});
    if (!config_->place) {
      auto finding = find_server(surroundings, until, place);
      const auto trouble = co_await finding;
      if (trouble) co_return trouble;
    }
    server_ = place.text();
    auto begin = steady_clock::now();
    const auto tell = [&](const char* phase) {
      const auto now = steady_clock::now();
      verdict.add(duration_metric, std::chrono::duration<double>(now - begin).count(), Labels{{"phase", phase}});
      begin = now;
    };
    std::vector<Address> addresses;
    auto resolving = resolve(surroundings, place, config_->family, until, addresses, verdict);
    auto trouble = co_await resolving;
    tell("resolve");
    if (trouble) co_return trouble;
    const auto id = random_id();
    const auto request = encode_dns_question(id, question_);
    if (!request) co_return Trouble{Reason::internal, request.error().what};
    verdict.add(ip_protocol_metric, addresses[0].family() == AF_INET ? 4 : 6);
    if (!config_->tcp) {
      auto asking = ask_udp(surroundings.loop, addresses[0], *request, id, until);
      trouble = co_await asking;
      tell("request");
      if (trouble || !message_.truncated) co_return trouble;
    }
    Stream stream(surroundings.loop);
    auto connecting = stream.connect(addresses, until);
    trouble = co_await connecting;
    tell("connect");
    if (trouble) co_return about(*trouble);
    auto asking = ask_tcp(stream, *request, id, until);
    trouble = co_await asking;
    if (config_->tcp) tell("request");
    co_return trouble;
  }

  // On another thread: the file may lie anywhere.
  Outcome find_server(Surroundings& surroundings, TimePoint until, Place& place) {
    const auto text = std::make_shared<std::string>();
    std::function<void()> read_file = [text] {
      std::ostringstream content;
      content << std::ifstream(resolv_conf_path).rdbuf();
      *text = content.str();
    };
    auto reading = errand_.run(surroundings.background, surroundings.loop, Work::keys, std::move(read_file), until);
    const auto ended = co_await reading;
    if (ended == Background::Ended::not_begun) co_return Trouble{Reason::not_run, no_thread_words(Work::keys)};
    if (ended != Background::Ended::done) co_return timed_out(std::string(resolv_conf_path) + " is not read");
    const auto server = first_name_server(*text);
    const auto found = server ? parse_place(*server, dns_port) : std::nullopt;
    if (!found) {
      co_return Trouble{Reason::missing,
                        std::string(resolv_conf_path) + " names no name server: give the check a server"};
    }
    place = *found;
    place.allow_link_local = true;  // the machine itself asks it
    co_return std::nullopt;
  }

  // What others send, or what is late from an earlier run, is passed over.
  Outcome ask_udp(EventLoop& loop, const Address& address, const std::string& request, std::uint16_t id,
                  TimePoint until) {
    const Socket socket(::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.get(), address.get(), address.size) != 0 ||
        ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
      co_return about(Trouble{Reason::connect, std::strerror(errno)});
    }
    for (int strangers = 0; strangers <= max_strangers;) {
      const bool readable = co_await loop.readable(socket.get(), until);
      if (!readable) co_return about(timed_out("no answer came"));
      std::vector<char> bytes(65536);
      const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count < 0) co_return about(Trouble{Reason::connect, std::string("nobody answers: ") + std::strerror(errno)});
      const std::string_view answer(bytes.data(), static_cast<std::size_t>(count));
      auto message = has_id(answer, id) ? decode_dns_message(answer) : Result<DnsMessage>(Error{"of another question", ""});
      if (!message || !answers(*message, id, question_)) {
        ++strangers;
        continue;
      }
      message_ = std::move(message).value();
      co_return std::nullopt;
    }
    co_return about(Trouble{Reason::protocol, "it sends what was not asked for, and no answer"});
  }

  // Before the rest is read.
  static bool has_id(std::string_view message, std::uint16_t id) {
    return message.size() >= 2 && static_cast<unsigned char>(message[0]) == id >> 8 &&
           static_cast<unsigned char>(message[1]) == (id & 0xFF);
  }

  Outcome ask_tcp(Stream& stream, const std::string& request, std::uint16_t id, TimePoint until) {
    std::string framed;
    framed += static_cast<char>(request.size() >> 8 & 0xFF);
    framed += static_cast<char>(request.size() & 0xFF);
    auto sending = stream.write(framed + request, until);
    auto trouble = co_await sending;
    if (trouble) co_return about(*trouble);
    const auto& unread = stream.unread();
    const auto wanted = [&] {
      const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(unread[i])); };
      return unread.size() < 2 ? std::size_t{2} : 2 + (byte(0) << 8 | byte(1));
    };
    while (unread.size() < wanted()) {
      auto reading = stream.read(until);
      trouble = co_await reading;
      if (trouble) co_return about(*trouble);
    }
    auto message = decode_dns_message(std::string_view(unread).substr(2, wanted() - 2));
    if (!message) co_return about(Trouble{Reason::protocol, message.error().what});
    if (!answers(*message, id, question_)) co_return about(Trouble{Reason::protocol, "it answers another question"});
    message_ = std::move(message).value();
    co_return std::nullopt;
  }

  Trouble about(Trouble trouble) const { return {trouble.reason, "name server " + server_ + ": " + trouble.text}; }

  const std::shared_ptr<const DnsCheckConfig> config_;
  OwnErrand errand_;
  DnsQuestion question_;
  DnsMessage message_;  // of this run
  std::string server_;
};

}  // namespace

void judge_dns_answer(const DnsCheckConfig& config, const DnsMessage& message, Verdict& verdict) {
  verdict.add(rcode_metric, message.rcode);
  verdict.add(answers_metric, static_cast<double>(message.answers.size()));
  verdict.add(authorities_metric, static_cast<double>(message.authorities.size()));
  verdict.add(additionals_metric, static_cast<double>(message.additionals.size()));
  const auto soa = std::find_if(message.answers.begin(), message.answers.end(),
                                [](const DnsRecord& record) { return dns_type_name(record.type) == "SOA"; });
  if (soa != message.answers.end()) verdict.add(serial_metric, soa->serial);
  const ExpectedDns& expected = config.expect;
  const std::string asked = dns_type_name(config.type) + " of " + config.query_name.value;
  if (message.rcode != expected.rcode_number) {
    verdict.fail(Reason::status, asked + ": the name server answers " + dns_rcode_name(message.rcode));
  }
  const auto of_type = std::count_if(message.answers.begin(), message.answers.end(),
                                     [&](const DnsRecord& record) { return record.type == config.type; });
  const std::int64_t least = expected.min_answers_given ? expected.min_answers : expected.rcode_number == 0 ? 1 : 0;
  if (of_type < least) {
    verdict.fail(Reason::answer,
                 asked + ": " + std::to_string(of_type) + " records, fewer than " + std::to_string(least));
  }
  bool regex = false;
  const auto matches = [&](const Regex& pattern) {
    return std::any_of(message.answers.begin(), message.answers.end(), [&](const DnsRecord& record) {
      return record.type == config.type && pattern.partial_match(record.text);
    });
  };
  for (const auto& pattern : expected.answers_match) {
    if (matches(pattern)) continue;
    regex = true;
    verdict.fail(Reason::answer, asked + ": no record matches '" + pattern.pattern() + "'");
  }
  for (const auto& pattern : expected.answers_not_match) {
    if (!matches(pattern)) continue;
    regex = true;
    verdict.fail(Reason::answer, asked + ": a record matches '" + pattern.pattern() + "'");
  }
  const bool has_regex = !expected.answers_match.empty() || !expected.answers_not_match.empty();
  verdict.add_where(has_regex, failed_due_to_regex_metric, regex ? 1 : 0);
}

std::optional<std::string> first_name_server(std::string_view resolv_conf) {
  std::istringstream lines{std::string(resolv_conf)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::string value;
    if (words >> key >> value && key == "nameserver") return value;
  }
  return std::nullopt;
}

void declare(config::Section& section, ExpectedDns& expected) {
  section.optional("rcode", expected.rcode, "the response code: NOERROR, NXDOMAIN, SERVFAIL, REFUSED ...");
  section.optional(
      "answers_match", expected.answers_match,
      "regular expressions, each of which has to match a record of the type that is asked for, as a zone file "
      "writes it: '^192\\.0\\.2\\.', '^10 mail\\.example\\.$'");
  section.optional("answers_not_match", expected.answers_not_match, "regular expressions that may match none");
  section.optional("min_answers", expected.min_answers,
                   "records of the type that is asked for; 1 when absent, and 0 where rcode is not NOERROR",
                   config::between(0, 500));
  if (section.describing()) return;
  expected.min_answers_given = section.has("min_answers");
  if (const auto number = dns_rcode_of(expected.rcode.value)) {
    expected.rcode_number = *number;
  } else {
    section.problem(
        "rcode", "'" + expected.rcode.value + "' is not a response code: write NOERROR, NXDOMAIN, SERVFAIL or REFUSED");
  }
}

void declare(config::Section& section, DnsCheckConfig& config) {
  section.required("query_name", config.query_name, "the name that is asked for");
  section.optional("query_type", config.query_type, "A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV or TXT");
  section.optional("server", config.server, "the name server, such as 192.0.2.53 or [2001:db8::53]:5353; the first of "
                                            "/etc/resolv.conf when absent");
  section.choice("transport", config.tcp, {{"udp", false}, {"tcp", true}},
                 "udp; what does not fit is asked for again over tcp");
  declare_family(section, config.family);
  Place server;
  if (config.server) server = parse_place(config.server->value, dns_port).value_or(Place{});
  declare_link_local(section, "server", server);
  require_ascii(section, "server", server.host);
  section.optional("recursion", config.recursion, "have the name server ask others");
  section.section("expect", config.expect, "what the answer has to be");
  if (section.describing()) return;
  if (const auto type = dns_type_of(config.query_type.value)) {
    config.type = *type;
  } else {
    section.problem("query_type",
                    "'" + config.query_type.value +
                        "' is not a type that is known: A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV or TXT");
  }
  if (config.server) {
    if (server.host.empty()) {
      section.problem("server",
                      "'" + config.server->value + "' is not an address: write 192.0.2.53 or [2001:db8::53]:5353");
    } else {
      config.place = server;
    }
  }
  require_ascii(section, "query_name", config.query_name.value);
  const auto encoded = encode_dns_question(0, {config.query_name.value, config.type, true});
  if (!encoded) section.problem("query_name", encoded.error().what);
}

std::string fingerprint_of(const DnsCheckConfig& config) {
  std::string text = config.query_name.value + '\n' + config.query_type.value + '\n' +
                     (config.server ? config.server->value : "") + '\n' +
                     std::to_string(static_cast<int>(config.family)) + (config.tcp ? "t" : "u") +
                     (config.place && config.place->allow_link_local ? "l" : "-") + (config.recursion ? "r" : "-") + config.expect.rcode.value +
                     (config.expect.min_answers_given ? std::to_string(config.expect.min_answers) : "");
  for (const auto& one : config.expect.answers_match) text += "\nm" + one.pattern();
  for (const auto& one : config.expect.answers_not_match) text += "\nn" + one.pattern();
  return text;
}

std::unique_ptr<Check> make_check(std::shared_ptr<const DnsCheckConfig> config) {
  return std::make_unique<DnsCheck>(std::move(config));
}

std::vector<Metric> dns_check_metrics() {
  return {duration_metric,    succeeded_metric,   rcode_metric,  answers_metric,
          authorities_metric, additionals_metric, serial_metric};
}

}  // namespace sidewatch::probe

#include "collectors/probe/tcp_check.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/link_local.h"

namespace sidewatch::probe {
namespace {

constexpr std::size_t max_line_bytes = 64 * 1024;   // of what is waited for
constexpr std::size_t max_read_bytes = 1024 * 1024;  // of one conversation

constexpr Metric phase_metric{"probe_tcp_duration_seconds", MetricType::gauge, "seconds",
                              "Time of each phase of a TCP check: resolve, connect, tls, conversation."};

// What is said until TLS may begin. `send` without a line's end is sent as it is.
struct StarttlsTalk {
  std::string_view name;
  struct Step {
    std::string_view expect;
    std::string_view send;
  };
  std::vector<Step> steps;
};

const std::vector<StarttlsTalk>& starttls_talks() {
  static const std::vector<StarttlsTalk> talks{
      {"smtp", {{"^220 ", "EHLO sidewatch\r\n"}, {"^250 ", "STARTTLS\r\n"}, {"^220 ", ""}}},
      {"imap", {{"^\\* OK", "a STARTTLS\r\n"}, {"^a OK", ""}}},
      {"pop3", {{"^\\+OK", "STLS\r\n"}, {"^\\+OK", ""}}},
      {"ftp", {{"^220 ", "AUTH TLS\r\n"}, {"^234 ", ""}}},
  };
  return talks;
}

// SSLRequest of PostgreSQL's protocol: its length, and 80877103; the answer is one byte.
constexpr std::string_view postgres_request{"\x00\x00\x00\x08\x04\xd2\x16\x2f", 8};

bool begins_tls_later(const TcpCheckConfig& config) {
  return std::any_of(config.query_response.begin(), config.query_response.end(),
                     [](const ConversationStep& step) { return step.starttls; });
}

class TcpCheck final : public Check {
 public:
  explicit TcpCheck(std::shared_ptr<const TcpCheckConfig> config) : config_(std::move(config)) {
    for (const auto& talk : starttls_talks()) {
      if (config_->starttls != talk.name) continue;
      for (const auto& [expect, send] : talk.steps) {
        starttls_.push_back({Regex::compile(expect).value(), std::string(send), false, true});
      }
    }
  }

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    Verdict verdict;
    Stream stream(surroundings.loop);
    bool regex = false;
    auto task = talk(surroundings, stream, until, verdict, regex);
    const auto trouble = co_await task;
    verdict.add_where(!config_->query_response.empty(), failed_due_to_regex_metric, regex ? 1 : 0);
    if (trouble) verdict.fail(trouble->reason, config_->address.value + ": " + trouble->text);
    if (stream.family() != 0) verdict.add(ip_protocol_metric, stream.family() == AF_INET ? 4 : 6);
    if (stream.tls() != nullptr) {
      if (const auto peer = stream.tls()->peer()) add_tls_facts(verdict, *peer);
      else if (const auto expiry = stream.tls()->refused_expiry()) add_expiry(verdict, *expiry);
    }
    co_return verdict;
  }

 private:
  using Outcome = Task<std::optional<Trouble>>;

  Outcome talk(Surroundings& surroundings, Stream& stream, TimePoint until, Verdict& verdict, bool& regex) {
    auto begin = steady_clock::now();
    const auto tell = [&](const char* phase) {
      const auto now = steady_clock::now();
      verdict.add(phase_metric, std::chrono::duration<double>(now - begin).count(), Labels{{"phase", phase}});
      begin = now;
    };
    std::vector<Address> addresses;
    auto resolving = resolve(surroundings, config_->place, config_->family, until, addresses, verdict);
    auto trouble = co_await resolving;
    tell("resolve");
    if (trouble) co_return trouble;
    auto connecting = stream.connect(addresses, until);
    trouble = co_await connecting;
    tell("connect");
    if (trouble) co_return trouble;
    if (config_->tls && !begins_tls_later(*config_)) {
      auto securing = secure(surroundings.background, stream, until);
      trouble = co_await securing;
      tell("tls");
      if (trouble) co_return trouble;
    }
    if (config_->query_response.empty()) co_return std::nullopt;
    auto conversing = converse(surroundings.background, stream, config_->query_response, "\n", until, regex);
    trouble = co_await conversing;
    tell("conversation");
    co_return trouble;
  }

  Outcome secure(Background& background, Stream& stream, TimePoint until) {
    if (config_->starttls == "postgres") {
      auto asking = ask_postgres(stream, until);
      const auto trouble = co_await asking;
      if (trouble) co_return trouble;
    } else if (config_->starttls) {
      bool unused = false;
      auto asking = converse(background, stream, starttls_, "", until, unused);
      auto trouble = co_await asking;
      if (trouble) trouble->text = "it does not begin TLS as " + *config_->starttls + " does: " + trouble->text;
      if (trouble) co_return trouble;
    }
    auto handshake = stream.begin_tls(config_->tls->settings(config_->place.host), background, errand_, until);
    auto trouble = co_await handshake;
    co_return trouble;
  }

  static Outcome ask_postgres(Stream& stream, TimePoint until) {
    auto asking = stream.write(std::string(postgres_request), until);
    auto trouble = co_await asking;
    if (trouble) co_return trouble;
    auto reading = stream.read(until);
    trouble = co_await reading;
    if (trouble) co_return trouble;
    const bool willing = stream.unread() == "S";
    stream.unread().clear();
    if (!willing) co_return Trouble{Reason::tls, "the server does not offer TLS"};
    co_return std::nullopt;
  }

  // Lines are read until one matches; `line_end` is added to what is sent.
  Outcome converse(Background& background, Stream& stream, const std::vector<ConversationStep>& steps,
                   std::string_view line_end, TimePoint until, bool& regex) {
    std::string matched;
    for (const auto& step : steps) {
      if (step.has_expect) {
        auto waiting = wait_for(stream, step.expect, matched, until, regex);
        auto trouble = co_await waiting;
        if (trouble) co_return trouble;
      }
      if (!step.send.empty()) {
        auto text = step.has_expect ? step.expect.expand_partial_match(matched, step.send, max_line_bytes) : step.send;
        auto sending = stream.write(text.value_or(step.send) + std::string(line_end), until);
        auto trouble = co_await sending;
        if (trouble) co_return trouble;
      }
      if (step.starttls && stream.tls() == nullptr) {
        const TlsKeys keys = config_->tls.value_or(TlsKeys{});
        auto handshake = stream.begin_tls(keys.settings(config_->place.host), background, errand_, until);
        auto trouble = co_await handshake;
        if (trouble) co_return trouble;
      }
    }
    co_return std::nullopt;
  }

  static Outcome wait_for(Stream& stream, const Regex& expected, std::string& line, TimePoint until, bool& regex) {
    std::size_t bytes = 0;
    while (true) {
      auto& unread = stream.unread();
      while (take_line(unread, line)) {
        if (expected.partial_match(line)) co_return std::nullopt;
      }
      if (unread.size() > max_line_bytes || bytes > max_read_bytes) {
        co_return Trouble{Reason::too_large, "it sends more than a conversation may hold"};
      }
      const auto before = unread.size();
      auto reading = stream.read(until);
      auto trouble = co_await reading;
      bytes += unread.size() - std::min(before, unread.size());
      if (!trouble) continue;
      regex = true;
      co_return Trouble{trouble->reason == Reason::timeout ? Reason::answer : trouble->reason,
                        "no line came that matches '" + expected.pattern() + "'"};
    }
  }

  const std::shared_ptr<const TcpCheckConfig> config_;
  std::vector<ConversationStep> starttls_;
  OwnErrand errand_;
};

void declare_starttls(config::Section& section, std::optional<std::string>& starttls) {
  enum class Talk { none, smtp, imap, pop3, ftp, postgres };
  constexpr std::array<std::string_view, 6> names{"none", "smtp", "imap", "pop3", "ftp", "postgres"};
  Talk talk = Talk::none;
  section.choice("starttls", talk,
                 {{"none", Talk::none},
                  {"smtp", Talk::smtp},
                  {"imap", Talk::imap},
                  {"pop3", Talk::pop3},
                  {"ftp", Talk::ftp},
                  {"postgres", Talk::postgres}},
                 "the protocol whose words are said before TLS begins; none: TLS begins at once");
  if (talk != Talk::none) starttls = names[static_cast<std::size_t>(talk)];
}

}  // namespace

bool take_line(std::string& unread, std::string& line) {
  const auto end = unread.find('\n');
  if (end == std::string::npos) return false;
  line = unread.substr(0, end > 0 && unread[end - 1] == '\r' ? end - 1 : end);
  unread.erase(0, end + 1);
  return true;
}

void declare_family(config::Section& section, Family& family) {
  section.choice("ip_protocol", family, {{"any", Family::any}, {"ip4", Family::ipv4}, {"ip6", Family::ipv6}},
                 "the addresses of the host that are tried");
}

void declare_link_local(config::Section& section, std::string_view key, Place& place) {
  section.optional("allow_link_local", place.allow_link_local,
                   "allow 169.254.0.0/16 and fe80::/10, where cloud machines have their time and name servers, but keep "
                   "their credentials as well");
  if (section.describing() || place.allow_link_local || !is_link_local_address(place.host)) return;
  section.problem(key, "the address is link-local, which is refused unless allow_link_local is true");
}

void require_ascii(config::Section& section, std::string_view key, std::string_view host) {
  if (section.describing()) return;
  if (auto why = why_not_ascii(host); !why.empty()) section.problem(key, std::move(why));
}

void declare_place(config::Section& section, config::Located<std::string>& text, Place& place, int default_port,
                   const std::string& example) {
  section.required("address", text, "where to, such as " + example);
  if (section.describing() || !section.has("address")) return;
  if (auto found = parse_place(text.value, default_port)) {
    place.host = std::move(found->host);
    place.port = found->port;
    require_ascii(section, "address", place.host);
  } else if (text.value.find("://") != std::string::npos) {
    section.problem("address", "'" + text.value + "' is a URL, here stands an address: write " + example);
  } else if (parse_place(text.value, 1)) {
    section.problem("address", "'" + text.value + "' lacks a port: write " + example);
  } else {
    section.problem("address", "'" + text.value + "' is not an address: write " + example);
  }
}

void declare(config::Section& section, ConversationStep& step) {
  section.optional("expect", step.expect, "a regular expression; lines are read until one matches");
  section.optional("send", step.send, "a line to send; $1 is what the first group of expect matched");
  section.optional("starttls", step.starttls, "begin TLS here");
  step.has_expect = section.has("expect");
}

void declare(config::Section& section, TcpCheckConfig& config) {
  declare_place(section, config.address, config.place, 0, "mail.example:25 or [2001:db8::1]:25");
  declare_family(section, config.family);
  declare_link_local(section, "address", config.place);
  section.section("tls", config.tls,
                  "speak TLS (write tls: {} for its defaults): from the beginning, or from the step starttls on");
  section.list("query_response", config.query_response, "a conversation: what to expect and to send, step by step");
}

void declare(config::Section& section, TlsCheckConfig& config) {
  declare_place(section, config.tcp.address, config.tcp.place, 443, "shop.example:443");
  declare_family(section, config.tcp.family);
  declare_link_local(section, "address", config.tcp.place);
  declare_starttls(section, config.tcp.starttls);
  config.tcp.tls.emplace();
  declare(section, *config.tcp.tls);
}

std::string fingerprint_of(const TcpCheckConfig& config) {
  std::string text = config.address.value + '\n' + std::to_string(static_cast<int>(config.family)) +
                     (config.place.allow_link_local ? "\n+\n" : "\n-\n") +
                     config.starttls.value_or("") + '\n' + (config.tls ? config.tls->fingerprint() : "");
  for (const auto& step : config.query_response) {
    text += '\n' + (step.has_expect ? step.expect.pattern() : "") + '\t' + step.send + (step.starttls ? "\t+" : "\t-");
  }
  return text;
}

std::unique_ptr<Check> make_check(std::shared_ptr<const TcpCheckConfig> config) {
  return std::make_unique<TcpCheck>(std::move(config));
}

std::vector<Metric> tcp_check_metrics() { return {phase_metric}; }

}  // namespace sidewatch::probe

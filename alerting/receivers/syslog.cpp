#include "alerting/receivers/syslog.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/http_receiver.h"
#include "base/descriptor.h"
#include "base/errand.h"
#include "base/utf8.h"

namespace sidewatch {

using namespace std::chrono_literals;

struct SyslogConfig {
  config::Located<std::string> address{"/dev/log", {}};
  int facility = 3;
  std::string tag = "sidewatch";
  Duration timeout = 5s;
  MessageTemplates templates;
};

void declare(config::Section& s, SyslogConfig& c) {
  s.optional("address", c.address, "the path of a socket, udp://host:514 or tcp://host:601");
  s.choice("facility", c.facility,
           {{"user", 1},
            {"daemon", 3},
            {"local0", 16},
            {"local1", 17},
            {"local2", 18},
            {"local3", 19},
            {"local4", 20},
            {"local5", 21},
            {"local6", 22},
            {"local7", 23}},
           "facility of the messages; their severity is crit, warning, or notice for the end");
  s.optional("tag", c.tag, "the program's name in the log: up to 32 letters, digits, - _ .");
  s.optional("timeout", c.timeout, "how long one attempt may take; then it is tried again later",
             config::between(100ms, 60s));
  declare_message_templates(s, c.templates);
}

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t max_datagram_bytes = 2048;  // RFC 5426: what a receiver should take
constexpr std::size_t max_line_bytes = 8192;
constexpr std::size_t max_tag_bytes = 32;
constexpr int severity_of_level[] = {5, 4, 2};  // notice, warning, crit

enum class SyslogWay { local, udp, tcp };

struct SyslogPlace {
  SyslogWay way = SyslogWay::local;
  std::string path;  // local
  std::string host;
  std::string port;
};

// Error::what says what is wrong with it.
Result<SyslogPlace> read_place(const std::string& text) {
  if (text.starts_with('/')) {
    if (text.size() >= sizeof(sockaddr_un::sun_path)) return Error{"is longer than a socket's path may be", ""};
    return SyslogPlace{SyslogWay::local, text, "", ""};
  }
  const bool tcp = text.starts_with("tcp://");
  if (!tcp && !text.starts_with("udp://"))
    return Error{"is no place of a system log: write /dev/log, udp://host:514 or tcp://host:601", ""};
  const std::string rest = text.substr(6);
  const auto colon = rest.rfind(':');
  if (colon == std::string::npos || colon == 0) return Error{"has no port: write udp://host:514", ""};
  SyslogPlace place{tcp ? SyslogWay::tcp : SyslogWay::udp, "", rest.substr(0, colon), rest.substr(colon + 1)};
  int port = 0;
  const auto [end, problem] = std::from_chars(place.port.data(), place.port.data() + place.port.size(), port);
  if (problem != std::errc() || end != place.port.data() + place.port.size() || port < 1 || port > 65535) {
    return Error{"has no port from 1 to 65535", ""};
  }
  if (place.host.starts_with('[') && place.host.ends_with(']'))
    place.host = place.host.substr(1, place.host.size() - 2);
  if (place.host.find_first_of("/@ []") != std::string::npos) return Error{"has a host that is none", ""};
  return place;
}

struct SyslogAddress {
  int family = AF_UNIX;
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

// What the name server says, which may take as long as it wants to.
struct Lookup {
  SyslogPlace place;
  std::vector<SyslogAddress> found;
  std::string problem;
  std::shared_ptr<Errand> errand;
};

void look_up(Lookup& it) {
  addrinfo hints{};
  hints.ai_socktype = it.place.way == SyslogWay::tcp ? SOCK_STREAM : SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(it.place.host.c_str(), it.place.port.c_str(), &hints, &list);
  if (failed != 0) it.problem = gai_strerror(failed);
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    SyslogAddress address;
    address.family = one->ai_family;
    address.size = one->ai_addrlen;
    std::memcpy(&address.bytes, one->ai_addr, one->ai_addrlen);
    it.found.push_back(address);
  }
  if (list != nullptr) freeaddrinfo(list);
}

// "Mar  1 12:00:00", as old as the protocol.
std::string old_time(WallTime wall) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  tm local{};
  localtime_r(&seconds, &local);
  char text[64];
  std::snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d", months[local.tm_mon], local.tm_mday, local.tm_hour,
                local.tm_min, local.tm_sec);
  return text;
}

std::string name_in_header(const std::string& text, std::size_t most) {
  std::string name;
  for (const char c : text)
    name += static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f ? c : '_';
  return name.empty() ? "-" : name.substr(0, most);
}

std::string words_of(const MessageText& message) {
  std::string words = message.title;
  if (!message.text.empty()) words += " | " + message.text;
  for (const auto& [name, value] : message.fields) words += " | " + name + ": " + value;
  for (char& c : words) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return words;
}

class Syslog final : public Receiver {
 public:
  Syslog(SyslogConfig config, SyslogPlace place, ReceiverContext context)
      : config_(std::move(config)),
        place_(std::move(place)),
        context_(std::move(context)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  Attempt send(const Delivery& delivery) override {
    const std::string line = line_of(delivery);
    const auto until = Steady::now() + config_.timeout;
    std::string problem = "no address";
    for (const auto& address : addresses(until, problem)) {
      problem = place_.way == SyslogWay::tcp ? over_tcp(address, line, until) : in_one(address, line);
      if (problem.empty()) break;
    }
    if (context_.trace) context_.trace(config_.address.value + "\n\n" + line, problem.empty() ? "sent" : problem);
    if (problem.empty()) return Delivered{};
    return RetryLater{config_.address.value + ": " + problem, std::nullopt, true, false};
  }
  void interrupt() override { (void)eventfd_write(wake_.get(), 1); }

 private:
  std::string line_of(const Delivery& delivery) const {
    const MessageText message = text_of(delivery, config_.templates, context_.origin());
    const WallTime at = delivery.first().created_at;
    const int priority = config_.facility * 8 + severity_of_level[static_cast<std::size_t>(message.level)];
    std::string line = "<" + std::to_string(priority) + ">";
    const std::string process = std::to_string(getpid());
    if (place_.way == SyslogWay::local) {
      line += old_time(at) + " " + config_.tag + "[" + process + "]: ";
    } else {
      line += "1 " + to_rfc3339(at) + " " + name_in_header(context_.host, 255) + " " + config_.tag + " " + process + " " +
              name_in_header(delivery.first().alert_key, 32) + " - ";
    }
    const std::size_t most = place_.way == SyslogWay::udp ? max_datagram_bytes : max_line_bytes;
    std::string words = words_of(message);
    if (line.size() + words.size() > most) {
      constexpr std::string_view more = "\xE2\x80\xA6";
      words = std::string(cut_at_character(words, most - line.size() - more.size())) + std::string(more);
    }
    return line + words;
  }

  std::vector<SyslogAddress> addresses(Steady::time_point until, std::string& problem) {
    if (place_.way == SyslogWay::local) {
      SyslogAddress address;
      sockaddr_un local{};
      local.sun_family = AF_UNIX;
      std::memcpy(local.sun_path, place_.path.c_str(), place_.path.size() + 1);
      std::memcpy(&address.bytes, &local, sizeof local);
      address.size = sizeof local;
      return {address};
    }
    const auto lookup = std::make_shared<Lookup>();
    lookup->place = place_;
    lookup->errand = std::make_shared<Errand>([it = lookup.get(), keep = std::weak_ptr<Lookup>(lookup)] {
      if (const auto held = keep.lock()) look_up(*it);
    });
    const auto left = std::chrono::duration_cast<Duration>(until - Steady::now());
    if (errands_.send(lookup->errand, left) != ErrandRunner::Outcome::done) {
      problem = "the name server does not answer";
      return {};
    }
    if (!lookup->problem.empty()) problem = lookup->problem;
    return lookup->found;
  }

  static std::string in_one(const SyslogAddress& to, const std::string& line) {
    const Descriptor fd(socket(to.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* address = reinterpret_cast<const sockaddr*>(&to.bytes);
    if (!fd || connect(fd.get(), address, to.size) != 0) return std::strerror(errno);
    if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return std::strerror(errno);
    return "";
  }

  // Waits until the other side has closed, too: what it resets it has not taken.
  std::string over_tcp(const SyslogAddress& to, const std::string& line, Steady::time_point until) const {
    const Descriptor fd(socket(to.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return std::strerror(errno);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.bytes), to.size) != 0 && errno != EINPROGRESS) {
      return std::strerror(errno);
    }
    if (std::string problem = wait(fd.get(), POLLOUT, until); !problem.empty()) return problem;
    int failed = 0;
    socklen_t size = sizeof failed;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) return std::strerror(failed);
    const std::string frame = std::to_string(line.size()) + " " + line;
    for (std::size_t sent = 0; sent < frame.size();) {
      const auto some = ::send(fd.get(), frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
      if (some < 0 && errno != EAGAIN && errno != EINTR) return std::strerror(errno);
      if (some > 0) sent += static_cast<std::size_t>(some);
      if (std::string problem = wait(fd.get(), POLLOUT, until); !problem.empty()) return problem;
    }
    shutdown(fd.get(), SHUT_WR);
    char ignored[256];
    while (true) {
      if (!wait(fd.get(), POLLIN, until).empty()) return "";  // it keeps its side open
      const auto got = recv(fd.get(), ignored, sizeof ignored, 0);
      if (got == 0) return "";
      if (got < 0 && errno != EAGAIN && errno != EINTR) return std::strerror(errno);
    }
  }

  std::string wait(int fd, short what, Steady::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
    pollfd files[] = {{fd, what, 0}, {wake_.get(), POLLIN, 0}};
    const int ready = poll(files, 2, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (files[1].revents != 0) return "interrupted";
    return ready > 0 ? "" : "no answer in time";
  }

  const SyslogConfig config_;
  const SyslogPlace place_;
  const ReceiverContext context_;
  const Descriptor wake_;
  ErrandRunner errands_{4};
};

void check(config::Section& entry, const SyslogConfig& c, const Result<SyslogPlace>& place) {
  if (!place) entry.problem(c.address.mark, "address " + place.error().what);
  const bool good =
      !c.tag.empty() && c.tag.size() <= max_tag_bytes && std::all_of(c.tag.begin(), c.tag.end(), [](char l) {
        return (l >= '0' && l <= '9') || (l >= 'a' && l <= 'z') || (l >= 'A' && l <= 'Z') || l == '-' || l == '_' ||
               l == '.';
      });
  if (!good) entry.problem("syslog", "tag is up to 32 letters, digits, '-', '_' and '.'");
}

}  // namespace

std::optional<ReceiverPlan> configure_syslog(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<SyslogConfig> config;
  entry.section("syslog", config, "writes each message as one line to a system log, here or on another machine");
  if (!config) return std::nullopt;
  const auto place = read_place(config->address.value);
  if (use == EntryUse::used) check(entry, *config, place);
  ReceiverPlan plan;
  plan.description = "syslog " + config->address.value;
  plan.takes_groups = true;
  Fingerprint print("syslog");
  print.add(config->address.value).add(std::to_string(config->facility)).add(config->tag);
  print.add(std::to_string(config->timeout.count()));
  print.add(config->templates.title.text()).add(config->templates.text.text());
  plan.fingerprint = print.text();
  plan.make = [config = *config, place = place ? *place : SyslogPlace{}, context] {
    return std::make_unique<Syslog>(config, place, context);
  };
  return plan;
}

}  // namespace sidewatch

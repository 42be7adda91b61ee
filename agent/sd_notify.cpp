#include "agent/sd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace sidewatch {
namespace {

std::optional<std::int64_t> number(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

// systemd reads one assignment per line.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

}  // namespace

SystemdNotifier SystemdNotifier::from_environment() {
  return SystemdNotifier([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

SystemdNotifier::SystemdNotifier(const Getenv& getenv) : socket_(getenv("NOTIFY_SOCKET").value_or("")) {
  const auto microseconds = number(getenv("WATCHDOG_USEC"));
  const auto pid = number(getenv("WATCHDOG_PID"));  // absent: meant for whoever reads it
  if (socket_.empty() || !microseconds || *microseconds <= 0) return;
  if (getenv("WATCHDOG_PID") && pid != static_cast<std::int64_t>(::getpid())) return;
  watchdog_interval_ = std::max(Duration(1), Duration(*microseconds / 2000));
}

Result<void> SystemdNotifier::ready(std::string_view status) const {
  return send("READY=1\nSTATUS=" + one_line(status));
}

Result<void> SystemdNotifier::status(std::string_view status) const { return send("STATUS=" + one_line(status)); }

Result<void> SystemdNotifier::reloading() const { return send("RELOADING=1"); }

Result<void> SystemdNotifier::stopping() const { return send("STOPPING=1"); }

Result<void> SystemdNotifier::watchdog() const { return send("WATCHDOG=1"); }

Result<void> SystemdNotifier::send(const std::string& message) const {
  if (socket_.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((socket_.front() != '/' && socket_.front() != '@') || socket_.size() >= sizeof address.sun_path) {
    return Error{"NOTIFY_SOCKET is neither a path nor an abstract socket that fits", socket_};
  }
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size() +
                                             (socket_.front() == '/' ? 1 : 0));
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return Error{std::string("cannot tell systemd: ") + std::strerror(errno), socket_};
  const ssize_t sent = ::sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), length);
  const int failed = sent < 0 ? errno : 0;
  ::close(descriptor);
  if (failed != 0) return Error{std::string("cannot tell systemd: ") + std::strerror(failed), socket_};
  return {};
}

}  // namespace sidewatch

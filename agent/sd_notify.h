// Talks to systemd (Type=notify): readiness, status and the watchdog. One datagram each, no library.
//
// Without NOTIFY_SOCKET (not started by systemd) everything here does nothing and succeeds.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace sidewatch {

class SystemdNotifier {
 public:
  using Getenv = std::function<std::optional<std::string>(const char* name)>;

  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID once.
  static SystemdNotifier from_environment();
  explicit SystemdNotifier(const Getenv& getenv);

  bool active() const { return !socket_.empty(); }

  // When the watchdog is on and meant for this process: how often watchdog() has to be called at least (half of what
  // systemd waits).
  std::optional<Duration> watchdog_interval() const { return watchdog_interval_; }

  // An Error is for the log; nothing depends on it. Never blocks.
  Result<void> ready(std::string_view status) const;
  Result<void> status(std::string_view status) const;
  Result<void> reloading() const;  // then ready() again
  Result<void> stopping() const;
  Result<void> watchdog() const;

 private:
  Result<void> send(const std::string& message) const;
  std::string socket_;
  std::optional<Duration> watchdog_interval_;
};

}  // namespace sidewatch

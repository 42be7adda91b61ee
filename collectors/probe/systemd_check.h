// A check of a systemd unit: whether it is in the state that it has to be in, and how often it was restarted.
//
// systemd is asked over D-Bus through its own library, libsystemd, which is loaded when such a check is configured: at
// /run/systemd/private where the agent is root, otherwise at the system bus.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "collectors/probe/check.h"
#include "config/section.h"

namespace sidewatch::probe {

struct SystemdCheckConfig {
  config::Located<std::string> unit;  // "nginx.service"
  std::vector<std::string> states{"active"};
  std::vector<std::string> sub_states;  // empty: any
};
void declare(config::Section& section, SystemdCheckConfig& config);
std::string fingerprint_of(const SystemdCheckConfig& config);
std::unique_ptr<Check> make_check(std::shared_ptr<const SystemdCheckConfig> config);
std::vector<Metric> systemd_check_metrics();

// What systemd says of one unit.
struct UnitState {
  std::string load = "not-found";  // loaded, not-found, masked ...
  std::string active;              // active, reloading, inactive, failed, activating, deactivating
  std::string sub;                 // running, exited, dead ...
  std::string service_type;        // of a service: simple, notify, oneshot ...
  std::optional<double> restarts;  // of a service
};
void judge_unit(const SystemdCheckConfig& config, const UnitState& unit, Verdict& verdict);

// Asks at most for `patience`. Blocks, so it is called on a thread of its own. `address` as D-Bus writes it; `is_bus`:
// there is a broker, and not systemd itself at its other end.
Result<UnitState> ask_systemd(const std::string& unit, const std::string& address, bool is_bus, Duration patience);

}  // namespace sidewatch::probe

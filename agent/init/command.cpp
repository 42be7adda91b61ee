#include "agent/init/command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "agent/exit_code.h"
#include "agent/init/services.h"
#include "agent/init/write_config.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using discovery::Findings;

constexpr Duration patience = 10s;  // for looking around

// Ports of services that GET /metrics does no harm, each once.
std::vector<discovery::ProbeTarget> whom_to_ask(const discovery::Services& services) {
  std::vector<discovery::ProbeTarget> targets;
  std::set<std::uint16_t> ports;
  for (const auto& service : services.watched) {
    if (!service.may_be_asked || service.other_network) continue;
    for (const auto& listener : service.listeners) {
      if (!listener.by_loopback || !ports.insert(listener.port).second) continue;
      targets.push_back({listener.address == "[::1]" ? "[::1]" : "127.0.0.1", listener.port});
    }
  }
  return targets;
}

Error failed(const std::string& path, int error_number) { return {std::strerror(error_number), path}; }

Result<void> write_all(int file, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed(path, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// What stands where the file is to be written.
struct Present {
  bool exists = false;
  std::string path;  // behind symbolic links
  struct stat status = {};
};

Result<Present> look_at_file(const std::string& path, bool force) {
  Present present;
  present.path = path;
  if (lstat(path.c_str(), &present.status) != 0) return present;
  if (!force) return Error{"is there already and was left as it is; --force writes over it", path};
  std::error_code problem;
  present.path = std::filesystem::canonical(path, problem).string();
  if (problem || stat(present.path.c_str(), &present.status) != 0) return failed(path, problem ? problem.value() : errno);
  if (!S_ISREG(present.status.st_mode)) return Error{"is no regular file; without --output it goes to standard output", path};
  present.exists = true;
  return present;
}

// link() refuses where somebody else has written meanwhile; some filesystems have no links.
bool put_in_place(const std::string& beside, const Present& present) {
  if (!present.exists) {
    if (link(beside.c_str(), present.path.c_str()) == 0) return unlink(beside.c_str()) == 0;
    if (errno != EPERM && errno != EOPNOTSUPP) return false;
  }
  return rename(beside.c_str(), present.path.c_str()) == 0;
}

// Whole or not at all: written beside and moved into place. A new file is for its owner only, because whoever adds a
// password to it later will not think of that; one that was there keeps its owner and its mode.
Result<void> write_file(const std::string& path, const std::string& text, bool force) {
  const auto present = look_at_file(path, force);
  if (!present) return present.error();
  std::string beside = present->path + ".XXXXXX";
  const int file = mkostemp(beside.data(), O_CLOEXEC);  // mode 0600
  if (file < 0) return failed(path, errno);
  auto result = write_all(file, path, text);
  if (result && present->exists) {
    const bool kept = fchown(file, present->status.st_uid, present->status.st_gid) == 0;  // others cannot give it away
    if (kept && fchmod(file, present->status.st_mode & 0777) != 0) result = failed(path, errno);
  }
  if (close(file) != 0 && result) result = failed(path, errno);
  if (result && !put_in_place(beside, *present)) result = failed(path, errno);
  if (!result) unlink(beside.c_str());
  return result;
}

CommandResult complain(int code, const std::string& sentence) { return {code, "", "sidewatch: " + sentence + "\n"}; }

std::string next_steps(const std::string& path) {
  return "Wrote " + path + "\nNext\n  read it, change what does not fit\n  sidewatch check " + path +
         "\n  sidewatch run --config " + path + "\n";
}

}  // namespace

InitSurroundings real_surroundings() {
  InitSurroundings real;
  real.own_pid = getpid();
  real.environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  const auto home = real.environment("HOME");
  real.state_dir = geteuid() == 0               ? "/var/lib/sidewatch"
                   : home && home->starts_with('/') ? *home + "/.local/state/sidewatch"
                                                : ".sidewatch";
  real.prober = discovery::probe;
  return real;
}

CommandResult run_init(const InitCommand& command, const InitSurroundings& surroundings) {
  discovery::LookOptions options;
  if (!command.root.empty()) {
    std::error_code problem;
    const auto root = std::filesystem::canonical(command.root, problem);
    if (problem) return complain(exit_configuration, "--root " + command.root + ": " + problem.message());
    if (root != "/") options.root = root;
  }
  if (options.root.empty()) options.own_pid = surroundings.own_pid;
  options.environment = surroundings.environment;
  auto machine = discovery::look_within(options, patience);
  if (!machine) return complain(exit_environment, machine.error().text());

  Findings findings;
  findings.machine = std::move(*machine);
  findings.services = discovery::find_services(findings.machine);
  findings.root = options.root;
  findings.state_dir = surroundings.state_dir;
  findings.probed = command.probe && options.root.empty();
  if (findings.probed) findings.metrics_ports = surroundings.prober(whom_to_ask(findings.services));

  CommandResult result;
  result.err = discovery::summary(findings);
  const std::string config = discovery::write_config(findings);
  if (command.output.empty() || command.output == "-") {
    result.out = config;
    return result;
  }
  const auto written = write_file(command.output, config, command.force);
  if (!written) return complain(exit_environment, written.error().text());
  result.err += next_steps(command.output);
  return result;
}

}  // namespace sidewatch

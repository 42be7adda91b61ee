#include "collectors/probe/systemd_check.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/shared_library.h"

namespace sidewatch::probe {
namespace {

constexpr std::array<std::string_view, 5> states{"active", "activating", "deactivating", "failed", "inactive"};
constexpr const char* private_socket = "/run/systemd/private";
constexpr const char* private_address = "unix:path=/run/systemd/private";
constexpr const char* bus_address = "unix:path=/run/dbus/system_bus_socket";

constexpr Metric unit_state_metric{"node_systemd_unit_state", MetricType::gauge, "",
                                   "1 for the state that the unit is in, 0 for the others."};
constexpr Metric restarts_metric{"node_systemd_service_restart_total", MetricType::counter, "",
                                 "How often systemd restarted the service by itself."};

// What libsystemd has, as its header <systemd/sd-bus.h> declares it.
struct Bus;
struct BusMessage;
struct BusError {
  const char* name = nullptr;
  const char* message = nullptr;
  int need_free = 0;
};

// The functions that are used, found once per question: a library that is loaded already costs nothing to load again.
struct Library {
  int (*make)(Bus**) = nullptr;
  int (*set_address)(Bus*, const char*) = nullptr;
  int (*set_bus_client)(Bus*, int) = nullptr;
  int (*start)(Bus*) = nullptr;
  int (*set_timeout)(Bus*, std::uint64_t) = nullptr;
  int (*call)(Bus*, const char*, const char*, const char*, const char*, BusError*, BusMessage**, const char*,
              ...) = nullptr;
  int (*enter)(BusMessage*, char, const char*) = nullptr;
  int (*read)(BusMessage*, const char*, ...) = nullptr;
  BusMessage* (*free_message)(BusMessage*) = nullptr;
  int (*get_string)(Bus*, const char*, const char*, const char*, const char*, BusError*, char**) = nullptr;
  int (*get_number)(Bus*, const char*, const char*, const char*, const char*, BusError*, char, void*) = nullptr;
  void (*free_error)(BusError*) = nullptr;
  Bus* (*close)(Bus*) = nullptr;
};

Result<Library> load_library() {
  const auto loaded = SharedLibrary::load("libsystemd.so.0", "libsystemd0");
  if (!loaded) return loaded.error();
  Library library;
  std::optional<Error> missing;
  const auto find = [&](const char* name, auto& function) {
    if (const auto found = loaded->find(name, function); !found && !missing) missing = found.error();
  };
  find("sd_bus_new", library.make);
  find("sd_bus_set_address", library.set_address);
  find("sd_bus_set_bus_client", library.set_bus_client);
  find("sd_bus_start", library.start);
  find("sd_bus_set_method_call_timeout", library.set_timeout);
  find("sd_bus_call_method", library.call);
  find("sd_bus_message_enter_container", library.enter);
  find("sd_bus_message_read", library.read);
  find("sd_bus_message_unref", library.free_message);
  find("sd_bus_get_property_string", library.get_string);
  find("sd_bus_get_property_trivial", library.get_number);
  find("sd_bus_error_free", library.free_error);
  find("sd_bus_flush_close_unref", library.close);
  if (missing) return *missing;
  return library;
}

Error unreachable(const std::string& address, int code) {
  return {"systemd cannot be asked at " + address.substr(address.find('=') + 1) + ": " + std::strerror(-code) +
              "; it does not run here, or the agent may not reach it",
          ""};
}

// One connection, with everything that is to be given back.
class Question {
 public:
  explicit Question(const Library& library) : library_(library) {}
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question() {
    if (reply_ != nullptr) library_.free_message(reply_);
    library_.free_error(&error_);
    if (bus_ != nullptr) library_.close(bus_);
  }

  Result<UnitState> ask(const std::string& unit, const std::string& address, bool is_bus, Duration patience) {
    int code = library_.make(&bus_);
    if (code >= 0) code = library_.set_address(bus_, address.c_str());
    if (code >= 0 && is_bus) code = library_.set_bus_client(bus_, 1);
    if (code >= 0) code = library_.set_timeout(bus_, static_cast<std::uint64_t>(patience.count()) * 1000);
    if (code >= 0) code = library_.start(bus_);
    if (code < 0) return unreachable(address, code);
    code = library_.call(bus_, destination, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                         "ListUnitsByNames", &error_, &reply_, "as", 1, unit.c_str());
    if (code < 0) return Error{"systemd does not answer: " + words(code), ""};
    return read_unit();
  }

 private:
  static constexpr const char* destination = "org.freedesktop.systemd1";
  static constexpr const char* service = "org.freedesktop.systemd1.Service";

  std::string words(int code) const { return error_.message != nullptr ? error_.message : std::strerror(-code); }

  Result<UnitState> read_unit() {
    const char *name = nullptr, *about = nullptr, *load = nullptr, *active = nullptr, *sub = nullptr,
               *follows = nullptr, *path = nullptr;
    int code = library_.enter(reply_, 'a', "(ssssssouso)");
    if (code >= 0) code = library_.enter(reply_, 'r', "ssssssouso");
    if (code >= 0) code = library_.read(reply_, "sssssso", &name, &about, &load, &active, &sub, &follows, &path);
    if (code < 0) return Error{std::string("systemd answers something else: ") + std::strerror(-code), ""};
    UnitState state;
    if (code == 0) return state;
    state.load = load;
    state.active = active;
    state.sub = sub;
    if (!std::string_view(name).ends_with(".service") || state.load != "loaded") return state;
    std::uint32_t restarts = 0;
    if (library_.get_number(bus_, destination, path, service, "NRestarts", nullptr, 'u', &restarts) >= 0) {
      state.restarts = restarts;
    }
    char* type = nullptr;
    if (library_.get_string(bus_, destination, path, service, "Type", nullptr, &type) >= 0 && type != nullptr) {
      state.service_type = type;
      ::free(type);
    }
    return state;
  }

  const Library& library_;
  Bus* bus_ = nullptr;
  BusError error_;
  BusMessage* reply_ = nullptr;
};

class SystemdCheck final : public Check {
 public:
  explicit SystemdCheck(std::shared_ptr<const SystemdCheckConfig> config) : config_(std::move(config)) {}

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    Verdict verdict;
    const auto answer = std::make_shared<Result<UnitState>>(Error{"systemd was not asked", ""});
    std::function<void()> ask = [answer, unit = config_->unit.value, patience = left_until(until)] {
      const bool is_private = access(private_socket, W_OK) == 0;
      *answer = ask_systemd(unit, is_private ? private_address : bus_address, !is_private, patience);
    };
    auto asking = errand_.run(surroundings.background, surroundings.loop, Work::systemd, std::move(ask), until);
    const auto ended = co_await asking;
    if (ended == Background::Ended::not_begun) {
      verdict.fail(Reason::not_run, no_thread_words(Work::systemd));
    } else if (ended != Background::Ended::done) {
      verdict.fail(Reason::timeout, "systemd does not answer in time");
    } else if (!*answer) {
      verdict.fail(Reason::connect, answer->error().text());
    } else {
      judge_unit(*config_, **answer, verdict);
    }
    co_return verdict;
  }

 private:
  const std::shared_ptr<const SystemdCheckConfig> config_;
  OwnErrand errand_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

bool is_among(const std::string& word, const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Result<UnitState> ask_systemd(const std::string& unit, const std::string& address, bool is_bus, Duration patience) {
  const auto library = load_library();
  if (!library) return library.error();
  Question question(*library);
  return question.ask(unit, address, is_bus, patience);
}

void judge_unit(const SystemdCheckConfig& config, const UnitState& unit, Verdict& verdict) {
  const std::string& name = config.unit.value;
  if (unit.load == "not-found") return verdict.fail(Reason::missing, "systemd knows no unit '" + name + "'");
  for (const auto state : states) {
    verdict.add(unit_state_metric, unit.active == state ? 1 : 0,
                Labels{{"name", name}, {"state", state}, {"type", unit.service_type}});
  }
  if (unit.restarts) verdict.add(restarts_metric, *unit.restarts, Labels{{"name", name}});
  if (!is_among(unit.active, config.states)) {
    return verdict.fail(Reason::state,
                        name + " is " + unit.active + " (" + unit.sub + "), not " + joined(config.states));
  }
  if (!config.sub_states.empty() && !is_among(unit.sub, config.sub_states)) {
    verdict.fail(Reason::state, name + " is " + unit.sub + ", not " + joined(config.sub_states));
  }
}

void declare(config::Section& section, SystemdCheckConfig& config) {
  section.required("unit", config.unit, "its name with the ending, such as nginx.service");
  section.optional("states", config.states, "the states that are well: active, inactive, activating ...");
  section.optional("sub_states", config.sub_states, "the finer states that are well, such as running; any when absent");
  if (section.describing() || !section.has("unit")) return;
  const auto& unit = config.unit.value;
  if (unit.find('.') == std::string::npos || unit.find('/') != std::string::npos) {
    section.problem("unit", "'" + unit + "' is not the whole name of a unit: write " + (unit.empty() ? "nginx" : unit) +
                                ".service");
  }
  for (const auto& state : config.states) {
    const bool known = state == "reloading" || std::find(states.begin(), states.end(), state) != states.end();
    if (!known)
      section.problem(
          "states", "'" + state + "' is not a state: active, activating, deactivating, failed, inactive or reloading");
  }
}

std::string fingerprint_of(const SystemdCheckConfig& config) {
  return config.unit.value + '\n' + joined(config.states) + '\n' + joined(config.sub_states);
}

std::unique_ptr<Check> make_check(std::shared_ptr<const SystemdCheckConfig> config) {
  return std::make_unique<SystemdCheck>(std::move(config));
}

std::vector<Metric> systemd_check_metrics() { return {unit_state_metric, restarts_metric}; }

}  // namespace sidewatch::probe

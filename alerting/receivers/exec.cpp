#include "alerting/receivers/exec.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "alerting/message_text.h"
#include "alerting/receivers/hidden_text.h"
#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/webhook_payload.h"
#include "base/descriptor.h"
#include "base/program.h"
#include "base/program_trust.h"
#include "base/utf8.h"

namespace sidewatch {

using namespace std::chrono_literals;

struct ExecReceiverConfig {
  std::vector<std::string> command;
  bool has_command = false;  // otherwise its absence is a problem already
  Duration timeout = 10s;
  Duration every = 1s;
  std::string user;
  std::map<std::string, config::Secret> environment;
  std::string directory = "/";
  config::Bytes max_output{64 << 10};
  MessageTemplates templates;
  std::vector<std::string> secrets;  // what ${...} put into the arguments
};

void declare(config::Section& s, ExecReceiverConfig& c) {
  s.required("command", c.command,
             "the program, by its absolute path, and its arguments, each an element of the list; no shell sees them");
  c.has_command = s.has("command");
  s.optional("timeout", c.timeout, "how long it may take; then it is ended, with everything that it began",
             config::between(100ms, 5min));
  s.optional("every", c.every, "least time from the beginning of one run to the next", config::between(0ms, 10s));
  s.optional("user", c.user, "whose rights it has: needs an agent that runs as root. The agent's own when absent");
  s.optional(
      "environment", c.environment,
      "its environment beside SIDEWATCH_...; of the agent's own it gets nothing. PATH and LC_ALL are set when they "
      "are not given");
  s.optional("directory", c.directory, "the directory that it begins in");
  s.optional("max_output", c.max_output, "a program that writes more is ended",
             config::between(config::Bytes{1024}, config::Bytes{1 << 24}));
  declare_message_templates(s, c.templates);
}

namespace {

constexpr std::size_t max_arguments = 256;
constexpr std::size_t max_variables = 64;
constexpr std::size_t max_title_characters = 1024;
constexpr int come_back = 75;  // EX_TEMPFAIL of sysexits.h
constexpr Duration slow_retry = 5min;  // for what only a person can mend
constexpr std::string_view usual_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view usual_locale = "LC_ALL=C.UTF-8";

std::string plain_line(std::string text) {
  for (char& c : text) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return text;
}

class ExecReceiver final : public Receiver {
 public:
  ExecReceiver(ExecReceiverConfig config, ReceiverContext context)
      : config_(std::move(config)), context_(std::move(context)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  Attempt send(const Delivery& delivery) override;
  void interrupt() override { (void)eventfd_write(wake_.get(), 1); }

 private:
  using Steady = std::chrono::steady_clock;

  Result<exec::Command> command_for(const Delivery& delivery) const;
  bool wait_for_its_turn();
  Attempt judge(const exec::Run& run, const exec::Command& command) const;
  std::string without_secrets(std::string text) const;

  const ExecReceiverConfig config_;
  const ReceiverContext context_;
  const Descriptor wake_;
  Steady::time_point next_start_{};
};

Attempt ExecReceiver::send(const Delivery& delivery) {
  auto command = command_for(delivery);
  if (!command) return RetryLater{command.error().what, slow_retry, true, true};
  if (const auto why = exec::why_not_trusted(command->arguments.front(), command->identity)) {
    return RetryLater{why->text(), slow_retry, true, true};
  }
  if (!wait_for_its_turn()) return RetryLater{"interrupted before it was run", std::nullopt, false, false};
  next_start_ = Steady::now() + config_.every;
  exec::Program program(*command);
  program.start();
  std::optional<exec::Run> run;
  const auto give_up = Steady::now() + config_.timeout + 2 * exec::Program::patience + 2s;
  while (!(run = program.go_on(wake_.get(), give_up))) {
    pollfd woken{wake_.get(), POLLIN, 0};
    const bool interrupted = poll(&woken, 1, 0) > 0;
    if (interrupted || Steady::now() >= give_up) {
      return RetryLater{interrupted ? "interrupted while the program ran" : "the program does not end", std::nullopt,
                        false, false};
    }
  }
  Attempt attempt = judge(*run, *command);
  if (context_.trace) {
    context_.trace(without_secrets(command->arguments.front() + "\n\n" + command->input),
                   without_secrets("exit code " + std::to_string(run->code) + "\n\n" + mend_utf8(run->output)));
  }
  return attempt;
}

// False when the agent wants it back meanwhile.
bool ExecReceiver::wait_for_its_turn() {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_start_ - Steady::now());
  pollfd woken{wake_.get(), POLLIN, 0};
  return poll(&woken, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) == 0;
}

Result<exec::Command> ExecReceiver::command_for(const Delivery& delivery) const {
  exec::Command command;
  command.arguments = config_.command;
  command.directory = config_.directory;
  command.timeout = config_.timeout;
  command.max_output_bytes = config_.max_output.count;
  command.input = webhook_payload(delivery, context_.origin()) + "\n";
  if (!config_.user.empty()) {
    auto identity = exec::identity_of(config_.user);
    if (!identity) return identity.error();
    command.identity = std::move(*identity);
  }
  for (const auto& [name, secret] : config_.environment) {
    const auto value = reveal(secret, "environment '" + name + "'");
    if (!value) return Error{value.error().what + " cannot be read now", ""};
    command.environment.push_back(name + "=" + *value);
  }
  if (!config_.environment.contains("PATH")) command.environment.emplace_back(usual_path);
  if (!config_.environment.contains("LC_ALL")) command.environment.emplace_back(usual_locale);
  const MessageText message = text_of(delivery, config_.templates, context_.origin());
  const Notification& first = delivery.first();
  command.environment.push_back("SIDEWATCH_TITLE=" + plain_line(cut_title(message, max_title_characters)));
  command.environment.push_back(std::string("SIDEWATCH_STATUS=") +
                                (message.level == Level::ok ? "resolved" : "firing"));
  command.environment.push_back("SIDEWATCH_LEVEL=" + std::string(to_string(message.level)));
  command.environment.push_back("SIDEWATCH_ALERT=" + plain_line(mend_utf8(first.rule)));
  command.environment.push_back("SIDEWATCH_ID=" + plain_line(delivery.id));
  command.environment.push_back("SIDEWATCH_HOST=" + plain_line(context_.host));
  command.environment.push_back("SIDEWATCH_KEY=" + plain_line(first.alert_key));
  return command;
}

Attempt ExecReceiver::judge(const exec::Run& run, const exec::Command& command) const {
  using End = exec::Run::End;
  const std::string& program = command.arguments.front();
  const std::string said = run.last_error.empty() ? "" : ": " + plain_line(mend_utf8(without_secrets(run.last_error)));
  switch (run.end) {
    case End::exited:
      if (run.code == 0) return Delivered{};
      if (run.code == come_back) return RetryLater{program + " asks to come back" + said, std::nullopt, false, false};
      return Rejected{program + " ended with exit code " + std::to_string(run.code) + said};
    case End::signalled:
      return RetryLater{program + " was killed by signal " + std::to_string(run.code) + said, std::nullopt, false,
                        false};
    case End::timed_out:
      return RetryLater{program + " took longer than " + to_words(config_.timeout), std::nullopt, false, false};
    case End::wrote_too_much: return Rejected{program + " wrote more than max_output"};
    case End::not_started: break;
  }
  return RetryLater{run.trouble, slow_retry, true, true};
}

std::string ExecReceiver::without_secrets(std::string text) const {
  std::vector<std::string> secrets = config_.secrets;
  for (const auto& [name, secret] : config_.environment) {
    if (name != "PATH" && name != "LC_ALL") secrets.push_back(secret.reveal());
  }
  return hide(std::move(text), std::move(secrets));
}

void check(config::Section& entry, const ExecReceiverConfig& c) {
  if (c.command.empty() || c.command.front().empty()) {
    if (c.has_command) entry.problem("exec", "command begins with the program: [/usr/local/bin/tell, \"--now\"]");
    return;
  }
  const std::string& program = c.command.front();
  if (program.find(' ') != std::string::npos && c.command.size() == 1) {
    entry.problem("exec",
                  "there is no shell: write the program and each of its arguments as one element of a list, "
                  "[/usr/bin/program, argument]");
  } else if (!program.starts_with('/')) {
    entry.problem("exec", "'" + program + "' is not an absolute path (it must start with '/')");
  }
  if (c.command.size() > max_arguments) entry.problem("exec", "command has more than 256 arguments");
  for (const auto& argument : c.command) {
    if (argument.find('\0') != std::string::npos) entry.problem("exec", "an argument cannot hold a NUL byte");
  }
  for (const auto& [name, value] : c.environment) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      entry.problem("exec", "'" + name + "' cannot be the name of a variable");
    } else if (name.starts_with("SIDEWATCH_")) {
      entry.problem("exec", "'" + name + "' is set by sidewatch itself");
    }
  }
  if (c.environment.size() > max_variables) entry.problem("exec", "environment has more than 64 variables");
  if (!c.directory.starts_with('/'))
    entry.problem("exec", "directory is not an absolute path (it must start with '/')");
}

// It may be installed later, or be checked on another machine.
std::string warning_of(const ExecReceiverConfig& c) {
  if (c.command.empty() || !c.command.front().starts_with('/')) return "";
  if (access(c.command.front().c_str(), F_OK) != 0 && errno == ENOENT) return "there is no " + c.command.front();
  return "";
}

}  // namespace

std::optional<ReceiverPlan> configure_exec_receiver(config::Section& entry, const ReceiverContext& context,
                                                    EntryUse use) {
  std::optional<ExecReceiverConfig> config;
  entry.section("exec", config, "runs a program for each message, which reads it as JSON");
  if (!config) return std::nullopt;
  for (std::size_t i = 1; i < config->command.size(); ++i) {
    const auto secrets = put_into(config->command[i], context.outside.get());
    config->secrets.insert(config->secrets.end(), secrets.begin(), secrets.end());
  }
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "exec " + (config->command.empty() ? std::string("(nothing)") : config->command.front());
  if (!config->user.empty()) plan.description += ", run as " + config->user;
  if (use == EntryUse::used) plan.warning = warning_of(*config);
  plan.takes_groups = true;
  Fingerprint print("exec");
  for (const auto& argument : config->command) print.add(argument);
  for (const auto& [name, value] : config->environment) print.add(name).add(value);
  print.add(std::to_string(config->timeout.count())).add(std::to_string(config->every.count())).add(config->user);
  print.add(config->directory).add(std::to_string(config->max_output.count));
  print.add(config->templates.title.text()).add(config->templates.text.text());
  plan.fingerprint = print.text();
  plan.make = [config = *config, context] { return std::make_unique<ExecReceiver>(config, context); };
  return plan;
}

}  // namespace sidewatch

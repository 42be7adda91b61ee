#include "base/program.h"

#include <csignal>
#include <string_view>
#include <utility>

#include "base/program_running.h"

namespace sidewatch::exec {
namespace {

using Steady = std::chrono::steady_clock;

std::string last_line(std::string_view text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return "";
  text = text.substr(0, end + 1);
  const auto begin = text.rfind('\n');
  return std::string(begin == std::string_view::npos ? text : text.substr(begin + 1));
}

enum class Stage { runs, was_asked_to_end, was_made_to_end };

std::string why_not_ended(pid_t pid, bool may_not) {
  const auto process = "the process " + std::to_string(pid);
  if (!may_not) return process + " hangs in the kernel";
  return process + " runs as another user, and the agent has no right to end it (that needs the capability CAP_KILL)";
}

}  // namespace

struct Program::Underway {
  explicit Underway(const Command& command)
      : running(command, run), began(Steady::now()), deadline(began + command.timeout) {}

  // One step further; false when there is none.
  bool end_it() {
    if (stage == Stage::was_made_to_end) return false;
    const bool asks = stage == Stage::runs;
    running.signal_group(asks ? SIGTERM : SIGKILL);
    deadline = Steady::now() + (asks ? patience : after_kill);
    stage = asks ? Stage::was_asked_to_end : Stage::was_made_to_end;
    return true;
  }

  Run run;
  Running running;
  const Steady::time_point began;
  Steady::time_point deadline;  // of the stage
  Stage stage = Stage::runs;
  bool started = false;
};

// Where the agent was started with SIGCHLD ignored, the kernel throws exit codes away.
Program::Program(Command command) : command_(std::move(command)) {
  struct sigaction now {};
  if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) ::signal(SIGCHLD, SIG_DFL);
}

// What still runs is not asked: nobody would hear the answer.
Program::~Program() {
  if (underway_ && underway_->started) {
    underway_->running.signal_group(SIGKILL);
    const auto deadline = Steady::now() + after_kill;
    while (!underway_->running.ended() && Steady::now() < deadline) (void)underway_->running.look(deadline, -1);
    if (underway_->running.ended()) (void)underway_->running.reap();
  }
  if (unended_ != 0) (void)is_reaped(unended_);
  for (const auto group : unreaped_) (void)is_reaped(group);
}

Run Program::run() {
  start();
  return go_on(-1, Steady::time_point::max()).value_or(Run());
}

bool Program::is_underway() const { return underway_ != nullptr; }

void Program::start() {
  underway_ = std::make_unique<Underway>(command_);
  std::erase_if(unreaped_, is_reaped);
  if (unended_ != 0 && !is_reaped(unended_)) {
    underway_->run.trouble = "an earlier run cannot be ended: " + why_not_ended(unended_, may_not_end_);
    return;
  }
  unended_ = 0;
  underway_->started = underway_->running.start();
}

std::optional<Run> Program::go_on(int wake, Steady::time_point until) {
  auto& it = *underway_;
  while (it.started && !it.running.ended()) {
    const auto now = Steady::now();
    const bool too_much = it.stage == Stage::runs && it.running.wrote_too_much();
    if (now >= it.deadline || too_much) {
      if (!it.end_it()) break;
      continue;
    }
    if (now >= until) return std::nullopt;
    const bool woken = it.running.look(std::min(it.deadline, until), wake);
    if (woken && !it.running.ended()) return std::nullopt;
  }
  const auto done = std::move(underway_);
  if (done->started) finish(*done);
  return std::move(done->run);
}

void Program::finish(Underway& it) {
  auto& run = it.run;
  auto& running = it.running;
  if (running.ended()) {
    if (!running.reap()) unreaped_.push_back(running.pid());
  } else {
    unended_ = running.pid();
    may_not_end_ = running.may_not_signal();
    run.trouble = "cannot be ended: " + why_not_ended(unended_, may_not_end_);
  }
  if (it.stage != Stage::runs) run.end = Run::End::timed_out;
  if (running.wrote_too_much()) run.end = Run::End::wrote_too_much;
  if (auto trouble = running.trouble()) {
    run.end = Run::End::not_started;
    run.trouble = std::move(*trouble);
  }
  run.last_error = last_line(running.errors());
  run.seconds = std::chrono::duration<double>(Steady::now() - it.began).count();
}

}  // namespace sidewatch::exec

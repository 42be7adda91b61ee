// An agent in a machine that is not there: rules, states, planning, outbox and queues are real; the samples, the clocks,
// the receivers and the crashes come from a seed. One thread, no waiting: a day takes milliseconds.
//
// There are two clocks. The elapsed one is the truth; a process sees it as a timeline that begins at the wall clock's
// reading when the process starts. The wall clock may be set at any moment, also while the process is down. A crash
// drops every object and goes on with the files as they lay there; a reboot also changes the name of the boot.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/judge.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {

struct SimulationOptions {
  unsigned seed = 1;
  bool on_disk = true;      // otherwise nothing crashes
  bool wall_jumps = true;   // otherwise the machine may reboot
  std::size_t max_queued = 1000;
};

// Something that the rules decided to tell.
struct Decided {
  std::string rule;
  std::string instance;
  std::string key;
  std::string incident;
  Reason reason;
  Level level;
  Duration at;  // elapsed
};

class SimulatedAgent {
 public:
  explicit SimulatedAgent(const SimulationOptions& options);
  ~SimulatedAgent();

  void run(int steps);
  // No faults and no changes any more: long enough for every delay, cooldown and backoff to end.
  void settle();

  const std::vector<Decided>& decided() const { return decided_; }
  // In the order of their arrival, repetitions included.
  const std::vector<Notification>& arrived(const std::string& receiver) const { return arrived_.at(receiver); }
  std::vector<DeadLetter> dead_letters() const;
  std::vector<AlertView> alerts() const;
  // What an instance's alert must be once everything has settled.
  Level settled_level(const std::string& rule, const std::string& instance) const;

  int crashes() const { return crashes_; }
  int excused_repetitions() const { return excused_; }
  Duration elapsed() const { return elapsed_; }

  static const std::vector<std::string>& receivers();
  static Duration cooldown(const std::string& rule);

 private:
  struct Process;
  struct Source;  // of one metric, with what its instances are doing
  struct UnderWay {
    Notification message;
    Duration until;
    Attempt outcome;
    bool arrived;
  };

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  bool chance(unsigned percent) { return pick(100) < percent; }
  Time now() const { return origin_ + (elapsed_ - started_); }
  WallTime wall() const { return WallTime(elapsed_ + wall_offset_); }
  Duration wall_step() const { return wall().time_since_epoch() - now().time_since_epoch(); }
  BootPosition boot() const { return {"boot " + std::to_string(boots_), elapsed_.count()}; }

  void start();
  void crash();
  void pass(Duration time);
  void change_the_world();
  void deliver();
  void judge();
  void note(const JudgeReport& report, const std::map<std::string, std::string>& before);
  void check_hold(const AlertEvent& event) const;
  void hand_out();
  void attempt(Notification message);
  void answer_what_hangs();
  void finish(const Notification& message, const Attempt& attempt);

  SimulationOptions options_;
  std::mt19937_64 random_;
  std::unique_ptr<TempDir> directory_ = std::make_unique<TempDir>();
  std::vector<Source> sources_;
  std::unique_ptr<Process> process_;

  Duration elapsed_{std::chrono::hours(1)};
  Duration wall_offset_{1'772'366'400'000};
  Duration alive_{0};  // elapsed time in which a process ran
  int boots_ = 1;
  Time origin_;        // of the process's timeline, when it started
  Duration started_{0};

  bool faults_ = true;
  int crashes_ = 0;
  int excused_ = 0;
  std::vector<UnderWay> under_way_;
  std::vector<Decided> decided_;
  std::map<std::string, std::string> incidents_;  // by alert key, of what fires
  std::map<std::string, Duration> above_since_;   // by instance of `load`, in alive time
  std::map<std::string, std::vector<Notification>> arrived_;
};

}  // namespace sidewatch

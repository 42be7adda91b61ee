// A program that fails is a sample (exec_success 0), not a failed pass: what is known about it is still told.
#include "collectors/exec/exec.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/program.h"
#include "base/program_trust.h"
#include "base/utf8.h"
#include "collectors/own_names.h"
#include "collectors/series_budget.h"
#include "config/literals.h"

namespace sidewatch {
namespace exec {
namespace {

constexpr Metric success_metric{"exec_success", MetricType::gauge, "",
                                "1 when the program ended in time and said something that was understood, else 0: a Nagios "
                                "plugin with an exit code from 0 to 3, another program with 0."};
constexpr Metric status_metric{"exec_status", MetricType::gauge, "",
                               "What a Nagios plugin found: 0 ok, 1 warning, 2 critical, 3 unknown. Absent when it did not "
                               "come to an end."};
constexpr Metric exit_code_metric{"exec_exit_code", MetricType::gauge, "",
                                  "The exit code; 128 and the signal's number when a signal ended it. Absent when it was not "
                                  "started."};
constexpr Metric duration_metric{"exec_duration_seconds", MetricType::gauge, "seconds", "How long the last run took."};
constexpr Metric output_metric{"exec_output_bytes", MetricType::gauge, "bytes", "What the last run wrote."};
constexpr Metric cut_metric{"exec_output_cut", MetricType::gauge, "",
                            "1 when the last run was ended because it wrote more than max_output, else 0."};
constexpr Metric runs_metric{"exec_runs_total", MetricType::counter, "", "How often the program was to be run."};
constexpr Metric failures_metric{"exec_failures_total", MetricType::counter, "", "Runs with exec_success 0."};
constexpr Metric timeouts_metric{"exec_timeouts_total", MetricType::counter, "", "Runs that took longer than the timeout."};
constexpr Metric message_metric{"exec_message", MetricType::gauge, "",
                                "1; the label text is what a Nagios plugin said when its status last changed."};

constexpr std::string_view default_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view default_locale = "LC_ALL=C.UTF-8";  // numbers with a point, messages that can be searched for
constexpr int unknown_status = 3;
constexpr int first_signal_code = 128;
constexpr std::size_t max_message_bytes = 200;
constexpr std::size_t max_messages = 20;     // different ones of a plugin, as long as history remembers them
constexpr std::size_t min_secret_bytes = 4;  // shorter ones are no secrets, and stand in every text
constexpr std::string_view hidden = "***";

Command command_of(const ExecConfig& config) {
  Command command;
  command.arguments = config.command;
  command.directory = config.directory;
  command.nice = static_cast<int>(config.nice);
  command.max_memory_bytes = config.max_memory.count;
  command.max_output_bytes = static_cast<std::size_t>(config.max_output.count);
  command.timeout = config.timeout;
  if (!config.environment.contains("PATH")) command.environment.emplace_back(default_path);
  if (!config.environment.contains("LC_ALL")) command.environment.emplace_back(default_locale);
  for (const auto& [name, value] : config.environment) command.environment.push_back(name + '=' + value.reveal());
  return command;
}

std::string how_it_ended(const Run& run, const ExecConfig& config) {
  const std::string and_then = " and " + (run.trouble.empty() ? "was ended" : run.trouble);
  switch (run.end) {
    case Run::End::not_started: return run.trouble;
    case Run::End::timed_out: return "took longer than " + config::write_duration(config.timeout) + and_then;
    case Run::End::wrote_too_much:
      return "wrote more than " + config::write_size(config.max_output) + " (max_output)" + and_then;
    case Run::End::signalled: return "was ended by the signal " + std::string(::strsignal(run.code));
    case Run::End::exited: return run.code == 0 ? "" : "ended with the exit code " + std::to_string(run.code);
  }
  return "";
}

class ExecCollector final : public Collector {
 public:
  ExecCollector(const ExecConfig& config, Catalog& catalog) : config_(config), catalog_(catalog) {
    const Labels labels{{"name", config.name.value}};
    for (std::size_t i = 0; i < own_.size(); ++i) own_[i] = catalog.series(*own_metrics[i], labels);
  }

  // What takes no time is told at once; what takes longer goes on while this listens, and is told in the next pass. In the
  // passes between two runs the last result is told again, so that it is there for queries and rules all the time.
  Result<PassOutcome> collect(Batch& batch, Time now) override {
    if (!is_underway() && is_due(now)) begin(now);
    if (is_underway()) {
      if (const auto run = program_->go_on(-1, std::chrono::steady_clock::now() + at_once)) take(*run);
    }
    write(batch);
    return outcome_;
  }

  // A collector that is to end is woken, goes away and takes its program with it.
  void listen(int wake) override {
    if (is_underway()) {
      const auto run = program_->go_on(wake, std::chrono::steady_clock::time_point::max());
      if (!run) return;
      take(*run);
    }
    pollfd woken{wake, POLLIN, 0};
    (void)::poll(&woken, 1, -1);
  }

 private:
  static constexpr std::array own_metrics{&success_metric,  &duration_metric, &output_metric,   &cut_metric,
                                          &runs_metric,     &failures_metric, &timeouts_metric, &exit_code_metric,
                                          &status_metric};
  static constexpr std::size_t always = 7;  // of these have a value after each run
  static constexpr std::chrono::milliseconds at_once{50};

  bool is_plugin() const { return config_.reading.format == Format::nagios; }

  bool is_underway() const { return program_ && program_->is_underway(); }
  bool is_due(Time now) const { return !began_ || now - *began_ >= config_.interval - pass_interval(config_.interval) / 2; }

  void begin(Time now) {
    began_ = now;
    if (auto trouble = why_not_ready(); !trouble.empty()) take(Run(), std::move(trouble));
    else program_->start();
  }

  std::string why_not_ready() {
    if (!program_) {
      auto command = command_of(config_);
      if (!config_.user.empty()) {
        auto identity = identity_of(config_.user);
        if (!identity) return identity.error().what;
        command.identity = std::move(*identity);
      }
      identity_ = command.identity;
      program_.emplace(std::move(command));
    }
    const auto why = why_not_trusted(config_.command.front(), identity_);
    return why ? why->text() : "";
  }

  void take(const Run& run) {
    const bool plugin_ended = is_plugin() && run.end == Run::End::exited;
    take(run, plugin_ended ? "" : how_it_ended(run, config_));
  }

  void take(const Run& run, std::string trouble) {
    Reading reading;
    if (run.end == Run::End::exited && (run.code == 0 || is_plugin())) {
      auto read = read_output(run.output, config_.reading);
      if (read) reading = std::move(*read);
      else trouble = read.error().what;
    }
    if (trouble.empty() && is_plugin() && run.end == Run::End::exited && run.code > unknown_status) {
      trouble = how_it_ended(run, config_) + ", which no plugin of Nagios does";
    }
    const bool success = trouble.empty();
    ++runs_;
    if (!success) ++failures_;
    if (run.end == Run::End::timed_out) ++timeouts_;
    note_own(run, success);
    note_status(run, reading);
    leave_out_own_names(reading);
    note_measures(reading);
    outcome_ = outcome_of(run, success ? reading.trouble : trouble);
  }

  void write(Batch& batch) const {
    if (runs_ == 0) return;
    for (std::size_t i = 0; i < own_.size(); ++i) {
      if (numbers_[i]) batch.add(own_[i], *numbers_[i]);
    }
    if (numbers_[always + 1]) batch.add(message_, 1);
    for (const auto& [series, value] : measures_) batch.add(series, value);
  }

  void note_own(const Run& run, bool success) {
    numbers_ = {success ? 1.0 : 0.0,
                run.seconds,
                static_cast<double>(run.output.size()),
                run.end == Run::End::wrote_too_much ? 1.0 : 0.0,
                static_cast<double>(runs_),
                static_cast<double>(failures_),
                static_cast<double>(timeouts_)};
    if (run.end == Run::End::exited) numbers_[always] = run.code;
    if (run.end == Run::End::signalled) numbers_[always] = first_signal_code + run.code;
  }

  // The text stays what it was when the status changed: one that is never twice the same (a load, a size) would otherwise
  // make a new series in each run. That of a plugin that flaps has no numbers any more after a while, and then is none.
  void note_status(const Run& run, const Reading& reading) {
    if (!is_plugin() || run.end != Run::End::exited) return;
    const int status = run.code <= unknown_status ? run.code : unknown_status;
    numbers_[always + 1] = status;
    if (status != status_) {
      message_ = message_of(std::string(cut_at_character(without_secrets(reading.text), max_message_bytes)));
    }
    status_ = status;
  }

  // What has less rights than the agent must not speak for it.
  void leave_out_own_names(Reading& reading) const {
    if (is_plugin() || config_.reading.format == Format::value) return;
    std::erase_if(reading.measures, [&](const Measure& measure) {
      if (!own_names_.contain(measure.name)) return false;
      reading.trouble = "wrote " + measure.name + ", which is one of the agent's own metrics: it is left out";
      return true;
    });
  }

  SeriesHandle message_of(std::string text) {
    const auto given = [&](SeriesBudget& budget) {
      budget.begin_pass(catalog_);
      return budget.series(catalog_, message_metric, Labels{{"name", config_.name.value}, {"text", text}}).series;
    };
    if (auto series = given(messages_)) return series;
    std::replace_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }, '#');
    if (auto series = given(messages_without_numbers_)) return series;
    text = "something else at each change";
    return catalog_.series(message_metric, Labels{{"name", config_.name.value}, {"text", text}});
  }

  void note_measures(Reading& reading) {
    budget_.begin_pass(catalog_);
    std::vector<std::pair<SeriesHandle, double>> measures;  // beside the last ones, so that series which go on are the same
    bool left_out = false;
    for (const auto& measure : reading.measures) {
      auto given = budget_.series(catalog_, {measure.name, measure.type, measure.unit, measure.help}, measure.labels);
      left_out = left_out || !given.series;
      measures.emplace_back(std::move(given.series), measure.value);
    }
    measures_ = std::move(measures);
    if (left_out) reading.trouble = SeriesBudget::what_is_wrong("max_series");
  }

  // What a program is given in its environment may be in what it complains with.
  std::string without_secrets(std::string text) const {
    std::vector<std::string> secrets;
    for (const auto& [name, value] : config_.environment) secrets.push_back(value.reveal());
    std::sort(secrets.begin(), secrets.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    for (const auto& secret : secrets) {
      if (secret.size() < min_secret_bytes) break;
      for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + hidden.size())) {
        text.replace(at, secret.size(), hidden);
      }
    }
    return text;
  }

  PassOutcome outcome_of(const Run& run, std::string trouble) const {
    PassOutcome outcome;
    if (trouble.empty()) return outcome;
    if (!run.last_error.empty()) trouble += "; it said: " + mend_utf8(run.last_error);
    outcome.partial_errors = 1;
    outcome.first_partial_error = without_secrets(std::move(trouble));
    return outcome;
  }

  const ExecConfig config_;
  Catalog& catalog_;
  const OwnNames own_names_;
  std::optional<Identity> identity_;
  std::optional<Program> program_;
  std::optional<Time> began_;
  std::uint64_t runs_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t timeouts_ = 0;
  int status_ = -1;
  SeriesHandle message_;
  std::array<SeriesHandle, own_metrics.size()> own_;
  std::array<std::optional<double>, own_metrics.size()> numbers_;  // of own_, after the last run
  std::vector<std::pair<SeriesHandle, double>> measures_;
  PassOutcome outcome_;
  SeriesBudget budget_{config_.reading.max_series};  // of what it writes
  SeriesBudget messages_{max_messages};
  SeriesBudget messages_without_numbers_{max_messages};
};

}  // namespace

std::unique_ptr<Collector> make_exec_collector(const ExecConfig& config, Catalog& catalog) {
  return std::make_unique<ExecCollector>(config, catalog);
}

}  // namespace exec

std::vector<MetricGroup> exec_metric_groups() {
  using namespace exec;
  return {{"exec", "About programs that are run, by their name, and what Nagios plugins and commands of one number say. Those "
                   "of format prometheus and json give metrics of their own names.",
           {success_metric, status_metric, exit_code_metric, duration_metric, output_metric, cut_metric, runs_metric,
            failures_metric, timeouts_metric, message_metric, value_metric, perfdata_value_metric, perfdata_warn_metric,
            perfdata_crit_metric, perfdata_min_metric, perfdata_max_metric}}};
}

}  // namespace sidewatch

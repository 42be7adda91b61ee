#include "collectors/container/tasks.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <unistd.h>

#include "collectors/container/series.h"
#include "collectors/process/process_text.h"

namespace sidewatch::container {
namespace {

constexpr std::array<std::string_view, 1> kMaxKey{"max"};

double ticks_per_second() {
  static const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return ticks;
}

std::string file_of(pid_t pid, const char* name) { return std::to_string(pid) + name; }  // short: no allocation

}  // namespace

TaskPart::TaskPart(Catalog& catalog, const Labels& labels, const Levels* pids, const Levels& any,
                   const Processes& host)
    : host_(host),
      pids_(pids),
      directory_(any.own()),
      series_(series_of(catalog, kTaskMetrics, labels, {soft_limits})),
      procs_(any.own_file("cgroup.procs")) {
  series_[soft_limits] = catalog.series(kTaskMetrics[soft_limits], labels.with("ulimit", "max_open_files"));
  if (pids == nullptr) return;
  threads_.emplace(*pids, "pids.current");
  threads_max_.emplace(*pids, "pids.max");
  events_ = pids->own_file("pids.events");
}

TaskReading TaskPart::sample(PassContext& pass) {
  TaskReading reading;
  pass.batch.add(series_[last_seen], static_cast<double>(to_ms(pass.now)) / 1000);
  add_threads(pass, reading);
  list(pass);
  if (host_.own_namespace && complete_) add_files(pass, reading);
  if (host_.own_namespace && changed_ && !start_seconds_) find_start(pass);
  if (start_seconds_) pass.batch.add(series_[start_time], *start_seconds_);
  return reading;
}

void TaskPart::add_threads(PassContext& pass, TaskReading& reading) {
  if (!threads_) return;
  reading.threads_at_limit = number(threads_->read(pass));
  if (reading.threads_at_limit) pass.batch.add(series_[threads], *reading.threads_at_limit);
  reading.limit = threads_max_->read(pass);
  const std::size_t level = threads_max_->level();
  if (level + 1 < pids_->all().size()) reading.threads_at_limit = threads_above(pass, level);
  if (const auto most = number_of(reading.limit)) pass.batch.add(series_[threads_max], *most);

  const auto refused = read_keyed(pass, *events_, kMaxKey)[0];
  if (refused) pass.batch.add(series_[threads_refused], static_cast<double>(*refused));
}

MaybeNumber TaskPart::threads_above(PassContext& pass, std::size_t level) const {
  const FileText text = pids_->all()[level].read("pids.current", pass.buffer);
  return text ? number(parse_count(text.text)) : std::nullopt;
}

// Keeps what is known of a process over passes in which the list is the same.
void TaskPart::list(PassContext& pass) {
  changed_ = false;
  complete_ = true;
  const FileText text = procs_.read(pass.buffer);
  report(pass, procs_, text);
  std::size_t count = 0;
  std::string_view rest = text.text;
  std::string_view line;
  while (next_line(rest, line)) {
    const auto pid = parse_u64(line);
    if (!pid) continue;
    if (*pid == 0 || *pid > INT_MAX || count >= max_processes) complete_ = false;
    if (complete_) note(static_cast<pid_t>(*pid), count);
    ++count;
  }
  complete_ = complete_ && text && rest.empty();
  if (count < listed_.size()) {
    listed_.resize(count);
    changed_ = true;
  }
  if (text && rest.empty()) pass.batch.add(series_[processes], static_cast<double>(count));
  if (!rest.empty()) report(pass, directory_, procs_, "ends within a line");
}

void TaskPart::note(pid_t pid, std::size_t index) {
  if (index < listed_.size() && listed_[index].pid == pid) return;
  changed_ = true;
  if (index == listed_.size()) listed_.emplace_back();
  listed_[index] = {pid, std::nullopt};
}

void TaskPart::add_files(PassContext& pass, TaskReading& reading) {
  if (changed_ || !limits_at_ || pass.now - *limits_at_ >= limits_interval) read_limits(pass);
  double sum = 0;
  bool all_known = !listed_.empty();
  for (const auto& process : listed_) {
    const auto count = count_files(process.pid, pass);
    if (!count) all_known = false;
    if (!count) continue;
    const double open = static_cast<double>(*count);
    sum += open;
    if (!process.max_files || *process.max_files == 0) continue;
    const double ratio = open / static_cast<double>(*process.max_files);
    reading.files_of_limit = std::max(reading.files_of_limit.value_or(0), ratio);
  }
  if (all_known) pass.batch.add(series_[file_descriptors], sum);
  if (!listed_.empty() && listed_.front().max_files) {
    pass.batch.add(series_[soft_limits], static_cast<double>(*listed_.front().max_files));
  }
}

void TaskPart::read_limits(PassContext& pass) {
  limits_at_ = pass.now;
  for (auto& process : listed_) {
    const FileText text = host_.procfs.read(file_of(process.pid, "/limits").c_str(), pass.buffer);
    process.max_files = text ? parse_max_open_files(text.text) : std::nullopt;
  }
}

std::optional<std::uint64_t> TaskPart::count_files(pid_t pid, PassContext& pass) {
  std::uint64_t count = 0;
  int error_number = 0;
  if (host_.open_files_by == OpenFilesBy::size) {
    std::array<char, PATH_MAX> path{};
    std::snprintf(path.data(), path.size(), "%s/%d/fd", host_.procfs.path().c_str(), pid);
    struct stat directory {};
    if (stat(path.data(), &directory) != 0) error_number = errno;
    count = static_cast<std::uint64_t>(directory.st_size);
  } else {
    error_number =
        host_.procfs.list(file_of(pid, "/fd").c_str(), pass.buffer, [&count](std::string_view) { ++count; });
  }
  if (error_number == 0) return count;
  const FileText unreadable{{}, error_number};
  if (unreadable.status() != FileStatus::gone && !files_reported_) {
    files_reported_ = true;
    if (pass.outcome.partial_errors++ == 0) {
      pass.outcome.first_partial_error = host_.procfs.error(file_of(pid, "/fd"), error_number).text();
    }
  }
  return std::nullopt;
}

void TaskPart::find_start(PassContext& pass) {
  const FileText stat_text = host_.procfs.read("stat", pass.buffer);
  const auto boot = stat_text ? parse_boot_time(stat_text.text) : std::nullopt;
  if (!boot) return;
  std::optional<std::uint64_t> oldest;
  for (const auto& process : listed_) {
    const FileText text = host_.procfs.read(file_of(process.pid, "/stat").c_str(), pass.buffer);
    const auto stat = text ? parse_stat(text.text) : std::nullopt;
    if (stat) oldest = std::min(oldest.value_or(stat->start_ticks), stat->start_ticks);
  }
  if (oldest) start_seconds_ = static_cast<double>(*boot) + static_cast<double>(*oldest) / ticks_per_second();
}

}  // namespace sidewatch::container

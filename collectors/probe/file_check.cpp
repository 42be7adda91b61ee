#include "collectors/probe/file_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/crypto.h"
#include "collectors/probe/connection.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t slice_bytes = std::size_t{1} << 18;                // read at once
constexpr std::uint64_t most_hashed_bytes = std::uint64_t{1} << 30;      // of a file

constexpr Metric exists_metric{"probe_file_exists", MetricType::gauge, "", "1 when the file is there."};
constexpr Metric age_metric{"probe_file_age_seconds", MetricType::gauge, "seconds",
                            "Time since it was last written to."};
constexpr Metric mtime_metric{"probe_file_modified_timestamp_seconds", MetricType::gauge, "seconds",
                              "When it was last written to, in seconds since 1970."};
constexpr Metric size_metric{"probe_file_size_bytes", MetricType::gauge, "bytes", "Its size."};
constexpr Metric changes_metric{"probe_file_content_changes_total", MetricType::counter, "",
                                "How often its content was another than at the run before."};

// What the other thread finds. Once it is given up a long file is read no further.
struct Found {
  std::string path;
  bool hash = false;
  std::atomic<bool> given_up{false};

  int error = 0;
  const char* step = "";  // that failed
  bool regular = false;
  bool too_large = false;
  std::int64_t size = 0;
  double modified = 0;
  std::string sha256;  // hexadecimal
};

void hash_file(Found& found) {
  const Socket file(open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    found.error = errno;
    found.step = "opened";
    return;
  }
  Sha256 sum;
  std::string slice(slice_bytes, '\0');
  std::uint64_t total = 0;
  while (!found.given_up) {
    const auto count = ::read(file.get(), slice.data(), slice.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      found.error = errno;
      found.step = "read";
      return;
    }
    if (count == 0) break;
    total += static_cast<std::uint64_t>(count);
    if (total > most_hashed_bytes) {
      found.too_large = true;
      return;
    }
    sum.add(std::string_view(slice).substr(0, static_cast<std::size_t>(count)));
  }
  found.sha256 = to_hex(sum.finish());
}

void look_at(Found& found, const StatFile& stat_file) {
  struct stat status {};
  if (stat_file(found.path.c_str(), &status) != 0) {
    found.error = errno;
    found.step = "looked at";
    return;
  }
  found.regular = S_ISREG(status.st_mode);
  found.size = status.st_size;
  found.modified = static_cast<double>(status.st_mtim.tv_sec) + static_cast<double>(status.st_mtim.tv_nsec) / 1e9;
  if (found.hash && found.regular) hash_file(found);
}

double wall_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class FileCheck final : public Check {
 public:
  FileCheck(std::shared_ptr<const FileCheckConfig> config, StatFile stat_file)
      : config_(std::move(config)), stat_file_(std::move(stat_file)) {}

  Task<Verdict> run(Surroundings& surroundings, TimePoint until) override {
    Verdict verdict;
    const auto found = std::make_shared<Found>();
    found->path = config_->path.value;
    found->hash = config_->watch_content || !config_->sha256.empty();
    const GivenUp guard(found->given_up);
    std::function<void()> work = [found, stat_file = stat_file_] { look_at(*found, stat_file); };
    auto looking = errand_.run(surroundings.background, surroundings.loop, Work::files, std::move(work), until);
    const auto ended = co_await looking;
    switch (ended) {
      case Background::Ended::done: judge_file(*found, verdict); break;
      case Background::Ended::not_begun: verdict.fail(Reason::not_run, no_thread_words(Work::files)); break;
      case Background::Ended::late:
        verdict.fail(Reason::timeout,
                     found->path + ": the file system does not answer, or the file is too long to read in time");
        break;
      case Background::Ended::still_hangs:
        verdict.fail(Reason::timeout, found->path + ": the file system still does not answer");
        break;
    }
    co_return verdict;
  }

 private:
  void judge_file(const Found& found, Verdict& verdict) {
    const auto fail = [&](Reason reason, const std::string& text) { verdict.fail(reason, found.path + ": " + text); };
    const bool missing = found.error == ENOENT || found.error == ENOTDIR;
    if (found.error == 0 || missing) verdict.add(exists_metric, missing ? 0 : 1);
    if (missing && config_->exists) return fail(Reason::missing, "there is no such file");
    if (missing) return;
    if (found.error == EACCES || found.error == EPERM) {
      return fail(Reason::permission, std::string("it cannot be ") + found.step + ": the agent's user may not");
    }
    if (found.error != 0)
      return fail(Reason::missing, std::string("it cannot be ") + found.step + ": " + std::strerror(found.error));
    if (!config_->exists) return fail(Reason::content, "the file is there, and should not be");
    const double age = wall_now() - found.modified;
    verdict.add(age_metric, age);
    verdict.add(mtime_metric, found.modified);
    verdict.add(size_metric, static_cast<double>(found.size));
    if (config_->max_age && age > to_seconds(*config_->max_age)) {
      fail(Reason::age, "nothing was written to it for longer than " + to_words(*config_->max_age));
    }
    const auto size = static_cast<std::uint64_t>(found.size);
    if (config_->min_size && size < config_->min_size->count) fail(Reason::size, "it is smaller than min_size");
    if (config_->max_size && size > config_->max_size->count) fail(Reason::size, "it is larger than max_size");
    if (found.hash) judge_content(found, verdict);
  }

  void judge_content(const Found& found, Verdict& verdict) {
    if (!found.regular) return verdict.fail(Reason::content, found.path + ": it is not a file that has a content");
    if (found.too_large)
      return verdict.fail(Reason::too_large, found.path + ": it is longer than 1 GiB, which is not read");
    if (!last_sha256_.empty() && last_sha256_ != found.sha256) changes_ += 1;
    last_sha256_ = found.sha256;
    if (config_->watch_content) verdict.add(changes_metric, static_cast<double>(changes_));
    if (!config_->sha256.empty() && config_->sha256 != found.sha256) {
      verdict.fail(Reason::content, found.path + ": its content is another one, its SHA-256 is " + found.sha256);
    }
  }

  const std::shared_ptr<const FileCheckConfig> config_;
  const StatFile stat_file_;
  OwnErrand errand_;
  std::string last_sha256_;
  std::uint64_t changes_ = 0;
};

}  // namespace

void declare(config::Section& section, FileCheckConfig& config) {
  section.required("path", config.path, "of the file");
  section.optional("exists", config.exists, "false: it must not be there");
  section.optional("max_age", config.max_age, "something has to have been written to it within this time",
                   config::between(1s, 8760h));
  config::Bytes least;
  config::Bytes most;
  section.optional("min_size", least, "it has to be this large");
  section.optional("max_size", most, "it may be this large");
  section.optional("sha256", config.sha256, "the SHA-256 of its content, hexadecimal; it may be 1 GiB long");
  section.optional("watch_content", config.watch_content, "count how often its content changes");
  if (section.describing()) return;
  if (section.has("min_size")) config.min_size = least;
  if (section.has("max_size")) config.max_size = most;
  if (section.has("path") && !config.path.value.starts_with('/')) {
    section.problem("path", "'" + config.path.value + "' is not an absolute path: it begins with a slash");
  }
  std::transform(config.sha256.begin(), config.sha256.end(), config.sha256.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c); });
  const bool hexadecimal = config.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!config.sha256.empty() && (config.sha256.size() != 64 || !hexadecimal)) {
    section.problem("sha256", "a SHA-256 is 64 hexadecimal digits, as sha256sum prints them");
  }
  if (!config.exists && (config.max_age || config.min_size || config.max_size || !config.sha256.empty())) {
    section.problem("exists", "a file that must not be there has neither age nor size nor content");
  }
}

std::string fingerprint_of(const FileCheckConfig& config) {
  const auto number = [](const auto& value) { return value ? std::to_string(value->count) : std::string(); };
  return config.path.value + '\n' + (config.exists ? "+" : "-") + (config.watch_content ? "+" : "-") +
         (config.max_age ? std::to_string(config.max_age->count()) : "") + '\n' + number(config.min_size) + '\n' +
         number(config.max_size) + '\n' + config.sha256;
}

std::unique_ptr<Check> make_check(std::shared_ptr<const FileCheckConfig> config, StatFile stat_file) {
  return std::make_unique<FileCheck>(std::move(config), std::move(stat_file));
}
std::unique_ptr<Check> make_check(std::shared_ptr<const FileCheckConfig> config) {
  return make_check(std::move(config), [](const char* path, struct stat* status) { return stat(path, status); });
}

std::vector<Metric> file_check_metrics() {
  return {exists_metric, age_metric, mtime_metric, size_metric, changes_metric};
}

}  // namespace sidewatch::probe

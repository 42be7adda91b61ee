// Samples that other programs (cron jobs, backups, SMART readers) leave in files *.prom of given directories, in the
// Prometheus text format. A directory may be a pattern (/srv/*/metrics, glob(7)), which is looked through in each pass;
// one that finds nothing is an error, as a directory that is not there.
//
// A file is read anew when its time, size or inode has changed; otherwise its samples are as they were. A file that is
// not understood gives no samples, node_textfile_scrape_error 1, and a message with its line; the others are not
// harmed. A series that stands in two files, or twice in one, is an error too: where it stands first in the directory's
// order it counts, and the other place is named. Refuses what is no ordinary file and what is too big.
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>

#include "base/descriptor.h"
#include "collectors/host/parts.h"
#include "metrics/page_reader.h"

namespace sidewatch {
namespace {

constexpr std::array kMetrics{
    Metric{"node_textfile_mtime_seconds", MetricType::gauge, "seconds",
           "When the file was last changed, in seconds since 1970; of files that were understood."},
    Metric{"node_textfile_scrape_error", MetricType::gauge, "",
           "1 when a directory or a file could not be read or understood, else 0."},
};

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxFiles = 256;            // per directory
constexpr std::size_t kMaxSamplesPerFile = 10'000;

struct FileIdentity {
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  std::int64_t size = -1;
  std::uint64_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

struct KeptSample {
  SeriesHandle series;
  double value;
};

struct KeptPage {
  FileIdentity identity;
  std::optional<Error> error;
  SeriesHandle mtime;
  std::vector<KeptSample> samples;
};

bool is_pattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

// Sorted. When there are none, the pattern itself, which may yet be a directory's name.
std::vector<std::string> directories_like(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (paths.empty()) paths.push_back(pattern);
  return paths;
}

Result<std::string> read_ordinary_file(const std::string& path, FileIdentity& identity) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    return Error{std::generic_category().message(errno), path};
  }
  if (!S_ISREG(status.st_mode)) return Error{"it is not an ordinary file", path};
  identity = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_ino};
  std::string text(kMaxFileBytes + 1, '\0');
  std::size_t used = 0;
  ssize_t got = 0;
  while (used < text.size() && (got = ::read(file.get(), text.data() + used, text.size() - used)) > 0) {
    used += static_cast<std::size_t>(got);
  }
  if (got < 0) return Error{std::generic_category().message(errno), path};
  if (used > kMaxFileBytes) return Error{"it is larger than " + std::to_string(kMaxFileBytes) + " bytes", path};
  text.resize(used);
  return text;
}

class TextfilePart final : public Part {
 public:
  TextfilePart(HostSources& sources, const std::vector<std::string>& directories) : sources_(sources) {
    error_series_ = sources.catalog.series(kMetrics[1], {});
    for (const std::string& directory : directories) {
      if (is_pattern(directory)) {
        patterns_.push_back(directory);
      } else {
        directories_.emplace_back(directory);
      }
    }
  }

  void sample(Batch& batch, PartReport& report) override {
    errors_ = 0;
    ++pass_;
    for (const ProcDir& directory : directories_) sample_directory(directory, batch, report);
    for (const std::string& pattern : patterns_) {
      for (const std::string& path : directories_like(pattern)) sample_directory(ProcDir(path), batch, report);
    }
    pages_.forget_untaken();
    batch.add(error_series_, errors_ > 0 ? 1 : 0);
  }

 private:
  void sample_directory(const ProcDir& directory, Batch& batch, PartReport& report) {
    std::size_t files = 0;
    const auto visit = [&](std::string_view name) {
      if (!name.ends_with(".prom")) return;
      if (++files > kMaxFiles) return;
      path_ = directory.path();
      path_ += '/';
      path_ += name;
      KeptPage* page = pages_.take(path_, [] { return KeptPage(); });
      if (page != nullptr) sample_file(*page, batch, report);
    };
    // The callback holds one reference, so that std::function need not allocate.
    const int error = directory.list(".", sources_.buffer, std::ref(visit));
    if (error != 0) complain(directory.error("", error), report);
    if (files > kMaxFiles) complain({"more than " + std::to_string(kMaxFiles) + " files", directory.path()}, report);
  }

  void sample_file(KeptPage& page, Batch& batch, PartReport& report) {
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) {
      if (errno != ENOENT) complain({std::generic_category().message(errno), path_}, report);
      return;
    }
    const FileIdentity now{status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_ino};
    if (page.identity != now) read(page);
    if (page.error) return complain(*page.error, report);
    batch.add(page.mtime, static_cast<double>(page.identity.seconds));
    const KeptSample* twice = nullptr;
    for (const KeptSample& sample : page.samples) {
      if (take(sample.series)) {
        batch.add(sample.series, sample.value);
      } else if (twice == nullptr) {
        twice = &sample;
      }
    }
    if (twice != nullptr) complain({name_of(twice->series) + " stands in another place already", path_}, report);
  }

  // False when this pass has written the series already. The overflow series, which stands for many, may be.
  bool take(const SeriesHandle& series) {
    const std::size_t index = series.id().index;
    if (index >= taken_.size()) taken_.resize(index + 1);
    if (std::exchange(taken_[index], pass_) != pass_) return true;
    const auto info = sources_.catalog.info(series.id());
    return info->labels.get("overflow") == "true";
  }

  std::string name_of(const SeriesHandle& series) const {
    const auto info = sources_.catalog.info(series.id());
    return info->family->name + (info->label_text.empty() ? "" : "{" + info->label_text + "}");
  }

  void read(KeptPage& page) {
    page = KeptPage();
    const auto text = read_ordinary_file(path_, page.identity);
    if (!text) {
      page.identity = {};  // look again in the next pass
      page.error = text.error();
      return;
    }
    const auto written = read_page(*text, {.max_samples = kMaxSamplesPerFile});
    if (!written) {
      page.error = Error{written.error().what, path_ + ":" + written.error().where};
      return;
    }
    const std::string path_help = "Read from " + path_ + ".";
    for (const ReadSample& sample : written->samples) {
      const std::string& help = written->help_of(sample);
      const Metric metric{sample.name, sample.type, "", help.empty() ? path_help : help};
      page.samples.push_back({sources_.catalog.series(metric, sample.labels), sample.value});
    }
    page.mtime = sources_.catalog.series(kMetrics[0], Labels{{"file", path_}});
  }

  void complain(const Error& error, PartReport& report) {
    ++errors_;
    report.partial(error);
  }

  HostSources& sources_;
  std::vector<ProcDir> directories_;
  std::vector<std::string> patterns_;
  std::string path_;  // of the file being looked at, kept for its capacity
  std::size_t errors_ = 0;
  std::uint64_t pass_ = 0;
  std::vector<std::uint64_t> taken_;  // by the series' index: the pass that wrote it last
  SeriesHandle error_series_;
  KeyedSlots<KeptPage> pages_;
};

}  // namespace

std::unique_ptr<Part> make_textfile_part(HostSources& sources, const HostConfig& config) {
  return std::make_unique<TextfilePart>(sources, config.textfile_directories);
}

std::span<const Metric> textfile_metrics() { return kMetrics; }

}  // namespace sidewatch

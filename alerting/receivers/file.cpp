#include "alerting/receivers/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "alerting/receivers/http_receiver.h"
#include "alerting/receivers/webhook_payload.h"
#include "base/descriptor.h"

namespace sidewatch {

struct FileConfig {
  config::Located<std::string> path;
  config::Bytes max_size{std::uint64_t{64} << 20};
  bool fsync = false;
};

void declare(config::Section& s, FileConfig& c) {
  s.required("path", c.path, "the file, with its whole path; it is made (mode 0640) where it is missing");
  s.optional("max_size", c.max_size, "a file of this size takes nothing more until somebody moves it away",
             config::between(config::Bytes{4096}, config::Bytes{std::uint64_t{1} << 40}));
  s.optional("fsync", c.fsync, "wait until each line is on the disk");
}

namespace {

using namespace std::chrono_literals;

constexpr Duration slow_retry = 5min;  // for what only a person can mend
constexpr mode_t mode_of_file = 0640;

class FileReceiver final : public Receiver {
 public:
  FileReceiver(FileConfig config, ReceiverContext context) : config_(std::move(config)), context_(std::move(context)) {}

  Attempt send(const Delivery& delivery) override {
    if (auto problem = open_current()) return *problem;
    const std::string line = webhook_payload(delivery, context_.origin()) + "\n";
    struct stat before {};
    if (fstat(file_.get(), &before) != 0) return failed("cannot be asked for its size");
    const auto size = static_cast<std::uint64_t>(before.st_size);
    if (size + line.size() > config_.max_size.count) {
      return RetryLater{config_.path.value + " has reached max_size: move it away", slow_retry, true, true};
    }
    const ssize_t written = write(file_.get(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) {
      errno = written < 0 ? errno : ENOSPC;
      return take_back(written, before.st_size, "cannot be written to");
    }
    if (config_.fsync && ::fsync(file_.get()) != 0) return take_back(written, before.st_size, "may not be on the disk");
    if (context_.trace) context_.trace(config_.path.value + "\n\n" + line, "written");
    return Delivered{};
  }

 private:
  // The file that the name leads to now; what speaks against writing to it.
  std::optional<Attempt> open_current() {
    struct stat named {};
    struct stat held {};
    const bool there = lstat(config_.path.value.c_str(), &named) == 0;
    if (there && !S_ISREG(named.st_mode)) {
      return RetryLater{config_.path.value + " is not a regular file", slow_retry, true, true};
    }
    const bool same = file_.get() >= 0 && there && fstat(file_.get(), &held) == 0 && held.st_ino == named.st_ino &&
                      held.st_dev == named.st_dev;
    if (same) return std::nullopt;
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    file_ = Descriptor(open(config_.path.value.c_str(), flags, mode_of_file));
    if (file_.get() < 0) return failed("cannot be opened");
    return std::nullopt;
  }

  // Half a line would spoil the next one, too, and a whole one would stand there twice. Somebody else's line behind it
  // stays.
  Attempt take_back(ssize_t written, off_t size_before, const std::string& what) {
    const int reason = errno;
    struct stat now {};
    if (written > 0 && fstat(file_.get(), &now) == 0 && now.st_size == size_before + written) {
      if (ftruncate(file_.get(), size_before) != 0) file_ = Descriptor(-1);
    }
    errno = reason;
    return failed(what);
  }

  Attempt failed(const std::string& what) const {
    return RetryLater{config_.path.value + " " + what + ": " + std::strerror(errno), std::nullopt, true, false};
  }

  const FileConfig config_;
  const ReceiverContext context_;
  Descriptor file_{-1};
};

void check(config::Section& entry, const FileConfig& c) {
  if (c.path.mark.file.empty()) return;
  struct stat found {};
  if (!c.path.value.starts_with('/')) {
    entry.problem(c.path.mark, "path is not a whole path: write it from / on");
  } else if (c.path.value.ends_with('/') || (lstat(c.path.value.c_str(), &found) == 0 && !S_ISREG(found.st_mode))) {
    entry.problem(c.path.mark,
                  "path is not a regular file, and nothing else is written to (nor a symbolic link followed)");
  }
}

// It may be made later, or be checked on another machine.
std::string warning_of(const FileConfig& c) {
  const std::string folder = c.path.value.substr(0, c.path.value.rfind('/') + 1);
  struct stat found {};
  if (!folder.starts_with('/') || stat(folder.c_str(), &found) == 0 || errno != ENOENT) return "";
  return "there is no folder " + folder + ", and none is made";
}

}  // namespace

std::optional<ReceiverPlan> configure_file(config::Section& entry, const ReceiverContext& context, EntryUse use) {
  std::optional<FileConfig> config;
  entry.section("file", config, "writes each message as one line of JSON at the end of a file");
  if (!config) return std::nullopt;
  if (use == EntryUse::used) check(entry, *config);
  ReceiverPlan plan;
  plan.description = "file " + config->path.value;
  if (use == EntryUse::used) plan.warning = warning_of(*config);
  plan.takes_groups = true;
  plan.fingerprint = Fingerprint("file")
                         .add(config->path.value)
                         .add(std::to_string(config->max_size.count))
                         .add(config->fsync ? "fsync" : "")
                         .text();
  plan.make = [config = *config, context] { return std::make_unique<FileReceiver>(config, context); };
  return plan;
}

}  // namespace sidewatch

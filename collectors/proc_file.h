// Reading /proc and /sys: small files of text that the kernel writes anew at each read.
//
// The one idea: a file that is read in every pass stays open and is read again with pread (4 times cheaper than opening
// it, and on /proc/PID it can never be another process that got the same number). Everything stands under a
// configurable directory, opened once, so that a container can look at its host's /proc and a test at a small tree.
// Refuses to allocate in a steady state: text goes into a buffer that is reused, failures are numbers until somebody
// asks for words, parsing works on views.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sidewatch {

// Why a file could not be read. `gone` (the process, device or file is not there) is normal life; `permission` and
// `failed` are worth telling.
enum class FileStatus { ok, gone, permission, failed };

FileStatus file_status(int error_number);  // 0 is ok; ENOENT, ESRCH, ENODEV, ENXIO are gone; EACCES, EPERM permission

// A file's whole content, or why there is none. The text is valid until the buffer is used again.
struct FileText {
  std::string_view text;
  int error_number = 0;

  FileStatus status() const { return file_status(error_number); }
  explicit operator bool() const { return error_number == 0; }
};

// Where a file's text is read into; grows to the largest file and stays.
class ReadBuffer {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;  // a file beyond it fails with EFBIG

 private:
  friend class ProcFile;
  friend class ProcDir;
  FileText fill_from(int fd, std::size_t whole_below = 0);
  bool grow();
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

// A directory that files are read under: /proc, /sys, /host/proc or /proc/1234.
class ProcDir {
 public:
  // Opens `path`, now or (when it is not there yet) at a later use.
  explicit ProcDir(std::string path);
  // The directory `name` under `parent`. It stays the same directory: when the process or device behind it goes, every
  // read says `gone`, whoever has the name next. Check `status()`.
  ProcDir(const ProcDir& parent, std::string_view name);
  ProcDir(ProcDir&& other) noexcept;
  ProcDir& operator=(ProcDir&& other) noexcept;
  ~ProcDir();

  const std::string& path() const { return path_; }
  FileStatus status() const { return file_status(error_number_); }
  int error_number() const { return error_number_; }

  // Reads `name` (a relative path, '/' allowed) once: open, read, close.
  FileText read(const char* name, ReadBuffer& buffer) const;

  // Calls `visit` for each entry of the directory `name` ("." for this one) but "." and "..", in no order. Returns 0
  // or an errno.
  int list(const char* name, ReadBuffer& buffer, const std::function<void(std::string_view)>& visit) const;

  // The same with each entry's inode, which is another one when the device behind a name is another.
  int list_inodes(const char* name, ReadBuffer& buffer,
                  const std::function<void(std::string_view, std::uint64_t)>& visit) const;

  // Where the symbolic link `name` leads, into `target`. Returns 0 or an errno.
  int read_link(const char* name, std::string& target) const;

  // "/proc/stat: Permission denied" in words.
  Error error(std::string_view name, int error_number) const;

 private:
  friend class ProcFile;
  int open_under(const char* name, int flags) const;  // a descriptor, or -errno
  std::string path_;
  mutable int fd_ = -1;
  mutable int error_number_ = 0;
  bool reopens_ = false;
};

// One file that is read again and again. Stays open between reads; after a failure it is closed and the next read opens
// it by its name again, so what comes back is found. The ProcDir must outlive it.
class ProcFile {
 public:
  enum class Keep { open, closed };  // closed: opened at each read, for where descriptors are scarce
  // Whether one line may be longer than kLongLine. If none is, a short read was the whole file: the kernel writes such
  // files record by record (seq_file), gives only whole records at each read, and ends a read early only where the next
  // record has no room in its page. So a line is never torn by it either.
  enum class Lines { short_ones, any_length };
  static constexpr std::size_t kLongLine = 2048;

  ProcFile(const ProcDir& directory, std::string name, Keep keep = Keep::open, Lines lines = Lines::short_ones);
  ProcFile(ProcFile&& other) noexcept;
  ProcFile& operator=(ProcFile&& other) noexcept;
  ~ProcFile();

  FileText read(ReadBuffer& buffer);

  // Whether the kernel says that the content is still what the last read gave. Only files that announce their changes
  // (poll(2) with POLLPRI: /proc/PID/mounts, mdstat) ever say so; for any other, and before the first read, false.
  bool unchanged() const;

  const std::string& name() const { return name_; }
  Error error(const FileText& text) const { return directory_->error(name_, text.error_number); }

 private:
  const ProcDir* directory_;
  std::string name_;
  Keep keep_;
  Lines lines_;
  int fd_ = -1;
};

// --- Parsing -------------------------------------------------------------------------------------------------------

// Takes the next line (without its newline) off the front of `rest`. False at the end. Text after the last newline is
// a torn read and not a line, so that half a number is never taken for a number.
bool next_line(std::string_view& rest, std::string_view& line);

// The first line, for files of one value; empty when it is torn.
std::string_view first_line(std::string_view text);

// Takes the next field off the front of `rest`: blanks and tabs separate. Empty at the end.
std::string_view next_field(std::string_view& rest);

// Without blanks, tabs and newlines at both ends.
std::string_view trim(std::string_view text);

// The whole text as a number: no sign where there is none, no blank, nothing left over, in range.
std::optional<std::uint64_t> parse_u64(std::string_view text);
std::optional<std::int64_t> parse_i64(std::string_view text);
std::optional<std::uint64_t> parse_hex(std::string_view text);  // with or without 0x
std::optional<double> parse_double(std::string_view text);      // finite

}  // namespace sidewatch

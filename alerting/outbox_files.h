// The small files beside the outbox's database: the lock, the ballast and the high-water mark.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace sidewatch {

// An open file; closes itself.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Makes sure that `directory` is there, is a directory, and belongs to us or to root.
Result<void> prepare_directory(const std::string& directory);

// Makes sure that `path` is a regular file of ours, creating an empty one (0600) when there is none. A symbolic link
// is not followed.
Result<void> prepare_file(const std::string& path);

// Reads the whole file and throws it away: whether the disk gives it at all. A file that is not there is fine.
Result<void> read_through(const std::string& path);

// Keeps a second agent out of the directory for as long as it lives. The kernel releases it when the process ends,
// however it ends. Error: "locked by pid N".
Result<FileHandle> lock_directory(const std::string& directory);

// Space set aside for the moment when the disk is full. On a full disk even deleting a row from a database fails, since
// deleting writes to the log first: so some space must be at hand that can be given free without writing.
class Ballast {
 public:
  Ballast() = default;
  Ballast(std::string path, std::int64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

  // Sets it aside if it is not there yet and the disk has several times as much room.
  void restore();
  // True when there was something to give free.
  bool free();
  bool present() const { return present_; }

 private:
  std::string path_;
  std::int64_t bytes_ = 0;
  bool present_ = false;
};

// How far the database had come, kept outside of it. A write-ahead log whose early frame is damaged silently loses all
// later ones, and the database is then whole, only older: without this mark nobody would know.
struct HighWater {
  std::int64_t commits = 0;
  std::int64_t last_number = 0;  // messages ever added
};

class HighWaterFile {
 public:
  HighWaterFile() = default;
  explicit HighWaterFile(std::string path) : path_(std::move(path)) {}

  // Zeros when there is no file yet; Error when it is damaged.
  Result<HighWater> read() const;
  // Written in place (a full disk does not matter) and synced.
  Result<void> write(const HighWater& mark);

 private:
  std::string path_;
  FileHandle file_;
};

}  // namespace sidewatch

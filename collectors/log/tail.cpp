#include "collectors/log/tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "collectors/log/refusal.h"

namespace sidewatch::log {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;  // read at once; longer than any line
constexpr std::size_t head_bytes = 256;                      // by which a file is known again
constexpr std::size_t before_bytes = 64;

// One for each thread that reads logs: chunks are looked at one after the other.
char* chunk_buffer() {
  thread_local std::vector<char> buffer(chunk_bytes);
  return buffer.data();
}

std::string_view without_carriage_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool same_moment(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

}  // namespace

// What is named is looked at first, as opening alone would wake a pipe's writer or move a tape; what was opened is looked
// at again, as names change.
Result<Tail> Tail::open(const std::string& path) {
  struct stat link {};
  struct stat status {};
  if (::lstat(path.c_str(), &link) != 0 || ::stat(path.c_str(), &status) != 0) return why_unreadable(path, errno);
  if (auto why = why_not_ordinary(path, status.st_mode)) return *why;
  const bool is_link = S_ISLNK(link.st_mode);
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (is_link ? 0 : O_NOFOLLOW));
  if (fd < 0) return why_unreadable(path, errno);
  Tail tail(fd, status);
  if (::fstat(fd, &status) != 0) return why_unreadable(path, errno);
  if (auto why = why_not_ordinary(path, status.st_mode)) return *why;
  if (is_link) {
    if (auto why = why_not_followed(path, link.st_uid, status.st_uid)) return *why;
  }
  tail.id_ = {status.st_dev, status.st_ino};
  tail.backlog_ = static_cast<std::uint64_t>(status.st_size);
  tail.learn_head();
  return tail;
}

Tail::Tail(int fd, const struct stat& status) : fd_(fd), id_{status.st_dev, status.st_ino} {}

Tail::Tail(Tail&& other) noexcept { *this = std::move(other); }

Tail& Tail::operator=(Tail&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  id_ = other.id_;
  offset_ = other.offset_;
  incomplete_ = other.incomplete_;
  backlog_ = other.backlog_;
  skipping_ = other.skipping_;
  head_ = std::move(other.head_);
  before_ = std::move(other.before_);
  changed_ = other.changed_;
  return *this;
}

Tail::~Tail() {
  if (fd_ >= 0) ::close(fd_);
}

void Tail::go_to_end() {
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || status.st_size <= 0) return;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto from = size - std::min<std::uint64_t>(size, max_line_bytes);
  const auto last = text_at(from, static_cast<std::size_t>(size - from));
  const auto line_end = last.rfind('\n');
  skipping_ = line_end == std::string::npos && from > 0;
  offset_ = line_end == std::string::npos ? (skipping_ ? size : 0) : from + line_end + 1;
  backlog_ = 0;
  before_ = text_at(offset_ - std::min<std::uint64_t>(offset_, before_bytes),
                    static_cast<std::size_t>(std::min<std::uint64_t>(offset_, before_bytes)));
}

bool Tail::go_to(const Place& place) {
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || static_cast<std::uint64_t>(status.st_size) < place.offset) return false;
  if (!head_.starts_with(place.head)) return false;
  offset_ = place.offset;
  backlog_ = static_cast<std::uint64_t>(status.st_size) - offset_;
  const auto size = std::min<std::uint64_t>(offset_, before_bytes);
  before_ = text_at(offset_ - size, static_cast<std::size_t>(size));
  return true;
}

bool Tail::continue_copy(const Tail& original) {
  // Shorter beginnings are alike too often: "started" stands in many logs.
  if (original.offset_ < head_bytes || original.head_.size() < head_bytes || head_ != original.head_) return false;
  if (text_at(original.offset_ - original.before_.size(), original.before_.size()) != original.before_) return false;
  offset_ = original.offset_;
  skipping_ = original.skipping_;
  before_ = original.before_;
  backlog_ -= std::min(backlog_, offset_);
  return true;
}

Result<void> Tail::read(const LineSink& sink, ReadBudget& budget, TailCounts& counts) {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return Error{"cannot be looked at: " + std::generic_category().message(errno), ""};
  auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == offset_ + incomplete_ && same_moment(status.st_mtim, changed_)) return {};
  changed_ = status.st_mtim;
  if (is_rewritten(size)) {
    start_anew();
    ++counts.emptied;
  }
  if (head_.size() < head_bytes) learn_head();
  while (!budget.is_spent()) {
    const auto got = ::pread(fd_, chunk_buffer(), chunk_bytes, static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      backlog_ = 0;  // nothing that could be waited for
      return Error{"cannot be read: " + std::generic_category().message(errno), ""};
    }
    const std::string_view chunk(chunk_buffer(), static_cast<std::size_t>(got));
    const bool last = chunk.size() < chunk_bytes;
    const auto used = take_lines(chunk, sink, counts);
    remember(chunk.substr(0, used));
    incomplete_ = chunk.size() - used;
    counts.bytes += used;
    budget.bytes -= std::min<std::uint64_t>(budget.bytes, used);
    if (last) break;
  }
  const auto seen = offset_ + incomplete_;
  backlog_ = size > seen ? size - seen : 0;
  return {};
}

// How much of the chunk was used up: whole lines, and what is cut off of lines that are too long.
std::size_t Tail::take_lines(std::string_view chunk, const LineSink& sink, TailCounts& counts) {
  std::string_view rest = chunk;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    if (!std::exchange(skipping_, false)) give(rest.substr(0, end), sink, counts);
    rest.remove_prefix(end + 1);
  }
  const bool too_long = rest.size() >= max_line_bytes;
  if (too_long && !std::exchange(skipping_, true)) give(rest, sink, counts);
  if (skipping_) rest = {};
  return chunk.size() - rest.size();
}

void Tail::give(std::string_view line, const LineSink& sink, TailCounts& counts) {
  ++counts.lines;
  if (line.size() > max_line_bytes) ++counts.cut;
  line = without_carriage_return(line.substr(0, max_line_bytes));
  // What a program that was not told of the file's emptying leaves: a hole, which reads as NUL bytes.
  line.remove_prefix(std::min(line.find_first_not_of('\0'), line.size()));
  sink(line);
}

void Tail::finish(const LineSink& sink, TailCounts& counts) {
  if (incomplete_ == 0 || skipping_) return;
  give(text_at(offset_, static_cast<std::size_t>(std::min<std::uint64_t>(incomplete_, max_line_bytes + 1))), sink, counts);
  counts.bytes += incomplete_;
  offset_ += std::exchange(incomplete_, 0);
}

bool Tail::is_rewritten(std::uint64_t size) const {
  if (size < offset_ + incomplete_) return true;
  return text_at(0, head_.size()) != head_ ||
         text_at(offset_ - before_.size(), before_.size()) != before_;
}

void Tail::start_anew() {
  const auto data = ::lseek(fd_, 0, SEEK_DATA);  // behind a hole
  offset_ = data > 0 ? static_cast<std::uint64_t>(data) : 0;
  incomplete_ = 0;
  skipping_ = false;
  before_.clear();
  head_.clear();
}

void Tail::remember(std::string_view consumed) {
  offset_ += consumed.size();
  if (consumed.size() >= before_bytes) {
    before_ = consumed.substr(consumed.size() - before_bytes);
  } else if (!consumed.empty()) {
    before_ += consumed;
    before_.erase(0, before_.size() - std::min(before_.size(), before_bytes));
  }
}

void Tail::learn_head() { head_ = text_at(0, head_bytes); }

std::size_t Tail::read_at(std::uint64_t offset, char* into, std::size_t size) const {
  std::size_t filled = 0;
  while (filled < size) {
    const auto got = ::pread(fd_, into + filled, size - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

std::string Tail::text_at(std::uint64_t offset, std::size_t size) const {
  std::string text(size, '\0');
  text.resize(read_at(offset, text.data(), size));
  return text;
}

}  // namespace sidewatch::log

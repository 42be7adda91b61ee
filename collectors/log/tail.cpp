#include "collectors/log/tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "base/crypto.h"
#include "collectors/log/refusal.h"
#include "collectors/log/trusted_open.h"

namespace sidewatch::log {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;  // read at once; longer than any line
constexpr std::size_t head_bytes = 256;                      // by which a file is known again
constexpr std::size_t before_bytes = 64;
constexpr std::size_t hash_bytes = 16;  // enough that no two beginnings are taken for one

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

Fingerprint fingerprint_of(std::string_view text) {
  if (text.empty()) return {};
  return {text.size(), to_hex(std::string_view(sha256(text)).substr(0, hash_bytes))};
}

std::int64_t birth_of(int directory, const char* path, int flags) {
  struct statx status {};
  if (::statx(directory, path, flags, STATX_BTIME, &status) != 0 || (status.stx_mask & STATX_BTIME) == 0) return 0;
  return std::int64_t{status.stx_btime.tv_sec} * 1'000'000'000 + status.stx_btime.tv_nsec;
}

Result<Tail> Tail::open(const std::string& path) {
  const auto fd = open_trusted(path);
  if (!fd) return fd.error();
  struct stat status {};
  if (::fstat(*fd, &status) != 0) {
    const auto why = why_unreadable(path, errno);
    ::close(*fd);
    return why;
  }
  Tail tail(*fd, status);
  tail.born_ = birth_of(*fd, "", AT_EMPTY_PATH);
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
  born_ = other.born_;
  times_emptied_ = other.times_emptied_;
  waits_for_ = std::move(other.waits_for_);
  return *this;
}

Tail::~Tail() {
  if (fd_ >= 0) ::close(fd_);
}

void Tail::go_to_end() {
  go_behind_last_line(size_now());
  backlog_ = 0;
}

// Of those within the first `size` bytes.
void Tail::go_behind_last_line(std::uint64_t size) {
  const auto from = size - std::min<std::uint64_t>(size, max_line_bytes);
  const auto last = text_at(from, static_cast<std::size_t>(size - from));
  const auto line_end = last.rfind('\n');
  skipping_ = line_end == std::string::npos && from > 0;
  offset_ = line_end == std::string::npos ? (skipping_ ? size : 0) : from + line_end + 1;
  before_ = text_before(offset_, before_bytes);
}

Tail::Place Tail::place() const {
  const auto head = fingerprint_of(head_);
  if (waits_for_.offset > 0) return {waits_for_.offset, born_, head, fingerprint_of(waits_for_.before), waits_for_.skipping};
  return {offset_, born_, head, fingerprint_of(before_), skipping_};
}

bool Tail::go_to(const Place& place) {
  const auto size = size_now();
  if (place.born != 0 && born_ != 0 && place.born != born_) return false;
  if (size < place.offset || fingerprint_of(std::string_view(head_).substr(0, place.head.bytes)) != place.head) return false;
  auto before = text_before(place.offset, place.before.bytes);
  if (fingerprint_of(before) != place.before) return false;
  offset_ = place.offset;
  before_ = std::move(before);
  skipping_ = place.skipping;
  if (place.head.bytes == 0 || place.before.bytes == 0) go_behind_last_line(place.offset);
  backlog_ = size - offset_;
  return true;
}

bool Tail::go_to_as_copy(Place place) {
  place.born = 0;
  return place.head.bytes > 0 && go_to(place);
}

std::uint64_t Tail::leave_out_all_but(std::uint64_t most) {
  const auto size = size_now();
  if (size <= offset_ || size - offset_ <= most) return 0;
  const auto from = offset_;
  const bool skipped = skipping_;
  go_behind_last_line(size - most);
  if (offset_ < from) {  // that line's rest is skipped already
    offset_ = from;
    skipping_ = skipped;
    before_ = text_before(offset_, before_bytes);
  }
  backlog_ = size - offset_;
  return offset_ - from;
}

bool Tail::is_copy_of(const Tail& original, bool named_like_it) const {
  const auto size = size_now();
  const auto known = std::min(size, original.offset_);
  if (known == 0 || (known < head_bytes && !named_like_it)) return false;
  const auto head = text_at(0, static_cast<std::size_t>(std::min<std::uint64_t>(known, head_bytes)));
  if (!original.head_.starts_with(head)) return false;
  const auto size_of_original = original.size_now();  // asked for behind ours: a copy is never longer
  if (!original.is_rewritten(size_of_original)) {
    const auto last = std::min<std::uint64_t>(size, before_bytes);
    return size <= size_of_original && text_before(size, last) == original.text_before(size, last);
  }
  return size < original.offset_ || text_before(original.offset_, original.before_.size()) == original.before_;
}

void Tail::wait_behind(const Tail& original) {
  waits_for_ = {original.offset_, original.before_, original.skipping_};
  backlog_ = 0;
}

// A copy that ends before where the original was read to has nothing new.
void Tail::resume() {
  const auto from = std::exchange(waits_for_, {});
  const auto size = size_now();
  if (size >= from.offset && text_before(from.offset, from.before.size()) != from.before) return;  // no copy after all
  offset_ = std::min(size, from.offset);
  skipping_ = from.skipping;
  before_ = text_before(offset_, before_bytes);
  backlog_ = size - offset_;
}

std::uint64_t Tail::size_now() const {
  struct stat status {};
  return ::fstat(fd_, &status) == 0 && status.st_size > 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<void> Tail::read(const LineSink& sink, ReadBudget& budget, TailCounts& counts) {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return Error{"cannot be looked at: " + std::generic_category().message(errno), ""};
  auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == offset_ + incomplete_ && same_moment(status.st_mtim, changed_)) return {};
  changed_ = status.st_mtim;
  if (is_rewritten(size)) {
    start_anew();
    ++times_emptied_;
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
  return text_at(0, head_.size()) != head_ || text_before(offset_, before_.size()) != before_;
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

std::string Tail::text_before(std::uint64_t offset, std::uint64_t most) const {
  const auto size = std::min(offset, most);
  return text_at(offset - size, static_cast<std::size_t>(size));
}

}  // namespace sidewatch::log

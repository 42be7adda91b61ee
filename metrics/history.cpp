// Chains of chunks from one pool. See history.h.
#include "metrics/history.h"

#include <algorithm>
#include <utility>

namespace sidewatch {
namespace {

// Spare chunks kept in any case; beyond them a quarter of what is in use.
constexpr std::size_t least_spare = 16;

}  // namespace

History::History(std::size_t max_bytes) : max_chunks_(std::max<std::size_t>(max_bytes / sizeof(Link), 1)) {}

History::~History() {
  while (queue_.oldest) drop_oldest(queue_.oldest->series);
}

void History::resize(std::size_t count) {
  if (count > chains_.size()) chains_.resize(count);
}

void History::append(std::uint32_t series, Point point) {
  const Chain& chain = chains_[series];
  if (chain.newest && chain.newest->chunk.append(point)) return;
  // Taking a chunk from the pool may evict this very series' oldest one, so the chain is looked at afterwards.
  Link* link = begin_chunk(series);
  link->chunk.append(point);
  attach(series, link);
}

void History::attach(std::uint32_t series, Link* link) {
  Chain& chain = chains_[series];
  (chain.newest ? chain.newest->next : chain.oldest) = link;
  chain.newest = link;
}

void History::drop_until(std::uint32_t series, Time limit) {
  const Chain& chain = chains_[series];
  while (chain.oldest && chain.oldest->chunk.last_time() <= limit) drop_oldest(series);
}

void History::clear(std::uint32_t series) {
  while (chains_[series].oldest) drop_oldest(series);
}

void History::trim() {
  const std::size_t kept = least_spare + used_ / 4;
  if (spare_.size() > kept) spare_.resize(kept);
}

bool History::empty(std::uint32_t series) const { return !chains_[series].oldest; }

std::optional<Point> History::at_or_before(std::uint32_t series, Time time) const {
  const Link* holder = nullptr;
  for (const Link* link = chains_[series].oldest; link && link->chunk.first_time() <= time; link = link->next) {
    holder = link;
  }
  if (!holder) return std::nullopt;
  std::optional<Point> found;
  holder->chunk.for_each([&](Point point) {
    if (point.time <= time) found = point;
  });
  return found;
}

bool History::copy(std::uint32_t series, Time from, Time to, std::size_t limit, std::vector<Chunk>& out) const {
  const Link* link = chains_[series].oldest;
  while (link && link->chunk.last_time() <= from) link = link->next;
  for (; link && link->chunk.first_time() <= to; link = link->next) {
    if (limit-- == 0) return true;
    out.push_back(link->chunk);
  }
  return false;
}

bool History::adopt(std::uint32_t series, const Chunk& chunk) {
  const Link* newest = chains_[series].newest;
  if (newest && chunk.first_time() <= newest->chunk.last_time()) return false;
  Link* link = begin_chunk(series);
  link->chunk = chunk;
  attach(series, link);
  return true;
}

void History::restore_order() {
  std::vector<Link*> links;
  links.reserve(used_);
  for (Link* link = queue_.oldest; link; link = link->newer) links.push_back(link);
  std::stable_sort(links.begin(), links.end(),
                   [](const Link* a, const Link* b) { return a->chunk.first_time() < b->chunk.first_time(); });
  queue_ = {};
  for (Link* link : links) enqueue(link);
}

std::optional<Time> History::newest_time(std::uint32_t series) const {
  const Link* newest = chains_[series].newest;
  return newest ? std::optional(newest->chunk.last_time()) : std::nullopt;
}

std::size_t History::bytes() const { return (used_ + spare_.size()) * sizeof(Link); }
std::uint64_t History::evicted() const { return evicted_; }

History::Link* History::begin_chunk(std::uint32_t series) {
  if (spare_.empty() && used_ >= max_chunks_) {
    evicted_ += queue_.oldest->chunk.size();
    drop_oldest(queue_.oldest->series);
  }
  if (spare_.empty()) {
    spare_.push_back(std::make_unique<Link>());
    if (spare_.capacity() <= used_) spare_.reserve(2 * used_ + 2);  // returning a chunk then never allocates
  }
  Link* link = spare_.back().release();
  spare_.pop_back();
  ++used_;
  link->chunk.reset();
  link->series = series;
  link->next = nullptr;
  enqueue(link);
  return link;
}

void History::enqueue(Link* link) {
  link->newer = nullptr;
  link->older = queue_.newest;
  (queue_.newest ? queue_.newest->newer : queue_.oldest) = link;
  queue_.newest = link;
}

void History::drop_oldest(std::uint32_t series) {
  Chain& chain = chains_[series];
  std::unique_ptr<Link> link(chain.oldest);
  chain.oldest = link->next;
  if (!chain.oldest) chain.newest = nullptr;
  (link->older ? link->older->newer : queue_.oldest) = link->newer;
  (link->newer ? link->newer->older : queue_.newest) = link->older;
  --used_;
  spare_.push_back(std::move(link));
}

}  // namespace sidewatch

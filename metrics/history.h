// The recent samples of all series: per series a chain of chunks, over all of them one budget of bytes.
//
// Chunks come from a pool and return to it, so that a steady state allocates nothing. All chunks in use stand in one
// queue in the order in which they were begun; when the budget is used up, the head of that queue is taken away from
// its series. It is always that series' own oldest chunk, because a series begins its chunks in order.
//
// Holds no lock and knows no handle: the store calls it under its own mutex, with the series' index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "metrics/chunk.h"
#include "metrics/point.h"

namespace sidewatch {

class History {
 public:
  explicit History(std::size_t max_bytes);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Makes room for the indexes below `count`.
  void resize(std::size_t count);

  // `point.time` is later than that of every sample of this series.
  void append(std::uint32_t series, Point point);

  // Drops the chunks of a series that have no sample after `limit`: up to one chunk of older samples stays.
  void drop_until(std::uint32_t series, Time limit);
  void clear(std::uint32_t series);

  // Gives back memory of the pool that will not be needed soon.
  void trim();

  bool empty(std::uint32_t series) const;
  std::optional<Point> at_or_before(std::uint32_t series, Time time) const;
  // Appends copies of the chunks that have samples with from < time <= to, oldest first, but no more than `limit`. True
  // when there are more.
  bool copy(std::uint32_t series, Time from, Time to, std::size_t limit, std::vector<Chunk>& out) const;

  // Takes over a chunk of an earlier life, which is appended to if it is the series' newest. False, and nothing is done,
  // when it does not begin after the samples that are there.
  bool adopt(std::uint32_t series, const Chunk& chunk);
  // After adopting: the queue of all chunks is in the order of their beginning again.
  void restore_order();

  std::optional<Time> newest_time(std::uint32_t series) const;

  std::size_t bytes() const;            // of all chunks, the pool's spare ones included
  std::uint64_t evicted() const;        // samples dropped because of the budget

 private:
  struct Link {
    Chunk chunk;
    std::uint32_t series = 0;
    Link* next = nullptr;    // of the same series, later
    Link* older = nullptr;   // in the queue of all
    Link* newer = nullptr;
  };
  struct Chain {
    Link* oldest = nullptr;
    Link* newest = nullptr;
  };

  Link* begin_chunk(std::uint32_t series);
  void attach(std::uint32_t series, Link* link);
  void enqueue(Link* link);
  void drop_oldest(std::uint32_t series);

  const std::size_t max_chunks_;
  std::vector<Chain> chains_;
  Chain queue_;  // owns every chunk in use
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<Link>> spare_;
  std::uint64_t evicted_ = 0;
};

}  // namespace sidewatch

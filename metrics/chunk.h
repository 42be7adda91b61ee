// A fixed piece of memory that holds consecutive samples of one series, oldest first, compressed without loss.
//
// Appended to until it is full, then only read. It knows nothing about series, budgets or staleness.
//
// Sources write at a steady pace, so a sample's time is kept as the change of the interval: mostly 0, one bit. Values
// are mostly counters, sizes and decimals with few places, so a value is kept as a whole number of 10^-n units and of
// that the change of the step (one bit when the value stays). What is no such decimal is kept in full, 64 bits. Host
// metrics take about two bytes per sample this way, constants two bits. The codec is described in chunk.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "metrics/point.h"

namespace sidewatch {

class Chunk {
 public:
  // Starts anew; what was inside is gone.
  void reset();

  // False when it is full; then nothing has changed. `point.time` is later than that of every sample inside.
  bool append(Point point);

  std::size_t size() const { return count_; }
  Time first_time() const { return time_at_ms(first_ms_); }
  Time last_time() const { return time_at_ms(last_.ms); }

  // Appends the samples to `out` as bytes, without the room that is still free.
  void save(std::string& out) const;
  // What save() wrote, every time moved by `shift`; it can be appended to. Nothing when the bytes are no whole chunk.
  static std::optional<Chunk> load(ByteReader& bytes, Duration shift);

  // Calls `visit(Point)` for each sample, oldest first.
  template <class Visit>
  void for_each(Visit&& visit) const {
    Reader reader(*this);
    for (std::uint32_t i = 0; i < count_; ++i) visit(reader.next());
  }

 private:
  static constexpr std::size_t payload_words = 51;
  static constexpr std::size_t payload_bits = payload_words * 64;

  // The sample before, which the next one is told relative to.
  struct Cursor {
    std::int64_t ms = 0;
    std::int64_t interval = 0;   // since the sample before
    std::uint64_t bits = 0;      // of the value
    std::int64_t mantissa = 0;   // value = mantissa / 10^places
    std::int64_t step = 0;       // of the mantissa, since the sample before
    std::uint32_t places = 0;    // or no_places
  };

  class Reader {
   public:
    explicit Reader(const Chunk& chunk) : chunk_(chunk) { at_.ms = chunk.first_ms_; }
    Point next();
    const Cursor& at() const { return at_; }
    std::uint32_t position() const { return position_; }

   private:
    std::uint64_t peek() const;
    std::uint64_t read(unsigned bits);
    void read_time();
    void read_value();

    const Chunk& chunk_;
    std::uint32_t position_ = 0;
    bool first_ = true;
    Cursor at_;
  };

  class Sentence;
  void write(std::uint64_t value, unsigned bits);
  bool recover_cursor();

  std::int64_t first_ms_ = 0;
  Cursor last_;
  std::uint32_t used_bits_ = 0;
  std::uint32_t count_ = 0;
  std::array<std::uint64_t, payload_words> payload_{};
};

}  // namespace sidewatch

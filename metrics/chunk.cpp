// The codec of a chunk. See chunk.h for the idea.
//
// The payload is a string of bits, the lowest of a word first. Signed numbers are zigzagged: 0, -1, 1, -2, 2, ...
//
//   time   (not of the first sample, whose time stands apart), by the change c of the interval:
//            0              c = 0
//            1 0            c in 5 bits
//            1 1 0          c in 10 bits
//            1 1 1 0        c in 20 bits
//            1 1 1 1        the interval itself in 64 bits
//   value    0              the bits of the sample before
//            1 0 kk         by the change of the mantissa's step, in 4, 8, 16 or 32 bits as kk says
//            1 1 ppp        in full, 64 bits; ppp decimal places if it has at most `most_places`, else no_places
//
// Every number that is written relative to the one before is computed in the same way by writer and reader, in
// wrapping 64-bit arithmetic, so that no input can disagree or overflow. A decimal is used only where dividing it back
// gives the very same double.
#include "metrics/chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sidewatch {
namespace {

constexpr std::uint32_t most_places = 4;
constexpr std::uint32_t no_places = 7;
constexpr std::array<double, most_places + 1> powers_of_ten = {1, 10, 100, 1000, 10000};
constexpr double exact_integers_below = 9007199254740992.0;  // 2^53

// Far beyond any time that is told in milliseconds, and far from where differences would overflow.
constexpr std::int64_t furthest_ms = std::int64_t{1} << 60;

constexpr std::array<unsigned, 4> time_bits = {5, 10, 20, 64};  // after 1, 2, 3, 4 ones
constexpr std::array<unsigned, 4> step_bits = {4, 8, 16, 32};   // by kk

std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::uint64_t zigzag(std::int64_t number) {
  return (static_cast<std::uint64_t>(number) << 1) ^ static_cast<std::uint64_t>(number >> 63);
}
std::int64_t unzigzag(std::uint64_t code) {
  return static_cast<std::int64_t>((code >> 1) ^ (0 - (code & 1)));
}

bool fits(std::uint64_t code, unsigned bits) { return bits == 64 || code >> bits == 0; }

// `value` in units of 10^-places, where that is exact.
std::optional<std::int64_t> mantissa_of(double value, std::uint32_t places) {
  if (value == 0 && std::signbit(value)) return std::nullopt;  // an integer zero has no sign
  const double scaled = std::nearbyint(value * powers_of_ten[places]);
  if (!(std::abs(scaled) < exact_integers_below)) return std::nullopt;
  if (std::bit_cast<std::uint64_t>(scaled / powers_of_ten[places]) != std::bit_cast<std::uint64_t>(value)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(scaled);
}

}  // namespace

// What one sample will take, put together before it is known whether there is room.
class Chunk::Sentence {
 public:
  void add(std::uint64_t value, unsigned bits) {
    words_[count_++] = {value, bits};
    bits_ += bits;
  }
  unsigned bits() const { return bits_; }
  void write_to(Chunk& chunk) const {
    for (std::size_t i = 0; i < count_; ++i) chunk.write(words_[i].value, words_[i].bits);
  }

  // Each adds the code for what follows `last` and moves `last` there.
  void tell_time(Cursor& last, std::int64_t ms);
  void tell_value(Cursor& last, double value);

 private:
  bool tell_step(Cursor& last, double value);
  void tell_in_full(Cursor& last, double value);

  struct Word {
    std::uint64_t value;
    unsigned bits;
  };
  std::array<Word, 5> words_;
  std::size_t count_ = 0;
  unsigned bits_ = 0;
};

void Chunk::Sentence::tell_time(Cursor& last, std::int64_t ms) {
  const std::int64_t interval = minus(ms, last.ms);
  const std::uint64_t change = zigzag(minus(interval, last.interval));
  last.ms = ms;
  last.interval = interval;
  if (change == 0) return add(0, 1);
  unsigned size = 0;
  while (size < 3 && !fits(change, time_bits[size])) ++size;
  const unsigned ones = size + 1;
  const std::uint64_t code = (std::uint64_t{1} << ones) - 1;
  if (ones == 4) {
    add(code, 4);
    add(static_cast<std::uint64_t>(interval), 64);
  } else {
    add(code, ones + 1);
    add(change, time_bits[size]);
  }
}

void Chunk::Sentence::tell_value(Cursor& last, double value) {
  if (std::bit_cast<std::uint64_t>(value) == last.bits) {
    last.step = 0;
    return add(0, 1);
  }
  if (!tell_step(last, value)) tell_in_full(last, value);
}

bool Chunk::Sentence::tell_step(Cursor& last, double value) {
  if (last.places == no_places) return false;
  const auto mantissa = mantissa_of(value, last.places);
  if (!mantissa) return false;
  const std::int64_t step = minus(*mantissa, last.mantissa);
  const std::uint64_t change = zigzag(minus(step, last.step));
  unsigned size = 0;
  while (size < step_bits.size() && !fits(change, step_bits[size])) ++size;
  if (size == step_bits.size()) return false;
  add(0b01U | size << 2, 4);
  add(change, step_bits[size]);
  last.bits = std::bit_cast<std::uint64_t>(value);
  last.mantissa = *mantissa;
  last.step = step;
  return true;
}

void Chunk::Sentence::tell_in_full(Cursor& last, double value) {
  last.bits = std::bit_cast<std::uint64_t>(value);
  last.step = 0;
  last.places = no_places;
  for (std::uint32_t places = 0; places <= most_places && last.places == no_places; ++places) {
    if (const auto mantissa = mantissa_of(value, places)) {
      last.places = places;
      last.mantissa = *mantissa;
    }
  }
  add(0b11U | last.places << 2, 5);
  add(last.bits, 64);
}

void Chunk::reset() {
  count_ = 0;
  used_bits_ = 0;
  last_ = Cursor{};
  payload_.fill(0);
}

bool Chunk::append(Point point) {
  Sentence sentence;
  Cursor next = last_;
  const std::int64_t ms = to_ms(point.time);
  if (count_ == 0) {
    next.ms = ms;
    first_ms_ = ms;
  } else {
    sentence.tell_time(next, ms);
  }
  sentence.tell_value(next, point.value);
  if (used_bits_ + sentence.bits() > payload_bits) return false;
  sentence.write_to(*this);
  last_ = next;
  ++count_;
  return true;
}

void Chunk::write(std::uint64_t value, unsigned bits) {
  const std::uint32_t word = used_bits_ / 64;
  const std::uint32_t offset = used_bits_ % 64;
  payload_[word] |= value << offset;
  if (offset + bits > 64) payload_[word + 1] |= value >> (64 - offset);
  used_bits_ += bits;
}

// The next 64 bits; those beyond the payload are zeros.
std::uint64_t Chunk::Reader::peek() const {
  const std::uint32_t word = position_ / 64;
  const std::uint32_t offset = position_ % 64;
  if (word >= payload_words) return 0;
  std::uint64_t bits = chunk_.payload_[word] >> offset;
  if (offset > 0 && word + 1 < payload_words) bits |= chunk_.payload_[word + 1] << (64 - offset);
  return bits;
}

std::uint64_t Chunk::Reader::read(unsigned bits) {
  const std::uint64_t value = peek();
  position_ += bits;
  return bits == 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

Point Chunk::Reader::next() {
  if (first_) {
    first_ = false;
  } else {
    read_time();
  }
  read_value();
  return {time_at_ms(at_.ms), std::bit_cast<double>(at_.bits)};
}

void Chunk::Reader::read_time() {
  const auto ones = static_cast<unsigned>(std::countr_one(peek() & 0xF));
  position_ += std::min(ones + 1, 4U);
  if (ones == 4) {
    at_.interval = static_cast<std::int64_t>(read(64));
  } else if (ones > 0) {
    at_.interval = plus(at_.interval, unzigzag(read(time_bits[ones - 1])));
  }
  at_.ms = plus(at_.ms, at_.interval);
}

void Chunk::Reader::read_value() {
  const std::uint64_t code = peek();
  if ((code & 1) == 0) {
    position_ += 1;
    at_.step = 0;
  } else if ((code & 2) == 0) {
    position_ += 4;
    at_.step = plus(at_.step, unzigzag(read(step_bits[code >> 2 & 3])));
    at_.mantissa = plus(at_.mantissa, at_.step);
    const double scale = powers_of_ten[std::min(at_.places, most_places)];
    at_.bits = std::bit_cast<std::uint64_t>(static_cast<double>(at_.mantissa) / scale);
  } else {
    position_ += 5;
    at_.places = static_cast<std::uint32_t>(code >> 2 & 7);
    at_.step = 0;
    at_.bits = read(64);
    if (at_.places > most_places) {
      at_.places = no_places;
    } else {
      at_.mantissa = mantissa_of(std::bit_cast<double>(at_.bits), at_.places).value_or(0);
    }
  }
}

void Chunk::save(std::string& out) const {
  append_varint(out, count_);
  append_varint(out, used_bits_);
  append_signed(out, first_ms_);
  const std::size_t words = (used_bits_ + 63) / 64;
  for (std::size_t i = 0; i < words; ++i) append_u64(out, payload_[i]);
}

std::optional<Chunk> Chunk::load(ByteReader& bytes, Duration shift) {
  Chunk chunk;
  const std::uint64_t count = bytes.varint();
  const std::uint64_t used_bits = bytes.varint();
  chunk.first_ms_ = plus(bytes.signed_number(), shift.count());
  if (count == 0 || count > used_bits || used_bits > payload_bits) return std::nullopt;
  chunk.count_ = static_cast<std::uint32_t>(count);
  chunk.used_bits_ = static_cast<std::uint32_t>(used_bits);
  for (std::size_t i = 0; i < (used_bits + 63) / 64; ++i) chunk.payload_[i] = bytes.u64();
  if (!bytes.ok() || !chunk.recover_cursor()) return std::nullopt;
  return chunk;
}

// False when the payload is none that append() leaves behind: what comes later is not told relative to it then.
bool Chunk::recover_cursor() {
  Reader reader(*this);
  for (std::uint32_t i = 0; i < count_; ++i) {
    const std::int64_t before = reader.at().ms;
    reader.next();
    const std::int64_t ms = reader.at().ms;
    if (reader.position() > used_bits_ || (i > 0 && ms <= before) || ms < -furthest_ms || ms > furthest_ms) {
      return false;
    }
  }
  if (reader.position() != used_bits_) return false;
  if (used_bits_ % 64 != 0 && payload_[used_bits_ / 64] >> (used_bits_ % 64) != 0) return false;
  last_ = reader.at();
  return true;
}

}  // namespace sidewatch

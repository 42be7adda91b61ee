// Protocol buffers, read field by field out of bytes that a stranger sent. Seam of protozero.
//
// A message is a view, and so are the texts and messages in it: nothing is copied. What is not a message ends the reading:
// next() is false and ok() too. A field of another type than the one asked for has another tag, and so is skipped as an
// unknown one, which is what the format asks for.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sidewatch {

class ProtobufReader {
 public:
  enum class Wire : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

  // What tag() is for a field of this number and type.
  static constexpr std::uint32_t tag(std::uint32_t number, Wire wire) {
    return number << 3 | static_cast<std::uint32_t>(wire);
  }

  explicit ProtobufReader(std::string_view message) : left_(message) {}

  bool next();  // to the next field; false at the end, and where the bytes are not a message
  bool ok() const { return ok_; }

  // Of the field that next() went to; what its type does not have is 0 or empty.
  std::uint32_t tag() const { return tag_; }
  std::uint64_t number() const { return number_; }
  std::int64_t signed_number() const { return static_cast<std::int64_t>(number_); }
  std::int64_t zigzag() const { return static_cast<std::int64_t>((number_ >> 1) ^ (0 - (number_ & 1))); }
  double real() const { return std::bit_cast<double>(number_); }
  std::string_view bytes() const { return bytes_; }
  std::string_view whole() const { return whole_; }  // with its tag

  // The numbers of a packed field. False when it is not whole, or has more than `limit` of them.
  bool append_fixed64(std::vector<std::uint64_t>& out, std::size_t limit) const;
  bool append_reals(std::vector<double>& out, std::size_t limit) const;
  bool append_varints(std::vector<std::uint64_t>& out, std::size_t limit) const;

 private:
  std::string_view left_;
  bool ok_ = true;
  std::uint32_t tag_ = 0;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
  std::string_view whole_;
};

// Fields of small answers. A number that is 0 and a text that is empty are left out, as the format does it.
void append_protobuf_number(std::string& out, std::uint32_t field, std::uint64_t number);
void append_protobuf_text(std::string& out, std::uint32_t field, std::string_view text);

}  // namespace sidewatch

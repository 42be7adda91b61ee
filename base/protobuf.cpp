#include "base/protobuf.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

namespace sidewatch {
namespace {

std::uint64_t fixed64_at(const char* bytes) {
  std::uint64_t number = 0;
  for (unsigned i = 0; i < 8; ++i) number |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return number;
}

}  // namespace

bool ProtobufReader::next() {
  if (!ok_ || left_.empty()) return false;
  number_ = 0;
  bytes_ = {};
  try {
    protozero::pbf_reader reader(left_.data(), left_.size());
    if (!reader.next()) return false;
    tag_ = reader.tag_and_type();
    switch (reader.wire_type()) {
      case protozero::pbf_wire_type::varint: number_ = reader.get_uint64(); break;
      case protozero::pbf_wire_type::fixed64: number_ = reader.get_fixed64(); break;
      case protozero::pbf_wire_type::fixed32: number_ = reader.get_fixed32(); break;
      case protozero::pbf_wire_type::length_delimited: {
        const auto view = reader.get_view();
        bytes_ = {view.data(), view.size()};
        break;
      }
      case protozero::pbf_wire_type::unknown: ok_ = false; return false;
    }
    const std::size_t rest = reader.length();
    whole_ = left_.substr(0, left_.size() - rest);
    left_.remove_prefix(whole_.size());
    return true;
  } catch (const protozero::exception&) {
    ok_ = false;
    return false;
  }
}

bool ProtobufReader::append_fixed64(std::vector<std::uint64_t>& out, std::size_t limit) const {
  if (bytes_.size() % 8 != 0 || bytes_.size() / 8 + out.size() > limit) return false;
  for (std::size_t at = 0; at < bytes_.size(); at += 8) out.push_back(fixed64_at(bytes_.data() + at));
  return true;
}

bool ProtobufReader::append_reals(std::vector<double>& out, std::size_t limit) const {
  if (bytes_.size() % 8 != 0 || bytes_.size() / 8 + out.size() > limit) return false;
  for (std::size_t at = 0; at < bytes_.size(); at += 8) out.push_back(std::bit_cast<double>(fixed64_at(bytes_.data() + at)));
  return true;
}

bool ProtobufReader::append_varints(std::vector<std::uint64_t>& out, std::size_t limit) const {
  const char* at = bytes_.data();
  const char* const end = at + bytes_.size();
  try {
    while (at != end) {
      if (out.size() == limit) return false;
      out.push_back(protozero::decode_varint(&at, end));
    }
  } catch (const protozero::exception&) {
    return false;
  }
  return true;
}

void append_protobuf_number(std::string& out, std::uint32_t field, std::uint64_t number) {
  if (number != 0) protozero::pbf_writer(out).add_uint64(field, number);
}

void append_protobuf_text(std::string& out, std::uint32_t field, std::string_view text) {
  if (!text.empty()) protozero::pbf_writer(out).add_bytes(field, text.data(), text.size());
}

}  // namespace sidewatch

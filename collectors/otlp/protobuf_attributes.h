// The attributes of a resource, a scope or a data point in protocol buffers, and what the readers of such messages share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/protobuf.h"
#include "collectors/otlp/model.h"

namespace sidewatch::otlp {

constexpr std::uint32_t bytes_tag(std::uint32_t number) {
  return ProtobufReader::tag(number, ProtobufReader::Wire::bytes);
}
constexpr std::uint32_t varint_tag(std::uint32_t number) {
  return ProtobufReader::tag(number, ProtobufReader::Wire::varint);
}
constexpr std::uint32_t fixed_tag(std::uint32_t number) {
  return ProtobufReader::tag(number, ProtobufReader::Wire::fixed64);
}

// Ends the reading of a request; read_protobuf_request() makes an Error of it.
struct DamagedProtobuf {
  std::string what;
};
[[noreturn]] inline void fail_protobuf(std::string what) { throw DamagedProtobuf{std::move(what)}; }

inline void require_end(const ProtobufReader& reader, const char* message) {
  if (!reader.ok()) fail_protobuf("the " + std::string(message) + " is damaged or cut off");
}

// The attributes among the fields of a message. note() is told of each while the message is looked through.
class ProtobufAttributes final : public Attributes {
 public:
  void begin(std::string_view message, std::uint32_t number);  // of the field that holds them
  void note(const ProtobufReader& field);

  Result<std::vector<Label>> read() const override;
  std::optional<std::string_view> raw() const override;

 private:
  std::string_view message_;
  std::uint32_t tag_ = 0;
  std::string_view run_;  // of their bytes
  std::size_t count_ = 0;
  bool together_ = true;  // nothing else stands between them
};

}  // namespace sidewatch::otlp

#include "collectors/otlp/refusal.h"

#include <cstdint>

#include "base/json.h"
#include "base/protobuf.h"
#include "collectors/media_type.h"

namespace sidewatch::otlp {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::string_view protobuf_type = "application/x-protobuf";

// The google.rpc.Code that google/rpc/code.proto maps to an HTTP status; 413, which it does not name, is what gRPC says
// of a message that is too large.
std::int64_t code_of(int status) {
  constexpr std::int64_t invalid_argument = 3, not_found = 5, permission_denied = 7, resource_exhausted = 8,
                         internal = 13, unavailable = 14;
  switch (status) {
    case 403: return permission_denied;
    case 404: return not_found;
    case 413: return resource_exhausted;
    case 503: return unavailable;
    default: return status >= 500 ? internal : invalid_argument;
  }
}

std::string status_as_json(std::int64_t code, const std::string& message) {
  JsonWriter json;
  return json.begin_object().key("code").integer(code).key("message").text(message).end_object().take();
}

std::string status_as_protobuf(std::int64_t code, const std::string& message) {
  std::string status;
  append_protobuf_number(status, 1, static_cast<std::uint64_t>(code));
  append_protobuf_text(status, 2, message);
  return status;
}

}  // namespace

PushAnswer refuse(int status, const std::string& sentence, std::string_view content_type) {
  const std::string type = media_type_of(content_type);
  if (type != json_type && type != protobuf_type) return PushAnswer::text(status, sentence);
  PushAnswer answer;
  answer.status = status;
  answer.content_type = type;
  const auto code = code_of(status);
  answer.body = type == json_type ? status_as_json(code, sentence) : status_as_protobuf(code, sentence);
  return answer;
}

}  // namespace sidewatch::otlp

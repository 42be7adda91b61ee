#include "base/http_answer.h"

#include <algorithm>
#include <utility>

namespace sidewatch {
namespace {

std::string_view without_blanks(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

bool HttpAnswer::add_header_line(std::string_view line) {
  header_bytes_ += line.size();
  if (line.starts_with("HTTP/")) response_.headers.clear();
  const std::size_t colon = line.find(':');
  if (header_bytes_ > max_header_bytes) {
    trouble_ = "more than " + std::to_string(max_header_bytes) + " bytes of headers";
  } else if (colon != std::string_view::npos && response_.headers.size() >= max_headers) {
    trouble_ = "more than " + std::to_string(max_headers) + " header fields";
  } else if (colon != std::string_view::npos) {
    response_.headers.push_back({std::string(line.substr(0, colon)), std::string(without_blanks(line.substr(colon + 1)))});
  }
  return trouble_.empty();
}

bool HttpAnswer::add_body(std::string_view piece) {
  const std::size_t room = max_body_bytes_ - response_.body.size();
  response_.body.append(piece.substr(0, room));
  body_too_long_ = piece.size() > room;
  return !body_too_long_;
}

OutgoingResponse HttpAnswer::take(int status, bool cut) {
  response_.status = status;
  response_.cut = cut;
  return std::move(response_);
}

}  // namespace sidewatch

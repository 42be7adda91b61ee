// An HTTP answer as it comes in, piece by piece, within bounds: what whoever asked is given in the end. Knows no library.
//
// Too many header bytes or fields end it with an error: a field that was left out unseen would be one that is not there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/http_client.h"

namespace sidewatch {

class HttpAnswer {
 public:
  static constexpr std::size_t max_header_bytes = 64 * 1024;
  static constexpr std::size_t max_headers = 256;

  explicit HttpAnswer(std::size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  // A line of the head with its end; a status line begins it anew (the final answer comes after 100 Continue). False:
  // there is too much, and nothing more is wanted.
  bool add_header_line(std::string_view line);
  bool add_body(std::string_view piece);  // takes in what there is room for

  // What is wrong with the head: "more than 256 header fields"; empty when nothing is.
  const std::string& trouble() const { return trouble_; }
  bool body_too_long() const { return body_too_long_; }

  OutgoingResponse take(int status, bool cut);

 private:
  const std::size_t max_body_bytes_;
  OutgoingResponse response_;
  std::size_t header_bytes_ = 0;
  std::string trouble_;
  bool body_too_long_ = false;
};

}  // namespace sidewatch

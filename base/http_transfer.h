// One request of base/http_transfers.h: how libcurl is told what it may do, and what its end means. Only that file's
// business; what is libcurl's has no type here.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "base/http_answer.h"
#include "base/http_transfers.h"

struct curl_slist;

namespace sidewatch {

struct FreeCurlList {
  void operator()(curl_slist* list) const;
};
using CurlList = std::unique_ptr<curl_slist, FreeCurlList>;

// A request under way. What libcurl does not copy lives here.
struct HttpTransfer {
  static constexpr std::size_t message_bytes = 256;  // libcurl's CURL_ERROR_SIZE

  OutgoingRequest request;
  HttpTransfers::Given given;
  HttpTransfers::Done done;
  void* easy = nullptr;  // libcurl's handle
  CurlList headers = {};
  CurlList connect_to = {};
  CurlList addresses = {};
  HttpTrace trace = {};
  RefusedExpiry refused_expiry = {};  // of the last handshake
  std::optional<HttpAnswer> answer = {};
  bool address_refused = false;
  std::array<char, message_bytes> message{};
};

// Before it begins: everything that its handle has to know.
void set_options(HttpTransfer& transfer);

// After its end, of which libcurl says `code`. Takes the answer out of `transfer`.
HttpExchange exchange_of(HttpTransfer& transfer, int code);

}  // namespace sidewatch

// Any bytes, cut anywhere, through the request reader and the router. Checked: the cut changes no verdict, the limits
// hold, and what follows a refusal is never read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/http/request_reader.h"
#include "agent/http/router.h"

namespace sidewatch {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// What is pushed to /push may be larger, and in chunks.
const HttpPushBodies pushes([](std::string_view, std::string_view target) { return target.starts_with("/push"); }, 2048, 4096);
const HttpReaderLimits limits{2048, 512, 16, 1024, &pushes, true};

struct Verdict {
  HttpRequestReader::State state = HttpRequestReader::State::head;
  int status = 0;
  std::size_t taken = 0;
  std::string target;
  std::string body;
  bool operator==(const Verdict&) const = default;
};

Verdict read(std::string_view bytes, std::size_t piece, HttpRouter* router) {
  HttpRequestReader reader(limits);
  Verdict verdict;
  while (verdict.taken < bytes.size()) {
    const std::size_t taken = reader.feed(bytes.substr(verdict.taken, piece));
    verdict.taken += taken;
    if (reader.state() == HttpRequestReader::State::complete || reader.state() == HttpRequestReader::State::refused) break;
    require(taken > 0);
  }
  verdict.state = reader.state();
  verdict.status = reader.refusal().status;
  if (verdict.state != HttpRequestReader::State::complete) {
    require((verdict.status != 0) == (verdict.state == HttpRequestReader::State::refused));
    return verdict;
  }
  HttpRequest request = reader.take();
  const bool is_push = request.target.starts_with("/push");
  const std::size_t max_body = is_push ? pushes.max_bytes() : limits.max_body_bytes;
  const bool is_chunked = is_push && request.has_header("Transfer-Encoding");
  require(is_chunked || verdict.taken <= limits.max_header_bytes + max_body);
  require(request.fields.size() <= limits.max_headers && request.body.size() <= max_body);
  verdict.target = request.target;
  verdict.body = request.body;
  if (router != nullptr) require(router->answer(request).response.status != 0);
  return verdict;
}

HttpRouter make_router() {
  const auto ok = [](const HttpRequest& request) { return HttpResponse::text(200, request.capture("name")); };
  return HttpRouter({{"GET", "/metrics", ok}, {"POST", "/label/{name}/values", ok}, {"GET", "/{name}", ok}});
}

}  // namespace
}  // namespace sidewatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sidewatch::HttpRouter router = sidewatch::make_router();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = sidewatch::read(bytes, bytes.size() + 1, &router);
  sidewatch::require(sidewatch::read(bytes, std::size_t{data[0]} % 64 + 1, nullptr) == whole);
  return 0;
}

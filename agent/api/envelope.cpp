#include "agent/api/envelope.h"

#include <utility>

#include "base/gzip.h"
#include "base/json.h"
#include "metrics/exposition.h"

namespace sidewatch {
namespace {

constexpr int gzip_level = 1;
constexpr std::size_t worth_compressing_bytes = 4096;

// To the same machine the bytes cost less than their compression.
bool wants_gzip(const HttpRequest& request, std::size_t bytes) {
  if (bytes < worth_compressing_bytes || request.peer.is_loopback) return false;
  return accepts_gzip(request.header("Accept-Encoding"));
}

}  // namespace

ApiData ApiData::of(std::string_view json) {
  ApiData data;
  data.text += json;
  return data;
}

int status_of(ApiErrorKind kind) {
  switch (kind) {
    case ApiErrorKind::bad_data: return 400;
    case ApiErrorKind::execution: return 422;
    case ApiErrorKind::canceled: return 503;
    case ApiErrorKind::timeout: return 503;
    case ApiErrorKind::internal: return 500;
    case ApiErrorKind::unavailable: return 503;
    case ApiErrorKind::not_found: return 404;
  }
  return 500;
}

std::string_view to_string(ApiErrorKind kind) {
  switch (kind) {
    case ApiErrorKind::bad_data: return "bad_data";
    case ApiErrorKind::execution: return "execution";
    case ApiErrorKind::canceled: return "canceled";
    case ApiErrorKind::timeout: return "timeout";
    case ApiErrorKind::internal: return "internal";
    case ApiErrorKind::unavailable: return "unavailable";
    case ApiErrorKind::not_found: return "not_found";
  }
  return "internal";
}

HttpResponse api_response(ApiData data, const HttpRequest& request) {
  if (!data.warnings.empty()) {
    JsonWriter warnings;
    warnings.begin_array();
    for (const auto& warning : data.warnings) warnings.text(warning);
    data.text += ",\"warnings\":" + warnings.end_array().take();
  }
  data.text += '}';
  if (!wants_gzip(request, data.text.size())) return HttpResponse::json(200, std::move(data.text));
  HttpResponse response = HttpResponse::json(200, gzip_compress(data.text, gzip_level));
  response.headers.push_back({"Content-Encoding", "gzip"});
  response.headers.push_back({"Vary", "Accept-Encoding"});
  return response;
}

HttpResponse api_response(const ApiError& error) {
  JsonWriter json;
  json.begin_object().key("status").text("error");
  json.key("errorType").text(to_string(error.kind)).key("error").text(error.text).end_object();
  return HttpResponse::json(status_of(error.kind), json.take());
}

void add_api_route(std::vector<HttpRoute>& routes, std::string path, ApiHandler handler, HttpRoute::Runs runs,
                   ApiMethods methods) {
  const auto answer = [handler = std::move(handler)](const HttpRequest& request) {
    try {
      return api_response(handler(request), request);
    } catch (const ApiError& error) {
      return api_response(error);
    }
  };
  const auto refuse = [](const HttpRequest& /*request*/, int /*status*/, const std::string& why) {
    return api_response(ApiError{ApiErrorKind::unavailable, why});
  };
  routes.push_back({"GET", path, answer, runs, true, refuse});
  if (methods == ApiMethods::get_and_form) routes.push_back({"POST", std::move(path), answer, runs, true, refuse});
}

}  // namespace sidewatch

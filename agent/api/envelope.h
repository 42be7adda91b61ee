// What every answer of the HTTP API has in common: Prometheus's envelope, its kinds of errors and their status codes.
//
//     {"status":"success","data":...}
//     {"status":"error","errorType":"bad_data","error":"..."}
//
// A handler returns the data as JSON or throws an ApiError; the route around it makes the response. An ApiError never
// leaves a route.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/message.h"

namespace sidewatch {

enum class ApiErrorKind { bad_data, execution, canceled, timeout, internal, unavailable, not_found };

struct ApiError {
  ApiErrorKind kind = ApiErrorKind::internal;
  std::string text;
};

// A successful answer while it is written: `text` begins with the envelope; append exactly one JSON value.
struct ApiData {
  std::string text = R"({"status":"success","data":)";
  std::vector<std::string> warnings = {};

  static ApiData of(std::string_view json);
};

using ApiHandler = std::function<ApiData(const HttpRequest&)>;

int status_of(ApiErrorKind kind);
std::string_view to_string(ApiErrorKind kind);  // "bad_data"

HttpResponse api_response(ApiData data, const HttpRequest& request);
HttpResponse api_response(const ApiError& error);

// One endpoint. What asks the store runs on a worker; what was published long before is answered at once. `form`: the
// question may also be POSTed, as Grafana does by default.
enum class ApiMethods { get, get_and_form };
void add_api_route(std::vector<HttpRoute>& routes, std::string path, ApiHandler handler, HttpRoute::Runs runs,
                   ApiMethods methods = ApiMethods::get);

}  // namespace sidewatch

// Finds the handler of a complete request and calls it. Seam of cpp-httplib, the only file that includes it.
//
// Of that library only the routing is used, and it is never shown what a client wrote except the method and the path:
// no socket, no header, no query, no body. Debian's 0.11.4 decodes percent signs in header values, believes a
// REMOTE_ADDR header, answers a thousand Ranges, cuts a query at its second '=' and at 8 KiB, and shows the text of
// exceptions; none of that can be reached from here. The response goes past it too, so that a page is not copied.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "agent/http/message.h"

namespace sidewatch {

class HttpRouter {
 public:
  explicit HttpRouter(std::vector<HttpRoute> routes);
  ~HttpRouter();

  enum class Outcome { answered, for_worker, no_route, failed };
  struct Answer {
    HttpResponse response;
    Outcome outcome = Outcome::answered;
    const HttpRoute* route = nullptr;  // for_worker: whose handler is to be called; lives as long as the router
  };

  // Fills path, params and captures of `request` and answers it, or says whose work that is: 404 without a route, 405
  // with Allow when the path has other methods, 500 without details when the handler throws. One thread.
  Answer answer(HttpRequest& request);

  // Whether the request changes nothing: GET and HEAD, unless their route takes pushes, and what its route declares to
  // be so.
  bool reads_only(const HttpRequest& request) const;

  // The route that takes pushes and that a request line is for; null: it is for another, or for none.
  const HttpRoute* push_route(std::string_view method, std::string_view target) const;
  bool takes_pushes(std::string_view method, std::string_view target) const {
    return push_route(method, target) != nullptr;
  }

 private:
  class Routing;
  std::unique_ptr<Routing> routing_;
};

}  // namespace sidewatch

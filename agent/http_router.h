// Finds the handler of a complete request and calls it. Seam of cpp-httplib, the only file that includes it.
//
// Of that library only the routing is used, and it is never shown what a client wrote except the method and the path:
// no socket, no header, no query, no body. Debian's 0.11.4 decodes percent signs in header values, believes a
// REMOTE_ADDR header, answers a thousand Ranges, cuts a query at its second '=' and at 8 KiB, and shows the text of
// exceptions; none of that can be reached from here. The response goes past it too, so that a page is not copied.
#pragma once

#include <memory>
#include <vector>

#include "agent/http_message.h"

namespace sidewatch {

class HttpRouter {
 public:
  explicit HttpRouter(std::vector<HttpRoute> routes);
  ~HttpRouter();

  enum class Outcome { answered, no_route, failed };
  struct Answer {
    HttpResponse response;
    Outcome outcome = Outcome::answered;
  };

  // Fills path, params and captures of `request` and answers it: 404 without a route, 405 with Allow when the path has
  // other methods, 500 without details when the handler throws. Not for several threads at once: a pool of workers
  // would give each its own router.
  Answer answer(HttpRequest& request);

 private:
  class Routing;
  std::unique_ptr<Routing> routing_;
};

}  // namespace sidewatch

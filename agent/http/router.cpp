#include "agent/http/router.h"

// Debian compiles cpp-httplib with these switches and they change the layout of its classes.
#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT) || !defined(CPPHTTPLIB_ZLIB_SUPPORT) || !defined(CPPHTTPLIB_BROTLI_SUPPORT)
#error "compile this file with the definitions of pkg-config --cflags cpp-httplib"
#endif
#include <httplib.h>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cstring>

#include "agent/http/query.h"

namespace sidewatch {
namespace {

static_assert(sizeof(void*) != 8 || sizeof(httplib::Request) == 608,
              "cpp-httplib was compiled with other switches than these, or is not 0.11.4");
static_assert(sizeof(void*) != 8 || sizeof(httplib::ClientImpl) == 968,
              "cpp-httplib was compiled with other switches than these, or is not 0.11.4");

// std::regex recurses once per character of a capture: bounded here, far below any stack.
constexpr std::size_t max_path_bytes = 1024;

// Gives the library one request line and swallows what it answers.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string bytes) : bytes_(std::move(bytes)) {}

  bool is_readable() const override { return position_ < bytes_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const size_t taken = std::min(size, bytes_.size() - position_);
    std::memcpy(to, bytes_.data() + position_, taken);
    position_ += taken;
    return static_cast<ssize_t>(taken);
  }
  ssize_t write(const char*, size_t size) override { return static_cast<ssize_t>(size); }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string bytes_;
  size_t position_ = 0;
};

struct Pattern {
  std::string regex;
  std::vector<std::string> names;
};

constexpr std::string_view rest_mark = "...";  // ends the name of a capture that takes all that follows

// "/label/{name}/values" -> "/label/([^/]+)/values" and {"name"}; everything else literally.
Pattern to_pattern(std::string_view path) {
  Pattern pattern;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    const std::size_t end = c == '{' ? path.find('}', i) : std::string_view::npos;
    if (end != std::string_view::npos) {
      std::string_view name = path.substr(i + 1, end - i - 1);
      const bool takes_rest = name.ends_with(rest_mark);
      if (takes_rest) name.remove_suffix(rest_mark.size());
      pattern.names.emplace_back(name);
      pattern.regex += takes_rest ? "(.+)" : "([^/]+)";
      i = end;
    } else {
      if (std::strchr("\\^$.|?*+()[]{}", c) != nullptr) pattern.regex += '\\';
      pattern.regex += c;
    }
  }
  return pattern;
}

// Whether a route's path has this request's path: segment by segment, a capture takes any that is not empty.
bool matches(std::string_view pattern, std::string_view path) {
  while (true) {
    const std::size_t pattern_end = std::min(pattern.find('/'), pattern.size());
    const std::size_t path_end = std::min(path.find('/'), path.size());
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const bool is_capture = wanted.size() > 1 && wanted.front() == '{' && wanted.back() == '}';
    if (is_capture && wanted.substr(0, wanted.size() - 1).ends_with(rest_mark)) return !path.empty();
    if (is_capture ? path_end == 0 : wanted != path.substr(0, path_end)) return false;
    if (pattern_end == pattern.size() || path_end == path.size()) {
      return pattern_end == pattern.size() && path_end == path.size();
    }
    pattern.remove_prefix(pattern_end + 1);
    path.remove_prefix(path_end + 1);
  }
}

// What the library is given as the path: every byte that is not plain is encoded again, so that it decodes to exactly
// the path that we decoded.
std::string encode_path(std::string_view path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::strchr("/-._~", c) != nullptr) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  return encoded;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string path_of(std::string_view target) {
  return decode_path(target.substr(0, std::min(target.find('?'), target.size())));
}

bool is_form(const HttpRequest& request) {
  const std::string type = request.header("Content-Type");
  return same_ignoring_case(std::string_view(type).substr(0, type.find_first_of("; \t")),
                            "application/x-www-form-urlencoded");
}

}  // namespace

class HttpRouter::Routing final : public httplib::Server {
 public:
  explicit Routing(std::vector<HttpRoute> routes) : routes_(std::move(routes)) {
    for (const auto& route : routes_) add(route);
    set_exception_handler([this](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      answer_ = {HttpResponse::text(500, "internal error\n"), Outcome::failed, nullptr};
      response.status = 500;
    });
  }

  Answer answer(HttpRequest& request) {
    request_ = &request;
    // What stands when no handler was called.
    answer_ = {HttpResponse::text(404, "page not found\n"), Outcome::no_route, nullptr};
    MemoryStream stream(request.method + " " + encode_path(request.path) + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    bool closed = false;
    process_request(stream, true, closed, nullptr);
    request_ = nullptr;
    if (answer_.outcome == Outcome::no_route) refuse_method(request);
    return std::move(answer_);
  }

  bool reads_only(const std::string& method, std::string_view path) const {
    return std::any_of(routes_.begin(), routes_.end(), [&](const HttpRoute& route) {
      return route.reads_only && route.method == method && matches(route.path, path);
    });
  }

  const HttpRoute* push_route(std::string_view method, std::string_view path) const {
    const std::string_view as = method == "HEAD" ? "GET" : method;
    const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const HttpRoute& route) {
      return route.takes_pushes && route.method == as && matches(route.path, path);
    });
    return found == routes_.end() ? nullptr : &*found;
  }

 private:
  void add(const HttpRoute& route) {
    Pattern pattern = to_pattern(route.path);
    const auto call = [this, names = std::move(pattern.names), &route](const httplib::Request& routed,
                                                                       httplib::Response& response) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        request_->captures.emplace_back(names[i], routed.matches.str(i + 1));
      }
      if (route.runs == HttpRoute::Runs::on_worker) {
        answer_ = {{}, Outcome::for_worker, &route};
      } else {
        answer_ = {route.handler(*request_), Outcome::answered, nullptr};
      }
      response.status = 200;  // of no consequence: the library's own response is thrown away
    };
    if (route.method == "GET") {
      Get(pattern.regex, call);
    } else if (route.method == "POST") {
      Post(pattern.regex, call);
    } else if (route.method == "PUT") {
      Put(pattern.regex, call);
    } else if (route.method == "DELETE") {
      Delete(pattern.regex, call);
    } else {
      assert(false && "a route for a method that the agent has no use for");
    }
  }

  void refuse_method(const HttpRequest& request) {
    std::string allow;
    for (const auto& route : routes_) {
      if (!matches(route.path, request.path)) continue;
      if (!allow.empty()) allow += ", ";
      allow += route.method == "GET" ? "GET, HEAD" : route.method;
    }
    if (allow.empty()) return;
    answer_.response = HttpResponse::text(405, "this page has no such method\n");
    answer_.response.headers.push_back({"Allow", allow});
  }

  const std::vector<HttpRoute> routes_;
  HttpRequest* request_ = nullptr;  // the one being answered
  Answer answer_;
};

HttpRouter::HttpRouter(std::vector<HttpRoute> routes) : routing_(std::make_unique<Routing>(std::move(routes))) {}

HttpRouter::~HttpRouter() = default;

bool HttpRouter::reads_only(const HttpRequest& request) const {
  const std::string path = path_of(request.target);
  if (request.method == "GET" || request.method == "HEAD") return !routing_->push_route(request.method, path);
  return routing_->reads_only(request.method, path);
}

const HttpRoute* HttpRouter::push_route(std::string_view method, std::string_view target) const {
  return routing_->push_route(method, path_of(target));
}

HttpRouter::Answer HttpRouter::answer(HttpRequest& request) {
  const std::string_view target = request.target;
  const std::size_t question = std::min(target.find('?'), target.size());
  if (question > max_path_bytes) return {HttpResponse::text(414, "the path is too long\n"), Outcome::no_route, nullptr};
  request.path = decode_path(target.substr(0, question));
  if (has_control_character(request.path)) {
    return {HttpResponse::text(400, "the path has a control character\n"), Outcome::no_route, nullptr};
  }
  decode_query(target.substr(std::min(question + 1, target.size())), request.params);
  if (is_form(request) && !routing_->push_route(request.method, request.path)) {
    decode_query(request.body, request.params);
  }
  return routing_->answer(request);
}

}  // namespace sidewatch

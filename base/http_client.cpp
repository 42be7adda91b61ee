// One request at a time, on top of many.
#include "base/http_client.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>

#include "base/http_transfers.h"

namespace sidewatch {
namespace {

constexpr std::size_t kept_connections = 2;
constexpr Duration longest_poll = std::chrono::seconds(1);

}  // namespace

struct HttpClient::State {
  HttpTransfers transfers{kept_connections};
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::atomic<bool> interrupted = false;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (wake >= 0) close(wake);
  }
  void wait() const;
};

void HttpClient::State::wait() const {
  auto longest = longest_poll;
  if (const auto due = transfers.due()) {
    const auto left = std::chrono::ceil<Duration>(*due - std::chrono::steady_clock::now());
    longest = std::clamp(left, Duration(0), longest_poll);
  }
  std::array<pollfd, 2> waiting{pollfd{transfers.descriptor(), POLLIN, 0}, pollfd{wake, POLLIN, 0}};
  poll(waiting.data(), waiting.size(), static_cast<int>(longest.count()));
}

HttpClient::HttpClient() : state_(std::make_unique<State>()) {}
HttpClient::~HttpClient() = default;

// libcurl holds the deadline; ours, a second later, is for the case that it does not.
HttpResult HttpClient::send(const OutgoingRequest& request) {
  const auto give_up = std::chrono::steady_clock::now() + request.timeout + std::chrono::seconds(1);
  std::optional<HttpResult> result;
  const auto id = state_->transfers.start(request, [&](HttpExchange exchange) { result = std::move(exchange.result); });
  const auto end = [&](HttpFailure failure, const char* what) {
    state_->transfers.cancel(id);
    return HttpError{failure, url_without_secrets(request.url) + ": " + what};
  };
  while (true) {
    if (state_->interrupted) return end(HttpFailure::interrupted, "interrupted before an answer came");
    state_->transfers.step();
    if (result) return std::move(*result);
    if (std::chrono::steady_clock::now() >= give_up) return end(HttpFailure::timeout, "no answer in time");
    state_->wait();
  }
}

void HttpClient::interrupt() {
  state_->interrupted = true;
  if (state_->wake >= 0) (void)eventfd_write(state_->wake, 1);
}

}  // namespace sidewatch

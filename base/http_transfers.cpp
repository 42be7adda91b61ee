// The seam of libcurl's multi handles (7.88): one in the manner of curl_multi_socket_action, whose sockets stand in an
// epoll of ours, with an easy handle for each request under way (base/http_transfer.h).
//
// SIGPIPE must be ignored by the process (main does): libcurl cannot do it for one thread alone.
#include "base/http_transfers.h"

#include <curl/multi.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/http_transfer.h"

namespace sidewatch {
namespace {

constexpr std::size_t max_idle_handles = 16;

}  // namespace

struct HttpTransfers::State {
  explicit State(std::size_t kept) : kept_connections(kept), epoll(epoll_create1(EPOLL_CLOEXEC)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  const std::size_t kept_connections;
  const int epoll;
  CURLM* multi = nullptr;
  std::vector<CURL*> idle;
  std::map<Id, std::unique_ptr<HttpTransfer>> under_way;
  std::vector<Id> impossible;  // that have failed without having been begun
  Id last_id = 0;
  std::optional<std::chrono::steady_clock::time_point> due;

  bool prepare(HttpTransfer& transfer);
  std::unique_ptr<HttpTransfer> take(Id id);
  void give_back(HttpTransfer& transfer);
  void collect();
  static int on_socket(CURL*, curl_socket_t socket, int wanted, void* user, void* known);
  static int on_timer(CURLM*, long milliseconds, void* user);
};

HttpTransfers::State::~State() {
  for (auto& [id, transfer] : under_way) give_back(*transfer);
  for (CURL* easy : idle) curl_easy_cleanup(easy);
  if (multi != nullptr) curl_multi_cleanup(multi);
  if (epoll >= 0) close(epoll);
}

int HttpTransfers::State::on_socket(CURL*, curl_socket_t socket, int wanted, void* user, void* known) {
  State& state = *static_cast<State*>(user);
  epoll_event event{};
  event.data.fd = socket;
  event.events = ((wanted & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((wanted & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
  if (wanted == CURL_POLL_REMOVE) {
    epoll_ctl(state.epoll, EPOLL_CTL_DEL, socket, nullptr);
  } else if (epoll_ctl(state.epoll, known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) == 0) {
    curl_multi_assign(state.multi, socket, &state);
  }
  return 0;
}

int HttpTransfers::State::on_timer(CURLM*, long milliseconds, void* user) {
  State& state = *static_cast<State*>(user);
  state.due.reset();
  if (milliseconds >= 0) state.due = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  return 0;
}

bool HttpTransfers::State::prepare(HttpTransfer& transfer) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (multi == nullptr && epoll >= 0 && (multi = curl_multi_init()) != nullptr) {
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(kept_connections));
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  }
  if (multi == nullptr) return false;
  if (idle.empty()) {
    transfer.easy = curl_easy_init();
  } else {
    transfer.easy = idle.back();
    idle.pop_back();
  }
  return transfer.easy != nullptr;
}

// The handle forgets every option of the request; connections and the DNS cache are the multi handle's.
void HttpTransfers::State::give_back(HttpTransfer& transfer) {
  if (transfer.easy == nullptr) return;
  curl_multi_remove_handle(multi, transfer.easy);
  curl_easy_reset(transfer.easy);
  if (idle.size() < max_idle_handles) {
    idle.push_back(transfer.easy);
  } else {
    curl_easy_cleanup(transfer.easy);
  }
  transfer.easy = nullptr;
}

std::unique_ptr<HttpTransfer> HttpTransfers::State::take(Id id) {
  const auto found = under_way.find(id);
  if (found == under_way.end()) return nullptr;
  auto transfer = std::move(found->second);
  under_way.erase(found);
  return transfer;
}

void HttpTransfers::State::collect() {
  for (const Id id : std::exchange(impossible, {})) {
    if (const auto transfer = take(id)) {
      std::string problem = problem_with(transfer->request);
      auto error = problem.empty() ? HttpError{HttpFailure::network, "libcurl could not be initialised"}
                                   : HttpError{HttpFailure::bad_request, std::move(problem)};
      transfer->done({std::move(error), {}});
    }
  }
  int left = 0;
  while (multi != nullptr) {
    const CURLMsg* message = curl_multi_info_read(multi, &left);
    if (message == nullptr) return;
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Id id = 0;
    for (const auto& [key, transfer] : under_way) {
      if (transfer->easy == message->easy_handle) id = key;
    }
    const auto transfer = take(id);
    if (!transfer) continue;
    HttpExchange exchange = exchange_of(*transfer, code);
    give_back(*transfer);
    transfer->done(std::move(exchange));
  }
}

HttpTransfers::HttpTransfers(std::size_t kept_connections) : state_(std::make_unique<State>(kept_connections)) {}
HttpTransfers::~HttpTransfers() = default;

HttpTransfers::Id HttpTransfers::start(const OutgoingRequest& request, Done done, Given given) {
  const Id id = ++state_->last_id;
  auto& transfer = *state_->under_way.emplace(id, std::make_unique<HttpTransfer>()).first->second;
  transfer.request = request;
  transfer.done = std::move(done);
  transfer.given = std::move(given);
  if (!problem_with(request).empty() || !state_->prepare(transfer)) {
    state_->impossible.push_back(id);
    state_->due = std::chrono::steady_clock::now();
    return id;
  }
  set_options(transfer);
  curl_multi_add_handle(state_->multi, transfer.easy);
  return id;
}

void HttpTransfers::cancel(Id id) {
  if (const auto transfer = state_->take(id)) state_->give_back(*transfer);
}

int HttpTransfers::descriptor() const { return state_->epoll; }

std::optional<std::chrono::steady_clock::time_point> HttpTransfers::due() const { return state_->due; }

void HttpTransfers::step() {
  std::array<epoll_event, 64> ready{};
  const int count = epoll_wait(state_->epoll, ready.data(), static_cast<int>(ready.size()), 0);
  int running = 0;
  for (int i = 0; i < count && state_->multi != nullptr; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                     ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(state_->multi, event.data.fd, what, &running);
  }
  if (state_->due && *state_->due <= std::chrono::steady_clock::now()) {
    state_->due.reset();
    if (state_->multi != nullptr) curl_multi_socket_action(state_->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  state_->collect();
}

}  // namespace sidewatch

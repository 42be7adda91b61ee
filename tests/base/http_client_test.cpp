#include "base/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/gzip.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using Manner = FakeAnswer::Manner;

OutgoingRequest get(const FakeHttpServer& server, std::string_view path = "/") {
  OutgoingRequest request;
  request.url = server.url(path);
  return request;
}

OutgoingResponse response(const HttpResult& result) {
  const auto* answer = std::get_if<OutgoingResponse>(&result);
  EXPECT_NE(answer, nullptr) << std::get<HttpError>(result).what;
  return answer != nullptr ? *answer : OutgoingResponse{};
}

HttpError error(const HttpResult& result) {
  const auto* failure = std::get_if<HttpError>(&result);
  EXPECT_NE(failure, nullptr);
  return failure != nullptr ? *failure : HttpError{};
}

// How long it took, at most: generous for a busy machine, far below what a missing deadline would cost.
template <class Call>
void within(std::chrono::milliseconds limit, Call&& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  EXPECT_LT(std::chrono::steady_clock::now() - start, limit);
}

TEST(HttpClient, SendsMethodPathHeadersAndBodyAndReadsTheAnswer) {
  FakeHttpServer server({{.status = 201, .headers = {{"X-Answer", " yes "}}, .body = "made"}});
  HttpClient client;
  OutgoingRequest request = get(server, "/a?b=c");
  request.method = "POST";
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.body = std::string("{\"a\0b\":1}", 9);
  const auto answer = response(client.send(request));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.header("x-answer"), "yes");
  EXPECT_EQ(answer.body, "made");
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/a?b=c");
  EXPECT_EQ(seen.header("Content-Type"), "application/json");
  EXPECT_EQ(seen.body, request.body);
  EXPECT_EQ(seen.header("Expect"), "");
}

TEST(HttpClient, ForgetsTheBodyAndHeadersOfTheRequestBefore) {
  FakeHttpServer server;
  HttpClient client;
  OutgoingRequest post = get(server);
  post.method = "POST";
  post.headers = {{"X-Secret", "1"}};
  post.username = "u";
  post.body = "body";
  response(client.send(post));
  response(client.send(get(server)));
  const auto second = server.requests().at(1);
  EXPECT_EQ(second.method, "GET");
  EXPECT_EQ(second.body, "");
  EXPECT_EQ(second.header("X-Secret"), "");
  EXPECT_EQ(second.header("Authorization"), "");
}

TEST(HttpClient, KeepsAConnectionForTheNextRequest) {
  FakeHttpServer server;
  HttpClient client;
  for (int i = 0; i < 3; ++i) response(client.send(get(server)));
  EXPECT_EQ(server.requests().at(2).connection, 1);
}

TEST(HttpClient, ConnectsToASocketWhateverTheHost) {
  const TempDir directory;
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  const std::string path = directory / "app.sock";
  path.copy(place.sun_path, sizeof place.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  std::string asked;
  std::thread server([&] {
    const int fd = accept(listener, nullptr, nullptr);
    std::array<char, 4096> buffer{};
    const auto got = read(fd, buffer.data(), buffer.size());
    asked.assign(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup";
    EXPECT_EQ(write(fd, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
    close(fd);
  });
  OutgoingRequest request;
  request.url = "http://app.invalid/metrics";
  request.unix_socket = path;
  HttpClient client;
  EXPECT_EQ(response(client.send(request)).body, "up");
  server.join();
  close(listener);
  EXPECT_TRUE(asked.starts_with("GET /metrics HTTP/1.1\r\nHost: app.invalid\r\n")) << asked;
  EXPECT_EQ(error(client.send(request)).kind, HttpFailure::connect);
}

TEST(HttpClient, RefusesHeadersAndUrlsThatWouldInjectALine) {
  FakeHttpServer server;
  HttpClient client;
  for (const HttpHeader& header : {HttpHeader{"X-A", "b\r\nInjected: 1"}, HttpHeader{"X-A", "b\nInjected: 1"},
                                   HttpHeader{"X-A\r\nInjected", "1"}, HttpHeader{"X A", "1"}, HttpHeader{"", "1"},
                                   HttpHeader{"X-A", std::string("b\0c", 3)}, HttpHeader{"X-A", "b\x7f"}}) {
    OutgoingRequest request = get(server);
    request.headers = {header};
    EXPECT_EQ(error(client.send(request)).kind, HttpFailure::bad_request);
    EXPECT_FALSE(header_is_safe(header.name, header.value));
  }
  EXPECT_EQ(error(client.send(get(server, "/a\r\nInjected: 1"))).kind, HttpFailure::bad_request);
  OutgoingRequest method = get(server);
  method.method = "GET / HTTP/1.1\r\nInjected:";
  EXPECT_EQ(error(client.send(method)).kind, HttpFailure::bad_request);
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpClient, EndsAtTheTotalDeadlineWhateverTheServerDoes) {
  for (const Manner manner : {Manner::hang, Manner::drip, Manner::stall}) {
    FakeHttpServer server({{.body = std::string(2000, 'x'), .manner = manner}});
    HttpClient client;
    OutgoingRequest request = get(server);
    request.timeout = 300ms;
    within(5s, [&] { EXPECT_EQ(error(client.send(request)).kind, HttpFailure::timeout); });
  }
}

TEST(HttpClient, TellsARefusedConnectionFromAReset) {
  HttpClient client;
  OutgoingRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(unused_port()) + "/";
  EXPECT_EQ(error(client.send(request)).kind, HttpFailure::connect);
  FakeHttpServer server({{.manner = Manner::reset}});
  EXPECT_EQ(error(client.send(get(server))).kind, HttpFailure::network);
}

// localhost is ::1 and 127.0.0.1, and nobody listens on the first.
TEST(HttpClient, TriesTheNextAddressOfANameWhereOneDoesNotAnswer) {
  FakeHttpServer server;
  HttpClient client;
  OutgoingRequest request;
  request.url = "http://localhost:" + std::to_string(server.port()) + "/";
  const HttpResult result = client.send(request);
  ASSERT_TRUE(std::holds_alternative<OutgoingResponse>(result)) << std::get<HttpError>(result).what;
}

TEST(HttpClient, TellsANameWithoutAddress) {
  HttpClient client;
  OutgoingRequest request;
  request.url = "http://no-such-host.invalid/";
  const auto failure = error(client.send(request));
  EXPECT_TRUE(failure.kind == HttpFailure::resolve || failure.kind == HttpFailure::timeout) << failure.what;
}

// In a child with a name server of its own that takes questions and never answers. 0: as it should be; 2: not possible
// here.
int ask_a_silent_name_server() {
  const char* const configuration = "/tmp/sidewatch-resolv.conf";
  const int silent = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(0x7F000535);  // 127.0.5.53
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
  if (mount("none", "/tmp", "tmpfs", 0, nullptr) != 0) return 2;
  if (bind(silent, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 2;
  std::ofstream(configuration) << "nameserver 127.0.5.53\noptions timeout:30 attempts:1\n";
  if (mount(configuration, "/etc/resolv.conf", nullptr, MS_BIND, nullptr) != 0) return 2;
  const auto start = std::chrono::steady_clock::now();
  bool timed_out = false;
  {
    HttpClient client;
    OutgoingRequest request;
    request.url = "http://somewhere.example/";
    request.timeout = 500ms;
    const HttpResult result = client.send(request);
    const auto* failure = std::get_if<HttpError>(&result);
    timed_out = failure != nullptr && failure->kind == HttpFailure::timeout;
  }
  return timed_out && std::chrono::steady_clock::now() - start < 10s ? 0 : 1;
}

TEST(HttpClient, IsNotHeldUpByANameServerThatDoesNotAnswer) {
  const pid_t child = fork();
  if (child == 0) _exit(ask_a_silent_name_server());
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "a name server of one's own takes root";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(HttpClient, CountsTheBytesOfAnAnswerWithoutALength) {
  const FakeAnswer endless{.body = std::string(10'000, 'x'), .manner = Manner::chunked, .repeat = 1000};
  FakeHttpServer server({endless});
  HttpClient client;
  OutgoingRequest request = get(server);
  request.max_body_bytes = 25'000;
  EXPECT_EQ(error(client.send(request)).kind, HttpFailure::too_large);
  request.too_long = OutgoingRequest::TooLong::cut;
  const auto answer = response(client.send(request));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.size(), 25'000u);
  EXPECT_TRUE(answer.cut);
}

TEST(HttpClient, RefusesALengthOverTheLimitBeforeReadingIt) {
  FakeHttpServer server({{.body = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", .manner = Manner::raw}});
  HttpClient client;
  EXPECT_EQ(error(client.send(get(server))).kind, HttpFailure::too_large);
}

TEST(HttpClient, RefusesEndlessHeaders) {
  FakeHttpServer server({{.body = "HTTP/1.1 200 OK\r\nX-Long: " + std::string(100'000, 'x') + "\r\n\r\n",
                          .manner = Manner::raw}});
  HttpClient client;
  const auto failure = error(client.send(get(server)));
  EXPECT_TRUE(failure.kind == HttpFailure::too_large || failure.kind == HttpFailure::network) << failure.what;
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 1000; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  FakeHttpServer crowded({{.body = many + "Content-Length: 0\r\n\r\n", .manner = Manner::raw}});
  EXPECT_NE(error(client.send(get(crowded))).what.find("more than 256 header fields"), std::string::npos);
}

TEST(HttpClient, TakesTheStatusOfAnAnswerWithEndlessHeadersWhereThatIsAllThatMatters) {
  std::string many = "HTTP/1.1 204 No Content\r\n";
  for (int i = 0; i < 1000; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  FakeHttpServer crowded({{.body = many + "\r\n", .manner = Manner::raw}});
  HttpClient client;
  auto request = get(crowded);
  request.too_long = OutgoingRequest::TooLong::cut;
  const auto answer = response(client.send(request));
  EXPECT_EQ(answer.status, 204);
  EXPECT_TRUE(answer.cut);
}

TEST(HttpClient, TakesNothingThatIsNotHttp) {
  FakeHttpServer server({{.body = "garbage without a status line\r\n\r\n", .manner = Manner::raw}});
  HttpClient client;
  EXPECT_EQ(error(client.send(get(server))).kind, HttpFailure::network);
}

TEST(HttpClient, AsksForNoCompressionAndUnpacksNothing) {
  const std::string packed = gzip_compress(std::string(1'000'000, 'x'));
  FakeHttpServer server({{.headers = {{"Content-Encoding", "gzip"}}, .body = packed}});
  HttpClient client;
  EXPECT_EQ(response(client.send(get(server))).body, packed);
  EXPECT_EQ(server.requests().at(0).header("Accept-Encoding"), "");
}

// A listener that takes nobody and whose queue is full: the kernel leaves further attempts without an answer, as a
// firewall does.
class BlackHole {
 public:
  BlackHole() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 0), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      connect(filler, reinterpret_cast<sockaddr*>(&address), size);
    }
  }
  ~BlackHole() {
    for (const int filler : fillers_) close(filler);
    close(listener_);
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  int listener_;
  int port_ = 0;
  std::array<int, 4> fillers_{};
};

TEST(HttpClient, GivesUpAConnectionThatNobodyAnswersAfterItsOwnTime) {
  const BlackHole hole;
  HttpClient client;
  OutgoingRequest request;
  request.url = hole.url();
  request.timeout = 60s;
  request.connect_timeout = 300ms;
  within(20s, [&] {
    const auto failure = error(client.send(request));
    EXPECT_EQ(failure.kind, HttpFailure::timeout) << failure.what;
  });
}

TEST(HttpClient, DoesNotFollowRedirects) {
  FakeHttpServer other;
  FakeHttpServer server({{.status = 302, .headers = {{"Location", other.url()}}}});
  HttpClient client;
  const auto answer = response(client.send(get(server)));
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.header("Location"), other.url());
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpClient, SpeaksHttpOnly) {
  HttpClient client;
  for (const auto* url :
       {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "127.0.0.1", "", "http://"}) {
    OutgoingRequest request;
    request.url = url;
    EXPECT_EQ(error(client.send(request)).kind, HttpFailure::bad_request) << url;
  }
}

TEST(HttpClient, RefusesLinkLocalAddressesHoweverTheyAreWritten) {
  HttpClient client;
  for (const auto* url : {"http://169.254.169.254/latest", "http://2852039166/", "http://0xA9FEA9FE/",
                          "http://[::ffff:169.254.169.254]/", "http://[fe80::1]/"}) {
    OutgoingRequest request;
    request.url = url;
    request.timeout = 2s;
    EXPECT_EQ(error(client.send(request)).kind, HttpFailure::address_refused) << url;
    const auto parts = parse_http_url(url);
    EXPECT_TRUE(parts && parts->link_local) << url;
  }
}

TEST(HttpClient, TakesNoProxyFromTheEnvironment) {
  FakeHttpServer proxy;
  FakeHttpServer server;
  setenv("http_proxy", proxy.url().c_str(), 1);
  HttpClient client;
  response(client.send(get(server)));
  EXPECT_TRUE(proxy.requests().empty());
  OutgoingRequest request = get(server);
  request.proxy_url = proxy.url();
  response(client.send(request));
  unsetenv("http_proxy");
  EXPECT_EQ(proxy.requests().size(), 1u);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, AnInterruptEndsTheRequestUnderWayAndEveryLaterOne) {
  FakeHttpServer server({{.manner = Manner::hang}});
  HttpClient client;
  OutgoingRequest request = get(server);
  request.timeout = 60s;
  std::thread other([&] {
    EXPECT_TRUE(server.wait_for_requests(1));
    client.interrupt();
  });
  within(20s, [&] { EXPECT_EQ(error(client.send(request)).kind, HttpFailure::interrupted); });
  other.join();
  EXPECT_EQ(error(client.send(request)).kind, HttpFailure::interrupted);
}

TEST(HttpClient, ErrorsShowNeitherPathNorPasswordOfTheUrl) {
  HttpClient client;
  OutgoingRequest request;
  request.url = "http://canary-user:canary-pass@127.0.0.1:" + std::to_string(unused_port()) + "/canary-path?canary=1";
  const auto failure = error(client.send(request));
  EXPECT_EQ(failure.what.find("canary"), std::string::npos) << failure.what;
  EXPECT_EQ(url_without_secrets("https://u:p@host:8443/x?y#z"), "https://host:8443/...");
  EXPECT_EQ(url_without_secrets("https://host"), "https://host");
  EXPECT_EQ(url_without_secrets("canary"), "(not a URL)");
}

TEST(HttpClient, TakesUrlsApart) {
  const auto parts = parse_http_url("https://user:pass@Example.org/x");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->scheme, "https");
  EXPECT_EQ(parts->port, 443);
  EXPECT_TRUE(parts->has_credentials);
  EXPECT_FALSE(parts->link_local);
  EXPECT_EQ(parse_http_url("http://[::1]:8080/")->host, "::1");
  EXPECT_EQ(parse_http_url("smtp://host/").error().what, "a URL starts with http:// or https:// here");
  EXPECT_EQ(parse_http_url("127.0.0.1:8080/x").error().what, "a URL starts with http:// or https:// here");
  EXPECT_EQ(parse_http_url("").error().what, "a URL starts with http:// or https:// here");
  EXPECT_EQ(parse_http_url("http://host:80800/").error().what, "the port of a URL is a number from 1 to 65535");
  EXPECT_EQ(parse_http_url("http:///path").error().what, "not a URL, write https://host/path");
}

TEST(HttpClient, WritingToAClosedConnectionDoesNotEndTheProcess) {
  std::signal(SIGPIPE, SIG_IGN);  // as the agent's main does
  FakeHttpServer server({{.manner = Manner::reset}});
  HttpClient client;
  OutgoingRequest request = get(server);
  request.method = "POST";
  request.body = std::string(5'000'000, 'x');
  request.headers = {{"Content-Length", "5000000"}};
  EXPECT_EQ(error(client.send(request)).kind, HttpFailure::network);
}

}  // namespace
}  // namespace sidewatch

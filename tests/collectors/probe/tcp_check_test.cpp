#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <functional>
#include <thread>
#include <tuple>
#include <vector>

#include "collectors/probe/connection.h"
#include "tests/collectors/probe/run_check.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

// Takes one connection and does with it as the test says.
class OneConnection {
 public:
  explicit OneConnection(std::function<void(int)> talk) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, talk = std::move(talk)] {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd >= 0) talk(fd);
      close(fd);
    });
  }
  ~OneConnection() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

void say(int fd, std::string_view text) { (void)send(fd, text.data(), text.size(), MSG_NOSIGNAL); }
std::string hear(int fd) {
  char bytes[512];
  const auto count = recv(fd, bytes, sizeof bytes, 0);
  return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : "";
}

std::string entry(const std::string& address, const std::string& more = "") {
  return "{name: a, tcp: {address: '" + address + "'" + (more.empty() ? "" : ", " + more) + "}}";
}

TEST(TcpCheck, SucceedsWhereSomebodyListens) {
  FakeHttpServer server;
  const auto verdict = run_entry(entry("127.0.0.1:" + std::to_string(server.port())));
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(fact(verdict, "probe_ip_protocol"), 4);
  EXPECT_GT(fact(verdict, "probe_tcp_duration_seconds", Labels{{"phase", "connect"}}), 0);
}

TEST(TcpCheck, SaysThatAConnectionIsRefused) {
  const auto address = "127.0.0.1:" + std::to_string(unused_port());
  const auto verdict = run_entry(entry(address));
  EXPECT_EQ(why(verdict), address + ": no connection to 127.0.0.1: Connection refused");
  EXPECT_EQ(reason(verdict), "connect");
}

TEST(TcpCheck, ResolvesNamesOnAnotherThread) {
  FakeHttpServer server;
  EXPECT_EQ(why(run_entry(entry("localhost:" + std::to_string(server.port()), "ip_protocol: ip4"))), "");
  EXPECT_EQ(reason(run_entry(entry("no.such.host.invalid:80"))), "resolve");
}

TEST(TcpCheck, HoldsAConversation) {
  std::string heard;
  OneConnection server([&](int fd) {
    say(fd, "welcome\r\n220 mail.example ready\r\n");
    heard = hear(fd);
    say(fd, "250 hello\r\n");
  });
  const auto verdict = run_entry(
      entry(server.address(), "query_response: [{expect: '^220 ([^ ]+)', send: 'EHLO $1'}, {expect: '^250'}]"));
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(heard, "EHLO mail.example\n");
}

TEST(TcpCheck, SaysWhichLineDidNotCome) {
  OneConnection server([](int fd) {
    say(fd, "554 go away\r\n");
    hear(fd);
  });
  const auto verdict = run_entry(entry(server.address(), "query_response: [{expect: '^220'}]"), 300ms);
  EXPECT_EQ(why(verdict), server.address() + ": no line came that matches '^220'");
  EXPECT_EQ(reason(verdict), "answer");
  EXPECT_EQ(fact(verdict, "probe_failed_due_to_regex"), 1);
}

TEST(TcpCheck, ReadsNoEndlessLine) {
  OneConnection server([](int fd) {
    const std::string much(100'000, 'x');
    for (int i = 0; i < 100 && send(fd, much.data(), much.size(), MSG_NOSIGNAL) > 0; ++i) {}
  });
  EXPECT_EQ(reason(run_entry(entry(server.address(), "query_response: [{expect: y}]"))), "too_large");
}

TEST(TcpCheck, RefusesLinkLocalAddresses) {
  const auto everywhere = [](const std::string&, Family) { return look_up_address("169.254.1.2", Family::any); };
  const auto check = make_check(read_checks(entry("metadata.example:80")).at(0));
  CheckRunner runner(everywhere);
  const auto verdict = runner.run(*check);
  EXPECT_EQ(reason(verdict), "address_refused");
  EXPECT_EQ(why(verdict), "metadata.example:80: the address of 'metadata.example' is link-local, which is refused unless "
                          "allow_link_local is true");
}

TEST(TcpCheck, ConnectsToTheAddressesOfAName) {
  FakeHttpServer server;
  const auto check = make_check(read_checks(entry("shop.example:" + std::to_string(server.port()))).at(0));
  CheckRunner runner([](const std::string& host, Family) {
    EXPECT_EQ(host, "shop.example");
    return look_up_address("127.0.0.1", Family::any);
  });
  EXPECT_EQ(why(runner.run(*check)), "");
}

class TlsCheck : public testing::Test {
 protected:
  void SetUp() override {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=shop -days 3 "
        "-addext subjectAltName=IP:127.0.0.1,DNS:shop.example -keyout " +
        (directory / "key") + " -out " + (directory / "cert") + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    tls = {directory / "cert", directory / "key"};
  }
  std::string entry(const FakeHttpServer& server, const std::string& more) const {
    return "{name: a, tls: {address: '127.0.0.1:" + std::to_string(server.port()) + "', " + more + "}}";
  }

  TempDir directory;
  FakeTls tls;
};

TEST_F(TlsCheck, TellsWhoseCertificateItIsAndWhenItEnds) {
  FakeHttpServer server({{}}, &tls);
  const auto verdict = run_entry(entry(server, "ca: " + (directory / "cert")));
  EXPECT_EQ(why(verdict), "");
  const double in_three_days = static_cast<double>(std::time(nullptr)) + 3 * 86'400;
  EXPECT_NEAR(fact(verdict, "probe_ssl_earliest_cert_expiry").value_or(0), in_three_days, 60);
  EXPECT_NEAR(fact(verdict, "probe_ssl_last_chain_expiry_timestamp_seconds").value_or(0), in_three_days, 60);
  EXPECT_EQ(fact(verdict, "probe_tls_version_info", Labels{{"version", "TLS 1.3"}}), 1);
  EXPECT_EQ(fact(verdict, "probe_ssl_last_chain_info",
                 Labels{{"subject", "CN=shop"}, {"subjectalternative", "shop.example"}}),
            1);
}

TEST_F(TlsCheck, FailsWhereTheCertificateDoesNotHold) {
  FakeHttpServer server({{}}, &tls);
  EXPECT_EQ(reason(run_entry(entry(server, "server_name: shop.example"))), "certificate");
  EXPECT_EQ(reason(run_entry(entry(server, "server_name: other.example, ca: " + (directory / "cert")))), "certificate");
  const auto taken = run_entry(entry(server, "insecure_skip_verify: true"));
  EXPECT_EQ(why(taken), "");
  EXPECT_TRUE(fact(taken, "probe_ssl_earliest_cert_expiry"));
}

TEST_F(TlsCheck, TellsTheEndOfACertificateThatIsRefusedForItsDateAlone) {
  const std::string name = directory / "old";
  const std::string command =
      "openssl x509 -in " + tls.certificate_file + " -signkey " + tls.key_file + " -days -1 -out " + name + " 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const FakeTls old{name, tls.key_file};
  FakeHttpServer server({{}}, &old);
  const double yesterday = static_cast<double>(std::time(nullptr)) - 86'400;
  const auto http = [&](const std::string& ca) {
    return "{name: a, http: {url: '" + server.url() + "', tls: {" + ca + "}}}";
  };
  for (const auto& [text, kind] : {std::pair(entry(server, "ca: " + name), "tls"), std::pair(http("ca: " + name), "http")}) {
    const auto verdict = run_entry(text);
    EXPECT_EQ(reason(verdict), "certificate") << kind << ": " << why(verdict);
    EXPECT_NE(why(verdict).find("certificate has expired"), std::string::npos) << why(verdict);
    EXPECT_NEAR(fact(verdict, "probe_ssl_earliest_cert_expiry").value_or(0), yesterday, 60) << kind;
  }
  for (const auto& text : {entry(server, "server_name: shop.example"), http("server_name: shop.example")}) {
    const auto stranger = run_entry(text);
    EXPECT_EQ(reason(stranger), "certificate");
    EXPECT_FALSE(fact(stranger, "probe_ssl_earliest_cert_expiry")) << "it may be anybody's";
  }
}

TEST_F(TlsCheck, AHttpCheckTellsTheSame) {
  FakeHttpServer server({{}}, &tls);
  const auto verdict = run_entry("{name: a, http: {url: '" + server.url() +
                                 "', tls: {server_name: shop.example, ca: " + (directory / "cert") + "}}}");
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(fact(verdict, "probe_http_ssl"), 1);
  EXPECT_EQ(fact(verdict, "probe_tls_version_info", Labels{{"version", "TLS 1.3"}}), 1);
  EXPECT_TRUE(fact(verdict, "probe_ssl_last_chain_expiry_timestamp_seconds"));
  EXPECT_GT(fact(verdict, "probe_http_duration_seconds", Labels{{"phase", "tls"}}), 0);
  EXPECT_EQ(server.requests().at(0).header("Host"), "127.0.0.1:" + std::to_string(server.port()));
}

TEST_F(TlsCheck, AHttpCheckTellsACertificateThatDoesNotHoldFromTlsThatDoesNotWork) {
  FakeHttpServer server({{}}, &tls);
  EXPECT_EQ(reason(run_entry("{name: a, http: {url: '" + server.url() + "'}}")), "certificate");
  FakeHttpServer plain;
  const std::string url = "https://127.0.0.1:" + std::to_string(plain.port()) + "/";
  EXPECT_NE(reason(run_entry("{name: a, http: {url: '" + url + "'}}", 500ms)), "certificate");
}

TEST_F(TlsCheck, TellsAVersionThatIsTooOldFromACertificateThatDoesNotHold) {
  FakeTls old = tls;
  old.newest_version = TLS1_2_VERSION;
  FakeHttpServer server({{}}, &old);
  const auto ca = "ca: " + (directory / "cert");
  const auto http = [&](const std::string& keys) { return "{name: a, http: {url: '" + server.url() + "', tls: {" + keys + "}}}"; };
  for (const auto& text : {entry(server, ca), http(ca), entry(server, ca + ", min_version: '1.2'")}) {
    const auto taken = run_entry(text);
    EXPECT_EQ(why(taken), "");
    EXPECT_EQ(fact(taken, "probe_tls_version_info", Labels{{"version", "TLS 1.2"}}), 1);
  }
  for (const auto& text : {entry(server, ca + ", min_version: '1.3'"), http(ca + ", min_version: '1.3'")}) {
    const auto refused = run_entry(text);
    EXPECT_EQ(reason(refused), "tls");
    EXPECT_NE(why(refused).find("it speaks no version of TLS that is new enough"), std::string::npos) << why(refused);
  }
  FakeHttpServer modern({{}}, &tls);
  EXPECT_EQ(why(run_entry(entry(modern, ca + ", min_version: '1.3'"))), "");
}

// A server that speaks its protocol until TLS begins, and then as FakeTls says.
class Starttls : public TlsCheck {
 protected:
  struct Turn {
    std::string says;
    std::string hears;
  };
  static void serve_tls(int fd, const FakeTls& tls) {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context, tls.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context, tls.key_file.c_str(), SSL_FILETYPE_PEM);
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    char byte = 0;
    if (SSL_accept(ssl) == 1) SSL_read(ssl, &byte, 1);
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  std::function<void(int)> service(std::vector<Turn> turns, std::string last) const {
    return [this, turns = std::move(turns), last = std::move(last)](int fd) {
      for (const auto& turn : turns) {
        say(fd, turn.says);
        EXPECT_EQ(hear(fd), turn.hears);
      }
      say(fd, last);
      serve_tls(fd, tls);
    };
  }
  std::string entry(const OneConnection& server, const std::string& protocol) const {
    return "{name: a, tls: {address: '" + server.address() + "', starttls: " + protocol + ", ca: " + (directory / "cert") + "}}";
  }
  const std::string postgres_asks{"\0\0\0\x08\x04\xd2\x16\x2f", 8};
};

TEST_F(Starttls, LeadsEachProtocolToItsCertificate) {
  const std::vector<std::tuple<std::string, std::vector<Turn>, std::string>> protocols{
      {"smtp",
       {{"220-mail.example\r\n220 ready\r\n", "EHLO sidewatch\r\n"},
        {"250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n", "STARTTLS\r\n"}},
       "220 2.0.0 ready\r\n"},
      {"imap", {{"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", "a STARTTLS\r\n"}}, "a OK begin\r\n"},
      {"pop3", {{"+OK ready\r\n", "STLS\r\n"}}, "+OK begin\r\n"},
      {"ftp", {{"220-Welcome\r\n to ftp\r\n220 ready\r\n", "AUTH TLS\r\n"}}, "234 begin\r\n"},
      {"postgres", {{"", postgres_asks}}, "S"},
  };
  for (const auto& [protocol, turns, last] : protocols) {
    OneConnection server(service(turns, last));
    const auto verdict = run_entry(entry(server, protocol));
    EXPECT_EQ(why(verdict), "") << protocol;
    EXPECT_EQ(fact(verdict, "probe_tls_version_info", Labels{{"version", "TLS 1.3"}}), 1) << protocol;
    EXPECT_TRUE(fact(verdict, "probe_ssl_earliest_cert_expiry")) << protocol;
    EXPECT_GT(fact(verdict, "probe_tcp_duration_seconds", Labels{{"phase", "tls"}}), 0) << protocol;
  }
}

TEST_F(Starttls, SaysThatAServerDoesNotOfferIt) {
  OneConnection mail([](int fd) {
    say(fd, "220 mail.example\r\n");
    hear(fd);
    say(fd, "250 mail.example\r\n");
    hear(fd);
    say(fd, "502 what?\r\n");
  });
  const auto refused = run_entry(entry(mail, "smtp"));
  EXPECT_EQ(reason(refused), "disconnected");
  EXPECT_EQ(why(refused), mail.address() + ": it does not begin TLS as smtp does: no line came that matches '^220 '");
  OneConnection database([](int fd) {
    hear(fd);
    say(fd, "N");
  });
  const auto plain = run_entry(entry(database, "postgres"));
  EXPECT_EQ(reason(plain), "tls");
  EXPECT_EQ(why(plain), database.address() + ": the server does not offer TLS");
}

TEST_F(Starttls, BeginsWithinAConversationWhereAStepSaysSo) {
  OneConnection server([this](int fd) {
    say(fd, "hello\r\n");
    EXPECT_EQ(hear(fd), "upgrade\n");
    serve_tls(fd, tls);
  });
  const auto verdict = run_entry("{name: a, tcp: {address: '" + server.address() + "', tls: {ca: " + (directory / "cert") +
                                 "}, query_response: [{expect: hello, send: upgrade, starttls: true}]}}");
  EXPECT_EQ(why(verdict), "");
  EXPECT_TRUE(fact(verdict, "probe_ssl_earliest_cert_expiry"));
}

TEST_F(TlsCheck, SaysThatAPlainServerDoesNotSpeakTls) {
  const auto ssh = [](int fd) {
    say(fd, "SSH-2.0-OpenSSH_9.2\r\n");
    hear(fd);
  };
  OneConnection server(ssh);
  const auto verdict = run_entry("{name: a, tls: {address: '" + server.address() + "'}}");
  EXPECT_EQ(reason(verdict), "tls");
  EXPECT_EQ(why(verdict), server.address() + ": no TLS: what answers does not speak TLS");
  OneConnection other(ssh);
  const auto asked = run_entry("{name: a, http: {url: 'https://" + other.address() + "/'}}");
  EXPECT_EQ(reason(asked), "tls");
  EXPECT_EQ(why(asked), "https://" + other.address() +
                            "/...: what answers there does not speak TLS: is it http:// and not https://?");
}

TEST_F(TlsCheck, SaysThatThereIsNoFileOfTheNameThatWasGiven) {
  FakeHttpServer server({{}}, &tls);
  const auto verdict = run_entry(entry(server, "ca: /nonexistent.pem"));
  EXPECT_EQ(why(verdict), "127.0.0.1:" + std::to_string(server.port()) +
                              ": /nonexistent.pem: no certificates (PEM) can be read: No such file or directory");
}

TEST(ProbePlace, TakesNamesAndAddressesWithTheirPorts) {
  EXPECT_EQ(parse_place("mail.example:25", 0)->text(), "mail.example:25");
  EXPECT_EQ(parse_place("[::1]:25", 0)->text(), "[::1]:25");
  EXPECT_EQ(parse_place("::1", 53)->text(), "[::1]:53");
  for (const auto* text :
       {"", ":25", "host", "host:", "host:0", "host:65536", "host:x", "[::1", "[::1]25", "a b:1", "http://h:1"}) {
    EXPECT_FALSE(parse_place(text, 0)) << text;
  }
}

}  // namespace
}  // namespace sidewatch::probe

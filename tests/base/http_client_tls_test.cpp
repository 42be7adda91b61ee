// Whom the client trusts: certificates are made with the openssl program for each test.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "base/http_client.h"
#include "base/http_transfers.h"
#include "tests/support/fake_http_server.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

class HttpClientTls : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    make("good", "-addext subjectAltName=IP:127.0.0.1 -days 2");
  }

  FakeTls make(const std::string& name, const std::string& options) {
    const std::string base = directory_ / name;
    const std::string command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout " + base +
                                ".key -out " + base + ".pem " + options + " 2>/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return {base + ".pem", base + ".key"};
  }

  // Signs the certificate anew with another life, in days from now.
  FakeTls make_valid(const std::string& name, long from, long to) {
    const FakeTls tls = make(name, "-addext subjectAltName=IP:127.0.0.1 -days 2");
    BIO* const key_in = BIO_new_file(tls.key_file.c_str(), "r");
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_in, nullptr, nullptr, nullptr);
    BIO* const in = BIO_new_file(tls.certificate_file.c_str(), "r");
    X509* const certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    constexpr long day = 86'400;
    X509_gmtime_adj(X509_getm_notBefore(certificate), from * day);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to * day);
    EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
    BIO* const out = BIO_new_file(tls.certificate_file.c_str(), "w");
    EXPECT_EQ(PEM_write_bio_X509(out, certificate), 1);
    for (BIO* bio : {key_in, in, out}) BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
  }

  FakeTls good() const { return {directory_ / "good.pem", directory_ / "good.key"}; }

  static HttpResult ask(const FakeHttpServer& server, const std::string& ca_file, bool skip = false) {
    HttpClient client;
    OutgoingRequest request;
    request.url = server.url();
    request.ca_file = ca_file;
    request.insecure_skip_verify = skip;
    return client.send(request);
  }

  static void expect_tls_failure(const HttpResult& result) {
    const auto* failure = std::get_if<HttpError>(&result);
    ASSERT_NE(failure, nullptr);
    EXPECT_EQ(failure->kind, HttpFailure::tls) << failure->what;
  }

  TempDir directory_;
};

TEST_F(HttpClientTls, TrustsTheConfiguredAuthorityAndNoOther) {
  const FakeTls tls = good();
  FakeHttpServer server({{}}, &tls);
  const auto trusted = ask(server, tls.certificate_file);
  EXPECT_TRUE(std::holds_alternative<OutgoingResponse>(trusted)) << std::get<HttpError>(trusted).what;
  expect_tls_failure(ask(server, ""));  // self-signed, unknown to the machine
  const FakeTls other = make("other", "-addext subjectAltName=IP:127.0.0.1 -days 2");
  expect_tls_failure(ask(server, other.certificate_file));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(HttpClientTls, SkipsVerificationOnlyWhenToldSo) {
  const FakeTls tls = good();
  FakeHttpServer server({{}}, &tls);
  EXPECT_TRUE(std::holds_alternative<OutgoingResponse>(ask(server, "", true)));
}

TEST_F(HttpClientTls, RefusesACertificateOfAnotherTimeAndAWrongName) {
  const FakeTls expired = make_valid("expired", -3, -1);
  FakeHttpServer late({{}}, &expired);
  expect_tls_failure(ask(late, expired.certificate_file));
  const FakeTls coming = make_valid("coming", 1, 3);  // or a machine whose clock was not set yet
  FakeHttpServer early({{}}, &coming);
  expect_tls_failure(ask(early, coming.certificate_file));
  const FakeTls elsewhere = make("elsewhere", "-addext subjectAltName=DNS:elsewhere.example -days 2");
  FakeHttpServer wrong({{}}, &elsewhere);
  expect_tls_failure(ask(wrong, elsewhere.certificate_file));
  EXPECT_TRUE(late.requests().empty());
  EXPECT_TRUE(early.requests().empty());
  EXPECT_TRUE(wrong.requests().empty());
}

// What a certificate of old says in its common name is believed only where it has no names of the newer kind.
TEST_F(HttpClientTls, AsksForAnotherNameThanTheHostsWhereToldSo) {
  const FakeTls tls = make("shop", "-addext subjectAltName=DNS:shop.example -days 2");
  FakeHttpServer server({{}}, &tls);
  expect_tls_failure(ask(server, tls.certificate_file));
  HttpClient client;
  OutgoingRequest request;
  request.url = server.url("/metrics?a=b");
  request.ca_file = tls.certificate_file;
  request.server_name = "shop.example";
  for (int i = 0; i < 2; ++i) {
    const auto trusted = client.send(request);
    ASSERT_TRUE(std::holds_alternative<OutgoingResponse>(trusted)) << std::get<HttpError>(trusted).what;
  }
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.requests()[0].path, "/metrics?a=b");
  EXPECT_EQ(server.requests()[0].header("Host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(server.requests()[0].connection, server.requests()[1].connection);
  request.server_name = "other.example";
  expect_tls_failure(client.send(request));
}

TEST_F(HttpClientTls, TakesTheCommonNameOnlyOfACertificateWithoutOtherNames) {
  const FakeTls old = make("old", "-days 2");
  FakeHttpServer server({{}}, &old);
  EXPECT_TRUE(std::holds_alternative<OutgoingResponse>(ask(server, old.certificate_file)));
  const FakeTls both = make("both", "-addext subjectAltName=DNS:elsewhere.example -days 2");  // its CN is 127.0.0.1
  FakeHttpServer wrong({{}}, &both);
  expect_tls_failure(ask(wrong, both.certificate_file));
}

TEST_F(HttpClientTls, RefusesAnythingOlderThanTls12) {
  FakeTls old = good();
  old.newest_version = TLS1_1_VERSION;
  FakeHttpServer server({{}}, &old);
  const auto result = ask(server, old.certificate_file);
  expect_tls_failure(result);
  EXPECT_EQ(std::get<HttpError>(result).what, server.url() + "...: it speaks no version of TLS that is new enough");
}

TEST_F(HttpClientTls, ShowsItsOwnCertificateWhereOneIsAskedFor) {
  const FakeTls mine = make("mine", "-days 2");
  const FakeTls stranger = make("stranger", "-days 2");
  FakeTls strict = good();
  strict.client_ca_file = mine.certificate_file;
  FakeHttpServer server({{}}, &strict);
  const auto ask_as = [&](const std::string& certificate, const std::string& key) {
    HttpClient client;
    OutgoingRequest request;
    request.url = server.url();
    request.ca_file = strict.certificate_file;
    request.certificate_file = certificate;
    request.key_file = key;
    return client.send(request);
  };
  EXPECT_TRUE(std::holds_alternative<OutgoingResponse>(ask_as(mine.certificate_file, mine.key_file)));
  std::filesystem::copy_file(mine.certificate_file, directory_ / "both.pem");
  std::ofstream(directory_ / "both.pem", std::ios::app) << std::ifstream(mine.key_file).rdbuf();
  EXPECT_TRUE(std::holds_alternative<OutgoingResponse>(ask_as(directory_ / "both.pem", "")));
  EXPECT_EQ(server.requests().size(), 2u);
  for (const FakeTls& other : {FakeTls{}, stranger, FakeTls{mine.certificate_file, stranger.key_file},
                               FakeTls{directory_ / "missing.pem", mine.key_file}}) {
    EXPECT_TRUE(std::holds_alternative<HttpError>(ask_as(other.certificate_file, other.key_file)));
  }
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(HttpClientTls, RefusesAKeyWithAPassphraseInsteadOfAskingForIt) {
  const FakeTls mine = make("mine", "-days 2");
  const std::string locked = directory_ / "locked.key";
  const std::string command = "openssl pkcs8 -topk8 -in " + mine.key_file + " -passout pass:secret -out " + locked;
  ASSERT_EQ(std::system(command.c_str()), 0);
  const FakeTls tls = good();
  FakeHttpServer server({{}}, &tls);
  HttpClient client;
  OutgoingRequest request;
  request.url = server.url();
  request.ca_file = tls.certificate_file;
  request.certificate_file = mine.certificate_file;
  request.key_file = locked;
  const auto result = client.send(request);
  expect_tls_failure(result);
  EXPECT_NE(std::get<HttpError>(result).what.find("encrypted with a passphrase"), std::string::npos)
      << std::get<HttpError>(result).what;
}

// A connection that takes an earlier one's session up again shows no chain.
TEST_F(HttpClientTls, VerifiesTheChainAnewForEachFreshConnection) {
  const FakeTls tls = good();
  FakeHttpServer server({{}}, &tls);
  HttpTransfers transfers(2);
  for (int round = 0; round < 3; ++round) {
    OutgoingRequest request;
    request.url = server.url();
    request.ca_file = tls.certificate_file;
    request.fresh_connection = true;
    std::optional<HttpExchange> ended;
    transfers.start(request, [&ended](HttpExchange exchange) { ended = std::move(exchange); });
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!ended && std::chrono::steady_clock::now() < give_up) {
      pollfd one{transfers.descriptor(), POLLIN, 0};
      poll(&one, 1, 10);
      transfers.step();
    }
    ASSERT_TRUE(ended && ended->trace.tls);
    EXPECT_TRUE(ended->trace.tls->verified_expiry) << "round " << round;
  }
}

TEST_F(HttpClientTls, HeedsNoListOfExceptionsFromTheEnvironment) {
  FakeHttpServer proxy({FakeAnswer{.status = 204}});
  ::setenv("no_proxy", "*", 1);
  HttpClient client;
  OutgoingRequest request;
  request.url = "http://shop.example/";
  request.proxy_url = proxy.url();
  const auto result = client.send(request);
  ::unsetenv("no_proxy");
  const auto* answer = std::get_if<OutgoingResponse>(&result);
  ASSERT_NE(answer, nullptr) << std::get<HttpError>(result).what;
  EXPECT_EQ(answer->status, 204);
}

TEST_F(HttpClientTls, TellsAServerThatSpeaksTlsOnlyFromOneThatTakesTheMessage) {
  const FakeTls tls = good();
  FakeHttpServer server({{}}, &tls);
  HttpClient client;
  OutgoingRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
  EXPECT_TRUE(std::holds_alternative<HttpError>(client.send(request)));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTls, SaysThatAPlainServerDoesNotSpeakTls) {
  FakeHttpServer server;
  HttpClient client;
  OutgoingRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  request.timeout = std::chrono::milliseconds(500);
  // The fake server waits for the end of a request that never comes: either of the two is right.
  const auto result = client.send(request);
  const auto* failure = std::get_if<HttpError>(&result);
  ASSERT_NE(failure, nullptr);
  EXPECT_TRUE(failure->kind == HttpFailure::tls || failure->kind == HttpFailure::timeout) << failure->what;
}

TEST_F(HttpClientTls, PicksUpAChangedAuthorityFileWithoutANewClient) {
  const FakeTls tls = good();
  const FakeTls other = make("other", "-addext subjectAltName=IP:127.0.0.1 -days 2");
  const std::string trusted = directory_ / "trusted.pem";
  std::filesystem::copy_file(other.certificate_file, trusted);
  FakeHttpServer server({{}}, &tls);
  HttpClient client;
  OutgoingRequest request;
  request.url = server.url();
  request.ca_file = trusted;
  expect_tls_failure(client.send(request));
  std::filesystem::copy_file(tls.certificate_file, trusted, std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(std::holds_alternative<OutgoingResponse>(client.send(request)));
}

}  // namespace
}  // namespace sidewatch

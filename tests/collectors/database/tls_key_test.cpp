// Keys that would make a client library ask for a passphrase.
#include "collectors/database/tls_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace sidewatch::database {
namespace {

std::optional<Failure> trouble_with(std::string_view pem) {
  const TempDir directory;
  const auto path = directory / "client.key";
  std::ofstream(path) << pem;
  return trouble_with_key(path);
}

TEST(TlsKey, IsRefusedWithAPassphraseAndTheAdviceNamesTheFile) {
  const auto failure = trouble_with("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
                                    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, FailureKind::login_refused);
  EXPECT_THAT(failure->text, ::testing::HasSubstr("client.key: the private key is encrypted"));
  EXPECT_TRUE(trouble_with("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n"));
}

TEST(TlsKey, IsTheLibrarysBusinessOtherwise) {
  EXPECT_FALSE(trouble_with("-----BEGIN PRIVATE KEY-----\nMIIB\n"));
  EXPECT_FALSE(trouble_with(""));
  EXPECT_FALSE(trouble_with_key("/nonexistent/client.key"));
}

}  // namespace
}  // namespace sidewatch::database

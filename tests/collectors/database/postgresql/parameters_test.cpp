#include "collectors/database/postgresql/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::database::postgresql {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Parameters joined_with(const Parameters& dsn, const std::optional<TlsConfig>& tls = {}) {
  return joined(dsn, "", tls, 2s);
}

TEST(PostgresqlParameters, ReadOnlyAndInTimeWhateverTheDsnSays) {
  const auto all = joined_with({{"options", "-c statement_timeout=0 -c default_transaction_read_only=off -c geqo=off"},
                                {"connect_timeout", "100"}});
  const std::string& options = all.at("options");
  EXPECT_THAT(options, StartsWith("-c statement_timeout=0 -c default_transaction_read_only=off -c geqo=off -c "));
  EXPECT_THAT(options.substr(60), HasSubstr("-c statement_timeout=1800 "));
  EXPECT_THAT(options.substr(60), HasSubstr("-c lock_timeout=500 "));
  EXPECT_THAT(options.substr(60), HasSubstr("-c default_transaction_read_only=on"));
  EXPECT_EQ(all.count("connect_timeout"), 0u);
}

TEST(PostgresqlParameters, TheServerIsToldLessTimeThanWeWait) {
  EXPECT_EQ(statement_timeout(2s), 1800ms);
  EXPECT_EQ(statement_timeout(100ms), 90ms);
}

TEST(PostgresqlParameters, AWaitForALockIsShorterThanTheTimeout) {
  EXPECT_THAT(joined({}, "", std::nullopt, 200ms).at("options"), HasSubstr("lock_timeout=100 "));
}

TEST(PostgresqlParameters, TheDsnNamesTheApplicationWhereItDoes) {
  EXPECT_EQ(joined_with({}).at("application_name"), "sidewatch");
  EXPECT_EQ(joined_with({{"application_name", "watcher"}}).at("application_name"), "watcher");
}

TEST(PostgresqlParameters, EncryptsToOtherMachinesWhereItIsOffered) {
  EXPECT_EQ(joined_with({{"host", "db.example"}}).at("sslmode"), "prefer");
  EXPECT_EQ(joined_with({{"host", "127.0.0.1"}}).at("sslmode"), "disable");
  EXPECT_EQ(joined_with({{"host", "/run/postgresql"}}).at("sslmode"), "disable");
  EXPECT_EQ(joined_with({}).at("sslmode"), "disable");
  EXPECT_EQ(joined_with({{"host", "127.0.0.1"}, {"sslmode", "verify-full"}}).at("sslmode"), "verify-full");
}

TEST(PostgresqlParameters, TheTlsSectionSaysWhatIsVerified) {
  TlsConfig tls;
  tls.mode = TlsMode::verify_ca;
  tls.ca = "/etc/ca.pem";
  tls.cert = "/etc/client.pem";
  tls.key = "/etc/client.key";
  const auto all = joined_with({{"host", "db.example"}}, tls);
  EXPECT_EQ(all.at("sslmode"), "verify-ca");
  EXPECT_EQ(all.at("sslrootcert"), "/etc/ca.pem");
  EXPECT_EQ(all.at("sslcert"), "/etc/client.pem");
  EXPECT_EQ(all.at("sslkey"), "/etc/client.key");
}

TEST(PostgresqlParameters, VerifiesWithTheSystemsAuthoritiesWhereNoneIsNamed) {
  EXPECT_THAT(joined_with({{"host", "db.example"}}, TlsConfig{}).at("sslrootcert"), EndsWith("ca-certificates.crt"));
  TlsConfig unverified;
  unverified.mode = TlsMode::require;
  EXPECT_EQ(joined_with({}, unverified).count("sslrootcert"), 0u) << "libpq would verify by it";
}

TEST(PostgresqlParameters, ThePasswordOfTheConfigurationWins) {
  EXPECT_EQ(joined({{"password", "old"}}, "new", std::nullopt, 2s).at("password"), "new");
  EXPECT_EQ(joined({{"password", "old"}}, "", std::nullopt, 2s).at("password"), "old");
}

TEST(PostgresqlParameters, LooksUpASingleHostName) {
  EXPECT_THAT(names_to_resolve({{"host", "db.example"}}), ElementsAre("db.example"));
  EXPECT_THAT(names_to_resolve({{"host", "/run/postgresql"}}), IsEmpty());
  EXPECT_THAT(names_to_resolve({{"host", "db.example"}, {"hostaddr", "192.0.2.1"}}), IsEmpty());
  EXPECT_THAT(names_to_resolve({}), IsEmpty());
}

TEST(PostgresqlParameters, EveryAddressOfANameIsTried) {
  Parameters parameters{{"host", "db.example"}, {"port", "5433"}};
  set_addresses(parameters, {"192.0.2.1", "2001:db8::1"}, "");
  EXPECT_EQ(parameters.at("host"), "db.example,db.example");
  EXPECT_EQ(parameters.at("hostaddr"), "192.0.2.1,2001:db8::1");
  EXPECT_EQ(parameters.at("port"), "5433,5433");
}

TEST(PostgresqlParameters, TheCertificateMayBeForAnotherName) {
  Parameters parameters{{"host", "127.0.0.1"}};
  set_addresses(parameters, {"127.0.0.1"}, "db.example");
  EXPECT_EQ(parameters.at("host"), "db.example");
  EXPECT_EQ(parameters.at("hostaddr"), "127.0.0.1");
}

TEST(PostgresqlParameters, SaysWhereItIs) {
  EXPECT_EQ(place_of({{"host", "db.example"}, {"port", "5433"}}), "db.example:5433");
  EXPECT_EQ(place_of({{"host", "/run/postgresql"}}), "/run/postgresql");
  EXPECT_EQ(place_of({{"dbname", "shop"}}), "the local socket");
}

}  // namespace
}  // namespace sidewatch::database::postgresql

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

// "host|address|port" of each.
std::vector<std::string> listed(const Parameters& parameters) {
  std::vector<std::string> all;
  for (const auto& place : places_in(parameters)) all.push_back(place.host + '|' + place.address + '|' + place.port);
  return all;
}

TEST(PostgresqlParameters, ListsTheServersThatADsnNames) {
  EXPECT_THAT(listed({}), ElementsAre("||"));
  EXPECT_THAT(listed({{"host", "db.example"}, {"port", "5433"}}), ElementsAre("db.example||5433"));
  EXPECT_THAT(listed({{"host", "a,b"}}), ElementsAre("a||", "b||"));
  EXPECT_THAT(listed({{"host", "a,b"}, {"port", "5433"}}), ElementsAre("a||5433", "b||5433"));
  EXPECT_THAT(listed({{"host", "a,/run/b,"}, {"port", "1,2,"}}), ElementsAre("a||1", "/run/b||2", "||"));
  EXPECT_THAT(listed({{"hostaddr", "192.0.2.1,::1"}}), ElementsAre("|192.0.2.1|", "|::1|"));
  EXPECT_THAT(listed({{"host", "a,b"}, {"hostaddr", "192.0.2.1,"}}), ElementsAre("a|192.0.2.1|", "b||"));
}

TEST(PostgresqlParameters, LeavesListsThatDoNotFitTogetherToLibpqsWords) {
  EXPECT_THAT(listed({{"host", "a,b"}, {"port", "1,2,3"}}), IsEmpty());
  EXPECT_THAT(listed({{"host", "a"}, {"port", "1,2"}}), IsEmpty());
  EXPECT_THAT(listed({{"host", "a,b"}, {"hostaddr", "192.0.2.1"}}), IsEmpty());
}

TEST(PostgresqlParameters, LooksUpNamesOnly) {
  EXPECT_TRUE((Place{"db.example", "", ""}.has_a_name()));
  EXPECT_FALSE((Place{"db.example", "192.0.2.1", ""}.has_a_name()));
  EXPECT_FALSE((Place{"/run/postgresql", "", ""}.has_a_name()));
  EXPECT_FALSE((Place{"@abstract", "", ""}.has_a_name()));
  EXPECT_FALSE((Place{"", "", ""}.has_a_name()));
}

TEST(PostgresqlParameters, EachAttemptIsAtOnePlaceAndVerifiesItsName) {
  const Parameters whole{{"host", "a,b"}, {"port", "5432,5433"}, {"dbname", "shop"}};
  EXPECT_EQ(at_place(whole, {"b", "192.0.2.1", "5433"}, ""),
            (Parameters{{"host", "b"}, {"hostaddr", "192.0.2.1"}, {"port", "5433"}, {"dbname", "shop"}}));
  EXPECT_EQ(at_place(whole, {"/run/b", "", ""}, ""), (Parameters{{"host", "/run/b"}, {"dbname", "shop"}}));
}

TEST(PostgresqlParameters, TheCertificateMayBeForAnotherName) {
  const auto parameters = at_place({{"host", "127.0.0.1"}}, {"127.0.0.1", "127.0.0.1", ""}, "db.example");
  EXPECT_EQ(parameters.at("host"), "db.example");
  EXPECT_EQ(parameters.at("hostaddr"), "127.0.0.1");
}

TEST(PostgresqlParameters, AsksForTheServerThatTheSessionIsWantedOf) {
  EXPECT_THAT(rounds_of({}), ElementsAre("any"));
  EXPECT_THAT(rounds_of({{"target_session_attrs", "read-write"}}), ElementsAre("primary"));
  EXPECT_THAT(rounds_of({{"target_session_attrs", "read-only"}}), ElementsAre("standby"));
  EXPECT_THAT(rounds_of({{"target_session_attrs", "prefer-standby"}}), ElementsAre("standby", "any"));
}

TEST(PostgresqlParameters, SaysWhereItIs) {
  EXPECT_EQ(place_of({{"host", "db.example"}, {"port", "5433"}}), "db.example:5433");
  EXPECT_EQ(place_of({{"host", "/run/postgresql"}}), "/run/postgresql");
  EXPECT_EQ(place_of({{"dbname", "shop"}}), "the local socket");
}

}  // namespace
}  // namespace sidewatch::database::postgresql

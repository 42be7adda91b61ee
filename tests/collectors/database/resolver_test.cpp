#include "collectors/database/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch::database {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Resolver, TakesAnAddressForItself) {
  Resolver resolver;
  std::vector<std::string> addresses;
  EXPECT_FALSE(resolver.resolve("127.0.0.1", 10s, addresses));
  EXPECT_THAT(addresses, ElementsAre("127.0.0.1"));
  EXPECT_FALSE(resolver.resolve("::1", 10s, addresses));
  EXPECT_THAT(addresses, ElementsAre("::1"));
}

TEST(Resolver, FindsTheAddressesOfAName) {
  Resolver resolver;
  std::vector<std::string> addresses;
  EXPECT_FALSE(resolver.resolve("localhost", 10s, addresses));
  EXPECT_THAT(addresses, ::testing::Contains("127.0.0.1"));
}

TEST(Resolver, NamesTheHostThatIsNone) {
  Resolver resolver;
  std::vector<std::string> addresses{"left over"};
  const auto failure = resolver.resolve("no such host", 10s, addresses);
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->text, HasSubstr("the name 'no such host' is not resolved"));
  EXPECT_FALSE(failure->connection_lost);
  EXPECT_TRUE(addresses.empty());
}

}  // namespace
}  // namespace sidewatch::database

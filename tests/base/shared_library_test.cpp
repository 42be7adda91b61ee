// Libraries that are loaded when they are needed, or named when they are not there.
#include "base/shared_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidewatch {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(SharedLibrary, FindsItsFunctions) {
  const auto library = SharedLibrary::load("libm.so.6", "libc6");
  ASSERT_TRUE(library);
  double (*square_root)(double) = nullptr;
  ASSERT_TRUE(library->find("sqrt", square_root));
  EXPECT_EQ(square_root(9.0), 3.0);
}

TEST(SharedLibrary, SaysWhichPackageHasTheOneThatIsMissing) {
  const auto library = SharedLibrary::load("libnothing.so.7", "libnothing7");
  ASSERT_FALSE(library);
  EXPECT_THAT(library.error().what,
              StartsWith("the library libnothing.so.7 could not be loaded; it is in the package libnothing7 ("));
}

TEST(SharedLibrary, NamesTheFunctionThatIsMissing) {
  const auto library = SharedLibrary::load("libm.so.6", "libc6");
  ASSERT_TRUE(library);
  int (*nothing)() = nullptr;
  const auto found = library->find("no_such_function", nothing);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what, HasSubstr("has no function no_such_function"));
  EXPECT_EQ(nothing, nullptr);
}

}  // namespace
}  // namespace sidewatch

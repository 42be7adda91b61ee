// What other machines say, as it may stand in a log.
#include "collectors/database/failure.h"

#include <gtest/gtest.h>

namespace sidewatch::database {
namespace {

TEST(FailureText, IsOneLineWithoutControlCharacters) {
  EXPECT_EQ(printable("no place\n\tleft \x1b[31m\r\n"), "no place. left ?[31m");
  EXPECT_EQ(printable("  FATAL:  no.\nHINT: none.\n"), "FATAL: no. HINT: none");
  EXPECT_EQ(printable(""), "");
}

TEST(FailureText, KeepsTheLettersOfOtherLanguagesAndMendsWhatIsNone) {
  EXPECT_EQ(printable("Passwort-Authentifizierung f\u00fcr \u65e5\u672c fehlgeschlagen"),
            "Passwort-Authentifizierung f\u00fcr \u65e5\u672c fehlgeschlagen");
  EXPECT_EQ(printable("a\xff\xfe"), "a\ufffd\ufffd");
}

TEST(FailureText, IsCut) {
  EXPECT_EQ(printable(std::string(300, 'x')).size(), 300u);
  EXPECT_EQ(printable(std::string(1000, 'x')), std::string(300, 'x') + "...");
}

}  // namespace
}  // namespace sidewatch::database

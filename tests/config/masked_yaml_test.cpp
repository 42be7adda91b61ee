#include "config/masked_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "config/document.h"

namespace sidewatch::config {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Login {
  std::string user;
  Secret password;
};
void declare(Section& section, Login& login) {
  section.optional("user", login.user, "");
  section.optional("password", login.password, "");
}

struct Shown {
  std::string name, hook, proxy;
  Login login;
  std::map<std::string, Secret> headers;
  std::vector<Login> logins;
  std::vector<std::string> words;
};
void declare(Section& section, Shown& shown) {
  section.optional("name", shown.name, "");
  section.optional("hook", shown.hook, "");
  section.keep_secret("hook");
  section.optional("proxy", shown.proxy, "");
  section.section("login", shown.login, "");
  section.optional("headers", shown.headers, "");
  section.list("logins", shown.logins, "");
  section.optional("words", shown.words, "");
}

std::string shown(const std::string& text) {
  Problems problems;
  const Environment environment = [](const std::string& name) { return std::optional<std::string>("value of " + name); };
  auto document = Document::parse("test.yaml", text, environment, problems);
  Shown read;
  document.read(read);
  EXPECT_TRUE(problems.empty()) << problems.text();
  const std::string yaml = document.masked_yaml();
  Shown again;
  Document::parse("again.yaml", yaml, environment, problems).read(again);
  EXPECT_TRUE(problems.empty()) << yaml << problems.text();
  const bool masked = yaml.find("<secret>") != std::string::npos;
  EXPECT_TRUE(masked || again.words == read.words) << "what is shown means the same";
  return yaml;
}

TEST(MaskedYaml, ShowsWhatIsInForceWithoutComments) {
  EXPECT_EQ(shown("# why\nname: checkout # what\nwords: [a, 'b: c', \"d\\n\", 5m, '']\nlogins: [{user: x}, {user: y}]\n"),
            "name: checkout\n"
            "words:\n"
            "  - a\n"
            "  - \"b: c\"\n"
            "  - \"d\\n\"\n"
            "  - 5m\n"
            "  - \"\"\n"
            "logins:\n"
            "  - user: x\n"
            "  - user: y\n");
}

TEST(MaskedYaml, ShowsNoSecretWhereverItStands) {
  const std::string yaml = shown(
      "hook: https://chat.example/api/webhooks/T0ken\n"
      "login: {user: hunter, password: &p hunter2}\n"
      "logins: [{password: *p, user: *p}]\n"
      "headers: {X-Key: abc123, Other: \"${TOKEN}\"}\n"
      "words: [hunter2]\n");
  for (const char* secret : {"hunter2", "T0ken", "abc123", "value of"}) EXPECT_THAT(yaml, Not(HasSubstr(secret)));
  EXPECT_THAT(yaml, HasSubstr("  user: hunter\n  password: <secret>\n"));
  EXPECT_THAT(yaml, HasSubstr("hook: <secret>\n"));
  EXPECT_THAT(yaml, HasSubstr("\"X-Key\": <secret>\n"));
}

TEST(MaskedYaml, ShowsVariablesAsTheyAreWritten) {
  EXPECT_EQ(shown("name: ${NAME:-x}\n"), "name: \"${NAME:-x}\"\n");
}

TEST(MaskedYaml, ShowsNoUserInAnUrl) {
  EXPECT_EQ(shown("proxy: http://me:pass@proxy.example:3128/x@y\n"),
            "proxy: \"http://<secret>@proxy.example:3128/x@y\"\n");
  EXPECT_EQ(shown("proxy: a://b:c@d b://e@f\n"), "proxy: \"a://<secret>@d b://<secret>@f\"\n");
}

}  // namespace
}  // namespace sidewatch::config

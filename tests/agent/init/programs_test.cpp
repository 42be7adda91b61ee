#include "agent/init/programs.h"

#include <gtest/gtest.h>

namespace sidewatch::discovery {
namespace {

Process process(std::string comm, std::string exe, std::vector<std::string> args, std::string directory = "") {
  Process made;
  made.comm = std::move(comm);
  made.exe = std::move(exe);
  made.args = std::move(args);
  made.directory = std::move(directory);
  return made;
}

std::string script_of(const std::string& program, std::vector<std::string> args) {
  args.insert(args.begin(), program);
  return identify(process(program, "/usr/bin/" + program, std::move(args))).script;
}

TEST(Identify, TakesTheExecutableBeforeWhatAProcessSays) {
  EXPECT_EQ(identify(process("worker", "/opt/fake/ledger", {"sshd: x"})).program, "ledger");
  EXPECT_EQ(identify(process("redis-server", "/usr/bin/redis-check-rdb", {"/usr/bin/redis-server *:6379"})).kind(),
            ProgramKind::database);
  EXPECT_EQ(identify(process("x", "/opt/x", {"sshd"})).kind(), ProgramKind::other);  // anybody can say so
  EXPECT_EQ(identify(process("sshd", "", {"sshd: /usr/sbin/sshd -D"})).kind(), ProgramKind::system);
  EXPECT_EQ(identify(process("httpd", "/bin/busybox", {"httpd", "-f"})).program, "httpd");
}

TEST(Identify, FindsTheScriptOfAnInterpreter) {
  EXPECT_EQ(script_of("node", {"--inspect", "-r", "dotenv/config", "/srv/bot.js", "--x"}), "/srv/bot.js");
  EXPECT_EQ(script_of("node", {"--require=a", "bot.js"}), "bot.js");
  EXPECT_EQ(script_of("node", {"--", "bot.js"}), "bot.js");
  EXPECT_EQ(script_of("python3.11", {"-u", "-X", "dev", "-m", "uvicorn", "main:app"}), "uvicorn");
  EXPECT_EQ(script_of("java", {"-Dp=canary", "-jar", "/opt/a.jar"}), "/opt/a.jar");
  EXPECT_EQ(script_of("java", {"-cp", "/opt/lib/x", "com.shop.Main"}), "com.shop.Main");
  EXPECT_EQ(script_of("deno", {"run", "--allow-net", "main.ts"}), "main.ts");
  EXPECT_EQ(script_of("php8.2", {"-S", "0.0.0.0:80", "router.php"}), "router.php");
}

TEST(Identify, NeverTakesCodeOrAnythingSecretForAScript) {
  EXPECT_EQ(script_of("node", {"-e", "canary"}), "");
  EXPECT_EQ(script_of("python3", {"-c", "canary"}), "");
  EXPECT_EQ(script_of("python3", {"https://user:canary@host/"}), "");
  EXPECT_EQ(script_of("python3", {"PASSWORD=canary"}), "");
  EXPECT_EQ(script_of("node", {"canary in words"}), "");
  EXPECT_EQ(script_of("node", {"a\nb"}), "");
  EXPECT_EQ(script_of("node", {std::string(201, 'a')}), "");
  EXPECT_EQ(script_of("nginx", {"canary"}), "");  // no interpreter
  EXPECT_EQ(script_of("beam.smp", {"-W", "w", "-MBas", "ageffcbf", "--", "-root", "/usr/lib/erlang"}), "");
}

TEST(GroupName, IsTheLastPartOfThePathThatTells) {
  const auto name = [](const std::string& program, const std::string& script, const std::string& directory = "") {
    const auto made = process(program, "/usr/bin/" + program, {program, script}, directory);
    return group_name(identify(made), made, "");
  };
  EXPECT_EQ(name("node", "/srv/bot/dist/index.js"), "bot");
  EXPECT_EQ(name("node", "/srv/bot/trader.js"), "trader");
  EXPECT_EQ(name("node", "dist/server.js", "/home/app/checkout"), "checkout");
  EXPECT_EQ(name("java", "/opt/ledger-2.0.1.jar"), "ledger");
  EXPECT_EQ(name("java", "com.shop.ledger.Main"), "ledger");
  EXPECT_EQ(name("python3", "/srv/server.py"), "server");
  EXPECT_EQ(name("node", "/srv/a b.js"), "node");
}

TEST(GroupName, HoldsNothingButPlainLetters) {
  const auto made = process("x", "/opt/it's a \"b\"\n", {});
  EXPECT_EQ(group_name(identify(made), made, ""), "it-s-a-b");
  EXPECT_EQ(group_name(identify(made), made, "postgresql@15-main"), "postgresql-15-main");
  const auto nameless = process("\xff", "/opt/\xff", {});
  EXPECT_EQ(group_name(identify(nameless), nameless, ""), "service");
}

TEST(Databases, AreKnownByPortAndSocket) {
  EXPECT_EQ(database_on_port(5432), "PostgreSQL");
  EXPECT_EQ(database_on_port(5431), "");
  EXPECT_EQ(database_of_socket("/run/postgresql/.s.PGSQL.5432"), "PostgreSQL");
  EXPECT_EQ(database_of_socket("/run/mysqld/mysqld.sock"), "MySQL or MariaDB");
  EXPECT_EQ(database_of_socket("/run/mysqld/mysqlx.sock"), "");
  EXPECT_EQ(database_of_socket("/run/redis.d"), "");
}

}  // namespace
}  // namespace sidewatch::discovery

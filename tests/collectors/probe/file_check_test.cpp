// Files, and certificates in files.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "collectors/probe/file_check.h"
#include "tests/collectors/probe/hanging.h"
#include "tests/collectors/probe/run_check.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::probe {
namespace {

using namespace std::chrono_literals;

class FileCheckTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    std::ofstream(directory / name) << content;
    return directory / name;
  }
  static std::string entry(const std::string& path, const std::string& more = "") {
    return "{name: a, file: {path: '" + path + "'" + (more.empty() ? "" : ", " + more) + "}}";
  }
  TempDir directory;
};

TEST_F(FileCheckTest, TellsAgeAndSize) {
  const auto path = write("backup", "0123456789");
  const auto verdict = run_entry(entry(path));
  EXPECT_EQ(why(verdict), "");
  EXPECT_EQ(fact(verdict, "probe_file_exists"), 1);
  EXPECT_EQ(fact(verdict, "probe_file_size_bytes"), 10);
  EXPECT_NEAR(fact(verdict, "probe_file_age_seconds").value_or(1e9), 0, 60);
}

TEST_F(FileCheckTest, FailsForAFileThatIsMissingOrShouldBe) {
  EXPECT_EQ(why(run_entry(entry(directory / "none"))), (directory / "none") + ": there is no such file");
  EXPECT_EQ(why(run_entry(entry(directory / "none", "exists: false"))), "");
  EXPECT_EQ(reason(run_entry(entry(write("lock", ""), "exists: false"))), "content");
}

TEST_F(FileCheckTest, FailsForOneThatIsTooOldTooSmallOrTooLarge) {
  const auto path = write("backup", "0123456789");
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  const auto old = run_entry(entry(path, "max_age: 1h"));
  EXPECT_EQ(why(old), path + ": nothing was written to it for longer than 1h");
  EXPECT_EQ(reason(old), "age");
  EXPECT_EQ(why(run_entry(entry(path, "max_age: 3h"))), "");
  EXPECT_EQ(reason(run_entry(entry(path, "min_size: 11B"))), "size");
  EXPECT_EQ(reason(run_entry(entry(path, "max_size: 9B"))), "size");
  EXPECT_EQ(why(run_entry(entry(path, "min_size: 10B, max_size: 10B"))), "");
}

TEST_F(FileCheckTest, HoldsTheContentAgainstItsSha256) {
  const auto path = write("policy", "abc");
  const std::string right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(why(run_entry(entry(path, "sha256: " + right))), "");
  write("policy", "abd");
  EXPECT_EQ(reason(run_entry(entry(path, "sha256: " + right))), "content");
}

TEST_F(FileCheckTest, CountsHowOftenTheContentChanges) {
  const auto path = write("policy", "1");
  const auto checks = read_checks(entry(path, "watch_content: true"));
  const auto check = make_check(checks.at(0));
  CheckRunner runner;
  EXPECT_EQ(fact(runner.run(*check), "probe_file_content_changes_total"), 0);
  EXPECT_EQ(fact(runner.run(*check), "probe_file_content_changes_total"), 0);
  write("policy", "2");
  EXPECT_EQ(fact(runner.run(*check), "probe_file_content_changes_total"), 1);
}

TEST_F(FileCheckTest, WaitsForNoPipe) {
  const auto path = directory / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(why(run_entry(entry(path, "watch_content: true"))), path + ": it is not a file that has a content");
}

TEST_F(FileCheckTest, KeepsOneThreadWhileTheFileSystemHangsAndSaysSo) {
  const auto door = std::make_shared<Door>();
  const auto config = read_checks(entry("/mnt/dead")).at(0).file;
  const auto check = make_check(config, [door](const char*, struct stat*) {
    door->pass();
    errno = ENOENT;
    return -1;
  });
  CheckRunner runner;
  EXPECT_EQ(why(runner.run(*check, 5ms)),
            "/mnt/dead: the file system does not answer, or the file is too long to read in time");
  for (int i = 0; i < 3; ++i) {
    const auto verdict = runner.run(*check, 1h);
    EXPECT_EQ(why(verdict), "/mnt/dead: the file system still does not answer");
    EXPECT_EQ(reason(verdict), "timeout");
  }
  EXPECT_EQ(runner.surroundings().background.under_way(Work::files), 1u);
  door->open();
  ASSERT_TRUE(eventually([&] { return runner.surroundings().background.under_way(Work::files) == 0; }));
  EXPECT_EQ(why(runner.run(*check)), "/mnt/dead: there is no such file");
}

TEST_F(FileCheckTest, FailsNotWhereOthersKeepAllThreadsButIsNotRun) {
  const auto door = std::make_shared<Door>();
  CheckRunner runner(look_up, Background::Room{1, 1, 1, 1, 1, 1, 1});
  runner.surroundings().background.send(Work::files, [door] { door->pass(); }, [] {});
  const auto check = make_check(read_checks(entry(write("backup", "0123456789"))).at(0));
  EXPECT_EQ(reason(runner.run(*check, 50ms)), "not_run");
  const auto certificate = make_check(read_checks("{name: a, certificate: {files: [/etc/hostname]}}").at(0));
  EXPECT_EQ(reason(runner.run(*certificate, 50ms)), "not_run");
  door->open();
  ASSERT_TRUE(eventually([&] { return runner.surroundings().background.under_way(Work::files) == 0; }));
  EXPECT_EQ(why(runner.run(*check)), "");
}

TEST_F(FileCheckTest, ReadsNoFurtherWhenItIsGivenUp) {
  const auto path = write("long", "");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 30);  // with nothing in it
  const auto check = make_check(read_checks(entry(path, "watch_content: true")).at(0));
  CheckRunner runner;
  {
    auto task = check->run(runner.surroundings(), steady_clock::now() + 1h);
    task.start();
    ASSERT_EQ(runner.surroundings().background.under_way(Work::files), 1u);
  }
  const auto begin = steady_clock::now();
  ASSERT_TRUE(eventually([&] { return runner.surroundings().background.under_way(Work::files) == 0; }));
  const auto given_up = steady_clock::now() - begin;
  const auto whole_begin = steady_clock::now();
  EXPECT_EQ(why(runner.run(*check, 10min)), "");
  EXPECT_LT(given_up, (steady_clock::now() - whole_begin) / 4);
}

class CertificateCheckTest : public FileCheckTest {
 protected:
  // An authority and a certificate of it that holds for so many days.
  void SetUp() override {
    const std::string key = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + (directory / "key") + " ";
    run("openssl req -x509 -days 30 -subj /CN=authority" + key + "-out " + (directory / "ca"));
    std::filesystem::rename(directory / "key", directory / "ca.key");
    run("openssl req -subj /CN=shop" + key + "-out " + (directory / "csr"));
    run("openssl x509 -req -days 3 -CAcreateserial -in " + (directory / "csr") + " -CA " + (directory / "ca") +
        " -CAkey " + (directory / "ca.key") + " -out " + (directory / "shop"));
  }
  static void run(const std::string& command) {
    ASSERT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << command;
  }
  std::string text(const std::string& name) {
    std::ifstream file(directory / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string entry(const std::string& file, const std::string& more = "") {
    return "{name: a, certificate: {files: ['" + file + "']" + (more.empty() ? "" : ", " + more) + "}}";
  }
};

TEST_F(CertificateCheckTest, TellsWhenEachCertificateOfAFileEnds) {
  const auto verdict = run_entry(entry(write("chain.pem", text("shop") + text("ca"))));
  EXPECT_EQ(why(verdict), "");
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(
      fact(verdict, "probe_certificate_not_after_timestamp_seconds", Labels{{"position", "0"}, {"subject", "CN=shop"}})
          .value_or(0),
      now + 3 * 86'400, 120);
  EXPECT_NEAR(fact(verdict, "probe_certificate_not_after_timestamp_seconds", Labels{{"position", "1"}}).value_or(0),
              now + 30 * 86'400, 120);
  EXPECT_NEAR(fact(verdict, "probe_ssl_earliest_cert_expiry").value_or(0), now + 3 * 86'400, 120);
}

TEST_F(CertificateCheckTest, FailsBeforeTheFirstOfThemEnds) {
  const auto path = write("chain.pem", text("shop") + text("ca"));
  EXPECT_EQ(why(run_entry(entry(path, "min_life: 168h"))), path + ": certificate 1 ('CN=shop') ends within 7d");
  EXPECT_EQ(why(run_entry(entry(path, "min_life: 24h"))), "");
}

TEST_F(CertificateCheckTest, FailsWhereTheOrderIsWrong) {
  const auto path = write("chain.pem", text("ca") + text("shop"));
  EXPECT_EQ(why(run_entry(entry(path))),
            path + ": the order is wrong: certificate 1 ('CN=authority') is not signed by certificate 2");
}

TEST_F(CertificateCheckTest, FailsForMoreCertificatesThanItLooksAt) {
  std::string many;
  for (int i = 0; i < 201; ++i) many += text("ca");
  const auto verdict = run_entry(entry(write("many.pem", many)));
  EXPECT_EQ(why(verdict), (directory / "many.pem") +
                              ": it has 201 certificates, of which the first 200 are looked at: split it");
  EXPECT_EQ(reason(verdict), "too_large");
}

TEST_F(CertificateCheckTest, CountsACertificateOnceWhateverIsSaidOfItBefore) {
  std::string remarks;
  for (int i = 0; i < 300; ++i) remarks += "# behind -----BEGIN CERTIFICATE----- stands one\n";
  const auto verdict = run_entry(entry(write("remarks.pem", remarks + text("shop") + remarks + text("ca"))));
  EXPECT_EQ(why(verdict), "");
  EXPECT_TRUE(fact(verdict, "probe_certificate_not_after_timestamp_seconds", Labels{{"position", "1"}}));
  EXPECT_FALSE(fact(verdict, "probe_certificate_not_after_timestamp_seconds", Labels{{"position", "2"}}));
}

TEST_F(CertificateCheckTest, FailsForMoreFilesThanItReads) {
  for (int i = 0; i < 101; ++i) write("shop-" + std::to_string(i) + ".pem", text("shop"));
  const auto verdict = run_entry(entry(directory / "shop-*.pem"));
  EXPECT_EQ(why(verdict), "101 files fit, of which 100 are read: give the others a check of their own");
  EXPECT_EQ(reason(verdict), "too_large");
}

TEST_F(CertificateCheckTest, FailsForFilesThatAreNoneOrMissing) {
  EXPECT_EQ(reason(run_entry(entry(write("text.pem", "hello")))), "certificate");
  auto damaged = text("shop");
  damaged[100] = '!';
  EXPECT_EQ(why(run_entry(entry(write("damaged.pem", damaged)))),
            (directory / "damaged.pem") + ": certificate 1 in it is damaged");
  EXPECT_NE(why(run_entry(entry(directory / "none.pem"))), "");
  EXPECT_EQ(reason(run_entry(entry(directory / "none-*.pem"))), "missing");
}

TEST(CertificateChain, KnowsOnesThatAreOverOrHaveNotBegun) {
  Certificate one;
  one.subject = "CN=shop";
  one.not_before = 1000;
  one.not_after = 2000;
  EXPECT_EQ(trouble_of_chain({one}, 1500, 0s), "");
  EXPECT_EQ(trouble_of_chain({one}, 2000, 0s), "the certificate of 'CN=shop' is over");
  EXPECT_EQ(trouble_of_chain({one}, 999, 0s), "the certificate of 'CN=shop' has not begun yet");
}

}  // namespace
}  // namespace sidewatch::probe

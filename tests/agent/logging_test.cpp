#include "agent/logging.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const WallTime noon{Duration(1'772'366'400'250)};

// What a log wrote into a pipe; nobody reads until all() is called.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) ADD_FAILURE() << "no pipe";
  }
  ~Pipe() {
    ::close(ends_[0]);
    if (ends_[1] >= 0) ::close(ends_[1]);
  }
  int writer() const { return ends_[1]; }
  // Everything up to now; the writing end is closed.
  std::string all() {
    ::close(std::exchange(ends_[1], -1));
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t count = 0; (count = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  // Fills the pipe so that the next write hangs.
  void stuff() {
    const int flags = ::fcntl(ends_[1], F_GETFL);
    ::fcntl(ends_[1], F_SETFL, flags | O_NONBLOCK);
    const std::string block(4096, '-');
    while (::write(ends_[1], block.data(), block.size()) > 0) {
    }
    ::fcntl(ends_[1], F_SETFL, flags);
  }
  void drain_once() {
    std::array<char, 65536> buffer;
    pollfd waited{ends_[0], POLLIN, 0};
    if (::poll(&waited, 1, 10'000) == 1) (void)!::read(ends_[0], buffer.data(), buffer.size());
  }

 private:
  int ends_[2] = {-1, -1};
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(LogLine, IsLogfmt) {
  EXPECT_EQ(logfmt_line(noon, LogLevel::info, "alert fired", {{"alert", "HostMemoryHigh"}, {"value", 91.5}, {"n", 3}, {"ok", true}}),
            "time=2026-03-01T12:00:00.250Z level=info msg=\"alert fired\" alert=HostMemoryHigh value=91.5 n=3 ok=true");
  EXPECT_EQ(logfmt_line(noon, LogLevel::warning, "started", {}), "time=2026-03-01T12:00:00.250Z level=warn msg=started");
}

TEST(LogLine, IsForPeopleOnATerminal) {
  EXPECT_EQ(human_line(noon, LogLevel::error, "cannot listen", {{"where", "a b"}}),
            "12:00:00.250 error cannot listen  where=\"a b\"");
  EXPECT_EQ(human_line(noon, LogLevel::info, "started", {}), "12:00:00.250 info  started");
}

TEST(LogLine, EscapesWhatCouldForgeOrBreakALine) {
  struct {
    std::string value;
    const char* written;
  } const cases[] = {
      {"", "\"\""},
      {"plain-1.5/x", "plain-1.5/x"},
      {"a=b", "\"a=b\""},
      {"a\nlevel=error msg=forged", "\"a\\nlevel=error msg=forged\""},
      {"a\r\tb", "\"a\\r\\tb\""},
      {"\x1b[31mred", "\"\\x1b[31mred\""},
      {"quote\" and \\", "\"quote\\\" and \\\\\""},
      {"nul\0!"s, "\"nul\\x00!\""},
      {"\x7f", "\"\\x7f\""},
      {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
      {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
      {"\xff\xfe", "\"\\xff\\xfe\""},
      {"cut \xc3", "\"cut \\xc3\""},
      {"overlong \xc0\xaf", "\"overlong \\xc0\\xaf\""},
      {"surrogate \xed\xa0\x80", "\"surrogate \\xed\\xa0\\x80\""},
      {"too high \xf4\x90\x80\x80", "\"too high \\xf4\\x90\\x80\\x80\""},
      {"c1 \xc2\x9b", "\"c1 \\xc2\\x9b\""},
      {"bidi \xe2\x80\xae", "\"bidi \\xe2\\x80\\xae\""},
      {"line separator \xe2\x80\xa8", "\"line separator \\xe2\\x80\\xa8\""},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(logfmt_line(noon, LogLevel::info, "m", {{"v", each.value}}),
              "time=2026-03-01T12:00:00.250Z level=info msg=m v="s + each.written);
    const std::string shown = human_line(noon, LogLevel::info, each.value, {});
    EXPECT_EQ(shown.find_first_of("\n\r\x1b"), std::string::npos);
  }
}

TEST(Log, WritesWhatItIsGivenInOrder) {
  Pipe pipe;
  LogOptions options;
  options.descriptor = pipe.writer();
  {
    Log log(options);
    for (int i = 0; i < 100; ++i) log.info("line", {{"n", i}});
    EXPECT_TRUE(log.close(10s));
    EXPECT_EQ(log.dropped(), 0u);
  }
  const auto lines = lines_of(pipe.all());
  ASSERT_EQ(lines.size(), 100u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].substr(0, 5), "time=");
    EXPECT_TRUE(lines[i].ends_with(" level=info msg=line n=" + std::to_string(i))) << lines[i];
  }
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  Pipe pipe;
  LogOptions options;
  options.descriptor = pipe.writer();
  options.level = LogLevel::warning;
  Log log(options);
  log.debug("1");
  log.info("2");
  log.warning("3");
  log.error("4");
  log.set_level(LogLevel::debug);
  log.debug("5");
  ASSERT_TRUE(log.close(10s));
  const auto lines = lines_of(pipe.all());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(lines[0].find("level=warn msg=3"), std::string::npos);
  EXPECT_NE(lines[1].find("level=error msg=4"), std::string::npos);
  EXPECT_NE(lines[2].find("level=debug msg=5"), std::string::npos);
}

TEST(Log, DropsTheOldestInsteadOfWaitingForAStuckReader) {
  Pipe pipe;
  pipe.stuff();
  LogOptions options;
  options.descriptor = pipe.writer();
  options.queue_lines = 64;
  Log log(options);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) log.info("line", {{"n", i}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_GE(log.dropped(), 900u);
  EXPECT_LE(log.dropped(), 1000u - 64u);
  std::thread reader([&] { pipe.drain_once(); });
  EXPECT_TRUE(log.close(10s));
  reader.join();
  EXPECT_GE(log.dropped(), 900u) << "still known afterwards";
  EXPECT_NE(pipe.all().find("n=999\n"), std::string::npos) << "the newest survive";
}

TEST(Log, GivesUpAStuckReaderWhenItCloses) {
  auto pipe = std::make_unique<Pipe>();
  pipe->stuff();
  LogOptions options;
  options.descriptor = pipe->writer();
  Log log(options);
  log.info("never read");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(log.close(100ms));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_FALSE(log.close(100ms)) << "says it again";
  log.info("afterwards nothing is written, and nothing breaks");
  pipe->drain_once();  // lets the thread that was left behind come to its end
  EXPECT_TRUE(log.close(10s));
}

TEST(Log, CountsWhatCouldNotBeWritten) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  LogOptions options;
  options.descriptor = full;
  Log log(options);
  log.info("lost");
  log.info("lost too");
  EXPECT_TRUE(log.close(10s));
  EXPECT_EQ(log.failures(), 2u);
  ::close(full);
}

TEST(Log, TakesLinesFromManyThreadsWhole) {
  Pipe pipe;
  LogOptions options;
  options.descriptor = pipe.writer();
  options.queue_lines = 1000;
  Log log(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 100; ++i) log.info("line", {{"thread", t}, {"text", "some words"}});
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(log.close(10s));
  const auto lines = lines_of(pipe.all());
  EXPECT_EQ(lines.size(), 400u);
  for (const auto& line : lines) EXPECT_TRUE(line.ends_with(" text=\"some words\"")) << line;
}

TEST(Log, NamesItsLevels) {
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    EXPECT_EQ(log_level_from(to_string(level)), level);
  }
  EXPECT_EQ(log_level_from("warning"), LogLevel::warning);
  EXPECT_EQ(log_level_from("loud"), std::nullopt);
}

}  // namespace
}  // namespace sidewatch

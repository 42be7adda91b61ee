// Bytes flipped and files cut: what survives is used, what is gone is counted, and nothing is silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "alerting/outbox.h"
#include "tests/support/notifications.h"
#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

constexpr int message_count = 50;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

void commit_messages(Outbox& outbox) {
  for (int i = 1; i <= message_count; ++i) {
    Transaction t;
    t.add = {make_notification({.id = "n" + std::to_string(i), .alert = "a" + std::to_string(i)})};
    t.states = {{"s" + std::to_string(i), "state"}};
    ASSERT_TRUE(outbox.commit(t));
  }
}

// The files as a kill -9 after 50 commits leaves them: with a log, or already folded into the database.
class OutboxDamage : public testing::Test {
 protected:
  void make_with_log() {
    auto outbox = Outbox::open(source_.path(), {.checkpoint_frames = 100'000});
    ASSERT_TRUE(outbox);
    commit_messages(*outbox);
    copy();
  }
  void make_folded() {
    {
      auto outbox = Outbox::open(source_.path());
      ASSERT_TRUE(outbox);
      commit_messages(*outbox);
    }
    copy();
  }
  void copy() {
    for (const auto* name : {"outbox.db", "outbox.db-wal", "outbox.high-water"}) {
      std::error_code ignored;
      fs::copy_file(source_ / name, directory_ / name, fs::copy_options::overwrite_existing, ignored);
    }
  }
  std::string database() const { return directory_ / "outbox.db"; }
  std::string log() const { return directory_ / "outbox.db-wal"; }

  void flip(const std::string& path, std::size_t at) {
    std::string content = read_file(path);
    ASSERT_LT(at, content.size());
    content[at] = static_cast<char>(content[at] ^ 0x55);
    write_file(path, content);
  }

  struct Found {
    std::size_t messages = 0;
    std::int64_t missing = 0;
    std::int64_t quarantined = 0;
    std::vector<std::string> warnings;
    std::string text() const { return std::accumulate(warnings.begin(), warnings.end(), std::string()); }
  };
  Found start() {
    Found found;
    auto outbox = Outbox::open(directory_.path());
    EXPECT_TRUE(outbox) << outbox.error().text();
    if (!outbox) return found;
    auto loaded = outbox->load();
    EXPECT_TRUE(loaded) << loaded.error().text();
    if (!loaded) return found;
    found = {loaded->pending.size(), outbox->statistics().missing, outbox->statistics().quarantined, loaded->warnings};
    // Whatever happened, it goes on.
    Transaction t;
    t.add = {make_notification({.id = "later"})};
    EXPECT_TRUE(outbox->commit(t));
    t = {};
    t.finished = {{"later", Outcome::delivered, ""}};
    EXPECT_TRUE(outbox->commit(t));
    return found;
  }

  TempDir source_;
  TempDir directory_;
};

TEST_F(OutboxDamage, WithoutDamageEverythingIsThereAndNothingIsSaid) {
  make_with_log();
  const auto found = start();
  EXPECT_EQ(found.messages, 50u);
  EXPECT_THAT(found.warnings, IsEmpty());
  const auto once_more = start();
  EXPECT_EQ(once_more.messages, 50u);
  EXPECT_THAT(once_more.warnings, IsEmpty());
}

TEST_F(OutboxDamage, AnEarlyFrameOfTheLogTakesAllLaterOnesAndThatIsSaid) {
  make_with_log();
  flip(log(), fs::file_size(log()) / 4);
  const auto found = start();
  EXPECT_LT(found.messages, 50u);
  EXPECT_EQ(found.missing, 50 - static_cast<std::int64_t>(found.messages));
  EXPECT_THAT(found.text(), HasSubstr(std::to_string(found.missing) + " messages are missing"));
  EXPECT_THAT(start().warnings, IsEmpty());  // said once
}

TEST_F(OutboxDamage, TheLastFrameOfTheLogTakesOneMessage) {
  make_with_log();
  flip(log(), fs::file_size(log()) - 10);
  const auto found = start();
  EXPECT_EQ(found.messages, 49u);
  EXPECT_THAT(found.text(), HasSubstr("1 message is missing: the last 1 commit"));
}

TEST_F(OutboxDamage, ALogCutAtAnySectorLosesOnlyItsEndAndTheLossIsCounted) {
  make_with_log();
  const std::string whole = read_file(log());
  constexpr std::size_t sector = 512;
  const std::size_t first = whole.size() > 65536 ? whole.size() - 65536 : 0;
  for (std::size_t cut = first / sector * sector; cut < whole.size(); cut += 4 * sector) {
    copy();
    write_file(log(), whole.substr(0, cut));
    const auto found = start();
    EXPECT_EQ(found.missing, 50 - static_cast<std::int64_t>(found.messages)) << cut;
  }
}

TEST_F(OutboxDamage, ALogThatIsGoneIsNoticed) {
  make_with_log();
  fs::remove(log());
  const auto found = start();
  EXPECT_EQ(found.messages, 0u);
  EXPECT_THAT(found.text(), HasSubstr("50 messages are missing"));
}

TEST_F(OutboxDamage, AChangedMessageIsPutAsideAndTheOthersAreKept) {
  make_folded();
  std::string content = read_file(database());
  const std::size_t at = content.find("\"id\":\"n25\"");
  ASSERT_NE(at, std::string::npos);
  content[at + 7] = '9';
  write_file(database(), content);
  const auto found = start();
  EXPECT_EQ(found.messages, 49u);
  EXPECT_EQ(found.quarantined, 1);
  EXPECT_EQ(found.missing, 0);
  EXPECT_THAT(found.text(), HasSubstr("1 row of the outbox could not be read and went to its table quarantine"));
  const auto again = start();
  EXPECT_EQ(again.messages, 49u);
  EXPECT_THAT(again.warnings, IsEmpty());
}

TEST_F(OutboxDamage, ABrokenPageCostsItsRowsAndTheDamagedFileIsKept) {
  make_folded();
  std::string content = read_file(database());
  const std::size_t page = content.find("\"id\":\"n25\"") / 4096 * 4096;
  content.replace(page, 64, 64, '\xFF');  // the page's header
  write_file(database(), content);
  const auto found = start();
  EXPECT_GT(found.messages, 10u);
  EXPECT_LT(found.messages, 50u);
  EXPECT_EQ(found.missing, 50 - static_cast<std::int64_t>(found.messages));
  EXPECT_THAT(found.text(), HasSubstr("outbox.db is damaged"));
  EXPECT_EQ(read_file(database() + ".damaged-1"), content);
  const auto again = start();
  EXPECT_EQ(again.messages, found.messages);
  EXPECT_THAT(again.warnings, IsEmpty());
}

TEST_F(OutboxDamage, AnyFlippedByteOfTheDatabaseIsSurvivedAndNoMessageIsChangedByIt) {
  make_folded();
  const std::string whole = read_file(database());
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); at += at < 4096 ? 37 : 997) {
    copy();
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      if (entry.path().string().find(".damaged-") != std::string::npos) fs::remove(entry.path());
    }
    flip(database(), at);
    auto outbox = Outbox::open(directory_.path());
    if (!outbox) {  // the first page says what the file is
      EXPECT_LT(at, 4096u) << outbox.error().text();
      EXPECT_THAT(outbox.error().text(), HasSubstr(database()));
      ++refused;
      continue;
    }
    const auto loaded = outbox->load();
    ASSERT_TRUE(loaded) << at << ": " << loaded.error().text();
    for (const auto& entry : loaded->pending) {
      const auto& n = entry.notification;
      EXPECT_EQ(encode(n), encode(make_notification({.id = n.id, .alert = n.alert_key}))) << at;
    }
    if (loaded->pending.size() < 50) {
      EXPECT_FALSE(loaded->warnings.empty()) << at;
    }
  }
  EXPECT_LT(refused, 120);
}

TEST_F(OutboxDamage, ADamagedMarkIsSaidAndCostsNothing) {
  make_with_log();
  flip(directory_ / "outbox.high-water", 0);
  const auto found = start();
  EXPECT_EQ(found.messages, 50u);
  EXPECT_THAT(found.text(), HasSubstr("outbox.high-water: is damaged"));
}

TEST_F(OutboxDamage, AnOldCopyPutBackIsNoticed) {
  make_folded();
  const std::string old = read_file(database());
  {
    auto outbox = Outbox::open(directory_.path());
    ASSERT_TRUE(outbox && outbox->load());
    Transaction t;
    t.add = {make_notification({.id = "new"})};
    ASSERT_TRUE(outbox->commit(t));
  }
  write_file(database(), old);
  const auto found = start();
  EXPECT_EQ(found.messages, 50u);
  EXPECT_THAT(found.text(), HasSubstr("1 message is missing"));
}

}  // namespace
}  // namespace sidewatch

// The headers of SQLite's files, as bytes.
#include "collectors/database/sqlite/format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace sidewatch::database::sqlite {
namespace {

void put_big_endian(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

void put_native(std::string& bytes, std::size_t at, std::uint32_t value) { std::memcpy(&bytes[at], &value, 4); }

std::string a_header() {
  std::string bytes("SQLite format 3\0", 16);
  bytes.resize(header_bytes);
  bytes[16] = 16;  // a page has 4096 bytes
  bytes[18] = bytes[19] = 1;
  put_big_endian(bytes, 24, 7);
  put_big_endian(bytes, 28, 12);
  put_big_endian(bytes, 36, 3);
  put_big_endian(bytes, 40, 5);
  put_big_endian(bytes, 56, 1);
  put_big_endian(bytes, 60, static_cast<std::uint32_t>(-2));
  put_big_endian(bytes, 92, 7);
  put_big_endian(bytes, 96, 3040001);
  return bytes;
}

TEST(SqliteHeader, IsReadWithAllThatItSays) {
  const auto header = parse_header(a_header());
  ASSERT_TRUE(header);
  EXPECT_FALSE(header->wal);
  EXPECT_EQ(header->page_size, 4096u);
  EXPECT_EQ(header->pages, 12u);
  EXPECT_EQ(header->free_pages, 3u);
  EXPECT_EQ(header->changes, 7u);
  EXPECT_EQ(header->schema_version, 5u);
  EXPECT_EQ(header->user_version, -2);
  EXPECT_EQ(header->encoding, "UTF-8");
  EXPECT_EQ(header->auto_vacuum, "none");
  EXPECT_EQ(header->written_by, "3.40.1");
}

TEST(SqliteHeader, KnowsTheLargestPagesWalModeAndAutoVacuum) {
  auto bytes = a_header();
  bytes[16] = 0;
  bytes[17] = 1;  // 65536
  bytes[18] = bytes[19] = 2;
  put_big_endian(bytes, 52, 4);
  EXPECT_EQ(parse_header(bytes)->page_size, 65536u);
  EXPECT_TRUE(parse_header(bytes)->wal);
  EXPECT_EQ(parse_header(bytes)->auto_vacuum, "full");
  put_big_endian(bytes, 64, 1);
  EXPECT_EQ(parse_header(bytes)->auto_vacuum, "incremental");
}

TEST(SqliteHeader, TrustsTheCountOfPagesOnlyWhereItWasWrittenLast) {
  auto bytes = a_header();
  put_big_endian(bytes, 92, 6);
  EXPECT_EQ(parse_header(bytes)->pages, std::nullopt);
}

TEST(SqliteHeader, IsNotFoundInWhatIsNoDatabase) {
  EXPECT_FALSE(parse_header(""));
  EXPECT_FALSE(parse_header(a_header().substr(0, header_bytes - 1)));
  EXPECT_FALSE(parse_header(std::string(header_bytes, '\x8f')));
  auto odd = a_header();
  odd[17] = 3;  // no power of two
  EXPECT_FALSE(parse_header(odd));
}

std::string an_index() {
  std::string bytes(wal_index_bytes, '\0');
  for (const std::size_t copy : {0u, 48u}) {
    put_native(bytes, copy, 3007000);
    put_native(bytes, copy + 8, 40);
    bytes[copy + 12] = 1;
    put_native(bytes, copy + 16, 900);
    put_native(bytes, copy + 20, 55);
  }
  put_native(bytes, 96, 300);
  for (std::size_t i = 0; i < read_marks; ++i) put_native(bytes, 100 + 4 * i, static_cast<std::uint32_t>(100 * i));
  return bytes;
}

TEST(SqliteWalIndex, TellsWhatIsInTheLogAndWhatWasCopied) {
  const auto index = parse_wal_index(an_index());
  ASSERT_TRUE(index);
  EXPECT_EQ(index->commits, 40u);
  EXPECT_EQ(index->frames, 900u);
  EXPECT_EQ(index->pages, 55u);
  EXPECT_EQ(index->backfilled, 300u);
  EXPECT_EQ(index->marks[3], 300u);
}

TEST(SqliteWalIndex, IsNotReadWhileItIsWritten) {
  auto bytes = an_index();
  put_native(bytes, 48 + 16, 899);
  EXPECT_FALSE(parse_wal_index(bytes));
  EXPECT_FALSE(parse_wal_index(std::string(wal_index_bytes, '\0')));
  EXPECT_FALSE(parse_wal_index(an_index().substr(0, 100)));
}

TEST(SqliteWalIndex, NeverHasMoreCopiedThanThereIs) {
  auto bytes = an_index();
  put_native(bytes, 96, 5000);
  EXPECT_EQ(parse_wal_index(bytes)->backfilled, 900u);
}

TEST(SqliteWalHeader, CountsHowOftenTheLogWasBegunAnew) {
  std::string bytes(wal_header_bytes, '\0');
  put_big_endian(bytes, 0, 0x377f0683);
  put_big_endian(bytes, 12, 9);
  EXPECT_EQ(parse_wal_header(bytes)->restarts, 9u);
  put_big_endian(bytes, 0, 0x377f0684);
  EXPECT_FALSE(parse_wal_header(bytes));
  EXPECT_FALSE(parse_wal_header(""));
}

TEST(SqliteFormat, TakesAnyBytes) {
  std::minstd_rand random(4);
  for (int round = 0; round < 20'000; ++round) {
    auto header = a_header();
    auto index = an_index();
    for (int i = 0; i < 3; ++i) {
      header[16 + random() % (header_bytes - 16)] = static_cast<char>(random());
      index[random() % wal_index_bytes] = static_cast<char>(random());
    }
    if (const auto read = parse_header(header)) {
      EXPECT_EQ(read->page_size & (read->page_size - 1), 0u);
      EXPECT_GE(read->page_size, 512u);
    }
    if (const auto read = parse_wal_index(index)) {
      EXPECT_LE(read->backfilled, read->frames);
    }
  }
}

}  // namespace
}  // namespace sidewatch::database::sqlite

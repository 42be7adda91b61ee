#include "collectors/container/cgroup_text.h"

#include <gtest/gtest.h>

#include <string>

#include "collectors/container/network.h"

namespace sidewatch::container {
namespace {

constexpr Limit unknown{};

TEST(CgroupText, TellsALimitFromNoneAndFromUnknown) {
  const std::pair<const char*, Limit> cases[] = {
      {"max\n", no_limit},
      {"536870912\n", limited_to(536870912)},
      {"0\n", limited_to(0)},
      {"-1\n", no_limit},
      {"9223372036854771712\n", no_limit},   // v1, pages of 4 KiB
      {"9223372036854710272\n", no_limit},   // v1, pages of 64 KiB
      {"18446744073709551615\n", no_limit},  // v1 before Linux 3.19
      {"1152921504606846976\n", limited_to(1152921504606846976.0)},
      {"", unknown},
      {"max", unknown},        // torn: no newline
      {"53687", unknown},      // torn: another number
      {"\n", unknown},
      {"-2\n", unknown},
      {"many\n", unknown},
      {"1 2\n", unknown},
      {"99999999999999999999\n", unknown},
  };
  for (const auto& [text, limit] : cases) EXPECT_EQ(parse_limit(text), limit) << "'" << text << "'";
}

TEST(CgroupText, TakesTheSmallerOfTwoLimits) {
  EXPECT_EQ(tighter(limited_to(3), limited_to(2)), limited_to(2));
  EXPECT_EQ(tighter(no_limit, limited_to(2)), limited_to(2));
  EXPECT_EQ(tighter(limited_to(3), no_limit), limited_to(3));
  EXPECT_EQ(tighter(no_limit, no_limit), no_limit);
  EXPECT_EQ(tighter(limited_to(3), unknown), unknown) << "what is unknown may be smaller";
  EXPECT_EQ(tighter(unknown, no_limit), unknown);
}

TEST(CgroupText, WritesALimitAsCadvisorDoes) {
  EXPECT_EQ(number_of(limited_to(7)), 7);
  EXPECT_EQ(number_of(no_limit), 0);
  EXPECT_EQ(number_of(unknown), std::nullopt);
}

TEST(CgroupText, ReadsTheCpuQuotaOfBothVersions) {
  const auto expect = [](Quota quota, LimitState state, double cores, const std::string& what) {
    EXPECT_EQ(quota.state, state) << what;
    if (state == LimitState::limited) {
      EXPECT_DOUBLE_EQ(quota.cores(), cores) << what;
    }
  };
  expect(parse_cpu_max("50000 100000\n"), LimitState::limited, 0.5, "half a core");
  expect(parse_cpu_max("max 100000\n"), LimitState::unlimited, 0, "none");
  for (const char* text : {"", "50000\n", "50000 100000", "50000 1000", "max\n", "max 0\n", "0 100000\n", "a b\n"}) {
    expect(parse_cpu_max(text), LimitState::unknown, 0, text);
  }
  expect(parse_cfs_quota("200000\n", "100000\n"), LimitState::limited, 2, "two cores");
  expect(parse_cfs_quota("-1\n", "100000\n"), LimitState::unlimited, 0, "none");
  expect(parse_cfs_quota("200000\n", ""), LimitState::unknown, 0, "no period");
  expect(parse_cfs_quota("20000", "100000\n"), LimitState::unknown, 0, "torn");
  expect(parse_cfs_quota("200000\n", "0\n"), LimitState::unknown, 0, "a period of nothing");
  expect(tighter(parse_cpu_max("50000 100000\n"), parse_cpu_max("20000 50000\n")), LimitState::limited, 0.4, "0.4");
  expect(tighter(parse_cpu_max("50000 100000\n"), {}), LimitState::unknown, 0, "what is unknown may be smaller");
}

TEST(CgroupText, TurnsWeightsIntoShares) {
  EXPECT_EQ(shares_of_weight(1), 2u);
  EXPECT_EQ(shares_of_weight(39), 998u);  // what runtimes make of 1024 shares
  EXPECT_EQ(shares_of_weight(100), 2597u);
  EXPECT_EQ(shares_of_weight(10'000), 262'144u);
}

TEST(CgroupText, ReadsOnlyWholeLinesOfKeys) {
  constexpr std::array<std::string_view, 3> keys{"anon", "file", "oom_kill"};
  std::array<std::optional<std::uint64_t>, 3> values;
  parse_keyed("anon 123\nfile_mapped 9\nfile 45\noom_kill 6", keys, values);
  EXPECT_EQ(values[0], 123u);
  EXPECT_EQ(values[1], 45u);
  EXPECT_EQ(values[2], std::nullopt) << "the line is torn, it may be 67";
  parse_keyed("anon many\nfile\n", keys, values);
  EXPECT_EQ(values[0], std::nullopt);
  EXPECT_EQ(values[1], std::nullopt);
}

TEST(CgroupText, ReadsPressure) {
  const std::string text = "some avg10=1.00 avg60=0.50 avg300=0.10 total=4382581\n"
                           "full avg10=0.00 avg60=0.00 avg300=0.00 total=12\n";
  const Stalls both = parse_pressure(text);
  EXPECT_EQ(both.some_us, 4382581u);
  EXPECT_EQ(both.full_us, 12u);
  for (std::size_t length = 0; length < text.size(); ++length) {
    const Stalls cut = parse_pressure(std::string_view(text).substr(0, length));
    EXPECT_TRUE(!cut.some_us || cut.some_us == 4382581u) << length;
    EXPECT_EQ(cut.full_us, std::nullopt) << length;
  }
}

TEST(CgroupText, ReadsDevicesOfIoStat) {
  std::string_view rest =
      "259:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"
      "7:0 \n"
      "7:1 7:2 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"
      "8:0 rbytes=5 wbytes=6\n"
      "nonsense rbytes=5 wbytes=6 rios=1 wios=1\n"
      "8:16 rbytes=5 wbytes=6 rios=7 wios=8 cost.usage=4";
  DeviceIo io;
  ASSERT_TRUE(next_device_io(rest, io));
  EXPECT_EQ(io.device, "259:0");
  EXPECT_EQ(io.read_bytes, 4096u);
  EXPECT_EQ(io.write_bytes, 8192u);
  EXPECT_EQ(io.reads, 1u);
  EXPECT_EQ(io.writes, 2u);
  ASSERT_TRUE(next_device_io(rest, io));
  EXPECT_EQ(io.device, "7:2") << "the numbers follow their own device";
  EXPECT_EQ(io.writes, 4u);
  EXPECT_FALSE(next_device_io(rest, io)) << io.device;
}

TEST(CgroupText, ReadsDevicesOfBlkio) {
  std::string_view rest = "8:0 Read 4096\n8:0 Write 0\n8:0 Async\nTotal 4096\n253:1 Read 1";
  BlkioLine line;
  ASSERT_TRUE(next_blkio_line(rest, line));
  EXPECT_EQ(line.device, "8:0");
  EXPECT_EQ(line.operation, "Read");
  EXPECT_EQ(line.value, 4096u);
  ASSERT_TRUE(next_blkio_line(rest, line));
  EXPECT_EQ(line.operation, "Write");
  EXPECT_FALSE(next_blkio_line(rest, line)) << line.device;
}

TEST(CgroupText, ReadsOnlyWholeLinesOfInterfaces) {
  const std::string text = "Inter-|   Receive  |  Transmit\n face |bytes  packets\n"
                           "  eth0: 10 1 2 3 4 5 6 7 20 8 9 11 12 13 14 15\n"
                           "eth1:99 1 0 0 0 0 0 0 88 1 0 0 0 0 0\n"
                           "eth2:5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\n";
  std::string_view rest = text;
  std::string_view name;
  InterfaceCounts counts{};
  ASSERT_TRUE(next_interface(rest, name, counts));
  EXPECT_EQ(name, "eth0");
  EXPECT_EQ(counts, (InterfaceCounts{10, 1, 2, 3, 20, 8, 9, 11}));
  ASSERT_TRUE(next_interface(rest, name, counts));
  EXPECT_EQ(name, "eth2") << "a column of eth1 is missing";
  EXPECT_FALSE(next_interface(rest, name, counts));
  for (std::size_t length = 0; length < text.size(); ++length) {
    rest = std::string_view(text).substr(0, length);
    while (next_interface(rest, name, counts)) EXPECT_TRUE(counts[0] == 10 || counts[0] == 5) << length;
  }
}

}  // namespace
}  // namespace sidewatch::container

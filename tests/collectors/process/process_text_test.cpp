#include "collectors/process/process_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sidewatch {
namespace {

std::string stat_of(const std::string& comm) {
  return "42 (" + comm +
         ") S 7 42 42 0 -1 4194560 1234 99 5 6 250 130 0 0 20 0 3 0 98765 10485760 512 18446744073709551615 1 1 0 0 0 "
         "0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

TEST(ProcessText, ReadsEveryFieldOfStat) {
  const std::string text = stat_of("checkout");
  const auto stat = parse_stat(text);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 42);
  EXPECT_EQ(stat->comm, "checkout");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ppid, 7);
  EXPECT_EQ(stat->minor_faults, 1234u);
  EXPECT_EQ(stat->major_faults, 5u);
  EXPECT_EQ(stat->user_ticks, 250u);
  EXPECT_EQ(stat->system_ticks, 130u);
  EXPECT_EQ(stat->threads, 3u);
  EXPECT_EQ(stat->start_ticks, 98765u);
  EXPECT_EQ(stat->virtual_bytes, 10485760u);
  EXPECT_EQ(stat->resident_pages, 512u);
}

TEST(ProcessText, EndsTheNameAtTheLastParenthesis) {
  for (const std::string comm : {"x) R 1 (", ") R 1 1", "a b", "line\nbreak", "\xff\xfe", "", "()"}) {
    const std::string text = stat_of(comm);
    const auto stat = parse_stat(text);
    ASSERT_TRUE(stat) << comm;
    EXPECT_EQ(stat->comm, comm);
    EXPECT_EQ(stat->state, 'S') << comm;
    EXPECT_EQ(stat->ppid, 7) << comm;
    EXPECT_EQ(stat->start_ticks, 98765u) << comm;
  }
}

TEST(ProcessText, TakesNoCutStatForAWholeOne) {
  const std::string whole = stat_of("x) R 1 (");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string cut(whole, 0, length);  // a copy of its own, so that reading past its end is seen
    EXPECT_FALSE(parse_stat(cut)) << length;
  }
  EXPECT_TRUE(parse_stat(whole));
}

TEST(ProcessText, RefusesAStatWithStrangeNumbers) {
  std::string text = stat_of("a");
  EXPECT_FALSE(parse_stat(text.replace(text.find("98765"), 5, "-8765")));
  text = stat_of("a");
  EXPECT_FALSE(parse_stat(text.replace(text.find("98765"), 5, "98765000000000000000000")));
  text = stat_of("a");
  EXPECT_FALSE(parse_stat(text.replace(0, 2, "99999999999")));
}

constexpr const char* status_text =
    "Name:\tcheckout\\nVmSwap: 1\nUmask:\t0022\nState:\tS (sleeping)\nVmSwap:\t      16 kB\nThreads:\t3\n"
    "voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t7\n";

TEST(ProcessText, ReadsSwapAndSwitchesFromStatus) {
  const auto status = parse_status(status_text);
  EXPECT_EQ(status.swapped_bytes, 16384u);
  EXPECT_EQ(status.voluntary_switches, 150u);
  EXPECT_EQ(status.nonvoluntary_switches, 7u);
}

TEST(ProcessText, HasNoMemoryInTheStatusOfAZombie) {
  const auto status = parse_status("Name:\tgone\nState:\tZ (zombie)\nvoluntary_ctxt_switches:\t2\n");
  EXPECT_FALSE(status.swapped_bytes);
  EXPECT_EQ(status.voluntary_switches, 2u);
  EXPECT_FALSE(status.nonvoluntary_switches);
}

TEST(ProcessText, NeverTakesHalfANumberOfStatusOrIoForANumber) {
  const std::string status(status_text);
  for (std::size_t length = 0; length < status.size(); ++length) {
    const std::string cut(status, 0, length);
    const auto read = parse_status(cut);
    EXPECT_EQ(read.voluntary_switches.value_or(150), 150u) << length;
    EXPECT_EQ(read.swapped_bytes.value_or(16384), 16384u) << length;
    EXPECT_FALSE(read.nonvoluntary_switches) << length;
  }
  const std::string io = "rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 77\n";
  for (std::size_t length = 0; length < io.size(); ++length) {
    const std::string cut(io, 0, length);
    EXPECT_EQ(parse_io(cut).read_bytes.value_or(4096), 4096u) << length;
    EXPECT_EQ(parse_io(cut).write_bytes.value_or(8192), 8192u) << length;
  }
  EXPECT_EQ(parse_io(io).read_bytes, 4096u);
  EXPECT_EQ(parse_io(io).write_bytes, 8192u);
}

TEST(ProcessText, ReadsTheSoftLimitOfOpenFiles) {
  const std::string limits =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max processes             100                  200                  processes \n"
      "Max open files            1024                 524288               files     \n";
  EXPECT_EQ(parse_max_open_files(limits), 1024u);
  for (std::size_t length = 0; length < limits.size(); ++length) {
    const std::string cut(limits, 0, length);
    EXPECT_FALSE(parse_max_open_files(cut)) << length;
  }
  EXPECT_EQ(parse_max_open_files("Max open files            unlimited            unlimited            files\n"),
            std::numeric_limits<std::uint64_t>::max());
}

TEST(ProcessText, ReadsWhenTheMachineStarted) {
  EXPECT_EQ(parse_boot_time("cpu  1 2 3\nintr 5\nbtime 1700000000\nprocesses 9\n"), 1700000000u);
  EXPECT_FALSE(parse_boot_time("cpu  1 2 3\nbtime 17000"));
  EXPECT_FALSE(parse_boot_time(""));
}

TEST(ProcessText, ReadsHowManyTasksThereAreAndTheLastPid) {
  EXPECT_EQ(parse_task_counts("0.06 0.20 0.86 3/120 27735\n"), (TaskCounts{120, 27735}));
  for (const char* wrong : {"", "0.06 0.20 0.86 3/120 27735", "0.06 0.20 0.86 120 27735\n", "0.06 0.20 0.86 3/120\n",
                            "0.06 0.20 3/120 27735\n", "0.06 0.20 0.86 3/x 27735\n", "0.06 0.20 0.86 3/120 -1\n"}) {
    EXPECT_EQ(parse_task_counts(wrong), std::nullopt) << wrong;
  }
}

TEST(ProcessText, ReadsAPidFileAsPeopleWriteThem) {
  EXPECT_EQ(parse_pid_file("123\n"), 123);
  EXPECT_EQ(parse_pid_file("  123"), 123);
  EXPECT_EQ(parse_pid_file("123\r\n\r\n"), 123);
  for (const char* text : {"", "\n", "0", "-5", "12 34", "abc", "99999999999", "12a"}) {
    EXPECT_FALSE(parse_pid_file(text)) << text;
  }
}

TEST(ProcessText, ReadsLinesOfTheTcpTables) {
  const std::string line =
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000     0 4711 1 0 100 0 0 10 0";
  const auto tcp = parse_tcp_line(line);
  ASSERT_TRUE(tcp);
  EXPECT_TRUE(tcp->listening);
  EXPECT_EQ(tcp->port, 8080);
  EXPECT_EQ(tcp->inode, 4711u);
  const auto tcp6 = parse_tcp_line(
      "  12: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 01 00000000:00000000 "
      "00:00000000 00000000     0        0 99 1 0 100 0 0 10 0");
  ASSERT_TRUE(tcp6);
  EXPECT_FALSE(tcp6->listening);
  EXPECT_EQ(tcp6->port, 22);
  EXPECT_FALSE(parse_tcp_line("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"));
  for (std::size_t length = 0; length < line.find(" 4711"); ++length) {
    const std::string cut(line, 0, length);
    EXPECT_FALSE(parse_tcp_line(cut)) << length;
  }
}

TEST(ProcessText, KnowsSocketsAmongOpenFiles) {
  EXPECT_EQ(parse_socket_link("socket:[4711]"), 4711u);
  for (const char* target : {"pipe:[4711]", "socket:[]", "socket:[47", "/tmp/socket:[1]", ""}) {
    EXPECT_FALSE(parse_socket_link(target)) << target;
  }
}

TEST(ProcessText, TellsAThreadFromAProcess) {
  const std::string fields = " 1 1 1 0 -1 4194560 100 0 2 0 5 5 0 0 20 0 1 0 1000 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 ";
  EXPECT_TRUE(is_thread("7 (x) S" + fields + "-1 0 0 0\n"));
  EXPECT_TRUE(is_thread("7 (x) -1 (y) S" + fields + "-1 0 0 0\n"));
  EXPECT_FALSE(is_thread("7 (x) S" + fields + "17 0 -1 0\n"));
  EXPECT_FALSE(is_thread("7 (x) S 1 -1 -1\n"));
  EXPECT_FALSE(is_thread(""));
}

TEST(ProcessText, FindsTheEffectiveUser) {
  EXPECT_EQ(parse_effective_user("Name:\tx\nUid:\t1\t4294967294\t3\t4\nGid:\t5\t6\t7\t8\n"), 4294967294u);
  const std::string whole = "Uid:\t1000\t1001\t1002\t1003\n";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(parse_effective_user(whole.substr(0, length)), std::nullopt) << length;
  }
  EXPECT_EQ(parse_effective_user("Uid:\t1\n"), std::nullopt);
  EXPECT_EQ(parse_effective_user("Uid:\t1\t4294967296\t1\t1\n"), std::nullopt);
}

TEST(ProcessText, ReadsProportionalMemoryOrNothing) {
  const std::string whole = "5581-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 90 kB\nPss:  40 kB\nPss_Dirty: 1 kB\n"
                            "Swap: 8 kB\nSwapPss:  2 kB\n";
  const auto memory = parse_smaps_rollup(whole);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->resident_bytes, 40u * 1024);
  EXPECT_EQ(memory->swapped_bytes, 2u * 1024);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_smaps_rollup(whole.substr(0, length))) << length;
  }
}

}  // namespace
}  // namespace sidewatch

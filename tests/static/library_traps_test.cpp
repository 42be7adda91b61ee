// What the libraries offer and we must not take, because at Debian 12's versions it does harm. Each word is looked for
// in the code (not in the comments) of every product file.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace {

namespace fs = std::filesystem;

struct Trap {
  std::string_view word;
  std::string_view why;
};

constexpr std::array traps{
    Trap{"<regex>", "std::regex recurses and backtracks: base/regex.h is linear"},
    Trap{"httplib::Client(", "no deadline for the whole, no limit of the answer, lines injected by headers: base/http_client.h"},
    Trap{"httplib::SSLClient", "as httplib::Client"},
    Trap{"bind_to_port", "httplib's own listener: 8 slow clients stop it for ever"},
    Trap{"listen_after_bind", "httplib's own listener: 8 slow clients stop it for ever"},
    Trap{"set_content_provider", "an exception in a content provider ends the process"},
    Trap{"set_chunked_content_provider", "an exception in a content provider ends the process"},
    Trap{"YAML::Load", "drops tails, keeps duplicate keys, closes quotes: config/yaml_reader.h"},
    Trap{"YAML::Node", "reads 010 as 8 or 10, finds keys by walking, makes entries by looking: config/node.h"},
    Trap{"prometheus/exposer.h", "two half requests stop civetweb"},
    Trap{"prometheus/text_serializer.h", "lets through what makes Prometheus refuse the page: metrics/exposition.h"},
    Trap{"prometheus/histogram.h", "one NaN makes its sum NaN for ever"},
    Trap{"fatal_proc_unmounted", "ends the process where /proc is missing"},
    Trap{"look_up_our_self", "ends the process where /proc is missing"},
    Trap{"procps_stat_get", "up to a second old, and counts a guest's time twice"},
    Trap{"procps_meminfo_get", "up to a second old"},
    Trap{"procps_vmstat_get", "up to a second old"},
    Trap{"SMAPS", "smaps_rollup costs 140 us for each process and holds its mmap lock"},
    Trap{"spdlog::shutdown", "waits for a stuck reader for ever: Log::close"},
    Trap{"async_overflow_policy::block", "a stuck reader of the log would stop whoever logs"},
    Trap{"wal_autocheckpoint", "takes the place of the hook that counts the log's frames"},
    Trap{"wal_checkpoint_v2", "checkpoints are the outbox's business, on its one connection"},
    Trap{"PQexec", "waits for ever for a server that is stopped: PQsendQueryParams and a poll of ours"},
    Trap{"PQcancel", "connects anew, and waits for ever where the server is stopped"},
    Trap{"PQconnectdb", "its timeout is two seconds at least and not of the whole"},
    Trap{"mmap_size", "a torn page of a mapped database is a SIGBUS"},
    Trap{"curl_easy_perform", "cannot be interrupted: the multi interface can"},
    Trap{"CURLOPT_ACCEPT_ENCODING", "unpacks without a limit"},
    Trap{"CURLOPT_COOKIE", "nothing is kept from one answer for the next request"},
    Trap{".dump(", "nlohmann-json throws on bytes that are not UTF-8: JsonWriter"},
    Trap{"std::stod", "hears the locale: std::from_chars"},
    Trap{"strtod", "hears the locale: std::from_chars"},
    Trap{"atof(", "hears the locale: std::from_chars"},
    Trap{"setlocale", "numbers would be written and read another way"},
    Trap{"fork(", "the log's thread does not exist in the child"},
    Trap{"popen(", "a shell"},
    Trap{"system(\"", "a shell"},
};

std::string without_comment(const std::string& line) {
  const auto first = line.find_first_not_of(' ');
  if (first != std::string::npos && line.compare(first, 2, "//") == 0) return "";
  return line.substr(0, line.find("  //"));
}

TEST(LibraryTraps, NobodyStepsIntoThem) {
  std::size_t lines = 0;
  for (const auto* folder : {"agent", "alerting", "base", "collectors", "config", "metrics"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SIDEWATCH_SOURCE_DIR) / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      std::ifstream stream(entry.path());
      for (std::string line; std::getline(stream, line); ++lines) {
        const std::string code = without_comment(line);
        for (const auto& [word, why] : traps) {
          EXPECT_EQ(code.find(word), std::string::npos) << entry.path() << ": " << line << "\n" << word << ": " << why;
        }
      }
    }
  }
  EXPECT_GT(lines, 10'000u);
}

}  // namespace

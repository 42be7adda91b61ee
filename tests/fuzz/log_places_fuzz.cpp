// Any bytes as the file in which an earlier life of the agent kept where it was in its logs; and two logs, to go on in with
// what was read of it.
//
// Beside not crashing it must hold that what is read is written as the same, and that each line of the logs is given as it
// stands there, and once at most. DIR, INODE_A, INODE_B and DEVICE stand for what no input can know.
#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "collectors/log/files.h"
#include "collectors/log/places.h"
#include "tests/support/temp_dir.h"

namespace sidewatch::log {
namespace {

constexpr std::string_view lines_of_a[] = {"one", "two", "three"};

void require(bool holds) {
  if (!holds) std::abort();
}

struct Logs {
  TempDir dir;
  std::string inode_a, inode_b, device;

  Logs() {
    for (const auto line : lines_of_a) std::ofstream(dir / "a.log", std::ios::app) << line << '\n';
    std::ofstream(dir / "b.log") << std::string(300, 'b') << "\nfour\nno end";
    inode_a = number_of("a.log");
    inode_b = number_of("b.log");
  }

  std::string number_of(const std::string& name) {
    struct stat status {};
    require(::stat((dir / name).c_str(), &status) == 0);
    device = std::to_string(status.st_dev);
    return std::to_string(status.st_ino);
  }
};

void replace_all(std::string& text, std::string_view word, const std::string& by) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + by.size())) {
    text.replace(at, word.size(), by);
  }
}

void go_on(const Logs& logs, const Places& places) {
  Files::Options options;
  options.paths = {logs.dir / "*.log"};
  options.max_catch_up = 100;
  Files files(options);
  files.go_on_from(places);
  std::set<std::string, std::less<>> left{"one", "two", "three", "four", std::string(300, 'b')};
  PassOutcome outcome;
  for (int pass = 1; pass <= 2; ++pass) {
    files.read(time_at_ms(pass * 1000), [&](std::string_view line) { require(left.erase(std::string(line)) == 1); }, outcome);
  }
  const auto again = read_places(save_places("l", files.places()), "l");
  require(again && again->same_as(files.places()));
}

}  // namespace
}  // namespace sidewatch::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidewatch::log;
  static const Logs logs;
  std::string text(reinterpret_cast<const char*>(data), size);
  replace_all(text, "DIR", logs.dir.path());
  replace_all(text, "INODE_A", logs.inode_a);
  replace_all(text, "INODE_B", logs.inode_b);
  replace_all(text, "DEVICE", logs.device);
  const auto places = read_places(text, "l");
  if (!places) return 0;
  const auto again = read_places(save_places("l", *places), "l");
  require(again && again->same_as(*places) && again->looked_ns == places->looked_ns);
  go_on(logs, *places);
  return 0;
}

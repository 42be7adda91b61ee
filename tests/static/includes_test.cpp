// Reads the includes of every product file and holds them against the floor plan: which folder may lean on which, and
// that a third-party library is included by exactly one file of ours.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path root = SIDEWATCH_SOURCE_DIR;

const std::map<std::string, std::set<std::string>> allowed = {
    {"agent", {"agent", "alerting", "collectors", "config", "metrics", "base"}},
    {"alerting", {"alerting", "config", "metrics", "base"}},
    {"collectors", {"collectors", "config", "metrics", "base"}},
    {"config", {"config", "base"}},
    {"metrics", {"metrics", "base"}},
    {"base", {"base"}},
};

// The libraries, by how their headers begin.
const std::vector<std::string> third_party = {
    "absl/",    "CLI/", "curl/curl.h", "curl/urlapi.h", "httplib.h", "libpq", "libproc2/", "mysql.h", "nlohmann/",
    "curl/multi.h",
    "openssl/evp.h", "openssl/hmac.h", "openssl/err.h", "openssl/pem.h", "openssl/ssl.h",
    "openssl/x509.h", "openssl/x509v3.h",
    "prometheus/", "protozero/", "re2/", "snappy-c.h", "spdlog/", "sqlite3.h", "yaml-cpp/", "zlib.h",
};

// Met in more than one place, each time for something else: many HTTP requests at once, and mail.
const std::map<std::string, std::size_t> seams = {{"curl/multi.h", 2}};

struct Include {
  fs::path file;  // relative to the root
  std::string target;
  bool quoted = false;
};

std::vector<fs::path> product_files() {
  std::vector<fs::path> files;
  for (const auto& [folder, targets] : allowed) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".h" || extension == ".cpp") files.push_back(fs::relative(entry.path(), root));
    }
  }
  return files;
}

std::vector<Include> includes_of(const fs::path& file) {
  std::vector<Include> includes;
  std::ifstream stream(root / file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("#include ") || line.size() < 12) continue;
    const bool quoted = line[9] == '"';
    const auto end = line.find(quoted ? '"' : '>', 10);
    if (end != std::string::npos) includes.push_back({file, line.substr(10, end - 10), quoted});
  }
  return includes;
}

TEST(FloorPlan, FoldersIncludeOnlyWhatStandsBelowThem) {
  std::size_t seen = 0;
  for (const auto& file : product_files()) {
    const std::string folder = file.begin()->string();
    for (const auto& include : includes_of(file)) {
      if (!include.quoted) continue;
      ++seen;
      const std::string target = fs::path(include.target).begin()->string();
      EXPECT_TRUE(allowed.at(folder).contains(target))
          << file.string() << " includes " << include.target << ": " << folder << " may not lean on " << target;
      EXPECT_TRUE(fs::exists(root / include.target))
          << file.string() << " includes " << include.target << ", which is not written from the root";
    }
  }
  EXPECT_GT(seen, 50u);
}

TEST(FloorPlan, EachLibraryIsIncludedByOneFile) {
  std::map<std::string, std::set<std::string>> users;
  for (const auto& file : product_files()) {
    for (const auto& include : includes_of(file)) {
      for (const auto& library : third_party) {
        if (include.target.starts_with(library)) users[library].insert(file.string());
      }
    }
  }
  for (const auto& library : third_party) {
    const auto several = seams.find(library);
    EXPECT_EQ(users[library].size(), several == seams.end() ? 1u : several->second)
        << library << " is included by " << ::testing::PrintToString(users[library]);
    for (const auto& file : users[library]) EXPECT_TRUE(file.ends_with(".cpp")) << library << " reaches the header " << file;
  }
}

TEST(FloorPlan, EveryHeaderOpensByTellingWhatItIsFor) {
  for (const auto& file : product_files()) {
    if (file.extension() != ".h") continue;
    std::ifstream stream(root / file);
    std::string first;
    std::getline(stream, first);
    EXPECT_TRUE(first.starts_with("// ")) << file.string();
  }
}

// Two types of one name in one namespace are one type to the linker, which then takes the destructor of either.
TEST(FloorPlan, NoTypeNameIsGivenTwice) {
  const std::regex opens_namespace("^namespace ([a-z_:]+) \\{");
  const std::regex defines_type("^(?:struct|class|enum class) ([A-Z][A-Za-z0-9]*)(?: final)?(?: : [^;{]*)? \\{");
  std::map<std::string, std::set<std::string>> definitions;
  for (const auto& file : product_files()) {
    std::ifstream stream(root / file);
    std::string space;
    bool anonymous = false;
    std::smatch found;
    for (std::string line; std::getline(stream, line);) {
      if (std::regex_search(line, found, opens_namespace)) {
        space = found[1];
        anonymous = false;
      } else if (line == "namespace {") {
        anonymous = true;
      } else if (line == "}  // namespace") {
        anonymous = false;
      } else if (!anonymous && std::regex_search(line, found, defines_type)) {
        definitions[space + "::" + found[1].str()].insert(file.string());
      }
    }
  }
  EXPECT_GT(definitions.size(), 100u);
  for (const auto& [name, files] : definitions) {
    EXPECT_EQ(files.size(), 1u) << name << " is defined in " << ::testing::PrintToString(files);
  }
}

}  // namespace

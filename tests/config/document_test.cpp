#include "config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/config/sample.h"
#include "tests/config/temporary_folder.h"

namespace sidewatch::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Loaded {
  Sample sample;
  std::string problems;
  std::vector<std::string> files;
};

// Loads `name` in `folder`; folder names are cut out of problems and files.
Loaded load(const TemporaryFolder& folder, const std::string& name, const DocumentLimits& limits = {}) {
  Loaded loaded;
  Problems problems;
  auto document = Document::load(folder.path() + "/" + name, sample_environment(), problems, limits);
  document.read(loaded.sample);
  loaded.problems = problems.text();
  const std::string prefix = folder.path() + "/";
  for (auto at = loaded.problems.find(prefix); at != std::string::npos; at = loaded.problems.find(prefix)) {
    loaded.problems.erase(at, prefix.size());
  }
  for (const auto& file : document.files()) loaded.files.push_back(file.substr(prefix.size()));
  return loaded;
}

TEST(Include, MergesSectionsKeyByKeyAndAppendsLists) {
  TemporaryFolder folder;
  folder.write("main.yaml", "include: [conf.d/*.yaml]\nagent: {labels: {a: 1}}\nservers: [{name: main}]\n");
  folder.write("conf.d/20.yaml", "servers: [{name: twenty}]\nstore: {path: /x}\n");
  folder.write("conf.d/10.yaml", "agent: {interval: 1s, labels: {b: 2}}\nservers: [{name: ten}]\n");
  folder.write("conf.d/README", "not: read\n");
  const auto loaded = load(folder, "main.yaml");
  EXPECT_EQ(loaded.problems, "");
  EXPECT_THAT(loaded.files, ElementsAre("main.yaml", "conf.d/10.yaml", "conf.d/20.yaml"));
  EXPECT_EQ(loaded.sample.agent.interval, 1s);
  EXPECT_EQ(loaded.sample.agent.labels.size(), 2u);
  ASSERT_EQ(loaded.sample.servers.size(), 3u);
  EXPECT_EQ(loaded.sample.servers[1].name, "ten");
  EXPECT_EQ(loaded.sample.servers[2].name, "twenty");
  EXPECT_EQ(loaded.sample.store->path, "/x");
}

TEST(Include, IsRelativeToTheIncludingFileAndReadDepthFirst) {
  TemporaryFolder folder;
  folder.write("main.yaml", "include: [a/one.yaml, two.yaml]\n");
  folder.write("a/one.yaml", "include: b/deep.yaml\nservers: [{name: one}]\n");
  folder.write("a/b/deep.yaml", "servers: [{name: deep}]\n");
  folder.write("two.yaml", "servers: [{name: two}]\n");
  const auto loaded = load(folder, "main.yaml");
  EXPECT_EQ(loaded.problems, "");
  EXPECT_THAT(loaded.files, ElementsAre("main.yaml", "a/one.yaml", "a/b/deep.yaml", "two.yaml"));
}

TEST(Include, NamesBothPlacesOfAValueSetTwice) {
  TemporaryFolder folder;
  folder.write("main.yaml", "include: more.yaml\nagent:\n  interval: 1s\n");
  folder.write("more.yaml", "agent:\n  interval: 1s\n");
  const auto loaded = load(folder, "main.yaml");
  EXPECT_EQ(loaded.problems, "more.yaml:2:3: 'interval' is already set at main.yaml:3:3\n");
}

TEST(Include, ReadsAFileThatTwoPatternsNameOnce) {
  TemporaryFolder folder;
  folder.write("main.yaml", "include: [a.yaml, \"*.part\", ./a.yaml, 'l?nk']\n");
  folder.write("a.yaml", "servers: [{name: a}]\n");
  ASSERT_EQ(::symlink("a.yaml", (folder.path() + "/link").c_str()), 0);
  const auto loaded = load(folder, "main.yaml");
  EXPECT_EQ(loaded.problems, "");
  EXPECT_EQ(loaded.sample.servers.size(), 1u);
}

TEST(Include, TellsACircle) {
  TemporaryFolder folder;
  folder.write("a.yaml", "include: b.yaml\n");
  folder.write("b.yaml", "include: [c.yaml]\n");
  folder.write("c.yaml", "servers: []\ninclude: [b.yaml]\n");
  EXPECT_EQ(load(folder, "a.yaml").problems, "c.yaml:2:11: includes go in a circle: b.yaml is being read already\n");
}

TEST(Include, AllowsAPatternThatMatchesNothingButNotAMissingName) {
  TemporaryFolder folder;
  folder.write("main.yaml", "include: [none-*.yaml, none.yaml, \"${NAME}.yaml\"]\n");
  EXPECT_EQ(load(folder, "main.yaml").problems,
            "main.yaml:1:24: none.yaml: there is no such file\n"
            "main.yaml:1:35: checkout.yaml: there is no such file\n");
}

TEST(Include, TakesAFolderNameLiterally) {
  TemporaryFolder folder;
  folder.write("a[b]*/main.yaml", "include: '*.part'\n");
  folder.write("a[b]*/x.part", "servers: [{name: x}]\n");
  const auto loaded = load(folder, "a[b]*/main.yaml");
  EXPECT_EQ(loaded.problems, "");
  EXPECT_EQ(loaded.sample.servers.size(), 1u);
}

TEST(Include, StopsAtTheLimitOfFiles) {
  TemporaryFolder folder;
  folder.write("main.yaml", "include: '*.part'\n");
  for (int i = 0; i < 10; ++i) folder.write(std::to_string(i) + ".part", "servers: [{name: x}]\n");
  const auto loaded = load(folder, "main.yaml", {.max_files = 4});
  EXPECT_EQ(loaded.problems, "main.yaml:1:10: too many files; a configuration may have 4\n");
  EXPECT_EQ(loaded.files.size(), 4u);
}

TEST(Include, CountsValuesOverAllFiles) {
  TemporaryFolder folder;
  folder.write("main.yaml", "include: '*.part'\n");
  for (int i = 0; i < 3; ++i) folder.write(std::to_string(i) + ".part", "servers: [{name: x, paths: [a, b, c]}]\n");
  EXPECT_EQ(load(folder, "main.yaml", {.max_nodes = 30}).problems, "");
  EXPECT_THAT(load(folder, "main.yaml", {.max_nodes = 15}).problems, HasSubstr("too many values"));
}

TEST(Document, RefusesWhatIsNoRegularFileWithoutReadingIt) {
  TemporaryFolder folder;
  EXPECT_EQ(load(folder, "none.yaml").problems, "none.yaml: there is no such file\n");
  folder.write("folder/x", "");
  EXPECT_EQ(load(folder, "folder").problems, "folder: is a directory, not a file\n");
  ASSERT_EQ(::mkfifo((folder.path() + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(load(folder, "fifo").problems, "fifo: is a named pipe, not a regular file\n");
  ASSERT_EQ(::symlink("nowhere", (folder.path() + "/dangling").c_str()), 0);
  EXPECT_EQ(load(folder, "dangling").problems, "dangling: there is no such file\n");
  ASSERT_EQ(::symlink("round", (folder.path() + "/round").c_str()), 0);
  EXPECT_EQ(load(folder, "round").problems, "round: its symbolic links go in a circle\n");
  ASSERT_EQ(::symlink("/dev/zero", (folder.path() + "/zero").c_str()), 0);
  EXPECT_EQ(load(folder, "zero").problems, "zero: is a device, not a regular file\n");
}

TEST(Document, SaysThatItMayNotReadAFile) {
  TemporaryFolder folder;
  const auto path = folder.write("closed.yaml", "agent: {}\n");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const bool root = ::geteuid() == 0;  // who may read everything, so be somebody else for a moment
  if (root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const auto loaded = load(folder, "closed.yaml");
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(loaded.problems, "closed.yaml: permission denied\n");
}

TEST(Document, RefusesAFileOverTheLimitBeforeParsingIt) {
  TemporaryFolder folder;
  folder.write("large.yaml", std::string((1 << 20) + 1, '['));
  EXPECT_EQ(load(folder, "large.yaml").problems, "large.yaml: is larger than 1MiB, the limit for this file\n");
  const auto sparse = folder.write("sparse.yaml", "");
  ASSERT_EQ(::truncate(sparse.c_str(), 100'000'000), 0);
  EXPECT_EQ(load(folder, "sparse.yaml").problems, "sparse.yaml: is larger than 1MiB, the limit for this file\n");
}

TEST(Document, ReadsFilesWhoseSizeTheKernelDoesNotTell) {
  // /proc files are regular and of size 0; what is in this one is no configuration, but it is read.
  Problems problems;
  Document::load("/proc/self/status", sample_environment(), problems);
  EXPECT_THAT(problems.text(), testing::Not(HasSubstr("the file is empty")));
  EXPECT_THAT(problems.text(), testing::Not(HasSubstr("larger")));
}

TEST(Document, OfAnotherProgramTakesAKeyWithoutAValueForNone) {
  Problems problems;
  auto document = Document::parse("rules.yml", "a: ${X}\nb:\nc: {d: ~}\n", {}, problems);
  std::string a;
  std::string b = "default";
  document.visit([&](Section& top) {
    top.optional("a", a, "");
    top.optional("b", b, "");
    top.within("c", "", [](Section& c) { EXPECT_FALSE(c.has("d")); });
  });
  EXPECT_EQ(problems.text(), "");
  EXPECT_EQ(a, "${X}");
  EXPECT_EQ(b, "default");
  Document::parse("list.yml", "a:\n  -\n", {}, problems);
  EXPECT_EQ(problems.text(), "list.yml:2:3: this list item has no value\n");
  Problems none;
  Document::parse("empty.yml", "groups:\n", {}, none);
  EXPECT_EQ(none.text(), "");
}

TEST(Document, MayBeReadInPart) {
  Problems problems;
  auto document = Document::parse("part.yml", "a: 1\nb: {c: \"${UNSET}\"}\n", sample_environment(), problems);
  std::string a;
  document.visit([&](Section& top) {
    top.optional("a", a, "");
    top.ignore_the_rest();
  });
  EXPECT_EQ(a, "1");
  EXPECT_EQ(problems.text(), "");
}

TEST(Problems, AreSortedByFileLineAndColumnAndSaidOnce) {
  Problems problems;
  problems.reading("main");
  problems.add({"other", 1, 1}, "d");
  problems.add({"main", 10, 1}, "c");
  problems.add({"main", 2, 10}, "b");
  problems.add({"main", 2, 9}, "a");
  problems.add({"main", 2, 10}, "b");
  EXPECT_EQ(problems.text(), "main:2:9: a\nmain:2:10: b\nmain:10:1: c\nother:1:1: d\n");
}

TEST(Problems, AreKeptUpToAThousandAndCountedBeyond) {
  Problems problems;
  for (int i = 0; i < 5000; ++i) problems.add({"main", i + 1, 1}, "x");
  EXPECT_EQ(problems.size(), 5000u);
  EXPECT_EQ(problems.sorted().size(), 1000u);
  EXPECT_THAT(problems.text(), HasSubstr("main:20:1: x\n... and 4980 more\n"));
}

}  // namespace
}  // namespace sidewatch::config

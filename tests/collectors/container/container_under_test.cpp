#include "tests/collectors/container/container_under_test.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "config/document.h"
#include "metrics/exposition.h"

namespace sidewatch::container {

std::filesystem::path container_cases() {
  return std::filesystem::path(SIDEWATCH_SOURCE_DIR) / "tests" / "cases" / "container";
}

ContainerConfig config_of(const std::filesystem::path& tree) {
  config::Problems problems;
  auto document = config::Document::load((tree / "config.yaml").string(), config::process_environment(), problems);
  ContainerConfig config;
  document.read(config);
  EXPECT_TRUE(problems.empty()) << problems.text();
  config.roots.procfs = (tree / "proc").string();
  config.roots.sysfs = (tree / "sys").string();
  if (std::filesystem::exists(tree / "cgroup")) config.roots.cgroupfs = (tree / "cgroup").string();
  return config;
}

ContainerUnderTest::ContainerUnderTest(const ContainerConfig& config, ContainerOptions options)
    : collector_(make_container_collector(config, options, catalog_)) {}

PassOutcome ContainerUnderTest::pass(Duration after) {
  now_ += after;
  batch_.clear();
  auto outcome = collector_->collect(batch_, now_);
  EXPECT_TRUE(outcome);
  store_.append(source_, now_, batch_);
  return outcome ? *outcome : PassOutcome();
}

std::string ContainerUnderTest::page() const {
  std::string page;
  const auto series = store_.snapshot();
  render_exposition(series, ExpositionFormat::prometheus_text, page);
  return page;
}

std::map<std::string, double> ContainerUnderTest::values() const {
  std::map<std::string, double> values;
  for (const auto& series : store_.snapshot()) {
    values[series.info->family->name + "{" + series.info->label_text + "}"] = series.last.value;
  }
  return values;
}

std::optional<double> ContainerUnderTest::value(const std::string& series) const {
  const auto all = values();
  const auto found = all.find(series);
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

FileTree::FileTree() {
  std::string name = (std::filesystem::temp_directory_path() / "sidewatch-container-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory: " + name);
  path_ = name;
}

FileTree::FileTree(const std::filesystem::path& copied_from) : FileTree() {
  using std::filesystem::copy_options;
  std::filesystem::copy(copied_from, path_, copy_options::recursive | copy_options::copy_symlinks);
}

FileTree::~FileTree() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void FileTree::write(const std::string& name, const std::string& text) const {
  std::filesystem::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << text;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sidewatch::container

// What the dashboard "Node Exporter Full" asks is answered from the host collector's own series: every question of
// cases/promql/node_exporter_full.txt evaluates, and has an answer unless its line says that it has none.
#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "host_under_test.h"
#include "metrics/promql/expression.h"

namespace sidewatch {
namespace {

struct Question {
  std::string expression;
  bool unanswered = false;
};

std::filesystem::path case_file(const std::string& name) { return host_cases() / "../promql" / name; }

std::vector<Question> questions() {
  std::vector<Question> all;
  std::ifstream file(case_file("node_exporter_full.txt"));
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const bool unanswered = line.starts_with("- ");
    all.push_back({unanswered ? line.substr(2) : line, unanswered});
  }
  return all;
}

// A host with all that the kernel says about memory, and with a server's sensors and power supplies, seen twice.
class HostDashboard : public testing::Test {
 protected:
  HostDashboard() {
    tree_.write("proc/meminfo", read_text(case_file("node_exporter_full.meminfo")));
    using std::filesystem::copy_options;
    std::filesystem::copy(host_cases() / "server-hardware/sys", tree_.path() / "sys",
                          copy_options::recursive | copy_options::copy_symlinks | copy_options::skip_existing);
    host_.emplace(config_for(tree_.path()));
    passed_ = host_->pass() && host_->pass();
  }

  TemporaryTree tree_{host_cases() / "linux-6.1"};
  std::optional<HostUnderTest> host_;
  bool passed_ = false;
};

TEST_F(HostDashboard, HasAnAnswerToEveryQuestionThatTheCollectorCovers) {
  ASSERT_TRUE(passed_);
  std::size_t answered = 0;
  for (const auto& [text, unanswered] : questions()) {
    const auto expression = promql::Expression::parse(text);
    ASSERT_TRUE(expression) << text << "\n" << expression.error().text();
    const auto value = promql::evaluate(*expression, host_->store(), host_->last_pass());
    ASSERT_TRUE(value) << text << "\n" << value.error().text();
    const bool empty = std::get<promql::Vector>(*value).empty();
    EXPECT_EQ(empty, unanswered) << text;
    answered += empty ? 0 : 1;
  }
  EXPECT_GE(answered, 200U);
}

}  // namespace
}  // namespace sidewatch

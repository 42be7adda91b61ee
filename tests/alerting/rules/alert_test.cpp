// Alerts as text: what is written reads back, and what is not an alert is refused.

#include "alerting/alert.h"

#include <gtest/gtest.h>

#include <limits>

namespace sidewatch {
namespace {

Alert full_alert() {
  Alert alert;
  alert.rule = "Host=Memory%High\n";
  alert.name = "HostMemoryHigh";
  alert.sample = Labels{{"__name__", "x"}};
  alert.entity = Labels{{"instance", "a=b%c\nd"}, {"mountpoint", "/mnt/ü"}};
  alert.key = alert_key(alert.rule, alert.entity);
  alert.fingerprint = "0123456789abcdef";
  alert.rule_changed = true;
  alert.state.level = Level::warning;
  alert.state.worst = Level::critical;
  alert.state.warning = {std::nullopt, time_at_ms(11), 0};
  alert.state.critical = {time_at_ms(12), std::nullopt, ~std::uint64_t{0}};
  alert.state.unknown_since = time_at_ms(-13);
  alert.state.no_data = true;
  alert.state.active_since = time_at_ms(14);
  alert.state.fired_at = time_at_ms(15);
  alert.state.sampled = time_at_ms(16);
  alert.state.value = 0.1;
  alert.state.peak = std::numeric_limits<double>::infinity();
  alert.contact = {Level::warning, Level::critical, time_at_ms(17), Suppression::cooldown, 3, 4, Level::warning, time_at_ms(18)};
  alert.told_labels = Labels{{"alertname", "x"}, {"severity", "warning"}};
  alert.started_wall_ms = 1'772'366'400'250;
  return alert;
}

TEST(Alert, ReadsBackAsItWasWritten) {
  const Alert alert = full_alert();
  const std::string text = encode(alert);
  const auto read = decode_alert(text);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->rule, alert.rule);
  EXPECT_EQ(read->name, alert.name);
  EXPECT_EQ(read->entity, alert.entity);
  EXPECT_EQ(read->sample, alert.sample);
  EXPECT_EQ(read->told_labels, alert.told_labels);
  EXPECT_FALSE(differs_durably(read->state, alert.state));
  EXPECT_EQ(read->state.value, 0.1);
  EXPECT_EQ(read->contact, alert.contact);
  EXPECT_EQ(read->incident(), alert.incident());
  EXPECT_EQ(encode(*read), text);
}

TEST(Alert, ReadsRowsOfOtherVersionsThatAddedOrLackFields) {
  const std::string key = alert_key("R", Labels{});
  const auto read = decode_alert("version=1\nkey=" + key + "\nrule=R\nnews_from_the_future=42\n");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_TRUE(idle(read->state));
}

TEST(Alert, RefusesWhatIsNotAnAlert) {
  const std::string key = alert_key("R", Labels{});
  const std::string good = "version=1\nkey=" + key + "\nrule=R\n";
  const auto why = [](const std::string& text) {
    const auto read = decode_alert(text);
    return read ? "nothing" : read.error().what;
  };
  EXPECT_EQ(why(good), "nothing");
  EXPECT_EQ(why(""), "this is not a saved alert");
  EXPECT_EQ(why("{\"json\": 1}\n"), "the saved alert has a line without '='");
  EXPECT_EQ(why(good.substr(0, good.size() - 1)), "the saved alert is cut off");
  EXPECT_EQ(why("version=9\n"), "the saved alert is of the unknown version '9'");
  EXPECT_EQ(why(good + "level=severe\n"), "the saved alert has a 'level' that cannot be read");
  EXPECT_EQ(why(good + "fired_at=soon\n"), "the saved alert has a 'fired_at' that cannot be read");
  EXPECT_EQ(why(good + "fired_at=9223372036854775807\n"), "the saved alert has a 'fired_at' that cannot be read");
  EXPECT_EQ(why(good + "peak=1x\n"), "the saved alert has a 'peak' that cannot be read");
  EXPECT_EQ(why(good + "entity.a=b\n"), "the saved alert's key and labels disagree");
  EXPECT_EQ(why(good + "x=%zz\n"), "the saved alert has a broken %XX");
}

TEST(Alert, SurvivesEveryCutAndEveryFlippedByte) {
  const std::string text = encode(full_alert());
  for (std::size_t i = 0; i < text.size(); ++i) {
    (void)decode_alert(text.substr(0, i));
    std::string broken = text;
    broken[i] = static_cast<char>(broken[i] ^ 0x15);
    const auto read = decode_alert(broken);
    if (read) { EXPECT_EQ(read->key, alert_key(read->rule, read->entity)); }
  }
}

TEST(Alert, KeepsItsKeyForEver) {
  EXPECT_EQ(to_hex(stable_hash("")), "cbf29ce484222325");
  EXPECT_EQ(to_hex(stable_hash("a")), "af63dc4c8601ec8c");       // published FNV-1a test vectors
  EXPECT_EQ(to_hex(stable_hash("foobar")), "85944171f73967e8");
  EXPECT_EQ(alert_key("HostMemoryHigh", Labels{{"instance", "web-1"}}),
            alert_key("HostMemoryHigh", Labels{{"instance", "web-1"}}));
  EXPECT_NE(alert_key("R", Labels{{"a", "bc"}}), alert_key("R", Labels{{"ab", "c"}}));
  EXPECT_NE(alert_key("R", Labels{{"a", "b"}}), alert_key("Ra", Labels{{"b", ""}}));
}

TEST(Alert, IsWrittenAgainForEverythingButItsValue) {
  const AlertState before = full_alert().state;
  AlertState after = before;
  after.value = 77;
  EXPECT_FALSE(differs_durably(before, after));
  after.peak = 88;
  EXPECT_TRUE(differs_durably(before, after));
  after = before;
  after.critical.breaches = 1;
  EXPECT_TRUE(differs_durably(before, after));
}

}  // namespace
}  // namespace sidewatch

#include "alerting/silences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "tests/support/temp_dir.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const WallTime start{Duration(1'772'366'400'000)};  // 2026-03-01 12:00:00 UTC
const Labels web{{"alertname", "MemoryHigh"}, {"instance", "web-1"}};

Matcher matcher(const std::string& name, Matcher::Op op, const std::string& value) {
  return Matcher::make(name, op, value).value();
}

Silence silence_of(const std::string& instance, Duration length, WallTime from = start) {
  Silence silence;
  silence.matchers.push_back(matcher("instance", Matcher::Op::equal, instance));
  silence.starts_at = from;
  silence.ends_at = from + length;
  silence.created_by = "ann";
  silence.comment = "new disk";
  return silence;
}

Silences in_memory(const SilenceLimits& limits = {}) { return Silences::open("", start, limits).value(); }

std::string id_of(const Silences::Answer<std::string>& answer) {
  if (const auto* refused = std::get_if<Silences::Refused>(&answer)) throw std::runtime_error(refused->what);
  return std::get<std::string>(answer);
}
template <class T>
std::string refusal(const Silences::Answer<T>& answer) {
  const auto* refused = std::get_if<Silences::Refused>(&answer);
  return refused == nullptr ? "(taken)" : refused->what;
}

TEST(Silences, HoldAnAlertFromTheirBeginningToTheirEnd) {
  Silences silences = in_memory();
  const auto id = id_of(silences.set(silence_of("web-1", 1h, start + 10min), start));
  EXPECT_THAT(silences.holding(web, start), IsEmpty());
  EXPECT_THAT(silences.holding(web, start + 10min), ElementsAre(id));
  EXPECT_THAT(silences.holding(web.with("instance", "web-2"), start + 10min), IsEmpty());
  EXPECT_THAT(silences.holding(web, start + 70min), IsEmpty());
  EXPECT_EQ(silences.held_until(web, start + 20min), start + 70min);
  EXPECT_EQ(silences.held_until(web, start), std::nullopt);
  EXPECT_EQ(silences.next_change(start), start + 10min);
  EXPECT_EQ(silences.next_change(start + 10min), start + 70min);
  EXPECT_EQ(silences.next_change(start + 70min), std::nullopt);
  EXPECT_EQ(silences.active(start + 20min), 1U);
}

TEST(Silences, KnowAnAlertWithoutInstanceByItsMachine) {
  Silences silences = in_memory();
  const auto id = id_of(silences.set(silence_of("web-1", 1h), start));
  const Labels disk{{"alertname", "HostDiskFull"}, {"mountpoint", "/"}};
  EXPECT_THAT(silences.holding(disk, start), IsEmpty());
  silences.name_host("web-1");
  EXPECT_THAT(silences.holding(disk, start), ElementsAre(id));
  EXPECT_EQ(silences.held_until(disk, start), start + 1h);
  EXPECT_THAT(silences.holding(disk.with("instance", "db:9187"), start), IsEmpty());
  Silences moved = std::move(silences);
  EXPECT_THAT(moved.holding(disk, start), ElementsAre(id));
}

TEST(Silences, HoldOnWhereOneBeginsBeforeAnotherEnds) {
  Silences silences = in_memory();
  id_of(silences.set(silence_of("web-1", 1h, start + 30min), start));
  id_of(silences.set(silence_of("web-1", 40min), start));
  id_of(silences.set(silence_of("web-1", 1h, start + 3h), start));
  EXPECT_EQ(silences.held_until(web, start), start + 90min);
}

TEST(Silences, HoldWhatAllTheirMatchersTake) {
  Silences silences = in_memory();
  Silence silence = silence_of("web-1", 1h);
  silence.matchers.push_back(matcher("alertname", Matcher::Op::not_regex, "Disk.*"));
  id_of(silences.set(silence, start));
  EXPECT_THAT(silences.holding(web, start), SizeIs(1));
  EXPECT_THAT(silences.holding(web.with("alertname", "DiskFull"), start), IsEmpty());
}

TEST(Silences, EndWhenSomebodySaysSo) {
  Silences silences = in_memory();
  const auto id = id_of(silences.set(silence_of("web-1", 1h), start));
  EXPECT_EQ(refusal(silences.expire(id, start + 5min)), "(taken)");
  EXPECT_THAT(silences.holding(web, start + 5min), IsEmpty());
  EXPECT_EQ(silences.find(id)->ends_at, start + 5min);
  EXPECT_THAT(refusal(silences.expire(id, start + 6min)), HasSubstr("has ended already"));
  EXPECT_THAT(refusal(silences.expire("nobody", start)), HasSubstr("there is no silence nobody"));
  const auto later = id_of(silences.set(silence_of("web-1", 1h, start + 1h), start));
  EXPECT_EQ(refusal(silences.expire(later, start + 7min)), "(taken)");
  EXPECT_THAT(silences.holding(web, start + 70min), IsEmpty()) << "it had not begun, and never will";
}

TEST(Silences, AreChangedInTheirPlaceWhileTheyHoldTheSameAlerts) {
  Silences silences = in_memory();
  const auto id = id_of(silences.set(silence_of("web-1", 1h), start));
  Silence longer = silence_of("web-1", 2h, start + 1min);
  longer.id = id;
  EXPECT_EQ(id_of(silences.set(longer, start + 1min)), id);
  EXPECT_EQ(silences.find(id)->starts_at, start) << "it had begun already";
  EXPECT_EQ(silences.find(id)->ends_at, start + 121min);
  Silence another = silence_of("web-2", 1h);
  another.id = id;
  const auto replaced = id_of(silences.set(another, start + 2min));
  EXPECT_NE(replaced, id);
  EXPECT_THAT(silences.holding(web, start + 2min), IsEmpty());
  EXPECT_THAT(silences.holding(web.with("instance", "web-2"), start + 2min), ElementsAre(replaced));
}

TEST(Silences, SayWhatIsWrongWithOne) {
  Silences silences = in_memory({.max_silences = 2, .max_matchers = 2, .max_text_bytes = 20});
  const auto problem = [&](const std::function<void(Silence&)>& spoil) {
    Silence silence = silence_of("web-1", 1h);
    spoil(silence);
    return refusal(silences.set(silence, start));
  };
  EXPECT_THAT(problem([](Silence& s) { s.matchers.clear(); }), HasSubstr("at least one matcher"));
  EXPECT_THAT(problem([](Silence& s) { s.matchers = {matcher("instance", Matcher::Op::regex, ".*")}; }),
              HasSubstr("a label that is there"));
  EXPECT_THAT(problem([](Silence& s) { s.matchers.insert(s.matchers.end(), 2, s.matchers[0]); }),
              HasSubstr("at most 2 matchers"));
  EXPECT_THAT(problem([](Silence& s) { s.comment = std::string(21, 'x'); }), HasSubstr("at most 20 bytes"));
  EXPECT_THAT(problem([](Silence& s) { s.ends_at = s.starts_at; }), HasSubstr("ends before it begins"));
  EXPECT_THAT(problem([](Silence& s) {
                s.starts_at = start - 2h;
                s.ends_at = start - 1h;
              }),
              HasSubstr("ends before it begins"));
  EXPECT_THAT(problem([](Silence& s) { s.ends_at = start + 24h * 400; }), HasSubstr("longer than a year"));
  EXPECT_THAT(problem([](Silence& s) { s.id = "unknown"; }), HasSubstr("there is no silence unknown"));
  EXPECT_THAT(silences.all(), IsEmpty());
  id_of(silences.set(silence_of("a", 1h), start));
  id_of(silences.set(silence_of("b", 1h), start));
  EXPECT_THAT(refusal(silences.set(silence_of("c", 1h), start)), HasSubstr("2 silences already"));
}

TEST(Silences, ForgetTheOnesThatEndedFirstWhereOneMoreIsNeeded) {
  Silences silences = in_memory({.max_silences = 2});
  const auto first = id_of(silences.set(silence_of("a", 1h), start));
  const auto second = id_of(silences.set(silence_of("b", 1h), start));
  EXPECT_EQ(refusal(silences.expire(second, start + 1min)), "(taken)");
  EXPECT_EQ(refusal(silences.expire(first, start + 2min)), "(taken)");
  id_of(silences.set(silence_of("c", 1h), start + 3min));
  EXPECT_TRUE(silences.find(first)) << "it ended last";
  EXPECT_FALSE(silences.find(second));
  id_of(silences.set(silence_of("d", 1h), start + 3min));
  EXPECT_THAT(refusal(silences.set(silence_of("e", 1h), start + 3min)), HasSubstr("2 silences already"));
  EXPECT_EQ(silences.active(start + 3min), 2U);
}

TEST(Silences, SurviveTheProcessAndAreForgottenSomeDaysAfterTheirEnd) {
  const TempDir directory;
  const std::string path = directory / "silences.json";
  std::string id;
  {
    Silences silences = Silences::open(path, start).value();
    Silence silence = silence_of("web-1", 1h);
    silence.matchers.push_back(matcher("team", Matcher::Op::not_regex, "a\"b|\\d"));
    id = id_of(silences.set(silence, start));
  }
  Silences again = Silences::open(path, start + 1min).value();
  EXPECT_THAT(again.holding(web, start + 1min), ElementsAre(id));
  const Silence kept = again.find(id).value();
  EXPECT_EQ(kept.comment, "new disk");
  EXPECT_EQ(kept.created_by, "ann");
  EXPECT_EQ(kept.matchers.at(1).to_string(), matcher("team", Matcher::Op::not_regex, "a\"b|\\d").to_string());
  EXPECT_THAT(Silences::open(path, start + 24h * 5).value().all(), SizeIs(1));
  EXPECT_THAT(Silences::open(path, start + 24h * 5 + 2h).value().all(), IsEmpty());
}

TEST(Silences, TakeNoMoreThanTheNextStartCanRead) {
  const TempDir directory;
  const std::string path = directory / "silences.json";
  const SilenceLimits limits{.max_bytes = 100'000};
  Silences silences = Silences::open(path, start, limits).value();
  Silence large = silence_of("web-1", 1h);
  large.comment = std::string(4096, '\1');  // six bytes each in the file
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(id_of(silences.set(large, start)));
  EXPECT_THAT(refusal(silences.set(large, start)), HasSubstr("more than 100000 bytes together"));
  EXPECT_THAT(Silences::open(path, start, limits).value().all(), SizeIs(4));

  Silence small = silence_of("web-2", 1h);
  small.id = id_of(silences.set(small, start));
  small.comment = large.comment;
  EXPECT_THAT(refusal(silences.set(small, start)), HasSubstr("bytes together")) << "in its place it is no smaller";
  EXPECT_EQ(refusal(silences.expire(ids[0], start + 1min)), "(taken)");
  EXPECT_EQ(id_of(silences.set(small, start + 1min)), small.id);
  EXPECT_FALSE(silences.find(ids[0]));
  EXPECT_THAT(Silences::open(path, start, limits).value().all(), SizeIs(4));
}

TEST(Silences, AreNotInForceWhereTheyCannotBeKept) {
  Silences silences = Silences::open("/proc/no-such-directory/silences.json", start).value();
  const auto answer = silences.set(silence_of("web-1", 1h), start);
  ASSERT_TRUE(std::holds_alternative<Silences::Refused>(answer));
  EXPECT_EQ(std::get<Silences::Refused>(answer).why, Silences::Refusal::not_stored);
  EXPECT_THAT(silences.all(), IsEmpty());
}

TEST(Silences, LeaveAFileAloneThatTheyCannotRead) {
  const TempDir directory;
  const std::string path = directory / "silences.json";
  for (const char* text : {"not JSON", R"({"v":2})", R"({"v":1,"silences":[{}]})",
                           R"({"v":1,"silences":[{"id":"a","startsAt":"2026-03-01T12:00:00Z","endsAt":"2026-03-01T13:00:00Z",)"
                           R"("updatedAt":"2026-03-01T12:00:00Z","matchers":[{"name":"a","value":"(","isRegex":true}]}]})"}) {
    std::ofstream(path) << text;
    const auto opened = Silences::open(path, start);
    ASSERT_FALSE(opened) << text;
    EXPECT_THAT(opened.error().what, HasSubstr(path));
    std::string left;
    std::getline(std::ifstream(path), left);
    EXPECT_EQ(left, text);
  }
}

}  // namespace
}  // namespace sidewatch

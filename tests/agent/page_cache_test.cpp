#include "agent/page_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/gzip.h"
#include "tests/agent/scripted.h"

namespace sidewatch {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr auto text = ExpositionFormat::prometheus_text;
constexpr auto openmetrics = ExpositionFormat::openmetrics;

class PageCacheTest : public testing::Test {
 protected:
  PageCacheTest() { write(1); }
  void write(double value) {
    now += std::chrono::seconds(5);
    Batch batch;
    batch.add(series, value);
    store.append(source, now, batch);
  }
  static std::string unpacked(const Page& page) {
    const auto plain = gzip_decompress(*page, 1 << 20);
    return plain ? *plain : "not gzip";
  }

  Catalog catalog{Catalog::Limits{}, Labels{}};
  Store store{catalog, Store::Limits{}};
  SeriesHandle series = catalog.series(Metric{"memory", MetricType::gauge, "", "Used."}, {});
  SourceId source = store.add_source("test");
  Time now = start_of_test;
  PageCache pages{store};
};

TEST_F(PageCacheTest, GivesTheSamePageUntilTheStoreChanges) {
  const Page first = pages.page(text, false);
  EXPECT_THAT(*first, HasSubstr("memory 1\n"));
  EXPECT_EQ(pages.page(text, false), first);
  write(2);
  const Page second = pages.page(text, false);
  EXPECT_NE(second, first);
  EXPECT_THAT(*second, HasSubstr("memory 2\n"));
  EXPECT_EQ(pages.page(text, false), second);
  EXPECT_THAT(*first, HasSubstr("memory 1\n")) << "who still reads the old page keeps it";
}

TEST_F(PageCacheTest, KeepsEveryVariantApart) {
  const Page plain = pages.page(text, false);
  const Page packed = pages.page(text, true);
  const Page open = pages.page(openmetrics, false);
  const Page open_packed = pages.page(openmetrics, true);
  EXPECT_EQ(pages.page(text, false), plain);
  EXPECT_EQ(pages.page(text, true), packed);
  EXPECT_EQ(pages.page(openmetrics, false), open);
  EXPECT_EQ(pages.page(openmetrics, true), open_packed);
  EXPECT_EQ(unpacked(packed), *plain);
  EXPECT_EQ(unpacked(open_packed), *open);
  EXPECT_THAT(*open, EndsWith("# EOF\n"));
  EXPECT_NE(*plain, *open);
}

TEST_F(PageCacheTest, PacksTheNewPageWhenOnlyThePackedOneIsAskedFor) {
  (void)pages.page(text, true);
  write(2);
  EXPECT_THAT(unpacked(pages.page(text, true)), HasSubstr("memory 2\n"));
}

TEST_F(PageCacheTest, RendersAnEmptyStore) {
  Catalog empty_catalog{Catalog::Limits{}, Labels{}};
  const Store empty{empty_catalog, Store::Limits{}};
  PageCache its_pages{empty};
  EXPECT_EQ(*its_pages.page(text, false), "");
  EXPECT_EQ(*its_pages.page(openmetrics, false), "# EOF\n");
}

TEST_F(PageCacheTest, ServesManyReadersWhileTheStoreIsWritten) {
  constexpr int writes = 200;
  std::atomic<bool> over{false};
  std::vector<std::thread> readers;
  std::atomic<int> torn{0};
  for (int reader = 0; reader < 4; ++reader) {
    readers.emplace_back([this, reader, &over, &torn] {
      do {
        const bool gzip = reader % 2 == 1;
        const Page page = pages.page(reader < 2 ? text : openmetrics, gzip);
        const std::string plain = gzip ? unpacked(page) : *page;
        if (!plain.starts_with("# HELP memory Used.\n")) ++torn;
      } while (!over);
    });
  }
  for (int i = 2; i <= writes; ++i) write(i);
  over = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_THAT(*pages.page(text, false), HasSubstr("memory 200\n"));
}

}  // namespace
}  // namespace sidewatch

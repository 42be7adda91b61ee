// A /metrics page that is drawn again and again.
//
// From one scrape to the next the same series stand on it, under the same headings, and most have the value they had.
// So the page remembers where each value stands, copies the last text and writes only the numbers that have changed;
// anew from the ground only when other series are live, or when a value would change more than itself (OpenMetrics calls
// a counter that falls below zero by another name). Exemplars change with every value that has one, so a page that shows
// any is drawn anew each time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/store.h"

namespace sidewatch {

class ExpositionPage {
 public:
  // `exemplars`, when there are any to show, outlive the page.
  explicit ExpositionPage(ExpositionFormat format, const Exemplars* exemplars = nullptr)
      : format_(format), exemplars_(exemplars) {}

  // The page as the store is now. `before` is what the last call returned; without it (the first time, or when the text
  // was not kept) it is drawn anew.
  std::string draw(const Store& store, const std::string* before);

 private:
  bool can_redraw(const Store& store);
  std::string redraw(const std::string& before);
  std::string draw_anew(const Store& store, std::size_t likely_size);

  ExpositionFormat format_;
  const Exemplars* exemplars_;
  std::uint64_t exemplars_version_ = 0;  // when the page was drawn anew
  bool shows_exemplars_ = false;
  std::uint64_t lineup_ = 0;          // of the series on the page; the store's begin with 1
  std::vector<double> values_;        // of these, in the store's order
  std::vector<double> fresh_;         // the same, now
  std::vector<ValuePlace> places_;    // in the page's order
};

}  // namespace sidewatch

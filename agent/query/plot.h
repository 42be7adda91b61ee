// Series drawn in a terminal: an axis of values, an axis of time, a legend.
//
// One series, or several in colour, are drawn with the dots of Braille characters, of which a cell has eight. Several
// series without colour could not be told apart that way: each then has a mark of its own. Points are joined by a line
// unless there is a gap between them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/query/plot_scale.h"
#include "base/time.h"
#include "metrics/promql/expression.h"

namespace sidewatch {

struct PlotOptions {
  std::size_t columns = 80;  // of everything, labels included
  std::size_t rows = 16;     // of the area that is drawn in
  Time start;
  Time end;                  // after `start`
  Duration step{1};          // points further apart are not joined
  PlotUnit unit;
  bool colour = false;
  bool unicode = true;
};

inline constexpr std::size_t max_plotted_series = 12;  // of more, the first are drawn and the others counted

std::string plot(const std::vector<promql::Series>& series, const PlotOptions& options);

}  // namespace sidewatch

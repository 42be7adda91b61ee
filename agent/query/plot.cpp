#include "agent/query/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "agent/query/table.h"
#include "base/utf8.h"
#include "metrics/series_notation.h"

namespace sidewatch {
namespace {

constexpr std::size_t least_columns = 20;  // of the area that is drawn in, however narrow the terminal
constexpr std::array colours = {32, 33, 36, 35, 31, 34, 92, 93, 96, 95, 91, 94};
constexpr std::string_view marks = "*+ox#@%&=~^$";
static_assert(colours.size() == max_plotted_series && marks.size() == max_plotted_series);

// Cells, each of `across` times `down` dots.
class Canvas {
 public:
  Canvas(std::size_t columns, std::size_t rows, bool braille)
      : columns_(columns), rows_(rows), across_(braille ? 2 : 1), down_(braille ? 4 : 1), cells_(columns * rows) {}

  double last_x() const { return static_cast<double>(columns_ * across_ - 1); }
  double last_y() const { return static_cast<double>(rows_ * down_ - 1); }

  void line(double x0, double y0, double x1, double y1, std::size_t series) {
    const double steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1.0});
    for (double i = 0; i <= steps; ++i) {
      dot(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, series);
    }
  }

  void dot(double x_exact, double y_exact, std::size_t series) {
    const auto x = static_cast<std::size_t>(std::lround(std::clamp(x_exact, 0.0, last_x())));
    const auto y = static_cast<std::size_t>(std::lround(std::clamp(y_exact, 0.0, last_y())));
    Cell& cell = cells_[y / down_ * columns_ + x / across_];
    static constexpr std::uint8_t dots[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    cell.dots = static_cast<std::uint8_t>(cell.dots | dots[y % down_][x % across_]);
    cell.series = series;
  }

  void append_row(std::string& text, std::size_t row, bool colour) const {
    std::size_t end = columns_;
    while (end > 0 && cells_[row * columns_ + end - 1].dots == 0) --end;
    int current = 0;
    for (std::size_t column = 0; column < end; ++column) {
      const Cell& cell = cells_[row * columns_ + column];
      const int wanted = cell.dots == 0 ? current : colours[cell.series];
      if (colour && wanted != current) text += "\x1b[" + std::to_string(wanted) + "m";
      current = wanted;
      append(text, cell);
    }
    if (colour && current != 0) text += "\x1b[0m";
  }

 private:
  struct Cell {
    std::uint8_t dots = 0;
    std::size_t series = 0;  // the last that was drawn here
  };

  void append(std::string& text, const Cell& cell) const {
    if (cell.dots == 0) {
      text += ' ';
    } else if (down_ == 1) {
      text += marks[cell.series];
    } else {  // U+2800 and the dots
      text += '\xE2';
      text += static_cast<char>(0xA0 | (cell.dots >> 6));
      text += static_cast<char>(0x80 | (cell.dots & 0x3F));
    }
  }

  std::size_t columns_, rows_, across_, down_;
  std::vector<Cell> cells_;
};

class Plot {
 public:
  Plot(const std::vector<promql::Series>& series, const PlotOptions& options)
      : series_(series),
        options_(options),
        drawn_(std::min(series.size(), max_plotted_series)),
        braille_(options.unicode && (options.colour || series.size() <= 1)) {}

  std::string draw() {
    if (!find_bounds()) return "there is nothing to draw: no value is a finite number\n";
    scale_ = scale_for(low_, high_, options_.rows / 3 + 2, options_.unit);
    for (const auto& tick : scale_.ticks) label_width_ = std::max(label_width_, count_characters(tick.text));
    const std::size_t beside = label_width_ + 2;
    width_ = std::max(options_.columns, beside + least_columns) - beside;
    Canvas canvas(width_, options_.rows, braille_);
    for (std::size_t i = 0; i < drawn_; ++i) draw_series(canvas, i);
    std::string text;
    for (std::size_t row = 0; row < options_.rows; ++row) {
      append_label(text, row);
      canvas.append_row(text, row, options_.colour);
      while (text.ends_with(' ')) text.pop_back();
      text += '\n';
    }
    append_time_axis(text);
    append_legend(text);
    return text;
  }

 private:
  bool find_bounds() {
    low_ = std::numeric_limits<double>::infinity();
    high_ = -low_;
    for (std::size_t i = 0; i < drawn_; ++i) {
      for (const Point& point : series_[i].points) {
        if (!std::isfinite(point.value)) continue;
        low_ = std::min(low_, point.value);
        high_ = std::max(high_, point.value);
      }
    }
    return low_ <= high_ && std::isfinite(high_ - low_);
  }

  void draw_series(Canvas& canvas, std::size_t index) const {
    const double span = static_cast<double>((options_.end - options_.start).count());
    const Point* before = nullptr;
    double x0 = 0;
    double y0 = 0;
    for (const Point& point : series_[index].points) {
      if (!std::isfinite(point.value)) {
        before = nullptr;
        continue;
      }
      const double x = static_cast<double>((point.time - options_.start).count()) / span * canvas.last_x();
      const double y = (scale_.high - point.value) / (scale_.high - scale_.low) * canvas.last_y();
      const bool joined = before != nullptr && point.time - before->time <= options_.step * 3 / 2;
      if (joined) {
        canvas.line(x0, y0, x, y, index);
      } else {
        canvas.dot(x, y, index);
      }
      before = &point;
      x0 = x;
      y0 = y;
    }
  }

  // The mark of the value whose row this is, and the axis.
  void append_label(std::string& text, std::size_t row) const {
    const double rows = static_cast<double>(options_.rows - 1);
    for (const auto& tick : scale_.ticks) {
      const double at = (scale_.high - tick.value) / (scale_.high - scale_.low) * rows;
      if (static_cast<std::size_t>(std::lround(at)) != row) continue;
      text.append(label_width_ - count_characters(tick.text), ' ');
      text += tick.text;
      text += options_.unicode ? " ┤" : " +";
      return;
    }
    text.append(label_width_, ' ');
    text += options_.unicode ? " │" : " |";
  }

  void append_time_axis(std::string& text) const {
    const Duration span = options_.end - options_.start;
    const bool days = span >= std::chrono::hours(24);
    const std::size_t label = days ? 11 : 8;  // "03-01 12:00" or "12:00:00"
    const std::size_t count = std::max<std::size_t>(width_ / (label + 8), 1);
    text.append(label_width_ + 1, ' ');
    text += options_.unicode ? "└" : "+";
    std::string marks_line;
    std::string labels(label_width_ + 2, ' ');
    std::size_t next = 0;
    for (std::size_t column = 0; column < width_; ++column) {
      const std::size_t mark_at = next * (width_ - 1) / count;
      const bool mark = next <= count && column == mark_at;
      marks_line += options_.unicode ? (mark ? "┴" : "─") : (mark ? "+" : "-");
      if (!mark) continue;
      const auto ms = static_cast<double>(span.count()) * static_cast<double>(column) / static_cast<double>(width_ - 1);
      const std::string when = utc_text(options_.start + Duration(std::lround(ms)));
      // Under its mark; the last one ends there.
      std::size_t at = label_width_ + 2 + column;
      if (next == count) at -= std::min(at, label - 1);
      if (at >= labels.size()) labels.append(at - labels.size(), ' ');
      if (at >= labels.size()) labels += when.substr(days ? 5 : 11, label);
      ++next;
    }
    text += marks_line + "\n" + labels + "\n";
    text.append(label_width_ + 2, ' ');
    text += utc_text(options_.start) + " to " + utc_text(options_.end) + " UTC\n";
  }

  void append_legend(std::string& text) const {
    text += '\n';
    for (std::size_t i = 0; i < drawn_; ++i) {
      const bool own_mark = series_.size() > 1;
      if (own_mark && options_.colour) text += "\x1b[" + std::to_string(colours[i]) + "m";
      if (own_mark) text += braille_ ? "⣿⣿ " : std::string(1, marks[i]) + " ";
      if (own_mark && options_.colour) text += "\x1b[0m";
      text += printable(series_to_string(series_[i].labels)) + summary(series_[i]) + "\n";
    }
    const std::size_t left_out = series_.size() - drawn_;
    if (left_out > 0) text += "and " + std::to_string(left_out) + " more that are not drawn; topk() picks some\n";
  }

  std::string summary(const promql::Series& series) const {
    double least = std::numeric_limits<double>::infinity();
    double most = -least;
    for (const Point& point : series.points) {
      least = std::fmin(least, point.value);
      most = std::fmax(most, point.value);
    }
    if (series.points.empty()) return "";
    return "  min " + value_in(least, options_.unit) + ", max " + value_in(most, options_.unit) + ", last " +
           value_in(series.points.back().value, options_.unit);
  }

  const std::vector<promql::Series>& series_;
  const PlotOptions& options_;
  const std::size_t drawn_;
  const bool braille_;
  double low_ = 0;
  double high_ = 0;
  PlotScale scale_;
  std::size_t label_width_ = 0;
  std::size_t width_ = 0;
};

}  // namespace

std::string plot(const std::vector<promql::Series>& series, const PlotOptions& options) {
  return Plot(series, options).draw();
}

}  // namespace sidewatch

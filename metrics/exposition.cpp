// The /metrics page. See exposition.h.
//
// A page is a walk over the series in order of their families. What differs between the two formats is how a family is
// called and typed, and that is settled per family (`Shape`) before its samples are written:
//
//   - A histogram or summary is several series names under one family. They are written together, where the first of
//     them stands in the order; where they cannot be put together each is exposed on its own, as untyped.
//   - OpenMetrics names a counter's family without `_total`, so x_total becomes x, which must not be any other family's
//     name; and a counter's values must be numbers from 0. A counter that cannot comply is exposed as `unknown`.
#include "metrics/exposition.h"

#include <algorithm>
#include <array>
#include <utility>

#include "metrics/compound.h"
#include "metrics/exemplars.h"

namespace sidewatch {
namespace {

using Series = std::span<const SeriesValue>;

enum class Kind { gauge, counter, histogram, summary, unknown };

struct Shape {
  std::string_view name;  // of the family, as HELP and TYPE call it
  Kind kind;
};

std::string_view type_word(Kind kind, ExpositionFormat format) {
  switch (kind) {
    case Kind::gauge: return "gauge";
    case Kind::counter: return "counter";
    case Kind::histogram: return "histogram";
    case Kind::summary: return "summary";
    case Kind::unknown: return format == ExpositionFormat::openmetrics ? "unknown" : "untyped";
  }
  return "untyped";
}

const Family& family_of(const SeriesValue& series) { return *series.info->family; }

bool same_family(const SeriesValue& a, const SeriesValue& b) { return a.info->family == b.info->family; }

bool remove_suffix(std::string_view& name, std::string_view suffix) {
  if (name.size() <= suffix.size() || !name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

class Page {
 public:
  Page(Series all, ExpositionFormat format, std::string& buffer, std::vector<ValuePlace>* places,
       const Exemplars* exemplars)
      : all_(all), format_(format), buffer_(buffer), places_(places), exemplars_(exemplars) {}

  std::size_t exemplars_shown() const { return exemplars_shown_; }

  void write() {
    for (auto first = all_.begin(); first != all_.end();) {
      const auto last =
          std::find_if(first, all_.end(), [&](const SeriesValue& series) { return !same_family(series, *first); });
      write_family({first, last});
      first = last;
    }
    if (format_ == ExpositionFormat::openmetrics) buffer_ += "# EOF\n";
  }

 private:
  void write_family(Series series) {
    const Family& family = family_of(series.front());
    switch (family.type) {
      case MetricType::gauge: return write_plain(series, {family.name, Kind::gauge});
      case MetricType::counter: return write_plain(series, counter_shape(series));
      case MetricType::histogram:
      case MetricType::summary: return write_compound(series);
      case MetricType::untyped: return write_plain(series, {family.name, Kind::unknown});
    }
  }

  Shape counter_shape(Series series) const {
    const std::string& full_name = family_of(series.front()).name;
    if (format_ == ExpositionFormat::prometheus_text) return {full_name, Kind::counter};
    std::string_view name = full_name;
    const auto counts = [](const SeriesValue& one) { return one.last.value >= 0; };  // not NaN, not negative
    const bool countable = std::all_of(series.begin(), series.end(), counts);
    if (!countable || !remove_suffix(name, "_total") || is_taken(std::string(name))) return {full_name, Kind::unknown};
    return {name, Kind::counter};
  }

  // Whether a family x, or one that OpenMetrics would confuse with x's samples, stands on this page.
  bool is_taken(const std::string& name) const {
    constexpr std::array<std::string_view, 2> alone = {"", "_created"};
    constexpr std::array<std::string_view, 3> parts = {"_bucket", "_count", "_sum"};
    const auto exists = [&](std::string_view suffix) { return !find_family(all_, name + std::string(suffix)).empty(); };
    const auto is_part = [&](std::string_view suffix) {
      const Series found = find_family(all_, name + std::string(suffix));
      return !found.empty() && (family_of(found.front()).type == MetricType::histogram ||
                                family_of(found.front()).type == MetricType::summary);
    };
    return std::any_of(alone.begin(), alone.end(), exists) || std::any_of(parts.begin(), parts.end(), is_part);
  }

  void write_plain(Series series, Shape shape) {
    write_head(family_of(series.front()), shape);
    for (const auto& one : series) write_sample(one, shape.kind);
  }

  void write_compound(Series series) {
    const Family& family = family_of(series.front());
    const auto rules = format_ == ExpositionFormat::openmetrics ? CompoundRules::openmetrics
                                                                : CompoundRules::names_and_bounds;
    const Compound compound = compound_of(all_, family, rules);
    if (!compound.first) return write_plain(series, {family.name, Kind::unknown});
    if (compound.first != &family) return;  // written with the first part
    const Kind kind = family.type == MetricType::histogram ? Kind::histogram : Kind::summary;
    write_head(family, {compound.name, kind});
    for (const SeriesValue* sample : compound.samples) write_sample(*sample, kind);
  }

  void write_head(const Family& family, const Shape& shape) {
    if (!family.help.empty()) {
      buffer_ += "# HELP ";
      buffer_ += shape.name;
      buffer_ += ' ';
      write_help(family.help);
      buffer_ += '\n';
    }
    buffer_ += "# TYPE ";
    buffer_ += shape.name;
    buffer_ += ' ';
    buffer_ += type_word(shape.kind, format_);
    buffer_ += '\n';
    if (format_ == ExpositionFormat::openmetrics) write_unit(family.unit, shape.name);
  }

  void write_help(std::string_view help) {
    for (const char c : help) {
      if (c == '\\') {
        buffer_ += "\\\\";
      } else if (c == '\n') {
        buffer_ += "\\n";
      } else if (c == '"' && format_ == ExpositionFormat::openmetrics) {
        buffer_ += "\\\"";
      } else {
        buffer_ += c;
      }
    }
  }

  // OpenMetrics allows a unit only where the family's name ends with it.
  void write_unit(std::string_view unit, std::string_view name) {
    if (unit.empty() || !remove_suffix(name, unit) || !name.ends_with('_')) return;
    buffer_ += "# UNIT ";
    buffer_ += name;
    buffer_ += unit;
    buffer_ += ' ';
    buffer_ += unit;
    buffer_ += '\n';
  }

  void write_sample(const SeriesValue& series, Kind kind) {
    const SeriesInfo& info = *series.info;
    buffer_ += info.family->name;
    if (!info.label_text.empty()) {
      buffer_ += '{';
      buffer_ += info.label_text;
      buffer_ += '}';
    }
    buffer_ += ' ';
    if (places_ != nullptr) {
      places_->push_back({static_cast<std::uint32_t>(&series - all_.data()), static_cast<std::uint32_t>(buffer_.size()),
                          info.family->type});
    }
    append_value(buffer_, series.last.value);
    if (exemplars_ != nullptr && may_have_exemplar(info, kind)) write_exemplar(info);
    buffer_ += '\n';
  }

  bool may_have_exemplar(const SeriesInfo& info, Kind kind) const {
    if (format_ != ExpositionFormat::openmetrics) return false;
    return kind == Kind::counter || (kind == Kind::histogram && info.family->name.ends_with("_bucket"));
  }

  // # {trace_id="abc"} 0.5 1700000000.5
  void write_exemplar(const SeriesInfo& info) {
    const auto exemplar = exemplars_->newest(info);
    if (!exemplar) return;
    ++exemplars_shown_;
    buffer_ += " # {";
    const char* between = "";
    for (const auto& [name, value] : exemplar->labels) {
      buffer_ += std::exchange(between, ",");
      buffer_ += name;
      buffer_ += "=\"";
      append_escaped_label_value(buffer_, value);
      buffer_ += '"';
    }
    buffer_ += "} ";
    append_value(buffer_, exemplar->value);
    if (!exemplar->has_own_time) return;
    buffer_ += ' ';
    append_value(buffer_, static_cast<double>(exemplar->at.time_since_epoch().count()) / 1000);
  }

  Series all_;
  ExpositionFormat format_;
  std::string& buffer_;
  std::vector<ValuePlace>* places_;
  const Exemplars* exemplars_;
  std::size_t exemplars_shown_ = 0;
};

}  // namespace

std::size_t render_exposition(std::span<const SeriesValue> series, ExpositionFormat format, std::string& buffer,
                              std::vector<ValuePlace>* places, const Exemplars* exemplars) {
  buffer.clear();
  Page page(series, format, buffer, places, exemplars);
  page.write();
  return page.exemplars_shown();
}

std::string_view content_type(ExpositionFormat format) {
  switch (format) {
    case ExpositionFormat::prometheus_text: return "text/plain; version=0.0.4; charset=utf-8";
    case ExpositionFormat::openmetrics: return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  return "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace sidewatch

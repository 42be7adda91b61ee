#include "agent/api/federate.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "agent/api/envelope.h"
#include "agent/api/params.h"
#include "agent/api/series.h"
#include "config/literals.h"
#include "metrics/exposition.h"
#include "metrics/text.h"

namespace sidewatch {
namespace {

struct Latest {
  std::shared_ptr<const SeriesInfo> info;
  Point point;
};

// Ordered by name, because the samples of one metric must stand together.
std::vector<Latest> latest_samples(const QueryContext& context, const HttpRequest& request) {
  const auto selectors = match_params(request, "");
  if (selectors.empty()) return {};
  const Time now = context.clock.now();
  const Duration lookback = context.limits.evaluation.lookback;
  std::vector<Latest> samples;
  for (auto& [id, info] : series_matching(context, request, selectors, now - lookback, now)) {
    if (const auto point = context.store.latest(id, now, lookback)) samples.push_back({std::move(info), *point});
  }
  std::sort(samples.begin(), samples.end(), [](const Latest& a, const Latest& b) {
    const int order = a.info->family->name.compare(b.info->family->name);
    return order != 0 ? order < 0 : a.info->labels < b.info->labels;
  });
  return samples;
}

void append_line(std::string& page, const Latest& sample, Duration wall_step) {
  page += sample.info->family->name;
  if (!sample.info->label_text.empty()) {
    page += '{';
    page += sample.info->label_text;
    page += '}';
  }
  page += ' ';
  append_value(page, sample.point.value);
  page += ' ';
  page += std::to_string(to_wall(sample.point.time, wall_step).time_since_epoch().count());
  page += '\n';
}

std::string federation_page(const QueryContext& context, const HttpRequest& request) {
  const Duration wall_step = context.clock.wall_step();
  std::string page;
  const Family* family = nullptr;
  for (const auto& sample : latest_samples(context, request)) {
    if (!family || family->name != sample.info->family->name) {
      family = sample.info->family.get();
      page += "# TYPE " + family->name + " untyped\n";
    }
    append_line(page, sample, wall_step);
    if (page.size() > context.limits.max_response_bytes) {
      throw ApiError{ApiErrorKind::execution, "the page is larger than " +
                                                  config::write_size({context.limits.max_response_bytes}) +
                                                  " (limits.max_query_response_bytes); select fewer series"};
    }
  }
  return page;
}

HttpResponse federate(const QueryContext& context, const HttpRequest& request) {
  try {
    auto page = std::make_shared<const std::string>(federation_page(context, request));
    return HttpResponse::shared(std::string(content_type(ExpositionFormat::prometheus_text)), std::move(page));
  } catch (const ApiError& error) {
    return HttpResponse::text(status_of(error.kind), error.text + "\n");
  }
}

}  // namespace

void add_federate_route(std::vector<HttpRoute>& routes, const QueryContext& context) {
  routes.push_back({"GET", "/federate", [context](const HttpRequest& request) { return federate(context, request); },
                    HttpRoute::Runs::on_worker, true});
}

}  // namespace sidewatch

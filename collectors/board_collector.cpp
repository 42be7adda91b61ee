#include "collectors/board_collector.h"

#include <utility>

namespace sidewatch {
namespace {

class BoardCollector final : public Collector {
 public:
  BoardCollector(std::shared_ptr<BoardTarget> target, BoardCollectorOptions options, const CollectorContext& context)
      : target_(std::move(target)),
        name_(std::move(options.name)),
        catalog_(context.catalog),
        store_(context.store),
        exemplars_(context.exemplars),
        writer_(options.max_series),
        standing_(catalog_.series(options.standing, {})) {}

  Result<PassOutcome> collect(Batch& batch, Time now) override {
    if (store_ != nullptr) writer_.lost(store_->lost(name_));
    batch.add(standing_, static_cast<double>(target_->write(writer_, catalog_, batch, now, exemplars_)));
    PassOutcome outcome;
    outcome.partial_errors = writer_.left_out();
    if (outcome.partial_errors > 0) outcome.first_partial_error = writer_.what_is_wrong("collectors." + name_ + ".max_series");
    return outcome;
  }

 private:
  const std::shared_ptr<BoardTarget> target_;
  const std::string name_;
  Catalog& catalog_;
  const Store* const store_;
  Exemplars* const exemplars_;
  BoardWriter writer_;
  const SeriesHandle standing_;
};

}  // namespace

std::unique_ptr<Collector> make_board_collector(std::shared_ptr<BoardTarget> target, BoardCollectorOptions options,
                                                const CollectorContext& context) {
  return std::make_unique<BoardCollector>(std::move(target), std::move(options), context);
}

}  // namespace sidewatch

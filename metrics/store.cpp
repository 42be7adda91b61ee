// Last values, staleness and history behind one mutex. See store.h.
//
// Staleness without allocation: every pass has a number, every series remembers the pass and the source that wrote it
// last, every source the series of its last pass. After a pass, what stands in the source's list with an older number
// was left out. A stale series carries the stale marker as its newest sample, in the history too.
#include "metrics/store.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <mutex>
#include <utility>

#include "metrics/contests.h"
#include "metrics/history.h"

namespace sidewatch {
namespace {

// A reader copies at most so many under the lock, about 120 KiB in some 10 microseconds.
constexpr std::size_t chunks_per_copy = 256;

constexpr std::uint64_t restored_pass = 1;  // what an earlier life has written

struct Slot {
  std::uint32_t epoch = 0;  // as the catalog counts
  std::uint32_t source = 0;
  std::uint64_t pass = 0;   // 0: never written
  Point last;               // the newest sample, possibly the stale marker; not in the history

  bool written() const { return pass != 0; }
  bool live() const { return written() && !is_stale_marker(last.value); }
};

struct Source {
  std::string name;
  bool removed = false;
  std::optional<Time> last_pass;
  std::vector<std::uint32_t> live;     // what its last pass wrote
  std::vector<std::uint32_t> written;  // what the present pass writes; kept for its capacity
};

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace

struct Store::State {
  State(Limits given, const Catalog& of) : limits(given), catalog(of), history(given.max_bytes) {}

  void put(std::uint32_t index, Time time, double value);
  void put_stale(std::uint32_t index, Time time);
  void put_beginnings(std::uint32_t source, Time time, const Batch& batch);
  void end_all(Source& source, std::uint32_t id, Time time);
  void make_room(std::uint32_t index);
  bool loses(const Source& source, SeriesId series, double value);
  const Slot* find(SeriesId id) const;
  void refresh_order();
  void tell_journal(Time time);
  Slot* slot_to_restore(SeriesId id);

  const Limits limits;
  const Catalog& catalog;
  mutable std::mutex mutex;
  std::vector<Slot> slots;  // by SeriesId::index
  History history;
  std::vector<Source> sources;  // by SourceId
  std::uint64_t pass = restored_pass;
  Journal* journal = nullptr;
  std::vector<Sample> taken_in;  // for the journal

  std::vector<Catalog::Entry> order;  // of the catalog at order_generation
  std::uint64_t order_generation = 0;
  std::uint64_t lineup = 1;  // rises when other series are live, or in another order

  std::atomic<std::uint64_t> version{1};
  std::uint64_t appended = 0;
  std::uint64_t refused = 0;
  Contests contests;
};

Store::Store(Catalog& catalog, Limits limits) : catalog_(catalog), state_(std::make_unique<State>(limits, catalog)) {}
Store::~Store() = default;

SourceId Store::add_source(std::string name) {
  const std::lock_guard lock(state_->mutex);
  state_->sources.push_back({std::move(name), false, {}, {}, {}});
  return SourceId(state_->sources.size() - 1);
}

void Store::remove_source(SourceId source, Time now) {
  const std::lock_guard lock(state_->mutex);
  const auto id = static_cast<std::uint32_t>(source);
  state_->end_all(state_->sources[id], id, now);
  state_->tell_journal(now);
  state_->sources[id] = Source{"", true, {}, {}, {}};
}

std::vector<Store::SourceState> Store::sources() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<SourceState> states;
  for (const Source& source : state_->sources) {
    if (!source.removed) states.push_back({source.name, source.live.size(), source.last_pass});
  }
  return states;
}

void Store::append(SourceId source_id, Time time, const Batch& batch) {
  const std::lock_guard lock(state_->mutex);
  const auto id = static_cast<std::uint32_t>(source_id);
  Source& source = state_->sources[id];
  if (source.removed) {
    state_->refused += batch.size();
    return;
  }
  const auto last_pass = std::exchange(source.last_pass, time);
  const std::uint64_t pass = ++state_->pass;
  if (last_pass && *last_pass < time) state_->put_beginnings(id, *last_pass, batch);
  source.written.clear();
  state_->contests.begin_pass(source.name);
  for (const auto& [series, value] : batch.samples()) {
    state_->make_room(series.index);
    Slot& slot = state_->slots[series.index];
    const bool forgotten = slot.epoch != series.epoch;
    if (!forgotten && slot.source != id && slot.live() && state_->loses(source, series, value)) continue;
    if (forgotten || (slot.written() && time < slot.last.time)) {
      ++state_->refused;
      continue;
    }
    if (is_stale_marker(value)) {
      state_->put_stale(series.index, time);
      continue;
    }
    state_->put(series.index, time, value);
    if (slot.pass != pass) source.written.push_back(series.index);
    slot.pass = pass;
    slot.source = id;
    ++state_->appended;
  }
  for (const std::uint32_t index : source.live) {
    const Slot& slot = state_->slots[index];
    if (slot.pass != pass && slot.source == id) state_->put_stale(index, time);
  }
  std::swap(source.live, source.written);
  state_->tell_journal(time);
}

void Store::mark_stale(SourceId source, Time time) {
  const std::lock_guard lock(state_->mutex);
  const auto id = static_cast<std::uint32_t>(source);
  state_->end_all(state_->sources[id], id, time);
  state_->tell_journal(time);
}

void Store::expire(Time now) {
  const std::lock_guard lock(state_->mutex);
  const Time limit = now - state_->limits.retention;
  for (std::uint32_t index = 0; index < state_->slots.size(); ++index) {
    state_->history.drop_until(index, limit);
    Slot& slot = state_->slots[index];
    if (slot.written() && !slot.live() && slot.last.time <= limit) slot.pass = 0;
  }
  for (const SeriesId id : catalog_.unheld()) {
    state_->make_room(id.index);
    Slot& slot = state_->slots[id.index];
    if (slot.written() || !state_->history.empty(id.index) || !catalog_.forget(id)) continue;
    slot = Slot{};
    slot.epoch = id.epoch + 1;
  }
  state_->history.trim();
}

std::optional<Point> Store::latest(SeriesId series, Time at, Duration lookback) const {
  const std::lock_guard lock(state_->mutex);
  const Slot* slot = state_->find(series);
  if (!slot) return std::nullopt;
  std::optional<Point> point = slot->last;
  if (at < slot->last.time) point = state_->history.at_or_before(series.index, at);
  if (!point || is_stale_marker(point->value) || point->time <= at - lookback) return std::nullopt;
  return point;
}

// Only copying happens under the lock, so that a long range holds no writer up.
void Store::range(SeriesId series, Time from, Time to, std::vector<Point>& out, StaleMarkers markers) const {
  std::vector<Chunk> chunks;
  std::optional<Point> last;
  const auto take = [&](Point point) {
    const bool wanted = markers == StaleMarkers::kept || !is_stale_marker(point.value);
    if (wanted && from < point.time && point.time <= to) out.push_back(point);
  };
  for (bool more = true; more;) {
    chunks.clear();
    {
      const std::lock_guard lock(state_->mutex);
      const Slot* slot = state_->find(series);
      if (!slot) return;
      more = state_->history.copy(series.index, from, to, chunks_per_copy, chunks);
      last = slot->last;
    }
    for (const Chunk& chunk : chunks) chunk.for_each(take);
    if (!chunks.empty()) from = std::max(from, chunks.back().last_time());
  }
  take(*last);
}

bool Store::has_samples(SeriesId series, Time from, Time to) const {
  const std::lock_guard lock(state_->mutex);
  const Slot* slot = state_->find(series);
  if (!slot) return false;
  std::optional<Point> newest = slot->last;
  if (to < slot->last.time) newest = state_->history.at_or_before(series.index, to);
  return newest && (!is_stale_marker(newest->value) || from < newest->time);
}

std::vector<SeriesValue> Store::snapshot(std::uint64_t* lineup) const {
  std::vector<SeriesValue> values;
  const std::lock_guard lock(state_->mutex);
  state_->refresh_order();
  if (lineup != nullptr) *lineup = state_->lineup;
  values.reserve(state_->order.size());
  for (const auto& [id, info] : state_->order) {
    const Slot* slot = state_->find(id);
    if (slot && slot->live()) values.push_back({info, slot->last});
  }
  return values;
}

bool Store::values(std::uint64_t lineup, std::vector<double>& values) const {
  const std::lock_guard lock(state_->mutex);
  state_->refresh_order();
  if (lineup != state_->lineup) return false;
  values.clear();
  for (const auto& entry : state_->order) {
    const Slot* slot = state_->find(entry.id);
    if (slot && slot->live()) values.push_back(slot->last.value);
  }
  return true;
}

void Store::set_journal(Journal* journal) {
  const std::lock_guard lock(state_->mutex);
  state_->journal = journal;
}

Store::Memory Store::memory(SeriesId series, Time after, std::size_t limit) const {
  Memory memory;
  const std::lock_guard lock(state_->mutex);
  const Slot* slot = state_->find(series);
  if (!slot) return memory;
  if (!state_->history.copy(series.index, after, Time::max(), limit, memory.chunks)) memory.newest = slot->last;
  return memory;
}

void Store::restore(SeriesId series, const Chunk& chunk) {
  const std::lock_guard lock(state_->mutex);
  Slot* slot = state_->slot_to_restore(series);
  if (!slot) return;
  if (!slot->written()) {
    state_->history.adopt(series.index, chunk);
    return;
  }
  if (chunk.first_time() <= slot->last.time) return;
  chunk.for_each([&](Point sample) { state_->put(series.index, sample.time, sample.value); });
  slot->pass = restored_pass;
}

void Store::restore(SeriesId series, Point sample) {
  const std::lock_guard lock(state_->mutex);
  Slot* slot = state_->slot_to_restore(series);
  if (!slot) return;
  const auto newest = slot->written() ? slot->last.time : state_->history.newest_time(series.index).value_or(Time::min());
  if (slot->written() ? sample.time < newest : sample.time <= newest) return;
  state_->put(series.index, sample.time, sample.value);
  slot->pass = restored_pass;
}

void Store::end_restore(Time now, Duration lookback) {
  const std::lock_guard lock(state_->mutex);
  for (std::uint32_t index = 0; index < state_->slots.size(); ++index) {
    Slot& slot = state_->slots[index];
    const auto newest = slot.written() ? slot.last.time : state_->history.newest_time(index);
    if (!newest || (slot.written() && !slot.live())) continue;
    state_->put(index, std::max(*newest + Duration(1), std::min(now, *newest + lookback)), stale_marker());
    slot.pass = restored_pass;
  }
  state_->history.restore_order();
}

std::uint64_t Store::version() const { return state_->version.load(std::memory_order_acquire); }

std::size_t Store::history_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->history.bytes();
}

std::uint64_t Store::samples_appended() const {
  const std::lock_guard lock(state_->mutex);
  return state_->appended;
}

std::uint64_t Store::samples_evicted() const {
  const std::lock_guard lock(state_->mutex);
  return state_->history.evicted();
}

std::uint64_t Store::samples_refused() const {
  const std::lock_guard lock(state_->mutex);
  return state_->refused;
}

std::uint64_t Store::samples_contested() const {
  const std::lock_guard lock(state_->mutex);
  return state_->contests.samples();
}

std::vector<Contest> Store::take_contests() {
  const std::lock_guard lock(state_->mutex);
  return state_->contests.take();
}

std::vector<LostSeries> Store::lost(std::string_view source) const {
  const std::lock_guard lock(state_->mutex);
  return state_->contests.lost(source);
}

// Of a live series that another source has. An end that is written by somebody else is none.
bool Store::State::loses(const Source& source, SeriesId series, double value) {
  const auto info = catalog.info(series);
  if (!info || Contests::is_everybodys(*info)) return false;
  if (is_stale_marker(value)) return true;
  contests.add(series, info->family->name, sources[slots[series.index].source].name, source.name);
  return true;
}

Slot* Store::State::slot_to_restore(SeriesId id) {
  make_room(id.index);
  return slots[id.index].epoch == id.epoch ? &slots[id.index] : nullptr;
}

// The former newest sample moves into the history, unless this one is for the same instant.
void Store::State::put(std::uint32_t index, Time time, double value) {
  Slot& slot = slots[index];
  if (slot.written() && slot.last.time < time) history.append(index, slot.last);
  if (!slot.written() || !same_bits(slot.last.value, value)) ++version;
  if (slot.live() == is_stale_marker(value)) ++lineup;
  slot.last = {time, value};
  if (journal) taken_in.push_back({{index, slot.epoch}, value});
}

void Store::State::tell_journal(Time time) {
  if (journal && !taken_in.empty()) journal->took_in(time, taken_in);
  taken_in.clear();
}

void Store::State::put_stale(std::uint32_t index, Time time) {
  if (slots[index].live()) put(index, std::max(time, slots[index].last.time), stale_marker());
}

// They are of a pass that is over, so that the sample of the present one, which follows, makes the series this pass's.
void Store::State::put_beginnings(std::uint32_t source, Time time, const Batch& batch) {
  for (const auto& [series, before] : batch.beginnings()) {
    make_room(series.index);
    Slot& slot = slots[series.index];
    if (slot.epoch != series.epoch || slot.live() || (slot.written() && time < slot.last.time)) continue;
    put(series.index, time, before);
    slot.pass = pass - 1;
    slot.source = source;
    ++appended;
  }
  tell_journal(time);
}

void Store::State::end_all(Source& source, std::uint32_t id, Time time) {
  for (const std::uint32_t index : source.live) {
    if (slots[index].source == id) put_stale(index, time);
  }
  source.live.clear();
}

void Store::State::make_room(std::uint32_t index) {
  if (index < slots.size()) return;
  slots.resize(index + 1U);
  history.resize(index + 1U);
}

const Slot* Store::State::find(SeriesId id) const {
  if (id.index >= slots.size()) return nullptr;
  const Slot& slot = slots[id.index];
  return slot.epoch == id.epoch && slot.written() ? &slot : nullptr;
}

void Store::State::refresh_order() {
  const std::uint64_t generation = catalog.generation();
  if (generation == order_generation) return;
  order = catalog.ordered();
  order_generation = generation;
  ++lineup;
}

}  // namespace sidewatch

// The addresses of host names, as the system finds them, for many checks at once.
//
// Whoever asks for a name that is being looked up already waits for that lookup: a name takes one thread, however many
// checks have it. Names that nobody answers for keep their threads until the system gives them up, which is long after
// the checks did; names that were found at once the last time have threads of their own and go on being found, and so
// has localhost.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/probe/address.h"
#include "collectors/probe/background.h"
#include "collectors/probe/event_loop.h"
#include "collectors/probe/task.h"

namespace sidewatch::probe {

struct Lookup {
  int error = 0;  // EAI_...; 0: none
  std::vector<Address> addresses;  // in the order in which they are to be tried, without a port; at most 8
};

// May block for as long as it wants, on any thread.
using Resolver = std::function<Lookup(const std::string& host, Family family)>;
Lookup look_up(const std::string& host, Family family);

// An address that is written out: no thread is needed for it. Its `error` is not 0 for anything else.
Lookup look_up_address(const std::string& host, Family family);

class Names {
 public:
  static constexpr std::size_t most_known = 10'000;  // of the names that are remembered to be found quickly

  explicit Names(Background& background, Resolver resolver = look_up)
      : background_(background), resolver_(std::move(resolver)) {}
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  // Background::Ended::done, and `found` is what was found; or why nothing was.
  Task<Background::Ended> find(EventLoop& loop, std::string host, Family family, TimePoint until, Lookup& found);

 private:
  using Name = std::pair<std::string, Family>;
  struct Flight;  // a lookup under way
  std::shared_ptr<Flight> join_or_begin(const Name& name);
  void land(const Name& name, const std::shared_ptr<Flight>& flight);
  std::vector<Work> kinds_of(const Name& name) const;

  Background& background_;
  const Resolver resolver_;
  std::map<Name, std::shared_ptr<Flight>> under_way_;
  std::set<Name> quick_;
};

}  // namespace sidewatch::probe

// What the clock on the wall shows in a time zone, and when it shows it.
//
// A zone has the name that IANA gives it (Europe/Berlin); its rules come from the machine's time zone data, which
// stands in /usr/share/zoneinfo (or in $TZDIR) and which small containers lack. UTC needs none. Nothing is read before
// a zone is asked for by name. Not taken: abbreviations that name no zone (CEST), offsets (UTC+2), "the machine's own".
//
// The idea: from an instant to the clock there is one way; back there may be none (the hour that is skipped when summer
// time begins) or two (the hour that is shown twice when it ends), so `instants` gives the first and the last.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace sidewatch {

// A date and time as a clock shows it somewhere, to the second.
using LocalTime = std::chrono::local_seconds;

// When a clock shows a LocalTime.
struct LocalInstants {
  enum class Shown { once, twice, never };
  Shown shown = Shown::once;
  WallTime first;  // when it is never shown: both are the instant at which the clock jumps over it
  WallTime last;
};

class ZoneClock {
 public:
  ZoneClock();  // UTC

  // The error is a sentence for whoever wrote the name. A zone's rules are kept as they were when it was first asked
  // for: newer data is seen after a restart.
  static Result<ZoneClock> named(const std::string& name);
  static Result<ZoneClock> named(const std::string& name, const std::string& folder);

  // The names that there are, sorted; for guessing what a wrong one was meant to be. Walks through the folder.
  static std::vector<std::string> names();
  static std::vector<std::string> names(const std::string& folder);

  const std::string& name() const { return name_; }

  LocalTime local(WallTime at) const;
  LocalInstants instants(LocalTime local) const;

 private:
  struct Rules;

  std::string name_;
  std::shared_ptr<const Rules> rules_;  // none: UTC
};

}  // namespace sidewatch

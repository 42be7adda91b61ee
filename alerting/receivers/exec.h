// The `exec` receiver: runs a program for each message (base/program.h): no shell, an environment of its own, an end at
// the deadline for it and all that it began.
//
// The program reads the message, as a webhook gets it (webhook_payload.h), from its standard input, and finds the most
// important of it in SIDEWATCH_TITLE, _STATUS, _LEVEL, _ALERT, _ID and _KEY. What it answers:
//
//     exit code 0               delivered
//     75 (EX_TEMPFAIL), killed  later
//     any other                 never: to the dead letters
//     cannot be run             as it is configured it takes nothing: later and slowly, or to the fallback at once
//
// Two runs of a receiver never overlap, and begin at least `every` apart. A program that others than root, the agent
// and the user it runs as could change is not run.
#pragma once

#include <optional>

#include "alerting/receivers/table.h"

namespace sidewatch {

std::optional<ReceiverPlan> configure_exec_receiver(config::Section& entry, const ReceiverContext& context,
                                                    EntryUse use);

}  // namespace sidewatch

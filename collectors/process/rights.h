// What it takes to look into the processes of other users, in words: proc(5) asks for it at io, fd and smaps_rollup.
//
// CAP_SYS_PTRACE alone is not enough: /proc/PID/io and /proc/PID/fd can be opened by their owner only, which is what
// CAP_DAC_READ_SEARCH goes around.
#pragma once

namespace sidewatch {

inline constexpr const char* rights_over_other_users =
    "the same user, root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";

}  // namespace sidewatch

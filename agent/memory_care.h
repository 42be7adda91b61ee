// Gives memory back that only the start, or a reload, needed.
#pragma once

namespace sidewatch {

// Returns free heap to the kernel, and lets go of the mapped pages of code and constants of this program and its
// libraries. Those are clean pages of files: what is still used comes back at the next touch, from the page cache; what
// only parsed the configuration or set up a library does not. Does nothing about code while a debugger is attached,
// whose breakpoints live in those pages. Costs well under a millisecond, and some page faults afterwards.
void release_start_up_memory();

}  // namespace sidewatch

// A machine written down as text, as files under a directory.
//
// The text is a row of parts, each of which begins with a heading:
//   -- file proc/meminfo --           a file, with the lines that follow
//   -- link proc/self/ns/net TARGET --
//   -- process 500 ppid=1 comm=node exe=/usr/bin/node cwd=/srv uid=1000 cgroup=/x.service sockets=93,94 net=1 hidden=1 --
//                                     its arguments follow, one a line; hidden: its files may not be listed
//   -- tcp --                         lines "listen 127.0.0.1:8080 uid inode" and "connected 10.0.0.5:5432 uid inode"
//   -- tcp 500 --                     the same, of the network namespace that process 500 is in
// In arguments and values \xNN is a byte.
#pragma once

#include <string>

namespace sidewatch::discovery {

void plant_machine(const std::string& text, const std::string& directory);

}  // namespace sidewatch::discovery

// Which addresses belong to the link-local networks: 169.254.0.0/16 (RFC 3927), where cloud machines keep their
// credentials, fe80::/10 (RFC 4291), and IPv4 ones that are written as IPv6.
#pragma once

#include <sys/socket.h>

#include <string>

namespace sidewatch {

bool is_link_local(const sockaddr& address);  // false for families other than IPv4 and IPv6

// False for what is not an address in its usual notation: a name says nothing about where it leads.
bool is_link_local_address(const std::string& text);

}  // namespace sidewatch

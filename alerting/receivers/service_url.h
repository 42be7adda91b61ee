// The URL that a chat service gives to whoever may post there: is it one, is it whole, is it this service's?
//
// Other hosts than the services' own are taken as they are: a proxy, a service of one's own with the same interface.
#pragma once

#include <string>
#include <string_view>

#include "config/section.h"

namespace sidewatch {

// `kind` is the receiver's key ("discord"), `key` the name of the URL's key. Problems name what to copy from where, and
// repeat nothing of the URL.
void check_service_url(config::Section& entry, std::string_view kind, const config::Located<std::string>& url,
                       std::string_view key, bool allow_link_local);

// Of a receiver whose messages have a form of their own (Alertmanager's): a chat service would refuse every one of them.
void check_no_chat_service(config::Section& entry, const config::Located<std::string>& url, std::string_view key);

}  // namespace sidewatch

// What a message says to people, without regard to the service that carries it: a title, a text, fields, a link.
//
// A receiver puts these parts into its service's form and cuts them at its service's limits; it decides nothing about
// the words. All of it is plain text in UTF-8: what is special to a service (Markdown, HTML, mentions) is escaped there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/delivery.h"
#include "alerting/template.h"
#include "config/section.h"

namespace sidewatch {

struct MessageField {
  std::string name;   // "Value"
  std::string value;  // "93.25 % (warning > 80 %)"
};

struct MessageText {
  Level level = Level::ok;  // now: ok in a message that says that all is over
  Level worst = Level::ok;  // the worst of what it speaks of
  std::string title;        // one line: "CRITICAL: Memory at 93% on web-1"
  std::string ending = {};  // of the title: " on web-1", which stays where the title is cut; may be empty
  std::string text;         // what more there is to say: the description; one line per alert where there are several
  std::vector<MessageField> fields;
  std::string link;         // where to look; may be empty
  WallTime at;              // when what it tells came about
};

// `title` and `text` of a receiver's configuration take the place of the words that are its default. A title of which
// nothing can be seen does not: services refuse messages without one. Beside what a rule's templates know they know
// `$host`.
struct MessageTemplates {
  Template title;
  Template text;
};
void declare_message_templates(config::Section& section, MessageTemplates& templates);

// Where a message comes from. Every message of an agent says the same, so it is no part of the notification.
struct MessageOrigin {
  std::string external_url = {};  // where people find this agent; empty: nowhere
  std::string host = {};          // what this agent calls its machine; empty: it is not said
};

// Several alerts are told in one list of at most `max_listed` lines; how many more there are is said.
inline constexpr std::size_t max_listed_alerts = 20;
MessageText text_of(const Delivery& delivery, const MessageTemplates& templates, const MessageOrigin& origin,
                    std::size_t max_listed = max_listed_alerts);

// "CRITICAL", "STILL CRITICAL", "NOW WARNING", "RESOLVED", "FIRED AND RESOLVED": what is the case, in words.
std::string status_words(const Notification& notification);

// The colour that stands for a level everywhere: 0xFF0000 critical, 0xFFA500 warning, 0x2EB67D all is well.
std::uint32_t colour_of(Level level);
// A round sign in that colour.
std::string_view sign_of(Level level);

// `text`, and where it was longer than `max_characters`: its beginning and "…". Never half a character; bytes that are
// not UTF-8 become U+FFFD.
std::string cut_text(std::string_view text, std::size_t max_characters);

// The title likewise, but for its ending: which machine it is about is seen however much its summary says. Where that
// alone would take more than half, it is cut, too.
std::string cut_title(const MessageText& message, std::size_t max_characters);

}  // namespace sidewatch

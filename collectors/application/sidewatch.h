// Counters, gauges and timers for a service in C (or C++; sidewatch.hpp is nicer there) that go to sidewatch.
//
//     static sidewatch_client client;
//     static sidewatch_metric orders, took;
//
//     sidewatch_open(&client, "unixgram:///run/sidewatch/app.sock");      // or "udp://127.0.0.1:8125"
//     sidewatch_counter(&orders, "shop.orders", "kind:web");               // name and tags, once
//     sidewatch_timer(&took, "shop.took", "route:/cart");
//
//     sidewatch_add(&client, &orders, 1);                                  // from any thread
//     int64_t began = sidewatch_now_ns();
//     sidewatch_since(&client, &took, began);
//
//     sidewatch_flush(&client);                                            // now and then, and at the end
//
// One file, C11 and a GNU-like compiler on Linux, nothing to link. What it refuses to do: wait, allocate, start a thread,
// look up names, fail. What cannot be sent at once is dropped and counted (sidewatch_dropped).
//
// The one idea: a client has a few buffers. A thread takes one that nobody holds at the moment, without waiting, writes its
// line (StatsD with DogStatsD's tags) and lets it go; a full buffer is one datagram. Lines wait for at most
// SIDEWATCH_DELAY_MS for others to fill the datagram, if more lines follow; before a service is silent for long it calls
// sidewatch_flush, or lines wait for the next one. Every struct is the caller's; their members are nobody else's business.
#ifndef SIDEWATCH_APPLICATION_H
#define SIDEWATCH_APPLICATION_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
#define SIDEWATCH_THREAD_LOCAL thread_local
extern "C" {
#else
#define SIDEWATCH_THREAD_LOCAL _Thread_local
#endif

#define SIDEWATCH_DATAGRAM 1432 /* bytes: what goes through an Ethernet in one piece */
#define SIDEWATCH_BUFFERS 8     /* of a client: so many threads may write at the very same moment */
#define SIDEWATCH_DELAY_MS 100
#define SIDEWATCH_RETRY_MS 1000 /* before a Unix socket that was gone is looked for again */
#define SIDEWATCH_NAME 200      /* bytes of a name, and of all tags of a metric together */

typedef struct {
  char bytes[SIDEWATCH_DATAGRAM];
  size_t used;
  uint64_t lines;
  int64_t since_ms; /* when its first line came */
  unsigned char held;
} sidewatch_buffer;

typedef struct {
  int socket;
  struct sockaddr_storage address;
  socklen_t address_size;
  uint64_t sent;    /* lines */
  uint64_t dropped; /* lines */
  int64_t retried_ms;
  sidewatch_buffer buffers[SIDEWATCH_BUFFERS];
} sidewatch_client;

typedef struct {
  char head[SIDEWATCH_NAME + 2]; /* "name:" */
  char tail[SIDEWATCH_NAME + 8]; /* "|ms|#tags" */
  size_t head_size;
  size_t tail_size; /* 0: there is no such metric, and its lines are dropped */
} sidewatch_metric;

/* ---- what a service calls ---- */

/* "udp://127.0.0.1:8125", "udp://[::1]:8125" or "unixgram:///run/app.sock". 0, or an errno: EINVAL for an address that is
 * none. The client may be used in any case; a Unix socket that is not there yet is found once it is. */
static inline int sidewatch_open(sidewatch_client* client, const char* address);
static inline void sidewatch_close(sidewatch_client* client); /* sends what waits */

/* `tags` as "kind:web,paid:yes", or NULL. 0, or ENAMETOOLONG. What StatsD takes for its own punctuation becomes '_'. */
static inline int sidewatch_counter(sidewatch_metric* metric, const char* name, const char* tags);
static inline int sidewatch_gauge(sidewatch_metric* metric, const char* name, const char* tags);
static inline int sidewatch_timer(sidewatch_metric* metric, const char* name, const char* tags);
static inline int sidewatch_histogram(sidewatch_metric* metric, const char* name, const char* tags);

static inline void sidewatch_add(sidewatch_client* client, const sidewatch_metric* counter, int64_t count);
static inline void sidewatch_set(sidewatch_client* client, const sidewatch_metric* gauge, double value);
static inline void sidewatch_change(sidewatch_client* client, const sidewatch_metric* gauge, double by);
static inline void sidewatch_record(sidewatch_client* client, const sidewatch_metric* histogram, double value);
static inline void sidewatch_record_ns(sidewatch_client* client, const sidewatch_metric* timer, int64_t nanoseconds);
static inline void sidewatch_since(sidewatch_client* client, const sidewatch_metric* timer, int64_t began_ns);
static inline int64_t sidewatch_now_ns(void);

static inline void sidewatch_flush(sidewatch_client* client);
static inline uint64_t sidewatch_sent(const sidewatch_client* client);    /* lines */
static inline uint64_t sidewatch_dropped(const sidewatch_client* client); /* lines */

/* ---- how it is done ---- */

static inline int64_t sidewatch_timespec_ns_(const struct timespec* at) {
  return (int64_t)at->tv_sec * 1000000000 + (int64_t)at->tv_nsec;
}

static inline int64_t sidewatch_now_ns(void) {
  struct timespec at = {0, 0};
#ifdef CLOCK_MONOTONIC
  clock_gettime(CLOCK_MONOTONIC, &at);
#else /* strict C11 has this clock alone */
  timespec_get(&at, TIME_UTC);
#endif
  return sidewatch_timespec_ns_(&at);
}

static inline int64_t sidewatch_rough_ms_(void) {
#ifdef CLOCK_MONOTONIC_COARSE
  struct timespec at = {0, 0};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &at);
  return sidewatch_timespec_ns_(&at) / 1000000;
#else
  return sidewatch_now_ns() / 1000000;
#endif
}

static inline int sidewatch_read_unix_(sidewatch_client* client, const char* path) {
  struct sockaddr_un local;
  memset(&local, 0, sizeof local);
  local.sun_family = AF_UNIX;
  if (path[0] != '/' || strlen(path) >= sizeof local.sun_path) return EINVAL;
  memcpy(local.sun_path, path, strlen(path));
  memcpy(&client->address, &local, sizeof local);
  client->address_size = (socklen_t)sizeof local;
  return 0;
}

static inline int sidewatch_read_udp_(sidewatch_client* client, const char* text) {
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  char host[64];
  const char* colon = strrchr(text, ':');
  unsigned long port = 0;
  size_t size = colon == NULL ? 0 : (size_t)(colon - text);
  const char* digit;
  if (colon == NULL || size >= sizeof host || colon[1] == '\0') return EINVAL;
  for (digit = colon + 1; *digit >= '0' && *digit <= '9' && port < 65536; ++digit) {
    port = port * 10 + (unsigned long)(*digit - '0');
  }
  if (*digit != '\0' || port == 0 || port > 65535) return EINVAL;
  memcpy(host, text, size);
  host[size] = '\0';
  if (strcmp(host, "localhost") == 0) memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
  memset(&v4, 0, sizeof v4);
  v4.sin_family = AF_INET;
  v4.sin_port = htons((uint16_t)port);
  if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
    memcpy(&client->address, &v4, sizeof v4);
    client->address_size = (socklen_t)sizeof v4;
    return 0;
  }
  memset(&v6, 0, sizeof v6);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons((uint16_t)port);
  if (size < 3 || host[0] != '[' || host[size - 1] != ']') return EINVAL;
  host[size - 1] = '\0';
  if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) != 1) return EINVAL;
  memcpy(&client->address, &v6, sizeof v6);
  client->address_size = (socklen_t)sizeof v6;
  return 0;
}

static inline int sidewatch_open(sidewatch_client* client, const char* address) {
  int error;
  memset(client, 0, sizeof *client);
  client->socket = -1;
  if (strncmp(address, "unixgram://", 11) == 0) {
    error = sidewatch_read_unix_(client, address + 11);
  } else {
    error = strncmp(address, "udp://", 6) == 0 ? sidewatch_read_udp_(client, address + 6) : EINVAL;
  }
  if (error != 0) return error;
  client->socket = socket(client->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (client->socket < 0) return errno;
  client->retried_ms = sidewatch_rough_ms_();
  if (connect(client->socket, (const struct sockaddr*)&client->address, client->address_size) != 0) return errno;
  return 0;
}

/* One datagram. A Unix socket whose listener was started anew is found again, but not looked for with every line. */
static inline int sidewatch_send_(sidewatch_client* client, const char* bytes, size_t size) {
  int64_t now;
  int64_t retried = __atomic_load_n(&client->retried_ms, __ATOMIC_RELAXED);
  if (client->socket < 0) return 0;
  if (send(client->socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 1;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return 0;
  if (client->address.ss_family == AF_UNIX) {
    now = sidewatch_rough_ms_();
    if (now - retried < SIDEWATCH_RETRY_MS) return 0;
    __atomic_store_n(&client->retried_ms, now, __ATOMIC_RELAXED);
    if (connect(client->socket, (const struct sockaddr*)&client->address, client->address_size) != 0) return 0;
  }
  /* Of UDP, the error was that of an earlier datagram. */
  return send(client->socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static inline void sidewatch_empty_(sidewatch_client* client, sidewatch_buffer* buffer) {
  uint64_t* counter;
  if (buffer->used == 0) return;
  counter = sidewatch_send_(client, buffer->bytes, buffer->used) ? &client->sent : &client->dropped;
  __atomic_fetch_add(counter, buffer->lines, __ATOMIC_RELAXED);
  buffer->used = 0;
  buffer->lines = 0;
}

static inline int sidewatch_hold_(sidewatch_buffer* buffer) {
  return __atomic_load_n(&buffer->held, __ATOMIC_RELAXED) == 0 &&
         __atomic_exchange_n(&buffer->held, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void sidewatch_let_go_(sidewatch_buffer* buffer) { __atomic_store_n(&buffer->held, 0, __ATOMIC_RELEASE); }

/* The buffer that this thread had before, or the next that is free; NULL when all are held. */
static inline sidewatch_buffer* sidewatch_take_buffer_(sidewatch_client* client) {
  static SIDEWATCH_THREAD_LOCAL unsigned char here;
  const size_t first = (size_t)(((uint64_t)(uintptr_t)&here * 0x9e3779b97f4a7c15u) >> 60);
  size_t i;
  for (i = 0; i < SIDEWATCH_BUFFERS; ++i) {
    sidewatch_buffer* buffer = &client->buffers[(first + i) % SIDEWATCH_BUFFERS];
    if (sidewatch_hold_(buffer)) return buffer;
  }
  return NULL;
}

static inline void sidewatch_append_(sidewatch_buffer* buffer, const char* bytes, size_t size) {
  memcpy(buffer->bytes + buffer->used, bytes, size);
  buffer->used += size;
}

static inline void sidewatch_append_line_(sidewatch_buffer* buffer, const sidewatch_metric* metric, const char* value,
                                          size_t size) {
  if (buffer->used > 0) buffer->bytes[buffer->used++] = '\n';
  sidewatch_append_(buffer, metric->head, metric->head_size);
  sidewatch_append_(buffer, value, size);
  sidewatch_append_(buffer, metric->tail, metric->tail_size);
  ++buffer->lines;
}

/* `first` is a line of its own before it in the same datagram, or NULL. */
static inline void sidewatch_put_(sidewatch_client* client, const sidewatch_metric* metric, const char* first,
                                  const char* value, size_t value_size) {
  const size_t first_size = first == NULL ? 0 : strlen(first);
  const size_t line_size = metric->head_size + metric->tail_size + 1;
  const size_t needed = line_size + value_size + (first == NULL ? 0 : line_size + first_size);
  sidewatch_buffer* buffer = metric->tail_size == 0 || value_size == 0 ? NULL : sidewatch_take_buffer_(client);
  int64_t now;
  if (buffer == NULL) {
    __atomic_fetch_add(&client->dropped, 1, __ATOMIC_RELAXED);
    return;
  }
  if (buffer->used + needed > sizeof buffer->bytes) sidewatch_empty_(client, buffer);
  now = sidewatch_rough_ms_();
  if (buffer->used == 0) buffer->since_ms = now;
  if (first != NULL) sidewatch_append_line_(buffer, metric, first, first_size);
  sidewatch_append_line_(buffer, metric, value, value_size);
  if (now - buffer->since_ms >= SIDEWATCH_DELAY_MS || now < buffer->since_ms) sidewatch_empty_(client, buffer);
  sidewatch_let_go_(buffer);
}

static inline size_t sidewatch_write_integer_(char* out, uint64_t number) {
  char digits[20];
  size_t count = 0;
  size_t i;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  for (i = 0; i < count; ++i) out[i] = digits[count - 1 - i];
  return count;
}

/* `millionths` as a number with as many decimals as it has. */
static inline size_t sidewatch_write_millionths_(char* out, uint64_t millionths) {
  size_t size = sidewatch_write_integer_(out, millionths / 1000000);
  uint64_t rest = millionths % 1000000;
  uint64_t unit = 100000;
  if (rest == 0) return size;
  out[size++] = '.';
  for (; rest > 0; unit /= 10) {
    out[size++] = (char)('0' + rest / unit);
    rest %= unit;
  }
  return size;
}

/* At most 40 bytes; 0 for what is no finite number. */
static inline size_t sidewatch_write_number_(char* out, double value) {
  const int negative = value < 0;
  const double size = negative ? -value : value;
  size_t used = 0;
  size_t i;
  int written;
  if (!(size <= 1e100)) return 0;
  if (negative) out[used++] = '-';
  if (size == 0 || (size >= 1e-3 && size < 9e9)) {
    return used + sidewatch_write_millionths_(out + used, (uint64_t)(size * 1e6 + 0.5));
  }
  written = snprintf(out + used, 40, "%.15g", size);
  if (written <= 0 || written >= 40) return 0;
  for (i = used; i < used + (size_t)written; ++i) {
    if (out[i] == ',') out[i] = '.'; /* as some languages write it */
  }
  return used + (size_t)written;
}

static inline void sidewatch_add(sidewatch_client* client, const sidewatch_metric* counter, int64_t count) {
  char text[24];
  size_t size = 0;
  if (count >= 0) size = sidewatch_write_integer_(text, (uint64_t)count); /* a counter never falls */
  sidewatch_put_(client, counter, NULL, text, size);
}

static inline void sidewatch_set(sidewatch_client* client, const sidewatch_metric* gauge, double value) {
  char text[48];
  const size_t size = sidewatch_write_number_(text, value);
  /* With a sign it would be a change: so from 0. */
  sidewatch_put_(client, gauge, value < 0 ? "0" : NULL, text, size);
}

static inline void sidewatch_change(sidewatch_client* client, const sidewatch_metric* gauge, double by) {
  char text[48];
  size_t size;
  text[0] = '+';
  size = sidewatch_write_number_(by < 0 ? text : text + 1, by);
  sidewatch_put_(client, gauge, NULL, text, size == 0 || by < 0 ? size : size + 1);
}

static inline void sidewatch_record(sidewatch_client* client, const sidewatch_metric* histogram, double value) {
  char text[48];
  sidewatch_put_(client, histogram, NULL, text, sidewatch_write_number_(text, value));
}

static inline void sidewatch_record_ns(sidewatch_client* client, const sidewatch_metric* timer, int64_t nanoseconds) {
  char text[32];
  const uint64_t past = nanoseconds < 0 ? 0 : (uint64_t)nanoseconds;
  sidewatch_put_(client, timer, NULL, text, sidewatch_write_millionths_(text, past)); /* of a millisecond */
}

static inline void sidewatch_since(sidewatch_client* client, const sidewatch_metric* timer, int64_t began_ns) {
  sidewatch_record_ns(client, timer, sidewatch_now_ns() - began_ns);
}

static inline void sidewatch_flush(sidewatch_client* client) {
  size_t i;
  for (i = 0; i < SIDEWATCH_BUFFERS; ++i) {
    sidewatch_buffer* buffer = &client->buffers[i];
    if (!sidewatch_hold_(buffer)) continue; /* somebody writes to it */
    sidewatch_empty_(client, buffer);
    sidewatch_let_go_(buffer);
  }
}

static inline void sidewatch_close(sidewatch_client* client) {
  sidewatch_flush(client);
  if (client->socket >= 0) close(client->socket);
  client->socket = -1;
}

static inline uint64_t sidewatch_sent(const sidewatch_client* client) {
  return __atomic_load_n(&client->sent, __ATOMIC_RELAXED);
}
static inline uint64_t sidewatch_dropped(const sidewatch_client* client) {
  return __atomic_load_n(&client->dropped, __ATOMIC_RELAXED);
}

/* Copies with '_' for each byte of `not_here` and each control character. */
static inline int sidewatch_copy_(char* out, size_t* used, const char* text, const char* not_here) {
  const size_t size = strlen(text);
  size_t i;
  if (size > SIDEWATCH_NAME) return ENAMETOOLONG;
  for (i = 0; i < size; ++i) {
    const int bad = strchr(not_here, text[i]) != NULL || (text[i] >= 0 && text[i] < ' ');
    out[(*used)++] = bad ? '_' : text[i];
  }
  return 0;
}

static inline int sidewatch_make_(sidewatch_metric* metric, const char* name, const char* type, const char* tags) {
  size_t tail = strlen(type);
  memset(metric, 0, sizeof *metric);
  if (name[0] == '\0') return EINVAL;
  if (sidewatch_copy_(metric->head, &metric->head_size, name, ":|@#\n") != 0) return ENAMETOOLONG;
  metric->head[metric->head_size++] = ':';
  memcpy(metric->tail, type, tail);
  if (tags != NULL && tags[0] != '\0') {
    memcpy(metric->tail + tail, "|#", 2);
    tail += 2;
    if (sidewatch_copy_(metric->tail, &tail, tags, "|\n") != 0) return ENAMETOOLONG;
  }
  metric->tail_size = tail;
  return 0;
}

static inline int sidewatch_counter(sidewatch_metric* metric, const char* name, const char* tags) {
  return sidewatch_make_(metric, name, "|c", tags);
}
static inline int sidewatch_gauge(sidewatch_metric* metric, const char* name, const char* tags) {
  return sidewatch_make_(metric, name, "|g", tags);
}
static inline int sidewatch_timer(sidewatch_metric* metric, const char* name, const char* tags) {
  return sidewatch_make_(metric, name, "|ms", tags);
}
static inline int sidewatch_histogram(sidewatch_metric* metric, const char* name, const char* tags) {
  return sidewatch_make_(metric, name, "|h", tags);
}

#ifdef __cplusplus
}
#endif

#endif

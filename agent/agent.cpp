#include "agent/agent.h"

#include <malloc.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include "agent/event_log.h"
#include "agent/exit_code.h"
#include "agent/history_writer.h"
#include "agent/http/server.h"
#include "agent/logging.h"
#include "agent/loop.h"
#include "agent/reloader.h"
#include "agent/settings.h"
#include "agent/time_away.h"
#include "agent/version.h"
#include "collectors/bequest.h"
#include "config/literals.h"

namespace sidewatch {
namespace {

using namespace std::chrono_literals;

constexpr Duration warm_up_patience = 500ms;    // how long the first scrape waits for the first passes
constexpr Duration shut_down_patience = 1500ms;  // for deliveries under way; the whole stop stays under 3 s
constexpr Duration history_patience = 500ms;  // for what is not yet on disk
constexpr std::size_t mailbox_capacity = 4096;

int fail(int code, const std::string& sentence) {
  std::fprintf(stderr, "sidewatch: %s\n", sentence.c_str());
  return code;
}

std::optional<Settings> load_or_complain(const std::string& path, const ReceiverContext& context) {
  config::Problems problems;
  Settings settings = load_settings(path, context, problems);
  if (problems.empty()) return settings;
  std::fputs(problems.text().c_str(), stderr);
  return std::nullopt;
}

sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

Catalog::Limits catalog_limits(const LimitSettings& limits) {
  return {static_cast<std::size_t>(limits.max_series), static_cast<std::size_t>(limits.max_series_per_metric),
          static_cast<std::size_t>(limits.max_labels), static_cast<std::size_t>(limits.max_label_value_bytes)};
}

Labels common_labels(const AgentSettings& agent) {
  std::vector<Label> labels;
  for (const auto& [name, value] : agent.labels) labels.push_back({name, value});
  return Labels(std::move(labels));
}

Store::Limits store_limits(const HistorySettings& history) {
  return {history.retention, static_cast<std::size_t>(history.max_bytes.count)};
}

Engine::Limits engine_limits(const Settings& settings) {
  Engine::Limits engine;
  engine.max_alerts_per_rule = static_cast<std::size_t>(settings.limits.max_alerts_per_rule);
  engine.query.default_step = settings.agent.interval;
  engine.stopwatch = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  return engine;
}

QueryLimits query_limits(const Settings& settings) {
  QueryLimits limits;
  limits.evaluation.limits.max_samples = static_cast<std::size_t>(settings.limits.max_query_samples);
  limits.evaluation.limits.max_touched_samples = 2 * limits.evaluation.limits.max_samples;
  limits.evaluation.default_step = settings.agent.interval;
  limits.timeout = settings.limits.query_timeout;
  limits.max_response_bytes = settings.limits.max_query_response_bytes.count;
  return limits;
}

// Where people reach this agent, as far as it knows: for $externalURL.
std::string external_url(const HttpConfig& http) {
  if (!http.external_url.value.empty()) return http.external_url.value;
  return http.listen.empty() || http.listen.front().value.starts_with("unix:") ? "" : "http://" + http.listen.front().value;
}

std::vector<std::pair<std::string, std::string>> flags(const Settings& settings, const std::string& config_path) {
  return {{"config.file", config_path},
          {"query.lookback-delta", config::write_duration(promql::Options{}.lookback)},
          {"query.max-concurrency", std::to_string(settings.http.limits.query_threads)},
          {"query.max-samples", std::to_string(settings.limits.max_query_samples)},
          {"query.timeout", config::write_duration(settings.limits.query_timeout)},
          {"storage.tsdb.path", settings.agent.state_dir},
          {"storage.tsdb.retention.time", config::write_duration(settings.history.retention)},
          {"web.listen-address", settings.http.listen.front().value}};
}

Result<Outbox> open_outbox(const AgentSettings& agent) {
  if (agent.state_dir.empty()) return Outbox::in_memory();
  return Outbox::open(agent.state_dir);
}

// Alerts are judged and told also where the silences of the last run cannot be read: what is damaged is put aside.
Silences open_silences(const AgentSettings& agent, WallTime now, Log& log) {
  if (agent.state_dir.empty()) return std::move(Silences::open("", now).value());
  const std::string path = agent.state_dir + "/silences.json";
  auto opened = Silences::open(path, now);
  if (opened) return std::move(*opened);
  const std::string aside = path + ".damaged";
  const bool moved = std::rename(path.c_str(), aside.c_str()) == 0;
  log.error("the silences of the last run cannot be read: none is in force",
            {{"why", opened.error().text()}, {"put_aside", moved ? aside : std::string("no")}});
  auto fresh = Silences::open(moved ? path : std::string(), now);
  return fresh ? std::move(*fresh) : std::move(Silences::open("", now).value());
}

RandomUnit random_unit() {
  return [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

void restore(Engine& engine, Loaded loaded, std::size_t unsent, Time now, Log& log) {
  for (const auto& warning : loaded.warnings) log.error(warning);
  const SavedAt saved = last_life(loaded, now);
  const Duration away = time_away(saved, read_boot_position(), now);
  const auto report = engine.restore(loaded.states, saved.time, now, away);
  for (const auto& problem : report.problems) log.error("a saved alert could not be read", {{"why", problem}});
  if (report.restored + report.orphaned + unsent == 0) return;
  log.info("took up where the last run ended", {{"alerts", report.restored + report.orphaned},
                                                {"unsent_messages", unsent},
                                                {"away", to_words(away)}});
}

void log_silence(Log& log, std::string_view what, const Silence& silence) {
  std::string matchers;
  for (const Matcher& matcher : silence.matchers) matchers += (matchers.empty() ? "" : ", ") + matcher.to_string();
  log.info("a silence was " + std::string(what), {{"id", silence.id}, {"by", silence.created_by}, {"of", matchers},
                                                  {"until", to_rfc3339(silence.ends_at)}, {"comment", silence.comment}});
}

void log_to_receiver(Log& log, Level level, const std::string& line) {
  log.write(level == Level::ok ? LogLevel::info : LogLevel::warning, line);
}

// Waits for signals until the agent is told to end or `loop_ended` rises. A second request to end is taken at its word.
void obey_signals(const sigset_t& signals, Reloader& reloader, HttpServer& server, LoopMailbox& mailbox,
                  const std::atomic<bool>& loop_ended) {
  bool stopping = false;
  while (!loop_ended) {
    const timespec pause{0, 50'000'000};
    const int number = stopping ? sigtimedwait(&signals, nullptr, &pause) : sigwaitinfo(&signals, nullptr);
    if (number == SIGHUP && !stopping) {
      (void)reloader.reload();  // the loop says what came of it
    } else if (number == SIGTERM || number == SIGINT) {
      if (stopping) std::_Exit(exit_ok);  // everything that matters is on disk
      stopping = true;
      server.end_queries();  // the longest of what is under way need not hold up the end
      Message request = StopRequest{};
      if (!mailbox.put(std::move(request))) return;  // closed: the loop has ended
    }
  }
}

// The agent's parts, in the order in which they lean on each other.
struct Agent {
  Agent(Settings read, Log& its_log, Outbox opened, Loaded held)
      : settings(std::move(read)), log(its_log), outbox(std::move(opened)), loaded(std::move(held)) {}

  Settings settings;
  SystemClock clock;
  const Time started = clock.now();
  Log& log;
  Outbox outbox;
  Loaded loaded;
  Silences silences = open_silences(settings.agent, to_wall(clock.now(), clock.wall_step()), log);
  Catalog catalog{catalog_limits(settings.limits), common_labels(settings.agent)};
  Store store{catalog, store_limits(settings.history)};
  Instruments instruments;
  OwnMetrics own_metrics{instruments};
  Exemplars exemplars;
  Bequests bequests{settings.agent.state_dir, settings.history.flush_interval};
  CollectorContext context{catalog, &store, &instruments, std::string(version()), &exemplars, &bequests};
  std::shared_ptr<LoopMailbox> mailbox = std::make_shared<LoopMailbox>(mailbox_capacity);
  Dispatcher dispatcher{outbox, loaded, dispatch_targets(settings.receivers), random_unit(), clock.now()};
  Judge judge{make_engine(), dispatcher, catalog, store};
  CollectorSet collectors{context, store, mailbox, settings.agent.state_dir};
  DeliverySet deliveries{dispatcher, mailbox};
  PageCache pages{store, &exemplars};
  std::unique_ptr<HistoryWriter> history;  // null: samples are in memory only
  MuteCalendar mutes;
  Heartbeat heartbeat;
  std::atomic<bool> ready{false};
  SystemdNotifier systemd = SystemdNotifier::from_environment();

  // By a silence, or by a mute time that the message's route names; the one that lasts longer.
  std::optional<Time> held_until(const Notification& notification, Time now) {
    const Duration step = clock.wall_step();
    const WallTime wall = to_wall(now, step);
    std::optional<WallTime> until = silences.held_until(notification.labels, wall);
    for (const auto& name : notification.routing.mute) {
      if (const auto end = mutes.until(name, wall)) until = std::max(until.value_or(*end), *end);
    }
    if (!until) return std::nullopt;
    return from_wall(*until, step);
  }

  void hold_back() {
    mutes.replace(settings.mute_times);
    dispatcher.set_renew([this](Notification& n, Time now) { judge.renew(n, now, clock.wall_step()); });
    silences.name_host(settings.agent.host);
    dispatcher.set_hold_back([this](const Notification& n, Time now) { return held_until(n, now); });
  }

  Engine make_engine() {
    Engine engine(settings.rule_groups, engine_limits(settings));
    engine.set_externals(common_labels(settings.agent), external_url(settings.http));
    restore(engine, std::exchange(loaded, {}), dispatcher.queued(), clock.now(), log);
    return engine;
  }
};

// Before anything is sampled: what the last run remembered is there again, and what comes is written down.
std::unique_ptr<HistoryWriter> take_up_history(Agent& agent) {
  const auto& [retention, max_bytes, on_disk, flush_interval] = agent.settings.history;
  if (!on_disk || agent.settings.agent.state_dir.empty()) return nullptr;
  const HistoryWriter::Options options{agent.settings.agent.state_dir + "/history", retention, flush_interval};
  return std::make_unique<HistoryWriter>(options, agent.store, agent.clock, agent.log);
}

RouteParts route_parts(Agent& agent, const Loop& loop, Reloader& reloader, const std::string& config_path) {
  return {agent.pages, agent.judge.alerts(), agent.judge.groups(), agent.heartbeat, agent.ready,
          [&reloader] { return reloader.reload(); },
          agent.settings.http.allow_remote_reload,
          {agent.store, agent.clock, query_limits(agent.settings), &agent.exemplars},
          {agent.collectors.views(), loop.config(), agent.started, flags(agent.settings, config_path),
           agent.settings.history.retention},
          {agent.collectors.push_targets(), agent.instruments, agent.clock, agent.settings.http.limits.max_push_bytes.count},
          {agent.silences, agent.judge.alerts(), loop.config(),
           [&agent] { return to_wall(agent.clock.now(), agent.clock.wall_step()); },
           to_wall(agent.started, agent.clock.wall_step()), agent.settings.http.allow_remote_silences,
           [&agent](std::string_view what, const Silence& silence) { log_silence(agent.log, what, silence); }},
          {agent.mailbox, agent.silences, [&agent] { return to_wall(agent.clock.now(), agent.clock.wall_step()); },
           agent.settings.http.allow_remote_silences}};
}

// Watches until told to end. Sets `left_behind` when a thread was still blocked.
int watch(Agent& agent, const std::string& config_path, const ReceiverContext& receivers, const sigset_t& signals,
          bool& left_behind) {
  Reloader reloader(config_path, receivers, agent.settings, agent.mailbox);
  agent.own_metrics.reloaded(true, to_wall(agent.clock.now(), agent.clock.wall_step()));
  log_warnings(agent.log, agent.settings);
  agent.judge.set_router(agent.settings.router);
  agent.hold_back();
  agent.deliveries.configure(agent.settings.receivers);
  agent.history = take_up_history(agent);
  agent.collectors.configure(agent.settings.collectors, agent.settings.agent.interval, agent.clock.now());

  Loop loop({agent.clock, agent.log, agent.store, agent.outbox, agent.dispatcher, agent.judge, agent.collectors,
             agent.deliveries, agent.own_metrics, agent.heartbeat, agent.ready, agent.systemd, agent.history.get(), &agent.silences,
             &agent.mutes},
            agent.settings, agent.mailbox);
  std::atomic<bool> loop_ended{false};
  std::thread loop_thread([&] {
    loop.run();
    left_behind = !loop.shut_down(shut_down_patience);
    loop_ended = true;
  });

  const auto warm_until = std::chrono::steady_clock::now() + warm_up_patience;
  while (!agent.ready && std::chrono::steady_clock::now() < warm_until) std::this_thread::sleep_for(1ms);

  auto server = HttpServer::start(agent.settings.http, make_routes(route_parts(agent, loop, reloader, config_path)));
  int code = exit_ok;
  if (server) {
    loop.watch(server->get());
    for (const auto& address : (*server)->addresses()) agent.log.info("serving", {{"address", address}});
    if (const auto sent = agent.systemd.ready("watching"); !sent) agent.log.warning(sent.error().text());
    obey_signals(signals, reloader, **server, *agent.mailbox, loop_ended);
    loop.watch(nullptr);
    (*server)->stop(200ms);
  } else {
    code = fail(exit_environment, server.error().text());
    Message request = StopRequest{};
    (void)agent.mailbox->put(std::move(request));  // refused only when the loop has ended already
  }
  loop_thread.join();
  if (agent.history && !agent.history->stop(history_patience)) left_behind = true;
  return code;
}

}  // namespace

int check_config(const std::string& config_path) {
  const auto settings = load_or_complain(config_path, {});
  if (!settings) return exit_configuration;
  std::fputs(describe(*settings).c_str(), stdout);
  return exit_ok;
}

int run_agent(const std::string& config_path) {
  const sigset_t signals = block_signals();
  mallopt(M_ARENA_MAX, 1);  // threads here mostly sleep: an arena each would only cost memory

  Log log;
  const ReceiverContext receivers{[&log](Level level, const std::string& line) { log_to_receiver(log, level, line); }, {}};
  auto settings = load_or_complain(config_path, receivers);
  if (!settings) return exit_configuration;
  malloc_trim(0);

  auto outbox = open_outbox(settings->agent);
  if (!outbox) return fail(exit_environment, outbox.error().text());
  auto loaded = outbox->load();
  if (!loaded) return fail(exit_environment, loaded.error().text());

  std::fputs(describe(*settings).c_str(), stdout);
  std::fflush(stdout);

  bool left_behind = false;
  auto agent = std::make_unique<Agent>(std::move(*settings), log, std::move(*outbox), std::move(*loaded));
  int code = exit_environment;
  try {
    code = watch(*agent, config_path, receivers, signals, left_behind);
  } catch (const std::system_error& failure) {
    (void)fail(code, "cannot start a thread: " + failure.code().message() +
                         " (each collector and each receiver takes one: TasksMax= of the unit, or ulimit -u, allows no more)");
    left_behind = true;  // threads that did start are there still
  }
  log.info("stopped", {{"exit_code", code}});
  if (left_behind) {
    // A thread hangs in the kernel (a dead mount, a FIFO) and may still use what would now be taken apart.
    log.close(500ms);
    std::_Exit(code);
  }
  return code;
}

}  // namespace sidewatch

"""Redis and Valkey: whether it answers, what it is asked, how much it holds, whether that is on disk."""

from layout import GREEN, ORANGE, UP, YES, Dashboard

d = Dashboard("redis", "Redis", "Servers of Redis and Valkey: commands, memory, keys, clients, replication.",
              "redis_up", "Server", ["database"])
HIT = ("100 * rate(redis_keyspace_hits_total{@}[$__rate_interval]) / ((rate(redis_keyspace_hits_total{@}[$__rate_interval]) + "
       "rate(redis_keyspace_misses_total{@}[$__rate_interval])) > 0)")

d.row("At a glance")
d.stat("Answers", "Whether the server takes the agent's questions.", ("redis_up{@}", "{{instance}}"), "none",
       meanings=UP, rule="RedisDown")
d.stat("Memory", "As a share of maxmemory. Where there is no limit, there is no value.",
       ("100 * sidewatch_redis_memory_used_ratio{@}", "{{instance}}"), "percent", rule="RedisMemoryHigh", lowest=0,
       highest=100, decimals=1, empty="no limit")
d.stat("Commands", "How many it gets per second.",
       ("rate(redis_commands_processed_total{@}[$__rate_interval])", "{{instance}}"), "ops")
d.stat("Keys found", "Of those that were asked for.", (HIT, "{{instance}}"), "percent", rule="RedisHitRatioLow",
       lowest=0, highest=100, decimals=1)
d.stat("Keys", "In all databases of the server.", ("sum by (instance) (redis_db_keys{@})", "{{instance}}"))
d.stat("Clients", "As a share of maxclients.", ("100 * sidewatch_redis_clients_used_ratio{@}", "{{instance}}"),
       "percent", rule="RedisClientsHigh", lowest=0, highest=100, decimals=1)
d.stat("On disk", "Whether the last snapshot and the last writes went well.",
       ("sidewatch_redis_persistence_ok{@}", "{{instance}}"), "none", meanings=YES, rule="RedisNotOnDisk")
d.stat("Up since", "How long ago the server was started.", ("redis_uptime_in_seconds{@}", "{{instance}}"), "s",
       sparkline=False)

d.row("Work")
d.graph("Commands", "The ten that come most often.",
        ("topk(10, sum by (instance, cmd) (rate(redis_commands_total{@}[$__rate_interval])) > 0)",
         "{{cmd}} {{instance}}"), "ops")
d.graph("Time of a command", "The mean of each, of the ten slowest.",
        ("topk(10, sum by (instance, cmd) (rate(redis_commands_duration_seconds_total{@}[$__rate_interval])) / "
         "(sum by (instance, cmd) (rate(redis_commands_total{@}[$__rate_interval])) > 0))", "{{cmd}} {{instance}}"),
        "s")
d.graph("Keys found", "Of those that were asked for.", (HIT, "{{instance}}"), "percent", rule="RedisHitRatioLow",
        lowest=0, highest=100)
d.graph("Slow commands", "In ten minutes: commands that took longer than slowlog-log-slower-than.",
        ("increase(redis_slowlog_last_id{@}[10m])", "{{instance}}"), rule="RedisSlowCommands")
d.graph("Errors", "Answers that were an error.",
        ("rate(redis_total_error_replies{@}[$__rate_interval])", "{{instance}}"), "ops")
d.graph("Network", "What clients sent (above) and got (below).",
        [("rate(redis_net_input_bytes_total{@}[$__rate_interval])", "in {{instance}}"),
         ("-rate(redis_net_output_bytes_total{@}[$__rate_interval])", "out {{instance}}")], "Bps")

d.row("Memory and keys")
d.graph("Memory", "What the data takes, what the process takes of the machine, and the limit.",
        [("redis_memory_used_bytes{@}", "data {{instance}}"),
         ("redis_memory_used_rss_bytes{@}", "process {{instance}}"),
         ("redis_memory_max_bytes{@} > 0", "limit {{instance}}")], "bytes")
d.graph("Fragmentation", "Resident memory divided by that of the data. It means nothing below 256 MiB.",
        ("redis_mem_fragmentation_ratio{@}", "{{instance}}"), rule="RedisFragmented")
d.graph("Keys", "How many each database holds.", ("redis_db_keys{@}", "{{db}} {{instance}}"))
d.graph("Keys that end", "Of each database: those with a time to live.",
        ("redis_db_keys_expiring{@}", "{{db}} {{instance}}"))
d.graph("Thrown out", "Keys that had to go to make room.",
        ("rate(redis_evicted_keys_total{@}[$__rate_interval])", "{{instance}}"), "ops", rule="RedisEvictsMany")
d.graph("Expired", "Keys whose time to live was over.",
        ("rate(redis_expired_keys_total{@}[$__rate_interval])", "{{instance}}"), "ops")

d.row("Clients, disk, CPU")
d.graph("Clients", "Connected, and those that wait in a blocking command.",
        [("redis_connected_clients{@}", "connected {{instance}}"),
         ("redis_blocked_clients{@}", "blocked {{instance}}")])
d.graph("Refused", "Clients in ten minutes for whom there was no room.",
        ("increase(redis_rejected_connections_total{@}[10m])", "{{instance}}"), rule="RedisRejectsClients")
d.graph("Not yet on disk", "Changes since the last snapshot.", ("redis_rdb_changes_since_last_save{@}", "{{instance}}"))
d.graph("CPU", "Cores that the server keeps busy; it uses one for the commands.",
        [("rate(redis_cpu_user_seconds_total{@}[$__rate_interval])", "itself {{instance}}"),
         ("rate(redis_cpu_sys_seconds_total{@}[$__rate_interval])", "kernel {{instance}}")], stacked=True)
d.graph("Last snapshot", "How long ago it was made.",
        ("time() - redis_rdb_last_save_timestamp_seconds{@}", "{{instance}}"), "s")
d.graph("Fork", "How long the server stood still to begin the last snapshot.",
        ("redis_latest_fork_seconds{@}", "{{instance}}"), "s")

d.row("Replication and Sentinel", folded=True)
d.graph("Replicas", "That are connected to each primary.", ("redis_connected_slaves{@}", "{{instance}}"))
d.graph("Without its primary", "For how long a replica has been alone.",
        ("sidewatch_redis_link_down_seconds{@}", "{{instance}}"), "s", rule="RedisReplicaAlone")
d.timeline("Watched by Sentinel", "Whether each primary is well, as the Sentinels say.",
           ("max by (instance, master_name) (redis_sentinel_master_status{@})", "{{master_name}} says {{instance}}"),
           UP, width=8)

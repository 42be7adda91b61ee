"""memcached: whether it answers, what it is asked, what it throws out."""

from layout import UP, Dashboard

d = Dashboard("memcached", "memcached", "Servers of memcached: commands, items, memory, connections.", "memcached_up",
              "Server", ["database"])
HIT = ('100 * sum by (instance) (rate(memcached_commands_total{@,command="get",status="hit"}[$__rate_interval])) / '
       '(sum by (instance) (rate(memcached_commands_total{@,command="get"}[$__rate_interval])) > 0)')

d.row("At a glance")
d.stat("Answers", "Whether the server takes the agent's questions.", ("memcached_up{@}", "{{instance}}"), "none",
       meanings=UP, rule="MemcachedDown")
d.stat("Memory", "Of what it may use for items. Full is usual: then old items go.",
       ("100 * sidewatch_memcached_memory_used_ratio{@}", "{{instance}}"), "percent", lowest=0, highest=100, decimals=1)
d.stat("Commands", "How many it gets per second.",
       ("sum by (instance) (rate(memcached_commands_total{@}[$__rate_interval]))", "{{instance}}"), "ops")
d.stat("Keys found", "Of those that were asked for.", (HIT, "{{instance}}"), "percent", rule="MemcachedHitRatioLow",
       lowest=0, highest=100, decimals=1)
d.stat("Items", "How many it holds now.", ("memcached_current_items{@}", "{{instance}}"))
d.stat("Connections", "As a share of the limit (-c).",
       ("100 * sidewatch_memcached_connections_used_ratio{@}", "{{instance}}"), "percent",
       rule="MemcachedConnectionsHigh", lowest=0, highest=100, decimals=1)
d.stat("Version", "The version that runs.", ("memcached_version{@}", "{{version}}"), "none", words="name",
       sparkline=False)
d.stat("Up since", "How long ago the server was started.", ("memcached_uptime_seconds{@}", "{{instance}}"), "s",
       sparkline=False)

d.row("Work")
d.graph("Commands", "By kind and outcome.",
        ("sum by (instance, command, status) (rate(memcached_commands_total{@}[$__rate_interval])) > 0",
         "{{command}} {{status}} {{instance}}"), "ops")
d.graph("Keys found", "Of those that were asked for.", (HIT, "{{instance}}"), "percent", rule="MemcachedHitRatioLow",
        lowest=0, highest=100)
d.graph("Network", "What clients sent (above) and got (below).",
        [("rate(memcached_read_bytes_total{@}[$__rate_interval])", "in {{instance}}"),
         ("-rate(memcached_written_bytes_total{@}[$__rate_interval])", "out {{instance}}")], "Bps")

d.row("Memory and items")
d.graph("Memory", "What the items take, and what they may.",
        [("memcached_current_bytes{@}", "items {{instance}}"), ("memcached_limit_bytes{@}", "limit {{instance}}")],
        "bytes")
d.graph("Items", "How many it holds now.", ("memcached_current_items{@}", "{{instance}}"))
d.graph("Thrown out", "Items that had to go to make room.",
        ("rate(memcached_items_evicted_total{@}[$__rate_interval])", "{{instance}}"), "ops", rule="MemcachedEvictsMany")
d.graph("Items by size", "How many there are of each class of sizes.",
        ("memcached_slab_current_items{@}", "class {{slab}} {{instance}}"), stacked=True)
d.graph("Age of the oldest", "Of each class of sizes. Where it is short, that class lacks memory.",
        ("memcached_slab_items_age_seconds{@}", "class {{slab}} {{instance}}"), "s")
d.graph("Memory by size", "What the pages of each class of sizes take.",
        ("memcached_slab_current_chunks{@} * memcached_slab_chunk_size_bytes{@}", "class {{slab}} {{instance}}"),
        "bytes", stacked=True)

d.row("Connections and CPU")
d.graph("Connections", "That are open, and as many as there may be.",
        [("memcached_current_connections{@}", "open {{instance}}"),
         ("memcached_max_connections{@}", "limit {{instance}}")])
d.graph("Refused", "Clients in ten minutes for whom there was no room.",
        ("increase(memcached_connections_rejected_total{@}[10m])", "{{instance}}"), rule="MemcachedRejectsClients")
d.graph("CPU", "Cores that the server keeps busy.",
        [("rate(memcached_process_user_cpu_seconds_total{@}[$__rate_interval])", "itself {{instance}}"),
         ("rate(memcached_process_system_cpu_seconds_total{@}[$__rate_interval])", "kernel {{instance}}")],
        stacked=True)

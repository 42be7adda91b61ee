"""Everything on one page: what fires, and how the host, the processes, the containers, the databases and the checks are."""

from layout import FIRING_CRITICAL, FIRING_WARNINGS, GREEN, ORANGE, RED, UP, Dashboard

d = Dashboard("overview", "Overview",
              "What fires, and how everything is that the agents watch. Each part has a dashboard of its own.",
              "sidewatch_build_info", "Agent")

d.row("Now")
d.stat("Critical alerts", "Alerts that fire and are worth getting up for.",
       'sum(sidewatch_alerts_firing{@,level="critical"})', thresholds=[(GREEN, None), (RED, 1)], link="alerts")
d.stat("Warnings", "Alerts that fire and can wait until the day.", 'sum(sidewatch_alerts_firing{@,level="warning"})',
       thresholds=[(GREEN, None), (ORANGE, 1)], link="alerts")
d.stat("Checks that fail", "Checks from outside whose last run did not succeed.",
       "count(probe_success{@} == 0) or vector(0)", thresholds=[(GREEN, None), (RED, 1)], link="checks")
d.stat("Databases down", "Servers and files of databases that do not answer.",
       'count({__name__=~"pg_up|mysql_up|redis_up|memcached_up|sidewatch_sqlite_up",job=~"$job"} == 0) or vector(0)',
       thresholds=[(GREEN, None), (RED, 1)])
d.stat("Processes missing", "Groups of processes of which none runs.",
       "count(namedprocess_namegroup_num_procs{@} == 0) or vector(0)", thresholds=[(GREEN, None), (RED, 1)],
       link="process")
d.stat("Collectors that fail", "Sources that could not be read in their last pass; their values are unknown, not well.",
       "count(sidewatch_collector_success{@} == 0) or vector(0)", thresholds=[(GREEN, None), (ORANGE, 1)], link="agent")
d.stat("Messages waiting", "Messages that no receiver has taken yet.", "sum(sidewatch_notifications_pending{@})",
       thresholds=[(GREEN, None), (ORANGE, 5)], link="alerts")
d.stat("Agents", "Agents that serve samples.", "count(sidewatch_build_info{@})", link="agent")

d.row("Alerts")
d.table("What fires", "Every alert that fires or waits for its delay, the critical ones too.", "alertname",
        [("Alerts", "short",
          'sum by (alertname, alertstate, severity, instance, groupname, name, mountpoint) (ALERTS)')], width=12,
        height=8,
        shown={"alertname": "Alert", "alertstate": "State", "severity": "Level", "instance": "Of",
               "groupname": "Process", "name": "Container or command", "mountpoint": "Filesystem"}, link="alerts")
d.timeline("When it fired", "A line for each alert: orange while it was a warning, red while it was critical.",
           [(FIRING_WARNINGS, "{{alertname}} (warning)"),
            (FIRING_CRITICAL, "{{alertname}} (critical)")],
           {1: ("warning", ORANGE), 2: ("critical", RED)}, link="alerts")

d.row("Host")
d.graph("CPU", "Share of time in which the cores worked; waiting for a disk is not work.",
        ('100 * (1 - sum without (cpu, mode) (rate(node_cpu_seconds_total{@,mode=~"idle|iowait"}[$__rate_interval])) '
         '/ count without (cpu, mode) (node_cpu_seconds_total{@,mode="idle"}))', "used {{instance}}"),
        "percent", width=6, rule="HostCpuHigh", lowest=0, highest=100, link="host")
d.graph("Memory", "Memory that is neither free nor page cache.",
        ("100 * (1 - node_memory_MemAvailable_bytes{@} / node_memory_MemTotal_bytes{@})", "used {{instance}}"),
        "percent", width=6, rule="HostMemoryHigh", lowest=0, highest=100, link="host")
d.bars("Filesystems", "How full each one is, as df counts it.",
       ("100 * (1 - node_filesystem_avail_bytes{@} / (node_filesystem_size_bytes{@} - node_filesystem_free_bytes{@} "
        "+ node_filesystem_avail_bytes{@}))", "{{mountpoint}} {{instance}}"), "percent", width=6, rule="HostDiskFull",
       lowest=0, highest=100, link="host")
d.graph("Network", "What came in (above) and went out (below) over all interfaces but loopback.",
        [('sum without (device) (rate(node_network_receive_bytes_total{@,device!="lo"}[$__rate_interval]))',
          "in {{instance}}"),
         ('-sum without (device) (rate(node_network_transmit_bytes_total{@,device!="lo"}[$__rate_interval]))',
          "out {{instance}}")], "Bps", width=6, link="host")

d.row("Processes and containers")
d.graph("CPU of processes", "Cores that each group keeps busy: 1 is one core, all the time.",
        ("sum without (mode) (rate(namedprocess_namegroup_cpu_seconds_total{@}[$__rate_interval]))",
         "{{groupname}} {{instance}}"), "short", width=6, link="process")
d.graph("Memory of processes", "Resident memory of each group.",
        ('namedprocess_namegroup_memory_bytes{@,memtype="resident"}', "{{groupname}} {{instance}}"), "bytes", width=6,
        link="process")
d.graph("Memory of containers", "Working set, as a share of the limit. Containers without a limit are not here.",
        ("100 * container_memory_limit_used_ratio{@}", "{{name}} {{instance}}"), "percent", width=6,
        rule="ContainerMemoryHigh", lowest=0, highest=100, link="container")
d.graph("Containers held up",
        "Share of the periods of the CPU quota in which a container had to wait for the next one.",
        ("100 * avg_over_time(container_cpu_throttled_ratio{@}[$__rate_interval])", "{{name}} {{instance}}"), "percent",
        width=6, rule="ContainerThrottled", lowest=0, highest=100, link="container")

d.row("Databases and checks")
d.timeline("Databases", "Whether each one answers.",
           [('pg_up{job=~"$job"}', "PostgreSQL {{instance}}"), ('mysql_up{job=~"$job"}', "MySQL {{instance}}"),
            ('redis_up{job=~"$job"}', "Redis {{instance}}"), ('memcached_up{job=~"$job"}', "memcached {{instance}}"),
            ('sidewatch_sqlite_up{job=~"$job"}', "SQLite {{instance}}")], UP, width=8)
d.graph("Connections of databases", "Connections in use, as a share of those that there may be.",
        [('100 * sidewatch_postgresql_connection_usage_ratio{job=~"$job"}', "PostgreSQL {{instance}}"),
         ('100 * sidewatch_mysql_connection_usage_ratio{job=~"$job"}', "MySQL {{instance}}"),
         ('100 * sidewatch_redis_clients_used_ratio{job=~"$job"}', "Redis {{instance}}"),
         ('100 * sidewatch_memcached_connections_used_ratio{job=~"$job"}', "memcached {{instance}}")],
        "percent", rule="PostgresqlConnectionsHigh", lowest=0, highest=100)
d.timeline("Checks from outside", "Whether each one succeeds.", ("probe_success{@}", "{{probe}}"), UP, width=8,
           link="checks")

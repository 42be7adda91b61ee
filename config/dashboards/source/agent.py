"""The agent itself: what it costs, whether its collectors work, what it refuses."""

from layout import GREEN, ORANGE, RED, UP, YES, Dashboard

d = Dashboard("agent", "The agent", "What the agents cost, whether their collectors work, and what reached a limit.",
              "sidewatch_build_info", "Agent")
# Every program has metrics of these names; these are the agents'.
OURS = "and on (job, instance) sidewatch_build_info{@}"

d.row("At a glance")
d.stat("Version", "The version that runs.", ("sidewatch_build_info{@}", "{{version}} {{instance}}"), "none",
       words="name", sparkline=False)
d.stat("Running since", "How long ago the agent was started.",
       (f"time() - process_start_time_seconds{{@}} {OURS}", "{{instance}}"), "s", sparkline=False)
d.stat("Memory", "Resident memory of the agent.", (f"process_resident_memory_bytes{{@}} {OURS}", "{{instance}}"),
       "bytes")
d.stat("CPU", "What the agent takes of one core.",
       (f"100 * rate(process_cpu_seconds_total{{@}}[$__rate_interval]) {OURS}", "{{instance}}"), "percent", decimals=2)
d.stat("Series", "That the agent holds.", ("sidewatch_series{@}", "{{instance}}"))
d.stat("Collectors that fail", "Sources that could not be read in their last pass.",
       "count(sidewatch_collector_success{@} == 0) or vector(0)", thresholds=[(GREEN, None), (ORANGE, 1)])
d.stat("Configuration", "Whether the file as it is now was understood when it was last read.",
       ("sidewatch_config_last_reload_successful{@}", "{{instance}}"), "none", meanings=YES)
d.stat("Read", "How long ago the configuration in force was read.",
       ("time() - sidewatch_config_last_reload_success_timestamp_seconds{@}", "{{instance}}"), "s", sparkline=False)

d.row("Collectors")
d.timeline("Collectors", "Whether the last pass of each succeeded.",
           ("sidewatch_collector_success{@}", "{{collector}} {{instance}}"), {0: ("failed", RED), 1: ("worked", GREEN)},
           height=10)
d.graph("Time of a pass", "How long the last pass of each collector took.",
        ("sidewatch_collector_duration_seconds{@}", "{{collector}} {{instance}}"), "s", width=12, height=10)
d.graph("Too slow", "Times that a collector was due while its last pass still ran.",
        ("increase(sidewatch_collector_overruns_total{@}[$__rate_interval])", "{{collector}} {{instance}}"))
d.graph("Could not be read", "Values that a pass could not read, such as for want of a permission.",
        ("increase(sidewatch_collector_partial_errors_total{@}[$__rate_interval])", "{{collector}} {{instance}}"))
d.graph("Passes", "Passes of all collectors together.",
        ("sum by (job, instance) (rate(sidewatch_collector_passes_total{@}[$__rate_interval]))", "passes {{instance}}"),
        "ops")

d.row("Memory, CPU, history")
d.graph("Memory", "Of the process, and of the samples that it remembers.",
        [(f"process_resident_memory_bytes{{@}} {OURS}", "process {{instance}}"),
         ("sidewatch_history_bytes{@}", "samples {{instance}}")], "bytes")
d.graph("CPU", "What the agent takes of one core.",
        (f"100 * rate(process_cpu_seconds_total{{@}}[$__rate_interval]) {OURS}", "{{instance}}"), "percent")
d.graph("Open files and threads", "Of the agent's process.",
        [(f"process_open_fds{{@}} {OURS}", "files {{instance}}"),
         (f"process_threads{{@}} {OURS}", "threads {{instance}}")])
d.graph("Series", "That the agent holds, those that ended within the retention too.",
        ("sidewatch_series{@}", "{{instance}}"))
d.graph("History on disk", "What the remembered samples take there.",
        ("sidewatch_history_disk_bytes{@}", "{{instance}}"), "bytes", empty="no state_dir")
d.graph("What reached a limit", "New series that a budget kept out, and samples that were forgotten before their time.",
        [("increase(sidewatch_series_overflowed_total{@}[$__rate_interval])", "series {{instance}}"),
         ("increase(sidewatch_history_evicted_samples_total{@}[$__rate_interval])", "samples {{instance}}")])

d.row("What it is asked and sent")
d.graph("Requests", "That the agent's HTTP server answered.",
        ("rate(sidewatch_http_requests_total{@}[$__rate_interval])", "{{instance}}"), "reqps")
d.graph("Refused", "Requests and connections that were turned away, by reason.",
        ("sum by (reason, instance) (increase(sidewatch_http_refused_total{@}[$__rate_interval]))",
         "{{reason}} {{instance}}"))
d.graph("Connections", "That are open to the HTTP server.", ("sidewatch_http_connections{@}", "{{instance}}"))
d.graph("StatsD", "Lines that arrived, and those that could not be used.",
        [("rate(sidewatch_statsd_lines_total{@}[$__rate_interval])", "arrived {{instance}}"),
         ("sum by (reason, instance) (rate(sidewatch_statsd_line_errors_total{@}[$__rate_interval]))",
          "{{reason}} {{instance}}")], "cps")
d.graph("Pushed", "Samples that programs pushed, by how they come.",
        ("sum by (kind, instance) (rate(sidewatch_push_samples_total{@}[$__rate_interval]))", "{{kind}} {{instance}}"),
        "cps")
d.graph("Scraped pages", "How long the scrape of each page took.",
        ('scrape_duration_seconds{job!~"$job"}', "{{job}} {{instance}}"), "s")

d.row("Disk and log", folded=True)
d.graph("Disk refused", "Writes of the history that the disk refused, and places of it that were damaged at the start.",
        [("increase(sidewatch_history_write_failures_total{@}[$__rate_interval])", "refused {{instance}}"),
         ("sidewatch_history_corruptions_total{@}", "damaged {{instance}}")])
d.graph("Log lines lost", "Because whoever reads the log was too slow, or because it could not be written.",
        [("increase(sidewatch_log_lines_dropped_total{@}[$__rate_interval])", "too slow {{instance}}"),
         ("increase(sidewatch_log_write_failures_total{@}[$__rate_interval])", "not written {{instance}}")])
d.graph("Wall clock", "How far it was moved since the agent started. No timer follows it.",
        ("sidewatch_wall_clock_step_seconds{@}", "{{instance}}"), "s")

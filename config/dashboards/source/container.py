"""Containers (and systemd services): what they use beside what they may use."""

from layout import UP, Dashboard

d = Dashboard("container", "Containers", "What each container or systemd service uses, beside its limits.",
              "sidewatch_target_limit_state", "Host")
d.choice("name", "Container", "sidewatch_target_limit_state{@}", "name", "Containers, as the configuration names them.")
OF = '@,name=~"$name"'

d.row("At a glance")
d.stat("Memory", "Working set, as a share of the limit. Where there is no limit, there is no value.",
       (f"100 * container_memory_limit_used_ratio{{{OF}}}", "{{name}}"), "percent", rule="ContainerMemoryHigh",
       lowest=0, highest=100, decimals=1, empty="no limit")
d.stat("Out of memory in", "When the limit is reached if it goes on as in the last ten minutes.",
       (f"container_memory_time_to_oom_seconds{{{OF}}}", "{{name}}"), "s", sparkline=False, empty="no limit")
d.stat("Killed", "Processes that the kernel killed for want of memory, since the agent first looked.",
       (f"container_oom_kills_total{{{OF}}}", "{{name}}"), sparkline=False, rule="ContainerOomKill")
d.stat("CPU", "Share of the CPU quota that is used.", (f"100 * container_cpu_quota_used_ratio{{{OF}}}", "{{name}}"),
       "percent", rule="ContainerCpuHigh", lowest=0, decimals=1, empty="no limit")
d.stat("Held up", "Share of the quota's periods in which it had to wait.",
       (f"100 * container_cpu_throttled_ratio{{{OF}}}", "{{name}}"), "percent", rule="ContainerThrottled", lowest=0,
       decimals=1, empty="no limit")
d.stat("Processes and threads", "As a share of the limit.",
       (f"100 * container_threads_limit_used_ratio{{{OF}}}", "{{name}}"), "percent", rule="ContainerTasksHigh",
       lowest=0, decimals=1, empty="no limit")
d.stat("Open files", "Of the process that is nearest to its limit.",
       (f"100 * container_file_descriptors_limit_used_ratio{{{OF}}}", "{{name}}"), "percent",
       rule="ContainerFileDescriptorsHigh", lowest=0, decimals=1)
d.stat("Running since", "How long ago its oldest process was started.",
       (f"time() - container_start_time_seconds{{{OF}}}", "{{name}}"), "s", sparkline=False)

d.row("Memory")
d.graph("Memory and limit", "The working set, which is what counts, and the limit in force.",
        [(f"container_memory_working_set_bytes{{{OF}}}", "{{name}} working set"),
         (f"container_spec_memory_limit_bytes{{{OF}}} > 0", "{{name}} limit"),
         (f"container_spec_memory_high_bytes{{{OF}}} > 0", "{{name}} slowed down from here")], "bytes")
d.graph("Memory by use", "What the memory holds. Page cache is given back before anybody is killed.",
        [(f"container_memory_rss{{{OF}}}", "{{name}} of programs"),
         (f"container_memory_cache{{{OF}}}", "{{name}} page cache"),
         (f"container_memory_kernel_usage{{{OF}}}", "{{name}} kernel"),
         (f"container_memory_swap{{{OF}}}", "{{name}} in swap")], "bytes", stacked=True)
d.graph("At the limit", "How often memory reached a limit and the kernel had to make room.",
        (f"rate(container_memory_events_total{{{OF}}}[$__rate_interval])", "{{name}} {{event}}"), "ops")

d.row("CPU")
d.graph("CPU and limit", "Cores that it keeps busy, and how many it may.",
        [(f"sum without (cpu) (rate(container_cpu_usage_seconds_total{{{OF}}}[$__rate_interval]))", "{{name}}"),
         (f"container_cpu_limit_cores{{{OF}}}", "{{name}} limit")])
d.graph("Held up by the CPU limit", "Share of the quota's periods in which it had to wait for the next one.",
        (f"100 * avg_over_time(container_cpu_throttled_ratio{{{OF}}}[$__rate_interval])", "{{name}}"), "percent",
        rule="ContainerThrottled", lowest=0, highest=100)
d.graph("Time lost to the limit", "Seconds per second that its tasks waited for the next period, over all cores.",
        (f"rate(container_cpu_cfs_throttled_seconds_total{{{OF}}}[$__rate_interval])", "{{name}}"), "s")

d.row("Waiting")
d.graph("Waiting for a core", "Share of time in which a task of it was ready and no core free, or its quota used up.",
        (f"100 * rate(container_pressure_cpu_waiting_seconds_total{{{OF}}}[$__rate_interval])", "{{name}}"), "percent",
        lowest=0)
d.graph("Waiting for memory", "Share of time in which a task of it waited for memory.",
        (f"100 * rate(container_pressure_memory_waiting_seconds_total{{{OF}}}[$__rate_interval])", "{{name}}"),
        "percent", rule="ContainerMemoryPressure", lowest=0)
d.graph("Waiting for disks", "Share of time in which all of it waited for a disk.",
        (f"100 * rate(container_pressure_io_stalled_seconds_total{{{OF}}}[$__rate_interval])", "{{name}}"), "percent",
        rule="ContainerIoPressure", lowest=0)

d.row("Disks, network, processes")
d.graph("Disks", "What was read (above) and written (below), by disk.",
        [(f"rate(container_fs_reads_bytes_total{{{OF}}}[$__rate_interval])", "{{name}} {{device}} read"),
         (f"-rate(container_fs_writes_bytes_total{{{OF}}}[$__rate_interval])", "{{name}} {{device}} written")], "Bps")
d.graph("Network", "What came in (above) and went out (below). Only of targets with network: true.",
        [(f"rate(container_network_receive_bytes_total{{{OF}}}[$__rate_interval])", "{{name}} {{interface}} in"),
         (f"-rate(container_network_transmit_bytes_total{{{OF}}}[$__rate_interval])", "{{name}} {{interface}} out")],
        "Bps")
d.graph("Processes and threads", "How many there are, and may be.",
        [(f"container_threads{{{OF}}}", "{{name}}"), (f"container_threads_max{{{OF}}} > 0", "{{name}} limit"),
         (f"container_processes{{{OF}}}", "{{name}} processes")])
d.graph("Open files", "File descriptors that its processes have open.",
        (f"container_file_descriptors{{{OF}}}", "{{name}}"))
d.timeline("Found", "Whether the container was found and could be read.", (f"sidewatch_target_up{{{OF}}}", "{{name}}"),
           UP, width=8)
d.table("Where the limits are from",
        "cgroup: the kernel said so. process_root: the container's own view. configured: the configuration.", "name",
        [("There is one", "short", f"sum by (name, resource, source) (sidewatch_target_limit_source{{{OF}}})")],
        width=8, shown={"name": "Container", "resource": "Limit on", "source": "Known from"})

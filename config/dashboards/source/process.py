"""Groups of processes: what they use, how many there are, whether they are started again and again."""

from layout import Dashboard

d = Dashboard("process", "Processes", "What each group of processes uses, and whether it runs.",
              "namedprocess_namegroup_num_procs", "Host")
d.choice("groupname", "Group", "namedprocess_namegroup_num_procs{@}", "groupname",
         "Groups of processes, as the configuration names them.")
OF = '@,groupname=~"$groupname"'

d.row("At a glance")
d.table("Groups", "How each group is now. CPU is in cores: 1 is one core, all the time.", "groupname",
        [("Processes", "short", f"sum by (instance, groupname) (namedprocess_namegroup_num_procs{{{OF}}})"),
         ("CPU", "short",
          f"sum by (instance, groupname) (rate(namedprocess_namegroup_cpu_seconds_total{{{OF}}}[$__rate_interval]))"),
         ("Memory", "bytes",
          f'sum by (instance, groupname) (namedprocess_namegroup_memory_bytes{{{OF},memtype="resident"}})'),
         ("Threads", "short", f"sum by (instance, groupname) (namedprocess_namegroup_num_threads{{{OF}}})"),
         ("Open files", "short", f"sum by (instance, groupname) (namedprocess_namegroup_open_filedesc{{{OF}}})"),
         ("Started anew", "short", f"sum by (instance, groupname) (namedprocess_namegroup_restarts_total{{{OF}}})"),
         ("Oldest", "s",
          f"time() - sum by (instance, groupname) (namedprocess_namegroup_oldest_start_time_seconds{{{OF}}} > 0)"),],
        width=24, height=8, shown={"groupname": "Group", "instance": "Host"})

d.row("CPU and memory")
d.graph("CPU", "Cores that each group keeps busy: 1 is one core, all the time.",
        (f"sum without (mode) (rate(namedprocess_namegroup_cpu_seconds_total{{{OF}}}[$__rate_interval]))",
         "{{groupname}} {{instance}}"), table=True, width=12)
d.graph("Memory", "Resident memory of each group. Pages that its processes share are counted for each.",
        (f'namedprocess_namegroup_memory_bytes{{{OF},memtype="resident"}}', "{{groupname}} {{instance}}"), "bytes",
        table=True, width=12)
d.graph("CPU by user and kernel", "Work of the programs themselves, and work of the kernel for them.",
        (f"rate(namedprocess_namegroup_cpu_seconds_total{{{OF}}}[$__rate_interval])",
         "{{groupname}} {{mode}} {{instance}}"))
d.graph("Memory in swap", "What of each group was moved to disk.",
        (f'namedprocess_namegroup_memory_bytes{{{OF},memtype="swapped"}}', "{{groupname}} {{instance}}"), "bytes")
d.graph("Page faults", "Pages that had to be fetched: small ones from memory, large ones from disk.",
        [(f"rate(namedprocess_namegroup_minor_page_faults_total{{{OF}}}[$__rate_interval])",
          "{{groupname}} small {{instance}}"),
         (f"rate(namedprocess_namegroup_major_page_faults_total{{{OF}}}[$__rate_interval])",
          "{{groupname}} large {{instance}}")], "ops")

d.row("How many, and for how long")
d.graph("Processes", "How many each group has. None is a problem.",
        (f"namedprocess_namegroup_num_procs{{{OF}}}", "{{groupname}} {{instance}}"), rule="ProcessAbsent")
d.graph("Threads per process", "Threads that pile up wait for something.",
        (f"namedprocess_namegroup_num_threads{{{OF}}} / clamp_min(namedprocess_namegroup_num_procs{{{OF}}}, 1)",
         "{{groupname}} {{instance}}"), rule="ProcessThreadsHigh")
d.graph("Started anew", "How often in half an hour the whole group was started again.",
        (f"changes(namedprocess_namegroup_oldest_start_time_seconds{{{OF}}}[30m])", "{{groupname}} {{instance}}"),
        rule="ProcessRestarting")
d.graph("States", "What the processes do: most sleep until there is something to do.",
        (f"sum by (state) (namedprocess_namegroup_states{{{OF}}})", "{{state}}"), stacked=True)
d.graph("Waiting for a disk", "Share of the processes of each group that can do nothing but wait (state D).",
        (f'100 * namedprocess_namegroup_states{{{OF},state="Waiting"}} / ignoring (state) '
         f"(namedprocess_namegroup_num_procs{{{OF}}} > 0)", "{{groupname}} {{instance}}"), "percent",
        rule="ProcessBlocked", lowest=0)
d.graph("Zombies", "Processes that ended and that nobody asked how.",
        (f'namedprocess_namegroup_states{{{OF},state="Zombie"}}', "{{groupname}} {{instance}}"), rule="ProcessZombies")

d.row("Files and disks")
d.graph("Nearest to the limit on open files", "Of the process of each group that is nearest to its own limit.",
        (f"100 * namedprocess_namegroup_worst_fd_ratio{{{OF}}}", "{{groupname}} {{instance}}"), "percent",
        rule="ProcessFileDescriptorsHigh", lowest=0, highest=100)
d.graph("Open files", "Files, connections and pipes that each group has open.",
        (f"namedprocess_namegroup_open_filedesc{{{OF}}}", "{{groupname}} {{instance}}"))
d.graph("Disk", "What each group read from disks (above) and wrote to them (below).",
        [(f"rate(namedprocess_namegroup_read_bytes_total{{{OF}}}[$__rate_interval])",
          "{{groupname}} read {{instance}}"),
         (f"-rate(namedprocess_namegroup_write_bytes_total{{{OF}}}[$__rate_interval])",
          "{{groupname}} written {{instance}}")], "Bps")
d.graph("Context switches", "How often the processes gave the core away, and how often it was taken from them.",
        (f"rate(namedprocess_namegroup_context_switches_total{{{OF}}}[$__rate_interval])",
         "{{groupname}} {{ctxswitchtype}} {{instance}}"), "ops", width=12)
d.graph("Who is killed first", "The kernel's own score for when memory runs out: the highest one goes first.",
        (f"namedprocess_namegroup_oom_score{{{OF}}}", "{{groupname}} {{instance}}"), width=12)

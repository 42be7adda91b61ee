"""One host or several: CPU, memory, disks, network, and what the kernel says about waiting."""

from layout import YES, Dashboard

d = Dashboard("host", "Host", "CPU, memory, disks and network of the hosts that the agents run on.",
              "node_time_seconds", "Host")

CPU_USED = ('100 * (1 - sum without (cpu, mode) (rate(node_cpu_seconds_total{@,mode=~"idle|iowait"}[$__rate_interval])) '
            '/ count without (cpu, mode) (node_cpu_seconds_total{@,mode="idle"}))')
MEMORY_USED = "100 * (1 - node_memory_MemAvailable_bytes{@} / node_memory_MemTotal_bytes{@})"
DISK_USED = ("100 * (1 - node_filesystem_avail_bytes{@} / (node_filesystem_size_bytes{@} - node_filesystem_free_bytes{@} "
             "+ node_filesystem_avail_bytes{@}))")

d.row("At a glance")
d.stat("CPU", "Share of time in which the cores worked.", CPU_USED, "percent", rule="HostCpuHigh", lowest=0,
       highest=100, decimals=1)
d.stat("Memory", "Memory that is neither free nor page cache.", MEMORY_USED, "percent", rule="HostMemoryHigh", lowest=0,
       highest=100, decimals=1)
d.stat("Fullest filesystem", "As df counts it.", f"max without (device, fstype, mountpoint) ({DISK_USED})", "percent",
       rule="HostDiskFull", lowest=0, highest=100, decimals=1)
d.stat("Load per core", "Tasks that ran or wanted to, in the last five minutes.",
       'node_load5{@} / count without (cpu, mode) (node_cpu_seconds_total{@,mode="idle"})', rule="HostLoadHigh",
       decimals=2)
d.stat("Cores", "As many tasks can run at the same time.",
       'count without (cpu, mode) (node_cpu_seconds_total{@,mode="idle"})', sparkline=False)
d.stat("Memory installed", "All that the kernel can give away.", "node_memory_MemTotal_bytes{@}", "bytes",
       sparkline=False)
d.stat("Up since", "How long ago the host was started.", "node_time_seconds{@} - node_boot_time_seconds{@}", "s",
       sparkline=False)
d.stat("System", "The kernel that runs.", ("node_uname_info{@}", "{{nodename}} {{release}}"), words="name",
       sparkline=False)

d.row("CPU")
d.graph("CPU by mode", "What the cores did, of all their time together.",
        ('100 * sum without (cpu) (rate(node_cpu_seconds_total{@,mode!="idle"}[$__rate_interval])) / on (job, instance) group_left '
         'count by (job, instance) (node_cpu_seconds_total{@,mode="idle"})', "{{mode}} {{instance}}"), "percent",
        stacked=True, lowest=0)
d.graph("Load", "Tasks that ran, wanted to run, or waited for a disk. Above the number of cores somebody waits.",
        [("node_load1{@}", "1 minute {{instance}}"), ("node_load5{@}", "5 minutes {{instance}}"),
         ("node_load15{@}", "15 minutes {{instance}}"),
         ('count without (cpu, mode) (node_cpu_seconds_total{@,mode="idle"})', "cores {{instance}}")])
d.graph("Waiting for a core", "Share of time in which a task was ready and no core free.",
        ("100 * rate(node_pressure_cpu_waiting_seconds_total{@}[$__rate_interval])", "waiting {{instance}}"), "percent",
        rule="HostCpuPressure", lowest=0, highest=100)
d.graph("Taken by the hypervisor", "CPU time that this machine wanted and another one got.",
        ('100 * avg without (cpu, mode) (rate(node_cpu_seconds_total{@,mode="steal"}[$__rate_interval]))',
         "steal {{instance}}"), "percent", rule="HostCpuSteal", lowest=0)
d.graph("Processes", "How many run or are ready to, and how many wait for a disk.",
        [("node_procs_running{@}", "running {{instance}}"), ("node_procs_blocked{@}", "blocked {{instance}}"),
         ("rate(node_forks_total{@}[$__rate_interval])", "started per second {{instance}}")])
d.graph("Context switches and interrupts", "How often the cores were given to another task or to a device.",
        [("rate(node_context_switches_total{@}[$__rate_interval])", "switches {{instance}}"),
         ("rate(node_intr_total{@}[$__rate_interval])", "interrupts {{instance}}")], "ops")

d.row("Memory")
d.graph("Memory by use", "What the memory holds. Page cache is given back when programs want it.",
        [("node_memory_MemTotal_bytes{@} - node_memory_MemAvailable_bytes{@}", "used {{instance}}"),
         ("node_memory_MemAvailable_bytes{@} - node_memory_MemFree_bytes{@}",
          "cache that can be given back {{instance}}"), ("node_memory_MemFree_bytes{@}", "free {{instance}}")], "bytes",
        stacked=True)
d.graph("Memory used", "Memory that is neither free nor page cache.", (MEMORY_USED, "used {{instance}}"), "percent",
        rule="HostMemoryHigh", lowest=0, highest=100)
d.graph("Waiting for memory", "Share of time in which a task waited until memory was free again.",
        ("100 * rate(node_pressure_memory_waiting_seconds_total{@}[$__rate_interval])", "waiting {{instance}}"),
        "percent", rule="HostMemoryPressure", lowest=0)
d.graph("Swap", "Memory that was moved to disk.",
        [("node_memory_SwapTotal_bytes{@} - node_memory_SwapFree_bytes{@}", "used {{instance}}"),
         ("node_memory_SwapTotal_bytes{@}", "there is {{instance}}")], "bytes")
d.graph("Swapping",
        "Pages read back from swap and written to it. Reading back for minutes is what makes everything slow.",
        [("rate(node_vmstat_pswpin{@}[$__rate_interval])", "read {{instance}}"),
         ("rate(node_vmstat_pswpout{@}[$__rate_interval])", "written {{instance}}")], "ops", rule="HostSwapThrashing")
d.graph("Killed for want of memory", "Processes that the kernel killed.",
        ("increase(node_vmstat_oom_kill{@}[$__rate_interval])", "killed {{instance}}"), rule="HostOomKill")

d.row("Disks")
d.bars("Filesystems", "How full each one is, as df counts it.", (DISK_USED, "{{mountpoint}} {{instance}}"), "percent",
       rule="HostDiskFull", lowest=0, highest=100)
d.bars("Inodes", "How many of its files each filesystem has. Where there are none left, no file can be made.",
       ("100 * (1 - node_filesystem_files_free{@} / (node_filesystem_files{@} > 0))", "{{mountpoint}} {{instance}}"),
       "percent", rule="HostInodesFull", lowest=0, highest=100)
d.graph("Free space", "What each filesystem has left for everybody but root.",
        ("node_filesystem_avail_bytes{@}", "{{mountpoint}} {{instance}}"), "bytes")
d.graph("Throughput", "What was read (above) and written (below), by disk.",
        [("rate(node_disk_read_bytes_total{@}[$__rate_interval])", "{{device}} read {{instance}}"),
         ("-rate(node_disk_written_bytes_total{@}[$__rate_interval])", "{{device}} written {{instance}}")], "Bps")
d.graph("Requests", "Reads and writes that each disk completed.",
        [("rate(node_disk_reads_completed_total{@}[$__rate_interval])", "{{device}} reads {{instance}}"),
         ("rate(node_disk_writes_completed_total{@}[$__rate_interval])", "{{device}} writes {{instance}}")], "iops")
d.graph("Time per request", "Milliseconds that a read or a write took.",
        ("1000 * (rate(node_disk_read_time_seconds_total{@}[$__rate_interval]) + rate(node_disk_write_time_seconds_total{@}"
         "[$__rate_interval])) / ((rate(node_disk_reads_completed_total{@}[$__rate_interval]) + "
         "rate(node_disk_writes_completed_total{@}[$__rate_interval])) > 0)", "{{device}} {{instance}}"), "ms",
        rule="HostDiskSlow")
d.graph("Busy", "Share of time in which a disk had something to do. A fast one can do more at 100 %.",
        ("100 * rate(node_disk_io_time_seconds_total{@}[$__rate_interval])", "{{device}} {{instance}}"), "percent",
        lowest=0)
d.graph("Requests that wait", "How many requests each disk had at a time, on average.",
        ("rate(node_disk_io_time_weighted_seconds_total{@}[$__rate_interval])", "{{device}} {{instance}}"),
        rule="HostDiskSaturated")
d.graph("Waiting for disks", "Share of time in which some task (and in which all work) waited for a disk.",
        [("100 * rate(node_pressure_io_waiting_seconds_total{@}[$__rate_interval])", "some {{instance}}"),
         ("100 * rate(node_pressure_io_stalled_seconds_total{@}[$__rate_interval])", "all {{instance}}")], "percent",
        rule="HostIoPressure", lowest=0)

d.row("Network")
d.graph("Traffic", "What came in (above) and went out (below), by interface.",
        [("rate(node_network_receive_bytes_total{@}[$__rate_interval])", "{{device}} in {{instance}}"),
         ("-rate(node_network_transmit_bytes_total{@}[$__rate_interval])", "{{device}} out {{instance}}")], "Bps")
d.graph("Packets lost",
        "Packets that were broken or dropped, by interface. Some dropped ones are of protocols that nobody here speaks.",
        [("rate(node_network_receive_errs_total{@}[$__rate_interval]) + rate(node_network_transmit_errs_total{@}[$__rate_interval])",
          "{{device}} broken {{instance}}"),
         ("rate(node_network_receive_drop_total{@}[$__rate_interval]) + rate(node_network_transmit_drop_total{@}[$__rate_interval])",
          "{{device}} dropped {{instance}}")], "pps")
d.graph("TCP connections", "Connections that are open, and those that end.",
        [("node_netstat_Tcp_CurrEstab{@}", "open {{instance}}"), ("node_sockstat_TCP_tw{@}", "time wait {{instance}}"),
         ("node_sockstat_TCP_orphan{@}", "without a program {{instance}}")])
d.graph("TCP segments sent again",
        "As a share of all that were sent: the other side did not say in time that it has them.",
        ("100 * rate(node_netstat_Tcp_RetransSegs{@}[$__rate_interval]) / (rate(node_netstat_Tcp_OutSegs{@}[$__rate_interval]) > 0)",
         "sent again {{instance}}"), "percent")
d.graph("Connections without room", "Connections in five minutes for which a listening program had no room.",
        ("increase(node_netstat_TcpExt_ListenOverflows{@}[5m])", "turned away {{instance}}"),
        rule="HostTcpAcceptQueueFull")
d.graph("Tracked connections", "How full the table of the firewall is. Where there is no firewall, there is no table.",
        ("100 * node_nf_conntrack_entries{@} / node_nf_conntrack_entries_limit{@}", "used {{instance}}"), "percent",
        rule="HostConntrackFull", lowest=0, highest=100)

d.row("Kernel and clock")
d.graph("File handles", "How many of the kernel's file handles are in use.",
        ("100 * node_filefd_allocated{@} / node_filefd_maximum{@}", "used {{instance}}"), "percent",
        rule="HostFileHandlesHigh", lowest=0, highest=100)
d.graph("Clock", "How far the clock is off, as the kernel knows.",
        ("abs(node_timex_offset_seconds{@})", "off {{instance}}"), "s", rule="HostClockSkew")
d.timeline("Clock is kept", "Whether a program corrects the clock.",
           ("node_timex_sync_status{@}", "corrected {{instance}}"), YES, width=8)

"""Checks from outside, jobs that tell that they ran, and programs that are run."""

from layout import GREEN, NO, ORANGE, RED, UP, Dashboard

d = Dashboard("checks", "Checks and jobs", "What users see of a service, whether jobs ran, and what plugins say.",
              "sidewatch_build_info", "Agent")
d.choice("probe", "Check", "probe_success{@}", "probe", "Checks, as the configuration names them.")
OF = '@,probe=~"$probe"'

d.row("Checks from outside")
d.timeline("Succeeds", "Whether each run succeeded.", (f"probe_success{{{OF}}}", "{{probe}}"), UP, width=12)
d.bars("Of the last day", "Share of the runs that succeeded.",
       (f'100 * probe_uptime_ratio{{{OF},window="24h"}}', "{{probe}}"), "percent", width=6, rule="ProbeUptimeLow",
       lowest=0, highest=100)
d.bars("Certificates end in", "Days until the first certificate of each ends.",
       (f"(probe_ssl_earliest_cert_expiry{{{OF}}} - time()) / 86400", "{{probe}}"), "d", width=6,
       rule="ProbeCertificateExpires", lowest=0, empty="no certificates", decimals=0)
d.graph("How long", "What each run took.", (f"probe_duration_seconds{{{OF}}}", "{{probe}}"), "s", rule="ProbeSlow",
        width=12)
d.graph("Parts of a request", "Where the time of HTTP checks goes.",
        (f"sum by (phase) (probe_http_duration_seconds{{{OF}}})", "{{phase}}"), "s", stacked=True, width=6)
d.table("Status and reason", "What the server answered, and why a check fails.", "probe",
        [("Status", "none", f"max by (probe) (probe_http_status_code{{{OF}}})"),
         ("Fails for", "none", f"max by (probe, reason) (probe_failure_info{{{OF}}})")], width=6,
        shown={"probe": "Check", "reason": "Reason"})

d.row("Jobs")
d.timeline("Overdue", "Whether a job did not tell in time that it ran.", ("heartbeat_overdue{@}", "{{heartbeat}}"), NO,
           width=8, rule="HeartbeatMissed")
d.timeline("Failed", "Whether the last run of a job failed, as it told itself.",
           ("heartbeat_failed{@}", "{{heartbeat}}"), NO, width=8, rule="HeartbeatFailed")
d.table("Last run", "When each job last told that it ended, and how long it took.", "heartbeat", [
    ("Ended", "s", "time() - max by (heartbeat) (heartbeat_last_ping_timestamp_seconds{@})"),
    ("Took", "s", "max by (heartbeat) (heartbeat_duration_seconds{@})"),
    ("Every", "s", "max by (heartbeat) (heartbeat_expected_interval_seconds{@})")], width=8, shown={"heartbeat": "Job"})

d.row("Programs that are run")
d.timeline("What plugins say", "What each Nagios plugin found when it last ran.", ("exec_status{@}", "{{name}}"),
           {0: ("ok", GREEN), 1: ("warning", ORANGE), 2: ("critical", RED), 3: ("unknown", "purple")}, width=8)
d.graph("Their figures", "Performance data, in the unit that each has.",
        ("exec_perfdata_value{@}", "{{name}} {{label}} {{unit}}"))
d.graph("How long", "What the last run of each took.", ("exec_duration_seconds{@}", "{{name}}"), "s")
